"""Checkouts: the files of a commit in a folder that this process alone uses, and that goes with it."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from helmops.api.model import Credentials
from helmops.errors import InputError

if TYPE_CHECKING:
    from helmops.adapters.git import Git, Refs

USERNAME, PASSWORD = "HELMOPS_GIT_USERNAME", "HELMOPS_GIT_PASSWORD"
_YOUNG = 60.0  # seconds in which a folder may not be locked yet by whoever made it
_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"


class GitCheckouts:
    """Port ``Checkouts``. Objects come from the bare copies that charts in git share; files are this process's own."""

    def __init__(self, git: Callable[[], Git], root: str, environ: Mapping[str, str]) -> None:
        self._make = git
        self._root = Path(root)
        self._credentials = _credentials(environ)
        self._git: Git | None = None
        self._place: Path | None = None
        self._lock = -1

    async def folder(self, url: str, ref: str, *, used: Collection[str] = ()) -> str:
        """The files of the newest commit. InputError, Forbidden, Transient."""
        git = self._git = self._git or self._make()
        remote = git.remote(url, self._credentials)
        commit = newest(await git.refs(remote), ref, remote.shown)
        target = await asyncio.to_thread(self._open) / commit
        if not target.is_dir():
            from helmops.adapters.git_tree import write_commit

            async with git.repository(remote) as repository:
                most = git.most_bytes
                await repository.read(commit, lambda objects: write_commit(objects, commit, target, remote.shown, most))
        await asyncio.to_thread(_sweep, target, used)
        return str(target)

    async def close(self) -> None:
        """Remove everything."""
        if self._place is not None:
            await asyncio.to_thread(shutil.rmtree, self._place, ignore_errors=True)
            os.close(self._lock)
            self._place = None
        if self._git is not None:
            await self._git.close()

    def _open(self) -> Path:
        """Locked for as long as we live: so others know what a killed process left. Caches may be deleted under us."""
        if self._place is not None and self._place.is_dir():
            return self._place
        if self._place is not None:
            os.close(self._lock)
        self._place = self._made()
        self._lock = os.open(self._place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with contextlib.suppress(OSError):  # where nothing can be locked, nobody takes it for abandoned
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return self._place

    def _made(self) -> Path:
        top = self._root / "checkouts"
        with contextlib.suppress(OSError):
            # One after the other: the mode does not count for parents made on the way.
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            top.mkdir(mode=0o700, exist_ok=True)
            _drop_abandoned(top)
            return Path(tempfile.mkdtemp(dir=top))
        try:
            return Path(tempfile.mkdtemp(prefix="helmops-checkouts-"))
        except OSError as error:
            hint = "name a folder with room in HELMOPS_CACHE_HOME"
            raise InputError(f"there is no room for checkouts: {error.strerror}", hint=hint) from error


def newest(refs: Refs, ref: str, shown: str) -> str:
    """The commit of a branch, a tag or a full name, in this order; without one that of HEAD. InputError."""
    for name in (f"{_BRANCHES}{ref}", f"{_TAGS}{ref}", ref) if ref else ("HEAD",):
        if name in refs.commits:
            return refs.commits[name]
    if not ref:
        raise InputError(f"{shown} is empty, or its HEAD names no branch", hint="say which branch with --ref")
    nearest = difflib.get_close_matches(ref, [*refs.below(_BRANCHES), *refs.below(_TAGS)], n=3)
    told = f"; nearest: {', '.join(nearest)}" if nearest else ""
    raise InputError(f"{shown} has no branch or tag {ref[:200]!r}{told}")


def _credentials(environ: Mapping[str, str]) -> Credentials | None:
    username, password = environ.get(USERNAME, ""), environ.get(PASSWORD, "")
    return Credentials(username, password) if username or password else None


def _sweep(current: Path, used: Collection[str]) -> None:
    """Away with the checkouts that nobody reads any more."""
    for folder in current.parent.iterdir():
        if folder != current and not any(Path(one).is_relative_to(folder) for one in used):
            shutil.rmtree(folder, ignore_errors=True)


def _drop_abandoned(top: Path) -> None:
    """What processes left that were killed."""
    for folder in top.iterdir():
        with contextlib.suppress(OSError):
            if folder.lstat().st_mtime < time.time() - _YOUNG:
                _drop_unlocked(folder)


def _drop_unlocked(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)
