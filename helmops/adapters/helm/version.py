"""helm's version, remembered by its binary, so that asking for it mostly starts no process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from helmops.adapters.helm.capabilities import parse_version
from helmops.ports import HelmVersion, Memory

SCOPE = "helm-version"


async def remembered_version(memory: Memory, binary: str, ask: Callable[[], Awaitable[str]]) -> HelmVersion:
    """The version of ``binary``; ``ask`` starts it, and is called only when the file has changed or is new."""
    stamp = _stamp(binary)
    known = memory.load(SCOPE)
    entry = known.get(binary)
    if stamp and isinstance(entry, dict) and entry.get("stamp") == stamp:
        return parse_version(str(entry.get("version")))
    version = parse_version(await ask())
    if stamp:
        memory.save(SCOPE, {**known, binary: {"stamp": stamp, "version": version.text}})
    return version


def _stamp(binary: str) -> str:
    """What tells this file from another. "" for a script: a version manager's shim stays while its helm changes."""
    path = Path(binary)
    with path.open("rb") as file:
        if file.read(2) == b"#!":
            return ""
    status = path.stat()
    return f"{status.st_mtime_ns}:{status.st_size}:{path.resolve()}"
