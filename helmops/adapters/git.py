"""Git: what a server has, and the objects of one commit. The one file behind which GitPython stands.

What talks to a server runs through ``process``: it can be cancelled, is counted, and ends when we do. GitPython's
command layer runs the ``git cat-file`` that reads objects (docs/decisions/0008-git.md); it is imported only then.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING, Any, Final, TypeVar

from helmops.adapters.git_folders import Folders, size_of
from helmops.adapters.git_objects import Damaged, Objects
from helmops.adapters.git_remote import Remote, environment, failure, isolation
from helmops.adapters.process import Completed, Processes
from helmops.api.model import Credentials
from helmops.errors import InputError, Transient

if TYPE_CHECKING:
    from git.cmd import Git as Command

Answer = TypeVar("Answer")

MAX_BYTES: Final = "HELMOPS_MAX_GIT_BYTES"
DEFAULT_BYTES: Final = 1024**3
ASK: Final = 60.0
FETCH: Final = 300.0
READ: Final = 60.0
"""Seconds for a list of refs, for a fetch, for reading a chart."""

_ATTEMPTS = 3
_PAUSE = 0.5
_GRACE = 2.0
_LOOK = 0.5  # seconds between two looks at how much a fetch has brought
_MOST_COMMITS = 50  # in one bare copy; then it is begun anew, which is cheaper than to tidy it up
_OURS = "refs/helmops"
_REF = re.compile(r"([0-9a-f]{40})\t(\S+)")
_HEAD = re.compile(r"ref: refs/heads/(\S+)\tHEAD")
_NOT_BY_ID = re.compile(rb"unadvertised object|not support shallow")
_ABSENT = b"not our ref"


@dataclass(frozen=True, slots=True)
class Refs:
    """What a server has: commit by full name (an annotated tag's is the commit it marks), and the branch of HEAD."""

    commits: Mapping[str, str]
    head_branch: str = ""

    def below(self, prefix: str) -> dict[str, str]:
        """By the name after the prefix."""
        return {name.removeprefix(prefix): at for name, at in self.commits.items() if name.startswith(prefix)}


class Git:
    """Git repositories: one bare copy a URL below ``root``, shared with other processes."""

    def __init__(self, root: str, processes: Processes, environ: Mapping[str, str]) -> None:
        self._processes = processes
        self._environ = environ
        self._folders = Folders(root)

    def remote(self, url: str, credentials: Credentials | None = None) -> Remote:
        """InputError for what is no address of a git server."""
        return Remote.of(url, credentials, self._environ)

    async def refs(self, remote: Remote) -> Refs:
        """One ``ls-remote``, up to three times. InputError (no repository there), Forbidden, Transient."""
        for attempt in range(1, _ATTEMPTS):
            with contextlib.suppress(Transient):
                return await self._refs(remote)
            await asyncio.sleep(_PAUSE * attempt)
        return await self._refs(remote)

    @asynccontextmanager
    async def repository(self, remote: Remote) -> AsyncIterator[Repository]:
        """The bare copy of a URL, ours alone as long as the context lasts. Transient when another keeps it."""
        async with self._folders.hold(remote.url) as folder:
            yield Repository(self, remote, folder)

    async def run(self, remote: Remote, words: tuple[str, ...], git_dir: str, seconds: float) -> Completed:
        """One git process, however it ends."""
        env = environment(remote, self._environ, git_dir)
        return await self._processes.run(("git", *words), env=env, deadline=seconds, grace=_GRACE)

    def count(self, processes: int) -> None:
        """Processes that GitPython started."""
        self._processes.started += processes

    @property
    def most_bytes(self) -> int:
        """How big a bare copy may get."""
        text = self._environ.get(MAX_BYTES, "") or str(DEFAULT_BYTES)
        if not text.isdecimal() or int(text) == 0:
            raise InputError(f"{MAX_BYTES} must be a number of bytes, not {text!r}")
        return int(text)

    async def close(self) -> None:
        """Remove what could not be cached."""
        await asyncio.to_thread(self._folders.close)

    async def _refs(self, remote: Remote) -> Refs:
        # As its repository, a file that is none: whatever stands around us has no say.
        words = ("ls-remote", "--symref", "--end-of-options", remote.url)
        done = await self.run(remote, words, os.devnull, ASK)
        if done.returncode:
            raise failure(remote, done.stderr, timed_out=done.timed_out, seconds=ASK)
        if done.truncated:
            raise InputError(f"{remote.shown} has more refs than can be read")
        return _refs(done.stdout.decode("utf-8", "replace"))


class Repository:
    """A bare copy that is held. Commits stay under ``refs/helmops``, so that a later fetch brings only what is new."""

    def __init__(self, git: Git, remote: Remote, folder: Path) -> None:
        self._git = git
        self._remote = remote
        self._folder = folder

    async def read(self, commit: str, work: Callable[[Objects], Answer]) -> Answer:
        """What ``work`` makes of the objects, in a thread; the commit is fetched if it is not here.

        InputError when the server has no such commit, Forbidden, Transient. What is damaged is fetched anew, once.
        """
        await self._fetch(commit)
        try:
            return await self._work(commit, work)
        except Damaged:
            await self._drop()
        await self._fetch(commit)
        try:
            return await self._work(commit, work)
        except Damaged as error:
            raise Transient(f"what {self._remote.shown} sent cannot be read: {error}") from error

    async def _fetch(self, commit: str) -> None:
        if (self._folder / _OURS / commit).is_file():
            return
        await self._init()
        done = await self._transfer(("--depth=1",), f"{commit}:{_OURS}/{commit}")
        # A server may give away only what its refs point to, or know nothing of shallow copies: then all of it.
        if done.returncode and _NOT_BY_ID.search(done.stderr):
            done = await self._transfer((), "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        if done.returncode and _ABSENT in done.stderr:
            raise self._no_commit(commit)
        if done.returncode:
            raise failure(self._remote, done.stderr, timed_out=done.timed_out, seconds=FETCH)

    async def _init(self) -> None:
        """An empty repository, unless there is a good one."""
        await asyncio.to_thread(_tidy, self._folder, self._git.most_bytes // 2)
        if (self._folder / "HEAD").is_file():
            return
        words = ("init", "--quiet", "--bare", "--template=", "--initial-branch=none")
        done = await self._git.run(self._remote, words, str(self._folder), READ)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise InputError(f"cannot make a git repository: {said}", hint="is there room in HELMOPS_CACHE_HOME?")

    async def _transfer(self, options: tuple[str, ...], *refs: str) -> Completed:
        quietly = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--no-recurse-submodules")
        words = ("fetch", *quietly, *options, "--end-of-options", self._remote.url, *refs)
        fetch = asyncio.ensure_future(self._git.run(self._remote, words, str(self._folder), FETCH))
        try:
            while not fetch.done():
                await asyncio.wait({fetch}, timeout=_LOOK)
                await self._check_size(fetch)
        finally:
            await _cancelled(fetch)
        return fetch.result()

    async def _check_size(self, fetch: asyncio.Future[Completed]) -> None:
        """What a server sends has no bound of its own."""
        most = self._git.most_bytes
        if await asyncio.to_thread(size_of, self._folder) > most:
            await _cancelled(fetch)
            await self._drop()
            hint = f"if that is as it should be, raise {MAX_BYTES}"
            raise InputError(f"{self._remote.shown} is bigger than {most:,} bytes", hint=hint)

    async def _drop(self) -> None:
        await asyncio.to_thread(_empty, self._folder)

    def _no_commit(self, commit: str) -> InputError:
        return InputError(f"{self._remote.shown} has no commit {commit}")

    async def _work(self, commit: str, work: Callable[[Objects], Answer]) -> Answer:
        """``work`` over one ``cat-file``. It ends when that ends: so it is cancelled, and kept in time."""
        child = await asyncio.to_thread(self._cat_file)
        with Objects(child.proc) as objects:
            task = asyncio.ensure_future(asyncio.to_thread(self._worked, commit, work, objects))
            try:
                await asyncio.wait({task}, timeout=READ)
                late = not task.done()
            finally:
                objects.end()
                await _over(task)
        if late:
            raise Transient(f"{self._remote.shown} at {commit} could not be read in {READ:g} s")
        return task.result()

    def _worked(self, commit: str, work: Callable[[Objects], Answer], objects: Objects) -> Answer:
        if objects.has(commit):
            return work(objects)
        if (self._folder / _OURS / commit).is_file():
            raise Damaged(f"{commit} is not there any more")
        raise self._no_commit(commit)

    def _cat_file(self) -> Command.AutoInterrupt:
        first = "git" not in sys.modules
        try:
            from git.cmd import Git as Command
        except ImportError as error:
            raise InputError(f"git cannot be used: {error}") from error
        self._git.count(1 + first)  # it asks for git's version when it is imported
        # It passes our own environment on, whatever it is told: what a git hook would have set is overruled.
        env = isolation(str(self._folder)) | {
            "GIT_OBJECT_DIRECTORY": str(self._folder / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
            "GIT_NAMESPACE": "",
            "GIT_CONFIG_PARAMETERS": "",
            "GIT_CONFIG_COUNT": "0",
        }
        words = ["git", "cat-file", "--batch", "--follow-symlinks"]
        return Command(self._folder).execute(words, istream=PIPE, as_process=True, env=env, start_new_session=True)


def _refs(text: str) -> Refs:
    commits: dict[str, str] = {}
    head = ""
    for line in text.splitlines():
        if match := _REF.fullmatch(line):
            # The line of what a tag marks comes after the tag's own.
            commits[match[2].removesuffix("^{}")] = match[1]
        elif match := _HEAD.fullmatch(line):
            head = match[1]
    return Refs(commits, head)


def _tidy(folder: Path, most: int) -> None:
    """Away with what a killed git left, and with a copy that grew: to begin anew costs less than to repack it."""
    for lock in (*folder.glob("*.lock"), *folder.glob(f"{_OURS}/*.lock")):
        lock.unlink(missing_ok=True)
    if len(list(folder.glob(f"{_OURS}/*"))) >= _MOST_COMMITS or size_of(folder) > most:
        _empty(folder)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, exist_ok=True)


async def _cancelled(task: asyncio.Future[Completed]) -> None:
    task.cancel()
    await _over(task)


async def _over(task: asyncio.Future[Any]) -> None:
    """Wait for its end. How it ended is looked at, or asyncio would complain that nobody did."""
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
