"""The source of files: a folder, or a commit of a git repository, looked at every few seconds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from helmops.api.model import Access, FileValues
from helmops.core.release.status import Status
from helmops.daemon.item import Item, Report, Wake
from helmops.daemon.log import Log
from helmops.daemon.unplaced import unplaced
from helmops.engine.context import Ports
from helmops.engine.load import Loaded, load
from helmops.engine.plan import Key
from helmops.errors import HelmopsError
from helmops.ports import SourceFile

Folders = Callable[[Sequence[str]], Awaitable[Sequence[str]]]
"""Where the files are now: always the same folder, or that of the newest commit. Told which are still read."""

Seen = tuple[Sequence[SourceFile], list[str]]
"""Manifests, and the texts of the values beside them."""


class FolderSource:
    """Manifests as sync takes them. While they are wrong, what was right before stays wanted."""

    def __init__(
        self, ports: Ports, access: Access, folders: Folders, log: Log, *, namespace: str, every: float
    ) -> None:
        self._ports = ports
        self._access = access
        self._folders = folders
        self._log = log
        self._namespace = namespace
        self._every = every
        self._seen: Seen | None = None
        self._error = ""
        self._read: Sequence[str] = ()
        self._loaded: dict[Key, Loaded] = {}
        self._compared: dict[Key, Any] = {}
        self._standing: dict[Key, Status] = {}

    def knows(self, key: Key) -> bool:
        """Whether the files describe it."""
        return key in self._loaded

    async def watch(self, wake: Wake) -> None:
        """Look, wait, look again."""
        while True:
            try:
                await self._look(wake)
            except HelmopsError as error:
                self._complain(str(error))
            await self._ports.clock.sleep(self._every)

    async def read(self, key: Key) -> Item | None:
        """The release as the files had it when they were last right."""
        loaded = self._loaded.get(key)
        return None if loaded is None else Item(key, loaded, before=self._standing.get(key, Status()))

    async def tell(self, item: Item, report: Report) -> None:
        """There is no object to tell it to; what changes is in the log."""
        self._standing[item.key] = report.status

    async def _look(self, wake: Wake) -> None:
        folders = await self._folders(self._read)
        seen = await self._texts(folders)
        if seen != self._seen:
            await self._load(folders, seen, wake)
        self._recover()

    async def _load(self, folders: Sequence[str], seen: Seen, wake: Wake) -> None:
        loaded = await load(self._ports.files, folders, namespace=self._namespace, access=self._access)
        self._seen, self._read = seen, folders
        roots = {source.root for source in seen[0]}
        self._take(
            {release.described: _alone(loaded, release.described) for release in loaded.desired.releases}, roots, wake
        )

    def _take(self, loaded: dict[Key, Loaded], roots: set[str], wake: Wake) -> None:
        self._loaded = loaded
        before, self._compared = self._compared, {key: _comparable(one, roots) for key, one in loaded.items()}
        for key in before.keys() - loaded.keys():
            self._standing.pop(key, None)
            wake(key, "deleted")
        for key, one in self._compared.items():
            if before.get(key) != one:
                wake(key, "changed")

    async def _texts(self, folders: Sequence[str]) -> Seen:
        """Everything that the releases are made of, but the charts."""
        manifests = await self._ports.files.manifests(folders)
        releases = [release for one in self._loaded.values() for release in one.desired.releases]
        values = [one for release in releases for one in release.values if isinstance(one, FileValues)]
        return manifests, [await self._values(one) for one in values]

    async def _values(self, source: FileValues) -> str:
        try:
            return await self._ports.files.read(source.path, source.root)
        except HelmopsError as error:
            return f"! {error.message}"

    def _complain(self, error: str) -> None:
        """Once, not every few seconds."""
        if error != self._error:
            self._error = error
            self._log.error("input", f"what was wanted before stays wanted: {error}")

    def _recover(self) -> None:
        """What was complained of is over, and news if it comes back."""
        if self._error:
            self._error = ""
            self._log.info("input", "can be read again")


def _comparable(one: Loaded, roots: set[str]) -> Any:
    """A chart beside the manifests counts with its folder: in another commit it may be another one."""
    return one.desired.releases[0].chart, unplaced(one, roots)


def _alone(loaded: Loaded, key: Key) -> Loaded:
    """The input of one release."""
    desired = loaded.desired
    own = tuple(release for release in desired.releases if release.described == key)
    return replace(
        loaded,
        desired=replace(desired, releases=own),
        layers={key: loaded.layers[key]},
        parts={key: loaded.parts[key]},
    )
