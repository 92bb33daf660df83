"""The port ``Locks`` on the Kubernetes API: one Lease per release while it is written.

A Lease is taken by creating it, or over by writing on the resourceVersion that was read; so of two who try, one wins.
It is renewed beside the body, which is cancelled when the Lease turns out to be somebody else's. It is deleted at the
end, however the body ends, and only while it is still ours.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from helmops.adapters.kube import leases
from helmops.adapters.kube.client import MERGE_PATCH, Client, Request
from helmops.adapters.kube.failures import Unserved
from helmops.adapters.kube.leases import Gone, Lease
from helmops.adapters.kube.listing import list_all
from helmops.adapters.kube.paths import segment
from helmops.api.model import Access
from helmops.core.release.observation import LeaseView
from helmops.errors import Conflict, Forbidden, HelmopsError, Locked, NotFound
from helmops.ports import Lock

_EVERYWHERE = f"/apis/{leases.API_VERSION}/leases"
_TRIES = 4
_FAREWELL = 3.0
"""Seconds that giving a Lease back may take. One that is left behind expires, and its holder knows its own."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: how long a Lease lives, how often it is renewed."""

    duration: float = 15.0
    renew: float = 5.0


class _Gone(NotFound):
    """The Lease itself is not there, as against the server's not serving Leases for a moment."""


@dataclass(slots=True)
class _Held:
    """A Lease of ours. ``version`` moves with each renewal; ``lost`` says why it is ours no more."""

    access: Access
    path: str
    release: str
    uid: str
    version: str
    lost: Locked | None = None


