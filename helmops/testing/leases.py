"""The port ``Locks`` in memory, and levers to play the others who hold Leases."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from helmops.api.model import Access
from helmops.core.release.observation import LeaseView
from helmops.errors import Locked, NotFound
from helmops.ports import Lock
from helmops.testing.records import FakeRecords

DURATION = dt.timedelta(seconds=15)


@dataclass(slots=True, eq=False)
class _Lease:
    """``lost`` ends the body of whoever holds it here; None for a Lease that was left by another."""

    holder: str
    deadline: dt.datetime
    expires: dt.datetime | None = None  # None: renewed for ever
    lost: asyncio.Event | None = field(default=None)


class FakeLeases(FakeRecords):
    """Leases. Levers: ``leave_lease`` (another's, alive or not), ``steal_lease`` (ours is lost), ``writers_gone``,
    ``orphans`` (holders that are gone while their helm lives on)."""

    def __init__(self, namespaces: Collection[str] = ("default", "kube-system")) -> None:
        super().__init__(namespaces)
        self.holder = "fake-holder"
        self.writers_gone: Callable[[str], bool | None] = lambda _: None
        self.orphans: set[str] = set()
        self.held: list[tuple[str, str]] = []
        self._leases: dict[tuple[str, str], _Lease] = {}

    # ------------------------------------------------------------ the port
    def hold(self, access: Access, namespace: str, name: str, *, deadline: float) -> AbstractAsyncContextManager[Lock]:
        """Take it or raise Locked. ``held`` remembers every one that was taken."""
        return self._hold(namespace, name, deadline)

    async def look(self, access: Access, namespace: str, name: str) -> LeaseView | None:
        """The Lease or None."""
        self._called("look", namespace, name)
        lease = self._leases.get((namespace, name))
        return self._view(lease) if lease else None

    async def left_behind(self, access: Access, releases: Collection[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Those of the dead."""
        self._called("left_behind", releases)
        views = {key: self._view(self._leases[key]) for key in releases if key in self._leases}
        return frozenset(key for key, view in views.items() if view.orphaned or view.writers_gone is True)

    async def sweep(self, access: Access, releases: Collection[tuple[str, str]]) -> None:
        """Delete what is left of the dead."""
        self._called("sweep", releases)
        for key in releases:
            lease = self._leases.get(key)
            if lease is not None and self._view(lease).writers_gone is True:
                del self._leases[key]

    # ------------------------------------------------------------ levers
    def leave_lease(
        self, namespace: str, name: str, holder: str, *, live: bool = True, deadline: dt.datetime | None = None
    ) -> None:
        """A Lease of somebody else. ``deadline``: now plus an hour unless given."""
        until = deadline or self.now() + dt.timedelta(hours=1)
        self._leases[namespace, name] = _Lease(holder, until, None if live else self.now() - DURATION)

    def steal_lease(self, namespace: str, name: str, holder: str = "thief") -> None:
        """Whoever holds it here loses it."""
        old = self._leases.get((namespace, name))
        self.leave_lease(namespace, name, holder)
        if old is not None and old.lost is not None:
            old.lost.set()

    # ------------------------------------------------------------ inside
    @asynccontextmanager
    async def _hold(self, namespace: str, name: str, deadline: float) -> AsyncIterator[Lock]:
        self._called("hold", namespace, name, deadline)
        lease = self._take(namespace, name, deadline)
        failure: Exception | None = None
        try:
            async with asyncio.TaskGroup() as group:
                watcher = group.create_task(_until_lost(lease, f"{namespace}/{name}"))
                try:
                    yield Lock(self.holder)
                except Exception as error:  # noqa: BLE001 - raised again below, out of the group's wrapping
                    failure = error
                finally:
                    watcher.cancel()
        except* Locked as group_of_one:
            failure = Locked(str(group_of_one.exceptions[0]))
        finally:
            if self._leases.get((namespace, name)) is lease:
                del self._leases[namespace, name]
        if failure is not None:
            raise failure

    def _take(self, namespace: str, name: str, deadline: float) -> _Lease:
        if not self.has_namespace(namespace):
            raise NotFound(f"namespace {namespace!r} does not exist, so its releases cannot be written")
        old = self._leases.get((namespace, name))
        if old is not None and not self._takeable(self._view(old)):
            raise Locked(f"release {namespace}/{name} is being written by {old.holder}", holder=old.holder)
        until = self.now() + dt.timedelta(seconds=deadline)
        lease = self._leases[namespace, name] = _Lease(self.holder, until, lost=asyncio.Event())
        self.held.append((namespace, name))
        return lease

    def _view(self, lease: _Lease) -> LeaseView:
        live = lease.expires is None or self.now() < lease.expires
        orphaned = lease.holder in self.orphans
        gone = False if orphaned or lease.holder == self.holder else self.writers_gone(lease.holder)
        return LeaseView(lease.holder, live, gone, lease.deadline, orphaned)

    def _takeable(self, view: LeaseView) -> bool:
        return view.writers_gone is True or (not view.live and self.now() >= view.deadline)


async def _until_lost(lease: _Lease, release: str) -> None:
    if lease.lost is not None:
        await lease.lost.wait()
    raise Locked(f"the Lease of release {release} was lost")
