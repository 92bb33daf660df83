"""``rollback``: back to a revision that was once deployed and good, under the release's Lease."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from helmops.api.model import ActionOptions
from helmops.core.release.observation import PENDING, Record
from helmops.core.release.state import Observed, good_revision
from helmops.engine.act import tidy
from helmops.engine.contents import Contents
from helmops.engine.context import Ports, Scope
from helmops.engine.revert import aimed
from helmops.engine.world import Id, claims
from helmops.errors import Conflict, InputError, Locked, NotFound, Refused
from helmops.ports import HelmRevert, Progress


@dataclass(frozen=True, slots=True)
class Way:
    """From the revision that is there now back to a good one."""

    top: Record
    target: int


async def changeable(ports: Ports, scope: Scope, release: Id) -> Sequence[Record]:
    """The revisions of a release that a person may change by hand. Refused when something else manages it."""
    foreign = (await claims(ports, scope)).get(release)
    if foreign:
        raise Refused(f"managed by {foreign.manager}", where="/".join(release), hint=foreign.how)
    records = await ports.storage.records_of(scope.access, *release)
    if not records or records[-1].status == "uninstalled":
        raise NotFound(f"release {'/'.join(release)} is not installed")
    return records


async def way_back(ports: Ports, scope: Scope, release: Id, revision: int) -> Way:
    """Where to go. ``revision`` 0: the newest good one below the present. Refused, saying why, for one not good."""
    records = await changeable(ports, scope, release)
    top, where = records[-1], "/".join(release)
    if top.status in PENDING:
        raise Locked(f"revision {top.revision} is {top.status}", where=where, hint="sync recovers it when it is stale")
    found = await Contents(ports, scope).of_all(records)
    seen = Observed(tuple(records), {one.revision: found[one.uid].description for one in records})
    if not revision:
        target = good_revision(seen, top.revision)
        if target is None:
            raise Refused("no earlier revision was deployed and good", where=where)
        return Way(top, target)
    _check(seen, revision, where)
    return Way(top, revision)


def _check(seen: Observed, revision: int, where: str) -> None:
    record = next((one for one in seen.records if one.revision == revision), None)
    if record is None:
        known = ", ".join(str(one.revision) for one in seen.records)
        raise InputError(f"there is no revision {revision}", where=where, hint=f"there are: {known}")
    if record == seen.top and record.status == "deployed":
        raise Refused(f"revision {revision} is what is deployed now", where=where)
    if good_revision(seen, revision + 1) != revision:
        why = f"revision {revision} was never deployed well: {record.status}"
        description = seen.descriptions.get(revision, "")
        raise Refused(f"{why}: {description}" if description else why, where=where, hint="see `history` for a good one")


async def rollback(ports: Ports, scope: Scope, way: Way) -> None:
    """Conflict when the release has moved since ``way`` was found."""
    options, top = ActionOptions(), way.top
    name = f"{top.namespace}/{top.name}"
    async with ports.locks.hold(scope.access, top.namespace, top.name, deadline=ports.helm.deadline(options)) as lock:
        records = await ports.storage.records_of(scope.access, top.namespace, top.name)
        if not records or records[-1].uid != top.uid:
            raise Conflict("has changed since it was looked at", where=name, hint="run the same command again")
        ports.recorder.record(Progress(name, "rolling-back", f"to revision {way.target}"))
        revert = HelmRevert(
            name=top.name,
            namespace=top.namespace,
            options=options,
            revision=way.target,
            max_history=0,  # how many the input wants is not known here; the next sync keeps to it
            holder=lock.holder,
        )
        try:
            await ports.helm.rollback(scope.access, await aimed(ports, scope, revert))
        except asyncio.CancelledError:
            await asyncio.shield(tidy(ports, scope, (top.namespace, top.name), lock.holder))
            raise
    ports.recorder.record(Progress(name, "done"))
