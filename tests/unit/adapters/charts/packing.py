"""Charts made for tests: as files, packed, and packed in ways nobody should."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path


def chart(name: str = "demo", version: str = "1.0.0", **more: str) -> dict[str, str]:
    """The files of a small chart. A keyword is a file's path with ``__`` for ``/`` and ``_`` for the last dot."""
    files = {
        "Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: {version}\n",
        "values.yaml": "replicas: 1\n",
        "templates/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}'}\n",
    }
    return {**files, **{_path(name): text for name, text in more.items()}}


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """The files below a folder, which is given back. Their times lie long ago, so that they count as settled."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)
        os.utime(target, (1_700_000_000, 1_700_000_000))
    return folder


def pack(files: Mapping[str, str | bytes], top: str = "demo", mtime: int = 0) -> bytes:
    """A ``.tgz`` as ``helm package`` makes it."""
    return pack_members(((f"{top}/{path}", text) for path, text in files.items()), mtime)


def pack_members(members: Iterable[tuple[str | tarfile.TarInfo, str | bytes]], mtime: int = 0) -> bytes:
    """Any members under any names."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, content in members:
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.mtime = mtime
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=mtime)


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A member that is no plain file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def _path(keyword: str) -> str:
    stem, _, suffix = keyword.replace("__", "/").rpartition("_")
    return f"{stem}.{suffix}"