class KubeLocks:
    """Leases of API servers, held as ``holder``."""

    def __init__(
        self,
        client: Client,
        holder: str,
        writers_gone: Gone,
        *,
        holder_gone: Gone = lambda _: None,
        timing: Timing = Timing(),
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._client = client
        self._holder = holder
        self._writers_gone = writers_gone
        self._holder_gone = holder_gone
        self._timing = timing
        self._now = now
        self._busy: set[tuple[Access, str]] = set()

    def hold(self, access: Access, namespace: str, name: str, *, deadline: float) -> AbstractAsyncContextManager[Lock]:
        """Take the Lease or raise Locked; keep it; give it back."""
        return self._hold(access, namespace, name, deadline)

    async def look(self, access: Access, namespace: str, name: str) -> LeaseView | None:
        """The Lease as it stands, or None."""
        lease = await self._read(access, _path(namespace, name))
        return lease.view(self._now(), self._gone, self._holder_gone) if lease else None

    async def left_behind(self, access: Access, releases: Collection[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Those of the releases whose Lease's holder is known to be gone, with or without its helm."""
        found = await self._of(access, releases)
        return frozenset(release for release, lease in found.items() if self._holder_gone(lease.holder) is True)

    async def sweep(self, access: Access, releases: Collection[tuple[str, str]]) -> None:
        """What a killed helmops left of releases that nobody need recover."""
        for release, lease in (await self._of(access, releases)).items():
            if self._gone(lease.holder) is True:
                guard = {"preconditions": {"uid": lease.uid, "resourceVersion": lease.resource_version}}
                with suppress(Conflict, NotFound):  # somebody has it in hand
                    await self._client.request(access, Request("DELETE", _path(*release), body=guard))

    async def _of(self, access: Access, releases: Collection[tuple[str, str]]) -> dict[tuple[str, str], Lease]:
        """The Leases of these releases, by one list; of each namespace where the whole cluster may not be listed."""
        namespaces = {namespace for namespace, _ in releases}
        try:
            items = await self._list(access, _path(*namespaces) if len(namespaces) == 1 else _EVERYWHERE)
        except Forbidden:
            if len(namespaces) == 1:
                raise
            lists = await asyncio.gather(*(self._list(access, _path(namespace)) for namespace in namespaces))
            items = [item for found in lists for item in found]
        named = ((item["metadata"]["namespace"], leases.read(item)) for item in items)
        found = {(namespace, lease.name.removeprefix(leases.PREFIX)): lease for namespace, lease in named}
        return {release: found[release] for release in releases if release in found}

    async def _list(self, access: Access, path: str) -> list[Mapping[str, Any]]:
        return await list_all(self._client, access, path, selector=leases.OURS, where="Leases")

    @asynccontextmanager
    async def _hold(self, access: Access, namespace: str, name: str, deadline: float) -> AsyncIterator[Lock]:
        key = (access, _path(namespace, name))
        if key in self._busy:
            raise Locked(f"release {namespace}/{name} is being written by this very process", holder=self._holder)
        self._busy.add(key)
        try:
            held = await self._take(access, namespace, name, deadline)
            async with self._kept(held):
                yield Lock(self._holder)
        finally:
            self._busy.discard(key)

    @asynccontextmanager
    async def _kept(self, held: _Held) -> AsyncIterator[None]:
        """Renewed while the body runs, given back after it. The body's own error leaves unwrapped."""
        failure: Exception | None = None
        try:
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(self._keep(held))
                try:
                    yield
                except Exception as error:  # noqa: BLE001 - raised again below, out of the group's wrapping
                    failure = error
                finally:
                    keeper.cancel()
        except* Locked:
            failure = held.lost
        finally:
            await _in_any_case(self._give_back(held))
        if failure is not None:
            raise failure

    async def _take(self, access: Access, namespace: str, name: str, deadline: float) -> _Held:
        path, release = _path(namespace, name), f"{namespace}/{name}"
        for _ in range(_TRIES):
            found = await self._create(access, namespace, name, deadline)
            if found is None:
                lease = await self._read(access, path)
                found = await self._take_over(access, path, release, lease, deadline) if lease else None
            if found is not None:
                return _Held(access, path, release, found.uid, found.resource_version)
        raise Locked(f"release {release} is being written: its Lease came and went {_TRIES} times", where=release)

    async def _create(self, access: Access, namespace: str, name: str, deadline: float) -> Lease | None:
        """The Lease made anew; None when there is one."""
        body = self._document(name, deadline)
        request = Request("POST", _path(namespace), body=body, where=f"Lease {namespace}/{body['metadata']['name']}")
        try:
            return leases.read(await self._client.request(access, request))
        except Conflict:
            return None
        except NotFound as error:
            hint = "create it first, or set install.createNamespace"
            message = f"namespace {namespace!r} does not exist, so its releases cannot be written"
            raise NotFound(message, where=error.where, hint=hint) from None

    async def _take_over(self, access: Access, path: str, release: str, lease: Lease, deadline: float) -> Lease | None:
        own = lease.holder == self._holder  # left behind: had we it in use, we would not be here
        view = lease.view(self._now(), self._gone)
        if not own and not leases.takeable(view, self._now()):
            raise leases.locked(view, release)
        if not own and view.writers_gone is not True:
            # Clocks differ: a holder that lives renews in this time, and the write below then meets a Conflict.
            await asyncio.sleep(self._timing.renew * 1.2)
        body = self._document(lease.name.removeprefix(leases.PREFIX), deadline)
        body["metadata"] |= {"uid": lease.uid, "resourceVersion": lease.resource_version}
        try:
            answer = await self._client.request(access, Request("PUT", path, body=body, where=f"Lease {release}"))
        except NotFound:
            return None
        except Conflict:
            raise await self._outrun(access, path, release, view) from None
        return leases.read(answer)

    async def _outrun(self, access: Access, path: str, release: str, view: LeaseView) -> Locked:
        """Somebody wrote the Lease while we were about to: whoever that was is alive."""
        lease = await self._read(access, path)
        current = lease.view(self._now(), self._gone) if lease else view
        return leases.locked(replace(current, live=True), release)

    async def _keep(self, held: _Held) -> None:
        """Renew until cancelled. Raises Locked when the Lease is ours no more."""
        while True:
            await asyncio.sleep(self._timing.renew)
            try:
                await self._renew(held)
            except (Conflict, _Gone) as error:
                held.lost = Locked(f"the Lease of release {held.release} was lost: {error.message}")
                raise held.lost from error
            except HelmopsError:
                continue  # others respect the deadline that stands in the Lease, so silence alone loses nothing

    async def _renew(self, held: _Held) -> None:
        metadata = {"uid": held.uid, "resourceVersion": held.version}
        body = {"metadata": metadata, "spec": {"renewTime": leases.stamp(self._now())}}
        request = Request("PATCH", held.path, body=body, content_type=MERGE_PATCH, timeout=self._timing.duration)
        try:
            held.version = leases.read(await self._client.request(held.access, request)).resource_version
        except (Conflict, NotFound):
            await self._recognise(held)

    async def _recognise(self, held: _Held) -> None:
        """It has moved: by a write of ours whose answer was lost, by a bystander's, or into other hands."""
        lease = await self._read(held.access, held.path)
        if lease is None:
            raise _Gone("it was deleted")
        if (lease.uid, lease.holder) != (held.uid, self._holder):
            raise Conflict(f"it is held by {lease.holder or 'nobody'}")
        held.version = lease.resource_version

    async def _give_back(self, held: _Held) -> None:
        if held.lost is not None:
            return
        for _ in range(_TRIES):
            try:
                guard = {"preconditions": {"uid": held.uid, "resourceVersion": held.version}}
                await self._client.request(held.access, Request("DELETE", held.path, body=guard))
            except Conflict:
                await self._recognise(held)
            else:
                return

    async def _read(self, access: Access, path: str) -> Lease | None:
        try:
            return leases.read(await self._client.request(access, Request("GET", path)))
        except Unserved:
            raise
        except NotFound:
            return None

    def _document(self, name: str, deadline: float) -> dict[str, Any]:
        lease_name, seconds = leases.PREFIX + name, self._timing.duration
        return leases.document(lease_name, self._holder, self._now(), seconds=seconds, deadline=deadline)

    def _gone(self, holder: str) -> bool | None:
        return False if holder == self._holder else self._writers_gone(holder)


def _path(namespace: str, name: str = "") -> str:
    leases_of = f"/apis/{leases.API_VERSION}/namespaces/{segment(namespace)}/leases"
    return f"{leases_of}/{segment(leases.PREFIX + name)}" if name else leases_of


async def _in_any_case(farewell: Coroutine[Any, Any, None]) -> None:
    """Run to its end, though we be cancelled meanwhile; bounded; what goes wrong in it is nobody's failure."""
    task = asyncio.create_task(_bounded(farewell))
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


async def _bounded(farewell: Coroutine[Any, Any, None]) -> None:
    try:
        async with asyncio.timeout(_FAREWELL):
            await farewell
    except (TimeoutError, HelmopsError):
        return
