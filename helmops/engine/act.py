"""Doing: one action on one release, under its Lease. Every way it can end is an Outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helmops.core.drift.compare import DriftReport
from helmops.core.drift.correction import applied
from helmops.core.drift.displaced import displaced, mended, seizure
from helmops.core.drift.guard import guarded
from helmops.core.objects import meta_of
from helmops.core.release.observation import DESIRED_LABEL, OWNER_LABEL, PENDING, PRUNE_LABEL, Record, StoredRelease
from helmops.core.release.plan import Action, Correct, Install, Recover, Relabel, Rollback, Upgrade
from helmops.core.release.state import recovered_description
from helmops.core.release.status import Outcome
from helmops.core.render.helmify import helmify
from helmops.engine.context import Ports, Scope
from helmops.engine.drift import Targets, guards, patched
from helmops.engine.preview import Preview
from helmops.engine.resolve import Resolved
from helmops.engine.revert import aimed
from helmops.engine.stored import stored_objects
from helmops.engine.world import Id
from helmops.errors import Bug, HelmopsError, Rejected
from helmops.ports import HelmChange, HelmRevert


@dataclass(frozen=True, slots=True)
class Job:
    """A release to work on. ``preview`` is of the input as resolved; ``why`` goes into Helm's description."""

    resolved: Resolved
    preview: Preview | None
    why: tuple[str, ...] = ()


class Actor:
    """Performs actions. ``holder`` of the Lease marks every helm child."""

    def __init__(self, ports: Ports, scope: Scope, targets: Targets) -> None:
        self._ports = ports
        self._scope = scope
        self._targets = targets

    async def perform(self, job: Job, action: Action, top: Record | None, holder: str) -> Outcome:
        """Do it. Only cancellation is raised."""
        try:
            await self._perform(job, action, top, holder)
        except HelmopsError as error:
            return Outcome(error.message, error.hint)
        return Outcome()

    async def _perform(self, job: Job, action: Action, top: Record | None, holder: str) -> None:
        access = self._scope.access
        match action:
            case Install():
                await self._ports.helm.install(access, await self._change(job, top, holder))
            case Upgrade():
                await self._ports.helm.upgrade(access, await self._change(job, top, holder))
            case Rollback(target):
                await self._rollback(job, target, holder)
            case Correct(reports):
                await self._correct(_there(top), reports)
            case Recover(record):
                await self._ports.storage.mark_failed(access, record, recovered_description(record))
            case Relabel(record, takes_over):
                desired = {DESIRED_LABEL: f"{record.revision}.{job.resolved.digest}"} if takes_over else {}
                await self._ports.storage.label(access, record, desired | self._marks(job, record))

    async def _change(self, job: Job, top: Record | None, holder: str) -> HelmChange:
        release, preview = job.resolved.release, job.preview
        objects = [one.obj for one in preview.objects] if preview else []
        revision = top.revision + 1 if top else 1
        desired = {DESIRED_LABEL: f"{revision}.{job.resolved.digest}"}
        marks = {key: value or "null" for key, value in self._marks(job, top).items()}
        return HelmChange(
            name=release.name,
            namespace=release.namespace,
            chart_path=job.resolved.artifact.path,
            values=job.resolved.values.value,
            options=release.upgrade if top else release.install,
            labels=desired | marks,
            description="helmops: " + "; ".join(job.why or ("as the input says",)),
            max_history=release.max_history,
            validate=preview is None or not preview.validated,
            force_conflicts=preview is None or not preview.client_side,
            guarded=await guards(self._ports, self._scope, self._targets, objects) if top else (),
            holder=holder,
            target_namespace=release.target_namespace,
            post_renderers=release.post_renderers,
        )

    def _marks(self, job: Job, top: Record | None) -> dict[str, str | None]:
        """Owner and prune labels; None removes one. Helm is told to remove only what is there."""
        marks: dict[str, str | None] = {
            OWNER_LABEL: self._scope.owner or None,
            PRUNE_LABEL: None if job.resolved.release.prune else "disabled",
        }
        carried = top.labels if top else {}
        return {key: value for key, value in marks.items() if value is not None or key in carried}

    async def _rollback(self, job: Job, target: int, holder: str) -> None:
        release = job.resolved.release
        revert = HelmRevert(
            name=release.name,
            namespace=release.namespace,
            options=release.rollback,
            revision=target,
            max_history=release.max_history,
            holder=holder,
        )
        await self._ports.helm.rollback(self._scope.access, await aimed(self._ports, self._scope, revert))

    async def _correct(self, top: Record, reports: tuple[DriftReport, ...]) -> None:
        """What is missing comes first: others may refer to it."""
        body = await self._ports.storage.body(self._scope.access, top)
        objects = await stored_objects(self._ports, self._scope, body)
        missing = [report for report in reports if report.kind == "missing"]
        changed = [report for report in reports if report.kind != "missing"]
        for group in (missing, changed):
            await asyncio.gather(*(self._put_right(body, objects[report.object], report) for report in group))

    async def _put_right(self, body: StoredRelease, manifest: Mapping[str, Any], report: DriftReport) -> None:
        access, cluster = self._scope.access, self._ports.cluster
        live = await cluster.get(access, report.object)
        marked = helmify(manifest, body.name, body.namespace)
        pointers = guarded(live, await self._targets.get(report.object.namespace)) if live is not None else ()
        wanted = applied(marked, pointers)
        if live is None:
            await cluster.apply(access, wanted, force=True, dry_run=False)
        elif body.apply_method == "ssa":
            await self._apply(live, wanted)
        else:
            # Helm 3 owns its objects by Update: an apply would leave a second owner, whose fields no Helm 3 takes back.
            foretold = await self._foretold(live, wanted)
            await patched(self._ports, self._scope, live, foretold, dry_run=False)

    async def _apply(self, live: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        access, cluster = self._scope.access, self._ports.cluster
        try:
            await cluster.apply(access, wanted, force=True, dry_run=False)
        except Rejected:
            if not (others := displaced(live, wanted)):
                raise
            await cluster.patch(access, meta_of(live).id, seizure(live, others))
            await cluster.apply(access, wanted, force=True, dry_run=False)

    async def _foretold(self, live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return await self._ports.cluster.apply(self._scope.access, wanted, force=True, dry_run=True)
        except Rejected:
            if not (others := displaced(live, wanted)):
                raise
            return mended(live, wanted, others)


async def tidy(ports: Ports, scope: Scope, release: Id, holder: str) -> None:
    """helm was stopped, but some of its commands leave a pending record then: that is marked failed.

    Not when the Lease was lost, which stops helm, too: what is pending now may be the next holder's.
    """
    lease = await ports.locks.look(scope.access, *release)
    if lease is None or lease.holder != holder:
        return
    records = await ports.storage.records_of(scope.access, *release)
    if records and records[-1].status in PENDING:
        await ports.storage.mark_failed(scope.access, records[-1], recovered_description(records[-1]))


def _there(top: Record | None) -> Record:
    if top is None:
        raise Bug("only what is deployed can drift")
    return top
