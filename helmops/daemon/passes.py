"""One pass over one release: what ``sync`` does with an input of one, by the same engine, told to the source."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from helmops.api.model import Access, Identity
from helmops.core.drift.proof import Proof
from helmops.core.objects import ObjectId
from helmops.core.release.observation import Record
from helmops.core.release.plan import Install, Upgrade
from helmops.core.release.state import Drifted, InSync
from helmops.core.release.status import Status
from helmops.daemon import standing
from helmops.daemon.item import Item, Report
from helmops.engine.context import Ports
from helmops.engine.drift import proofs
from helmops.engine.fleet import Fleet
from helmops.engine.plan import Options, Plan, Planned
from helmops.engine.reconcile import PHASES
from helmops.engine.scope import enter
from helmops.engine.sync import Sync
from helmops.errors import HelmopsError


@dataclass(frozen=True, slots=True)
class Contained:
    """What a deployed release contains, what is proved of it, and who may watch it."""

    access: Access
    objects: tuple[ObjectId, ...] = ()
    proofs: dict[ObjectId, Proof] | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan of one release."""

    fleet: Fleet
    plan: Plan

    @property
    def planned(self) -> Planned:
        """The release."""
        return self.plan.releases[0]


async def prepare(ports: Ports, access: Access, item: Item) -> Prepared:
    """Look and decide; nothing is written. HelmopsError when that cannot be done."""
    scope = await enter(ports, access, item.loaded.desired.owner)
    fleet = Fleet(ports, scope, Options(detail=False))
    return Prepared(fleet, await fleet.plan(item.loaded))


async def apply(prepared: Prepared, item: Item) -> Report:
    """Do what was decided. Cancelled, it lets helm finish its record first."""
    summary = await Sync(prepared.fleet, parallel=1).apply(prepared.plan)
    if summary.interrupted:
        raise asyncio.CancelledError
    planned, result = prepared.planned, summary.results[0]
    return _told(standing.of_result(item.before, planned, result), Report(Status(), planned, result))


def refused(item: Item, error: HelmopsError) -> Report:
    """It did not come to a plan."""
    return Report(standing.of_error(item.before, error))


def begun(item: Item, planned: Planned) -> Report | None:
    """What is told before helm is started; nothing where it is over before anybody could read it."""
    if not isinstance(planned.decision, Install | Upgrade):
        return None
    phase = PHASES[type(planned.decision)]
    return Report(
        replace(item.before, ready="Unknown", reason="Progressing", message=phase, reconciling=True, stalled=False),
        planned,
    )


def held(item: Item, planned: Planned, message: str) -> Report:
    """It waits for a dependency."""
    status = standing.failed(item.before, standing.OUTCOMES["blocked"], message, stalled=False)
    return Report(status, planned)


async def contained(prepared: Prepared, start: Identity) -> Contained:
    """By the daemon's own identity: a tenant's need not be allowed to watch."""
    planned = prepared.planned
    planner = prepared.fleet.planner(planned.release) if planned.error is None else None
    access = replace(planned.release.access, identity=start)
    if planner is None or (record := _deployed(planned)) is None:
        return Contained(access)
    content = await planner.contents.of(record)
    known = proofs(planner.ports, planner.scope, record)
    return Contained(access, tuple(one for one, _ in content.objects), dict(known))


def _deployed(planned: Planned) -> Record | None:
    if planned.release.drift == "disabled" or planned.release.suspend:
        return None
    return planned.state.record if isinstance(planned.state, InSync | Drifted) else None


def _told(status: Status, report: Report) -> Report:
    """Without the secrets of the release, wherever an error may have repeated them."""
    scrub = report.planned.secrets.scrub if report.planned else str
    return replace(report, status=replace(status, message=scrub(status.message)))
