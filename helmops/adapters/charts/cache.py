"""The store of unpacked charts on disk: content digest → folder. Complete or absent, whoever else is at work."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import orjson

from helmops.adapters.charts.tree import ChartTree
from helmops.errors import InputError

UNUSED_AFTER = 30 * 86400.0
"""Seconds after which a chart that nobody asked for is dropped."""

_NEW = ".new-"
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A chart in the store. ``path`` is its folder."""

    digest: str
    name: str
    version: str
    path: str


class ChartCache:
    """Charts below ``root``; below a private temporary folder when nothing can be written there."""

    def __init__(self, root: str) -> None:
        self._root = Path(root)
        self._folder = self._root / "charts"
        self._known: dict[str, Entry] = {}
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._swept = False
        self._writing = threading.Lock()

    def find(self, digest: str) -> Entry | None:
        """The chart, if it is here and whole. Cleaners of cache folders take single old files away."""
        if digest in self._known:
            return self._known[digest]
        entry = _read(self._folder / digest, digest) if len(digest) == 64 and digest.isalnum() else None
        if entry:
            self._known[digest] = entry
            with contextlib.suppress(OSError):
                os.utime(self._folder / digest)
        return entry

    def store(self, tree: ChartTree) -> Entry:
        """The chart, written unless it is here already. InputError when nothing can be written anywhere."""
        with self._writing:
            return self.find(tree.digest) or self._written(tree)

    def close(self) -> None:
        """Remove what could not be cached."""
        if self._temporary:
            self._temporary.cleanup()
            self._temporary = None
            self._known.clear()

    def _written(self, tree: ChartTree) -> Entry:
        try:
            # One after the other: the mode does not count for parents made on the way.
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._sweep()
            entry = _write(self._folder, tree)
        except OSError:
            entry = self._write_aside(tree)
        self._known[tree.digest] = entry
        return entry

    def _write_aside(self, tree: ChartTree) -> Entry:
        try:
            self._temporary = self._temporary or tempfile.TemporaryDirectory(prefix="helmops-charts-")
            return _write(Path(self._temporary.name), tree)
        except OSError as error:
            hint = "name a folder with room in HELMOPS_CACHE_HOME"
            raise InputError(f"cannot unpack chart {tree.metadata.name}: {error.strerror}", hint=hint) from error

    def _sweep(self) -> None:
        """Once a process: drop what is not used any more, and what a killed process left."""
        if self._swept:
            return
        self._swept = True
        now = time.time()
        for path in self._folder.iterdir():
            keep = _DAY if path.name.startswith(_NEW) else UNUSED_AFTER
            with contextlib.suppress(OSError):
                if path.lstat().st_mtime < now - keep:
                    shutil.rmtree(path, ignore_errors=True)


def _read(folder: Path, digest: str) -> Entry | None:
    try:
        about = orjson.loads((folder / "entry.json").read_bytes())
        entry = Entry(digest, about["name"], about["version"], str(folder / "chart"))
        return entry if _measure(entry.path) == (about["files"], about["bytes"]) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _measure(path: str) -> tuple[int, int]:
    """Files and bytes below a folder."""
    files = size = 0
    folders = [path]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    files += 1
                    size += entry.stat(follow_symlinks=False).st_size
    return files, size


def _write(parent: Path, tree: ChartTree) -> Entry:
    """Written aside, then renamed: whoever looks sees nothing or all of it."""
    new = Path(tempfile.mkdtemp(prefix=_NEW, dir=parent))
    try:
        _fill(new, tree)
        return _publish(new, parent / tree.digest, tree.digest)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _fill(new: Path, tree: ChartTree) -> None:
    for path, data in tree.files.items():
        target = new / "chart" / path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _put(target, data)
    about = {"name": tree.metadata.name, "version": tree.metadata.version, "files": len(tree.files), "bytes": tree.size}
    _put(new / "entry.json", orjson.dumps(about))


def _put(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)


def _publish(new: Path, target: Path, digest: str) -> Entry:
    """Under its name, unless another process was faster. An entry of which a part is missing makes way."""
    with contextlib.suppress(OSError):
        new.rename(target)
    entry = _read(target, digest)
    if entry is None:
        shutil.rmtree(target)
        new.rename(target)
        entry = _read(target, digest)
    if entry is None:
        raise OSError(0, f"{target} does not hold what was written")
    return entry
