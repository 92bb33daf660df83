"""The source of files: a folder, or a commit of a git repository, looked at every few seconds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from helmops.api.model import Access, FileValues
from helmops.core.release.status import Status
from helmops.daemon.item import Item, Report, Wake
from helmops.daemon.log import Log
from helmops.engine.context import Ports
from helmops.engine.load import Loaded, load
from helmops.engine.plan import Key
from helmops.errors import HelmopsError

Folders = Callable[[], Awaitable[Sequence[str]]]
"""Where the files are now: always the same folder, or that of the newest commit."""


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
        self._seen: Any = None
        self._error = ""
        self._loaded: dict[Key, Loaded] = {}
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
        folders = await self._folders()
        seen = await self._texts(folders)
        if seen == self._seen:
            return
        loaded = await load(self._ports.files, folders, namespace=self._namespace, access=self._access)
        self._seen, self._error = seen, ""
        self._take({release.described: _alone(loaded, release.described) for release in loaded.desired.releases}, wake)

    def _take(self, loaded: dict[Key, Loaded], wake: Wake) -> None:
        before, self._loaded = self._loaded, loaded
        for key in before.keys() - loaded.keys():
            self._standing.pop(key, None)
            wake(key, "deleted")
        for key, one in loaded.items():
            if before.get(key) != one:
                wake(key, "changed")

    async def _texts(self, folders: Sequence[str]) -> Any:
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
