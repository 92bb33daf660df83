"""What is remembered between two runs, on disk. All of it may vanish or be wrong at any time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

UNUSED_AFTER = 60 * 86400.0
"""Seconds after which a file that was not written again is dropped."""


def cache_root(environ: Mapping[str, str]) -> str:
    """Where caches live: ``HELMOPS_CACHE_HOME``, else ``helmops`` in the user's cache folder."""
    own = environ.get("HELMOPS_CACHE_HOME")
    if own:
        return str(Path(own).absolute())
    base = environ.get("XDG_CACHE_HOME")
    home = environ.get("HOME")
    caches = Path(base) if base else (Path(home) if home else Path.home()) / ".cache"
    return str(caches.absolute() / "helmops")


class DiskMemory:
    """Port ``Memory``: one private JSON file a scope below ``root``."""

    def __init__(self, root: str) -> None:
        self._root = Path(root)
        self._folder = self._root / "memory"
        self._swept = False

    def load(self, scope: str) -> Mapping[str, Any]:
        """What was saved under ``scope``; an empty mapping when it is absent, unreadable or not ours."""
        try:
            data = orjson.loads(self._file(scope).read_bytes())
        except (OSError, ValueError):
            return {}
        # The scope stands in the file too, so that a file under a wrong name is not believed.
        known = isinstance(data, dict) and data.get("scope") == scope and isinstance(data.get("data"), dict)
        return data["data"] if known else {}

    def save(self, scope: str, data: Mapping[str, Any]) -> None:
        """Replace atomically. What cannot be written is not remembered."""
        with contextlib.suppress(OSError, TypeError, ValueError):
            content = orjson.dumps({"scope": scope, "data": data})
            # One after the other: the mode does not count for parents made on the way.
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._sweep()
            self._replace(self._file(scope), content)

    def _file(self, scope: str) -> Path:
        return self._folder / f"{hashlib.sha256(scope.encode('utf-8', 'surrogateescape')).hexdigest()[:40]}.json"

    def _replace(self, target: Path, content: bytes) -> None:
        # mkstemp makes the file with mode 0600.
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _sweep(self) -> None:
        """Once a process: drop what nobody has written for long, leftovers of killed processes included."""
        if self._swept:
            return
        self._swept = True
        oldest = time.time() - UNUSED_AFTER
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):
                if path.lstat().st_mtime < oldest:
                    path.unlink()
