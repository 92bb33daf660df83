"""The daemon, from the command line: which source it follows, and how it ends."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from helmops.cli import exits
from helmops.cli.output.stream import write
from helmops.cli.session import Session
from helmops.daemon.cluster import ClusterSource
from helmops.daemon.daemon import Daemon, Settings
from helmops.daemon.folder import Folders, FolderSource
from helmops.daemon.item import Source
from helmops.daemon.log import Log
from helmops.ports import Checkouts


@dataclass(frozen=True, slots=True)
class Repository:
    """A folder of a git repository, "" for all of it, at a branch or tag, "" for its HEAD."""

    url: str
    ref: str = ""
    folder: str = ""

    def __str__(self) -> str:
        folder = f"{self.folder} of " if self.folder else ""
        return f"{folder}{self.url} at {self.ref or 'HEAD'}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked of the daemon. Without ``path`` and ``git`` it follows the objects of the cluster."""

    path: str
    git: Repository | None
    interval: float
    poll: float
    parallel: int
    as_json: bool


async def daemon(session: Session, asked: Asked) -> int:
    """Until a signal comes: then what runs is ended in order, which is what was asked for."""
    journal = Log(session.ports.clock, lambda line: write([line]), as_json=asked.as_json)
    scope = await session.enter()
    namespace = await session.chosen_namespace()
    source = await _source(session, asked, journal, namespace)
    settings = Settings(interval=asked.interval, workers=asked.parallel, namespace=namespace)
    journal.info("daemon", f"follows {_followed(asked, namespace)}", context=scope.context)
    try:
        await Daemon(session.ports, session.access, source, journal, settings).run()
    except asyncio.CancelledError:
        if task := asyncio.current_task():
            task.uncancel()
    journal.info("daemon", "ended")
    return exits.DONE


async def _source(session: Session, asked: Asked, log: Log, namespace: str) -> Source:
    if not asked.path and not asked.git:
        return ClusterSource(session.ports, session.access, log, namespace=namespace)
    folders = of_git(session.checkouts, asked.git) if asked.git else _always(asked.path)
    filled_in = await session.namespace()
    return FolderSource(session.ports, session.access, folders, log, namespace=filled_in, every=asked.poll)


def _always(path: str) -> Folders:
    async def folders(used: Sequence[str]) -> Sequence[str]:
        return [path]

    return folders


def of_git(checkouts: Checkouts, asked: Repository) -> Folders:
    """Those of the newest commit."""

    async def folders(used: Sequence[str]) -> Sequence[str]:
        checkout = await checkouts.folder(asked.url, asked.ref, used=used)
        return [posixpath.join(checkout, asked.folder)]

    return folders


def _followed(asked: Asked, namespace: str) -> str:
    if asked.path or asked.git:
        return asked.path or str(asked.git)
    return f"Release objects of namespace {namespace}" if namespace else "all Release objects"
