"""Where bare copies of git repositories are, each behind a lock that holds between processes."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from helmops.errors import InputError, Transient

UNUSED_AFTER = 30 * 86400.0
"""Seconds after which a copy that nobody asked for is dropped."""

PATIENCE = 600.0
"""Seconds to wait for another process: longer than a fetch and a read may take."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.2


class Folders:
    """Below ``root``; below a private temporary folder when nothing can be written there."""

    def __init__(self, root: str) -> None:
        self._root = Path(root)
        self._folder: Path | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    @asynccontextmanager
    async def hold(self, url: str) -> AsyncIterator[Path]:
        """The folder of a URL, which nobody else touches meanwhile. Transient when somebody keeps it too long."""
        folder = await asyncio.to_thread(self._open) / hashlib.sha256(url.encode()).hexdigest()[:40]
        pause, until = _FIRST_PAUSE, time.monotonic() + PATIENCE
        while True:
            with _lock(folder) as mine:
                if mine:
                    await asyncio.to_thread(_use, folder)
                    yield folder
                    return
            if time.monotonic() > until:
                raise Transient("another helmops has been fetching the same git repository for too long")
            # Asked again and again: a thread that waits for the lock could not be cancelled.
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def close(self) -> None:
        """Remove what could not be cached."""
        if self._temporary:
            self._temporary.cleanup()
            self._temporary = self._folder = None

    def _open(self) -> Path:
        if self._folder is None:
            self._folder = self._made()
            _sweep(self._folder)
        return self._folder

    def _made(self) -> Path:
        folder = self._root / "git"
        try:
            # One after the other: the mode does not count for parents made on the way.
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            return self._aside()
        return folder

    def _aside(self) -> Path:
        try:
            self._temporary = self._temporary or tempfile.TemporaryDirectory(prefix="helmops-git-")
        except OSError as error:
            hint = "name a folder with room in HELMOPS_CACHE_HOME"
            raise InputError(f"there is no room for git repositories: {error.strerror}", hint=hint) from error
        return Path(self._temporary.name)


def size_of(folder: Path) -> int:
    """Bytes below a folder, whatever comes and goes in between."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(path, name).lstat().st_size
    return total


@contextmanager
def _lock(folder: Path) -> Iterator[bool]:
    """Whether it is ours. The file stays: who removed it would leave two with a lock each."""
    handle = os.open(folder.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def _use(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    os.utime(folder)


def _sweep(top: Path) -> None:
    """Once a process: drop copies that are not used any more."""
    oldest = time.time() - UNUSED_AFTER
    for folder in top.iterdir():
        with contextlib.suppress(OSError):
            if folder.is_dir() and folder.lstat().st_mtime < oldest:
                with _lock(folder) as mine:
                    if mine:
                        shutil.rmtree(folder, ignore_errors=True)
