"""What is observed of every release, cheap things first."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from helmops.core.release.foreign import argo_claims, flux_claims
from helmops.core.release.observation import PENDING, Foreign, Record
from helmops.core.release.state import Observed, Wanted
from helmops.engine.contents import Contents
from helmops.engine.context import Ports, Scope
from helmops.errors import Forbidden, NotFound

Id = tuple[str, str]  # (storage namespace, release name)

FLUX_KIND = "HelmRelease"
ARGO_KIND = ("argoproj.io/v1alpha1", "Application")


@dataclass(frozen=True, slots=True)
class World:
    """One list of release Secrets told this. ``complete`` is False where only some namespaces could be listed."""

    records: Mapping[Id, tuple[Record, ...]]
    foreign: Mapping[Id, Foreign]
    complete: bool = True

    def of(self, release: Id) -> Observed:
        """What the lists alone tell of a release."""
        return Observed(self.records.get(release, ()), foreign=self.foreign.get(release))


async def look(ports: Ports, scope: Scope, namespaces: Collection[str]) -> World:
    """One metadata-only list for the whole cluster; by namespace where that is forbidden."""
    foreign = asyncio.create_task(claims(ports, scope))
    try:
        records, complete = await _records(ports, scope, namespaces)
        return World(_by_release(records), await foreign, complete)
    finally:
        foreign.cancel()


async def _records(ports: Ports, scope: Scope, namespaces: Collection[str]) -> tuple[Collection[Record], bool]:
    try:
        return await ports.storage.records(scope.access, None), True
    except Forbidden:
        return await ports.storage.records(scope.access, namespaces), False


def _by_release(records: Collection[Record]) -> dict[Id, tuple[Record, ...]]:
    found: defaultdict[Id, list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda one: one.revision):
        found[record.namespace, record.name].append(record)
    return {key: tuple(value) for key, value in found.items()}


async def claims(ports: Ports, scope: Scope) -> Mapping[Id, Foreign]:
    """Releases that Flux or Argo CD manages; neither is asked for unless the cluster serves its kinds."""
    kinds = await ports.cluster.kinds(scope.access)
    flux = [api for api, kind in kinds.resources if kind == FLUX_KIND and api.startswith("helm.toolkit.fluxcd.io/")]
    found: dict[Id, Foreign] = {}
    if flux:
        found |= flux_claims(await _objects(ports, scope, max(flux), FLUX_KIND))
    if ARGO_KIND in kinds.resources:
        found |= argo_claims(await _objects(ports, scope, *ARGO_KIND))
    return found


async def _objects(ports: Ports, scope: Scope, api_version: str, kind: str) -> Collection[Mapping[str, object]]:
    """Empty when they may not be listed: a person without that right deploys all the same."""
    try:
        return await ports.cluster.list_objects(scope.access, api_version, kind, None)
    except (Forbidden, NotFound):
        return ()


async def observe(ports: Ports, scope: Scope, contents: Contents, seen: Observed, wanted: Wanted) -> Observed:
    """Add what the lists do not tell, only where the state depends on it: descriptions and the Lease."""
    top = seen.top
    if top is None or seen.foreign:
        return seen
    if top.status == "deployed" and (top.own_digest or top.desired is None):
        return seen
    if top.status in PENDING:
        return replace(seen, lease=await ports.locks.look(scope.access, top.namespace, top.name))
    return replace(seen, descriptions=await _descriptions(contents, seen.records))


async def _descriptions(contents: Contents, records: Collection[Record]) -> Mapping[int, str]:
    found = await asyncio.gather(*(contents.description(record) for record in records), return_exceptions=True)
    return {r.revision: text for r, text in zip(records, found, strict=True) if isinstance(text, str)}


async def observe_again(ports: Ports, scope: Scope, contents: Contents, release: Id, wanted: Wanted) -> Observed:
    """The same for one release, fresh from the server."""
    records = tuple(await ports.storage.records_of(scope.access, *release))
    return await observe(ports, scope, contents, Observed(records), wanted)
