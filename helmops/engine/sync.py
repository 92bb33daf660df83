"""One graph over all releases of the pass: no barriers; a failure blocks only what depends on it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from helmops.api.model import Access, ActionOptions
from helmops.core.release.plan import Stalled
from helmops.core.release.status import Status, settle, state_name
from helmops.engine.fleet import Fleet
from helmops.engine.metadata import Metadata
from helmops.engine.plan import Key, Plan, Planned
from helmops.engine.preview import Previews
from helmops.engine.prune import Removal
from helmops.engine.reconcile import Reconciler, Result
from helmops.engine.remains import Remains
from helmops.engine.uninstall import uninstall
from helmops.errors import HelmopsError, Locked, Refused
from helmops.ports import Progress

OUTCOME_PHASES = {"done": "done", "failed": "failed", "blocked": "blocked", "locked": "failed", "interrupted": "failed"}


@dataclass(frozen=True, slots=True)
class Summary:
    """How a pass came out. ``unpruned``: removals that were not done, after a failure or an interruption."""

    results: tuple[Result, ...]
    removed: tuple[Result, ...] = ()
    unpruned: tuple[Removal, ...] = ()
    interrupted: bool = False

    @property
    def failed(self) -> tuple[Result, ...]:
        """Everything that is not as the input says now."""
        return tuple(one for one in (*self.results, *self.removed) if not one.ok)


@dataclass(slots=True)
class _Run:
    """Results as they come in; futures let dependents wait."""

    results: dict[Key, Result] = field(default_factory=dict)
    removed: list[Result] = field(default_factory=list)
    done: dict[Key, asyncio.Event] = field(default_factory=dict)


class Sync:
    """Applies a plan. ``parallel``: how many releases are worked on at once."""

    def __init__(self, fleet: Fleet, *, parallel: int) -> None:
        self._fleet = fleet
        self._ports = fleet.ports
        self._remains = Remains(fleet)
        self._limit = asyncio.Semaphore(parallel)
        self._reconcilers: dict[Access, Reconciler] = {}
        self._created: frozenset[tuple[str, str]] = frozenset()  # (cluster, namespace)

    async def apply(self, plan: Plan) -> Summary:
        """Namespaces, then the graph, then what is to be removed. Cancelling it once ends in a summary, too."""
        run = _Run()
        try:
            await self._remains.find(plan)
            await self._namespaces(plan)
            await self._graph(plan, run)
            if all(one.ok for one in run.results.values()):
                for removal in plan.removals:
                    run.removed.append(await self._remove(removal))
            await self._remains.sweep([one for one in plan.releases if run.results[one.key].ok])
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            return self._summary(plan, run, interrupted=True)
        return self._summary(plan, run)

    async def _namespaces(self, plan: Plan) -> None:
        for one in plan.namespaces:
            await self._ports.cluster.apply(
                one.scope.access, one.manifest, force=True, dry_run=False, manager="helmops"
            )
        self._created = frozenset((one.scope.uid, one.name) for one in plan.namespaces)

    async def _graph(self, plan: Plan, run: _Run) -> None:
        for one in plan.releases:
            run.done[one.key] = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for one in plan.releases:
                group.create_task(self._node(one, run))

    async def _node(self, planned: Planned, run: _Run) -> None:
        started = self._ports.clock.now()
        try:
            planned = await self._remains.after(planned)
            result = await self._turn(planned, run)
        except HelmopsError as error:
            result = Result(planned.id, error=error.message, hint=error.hint, outcome="failed")
        except asyncio.CancelledError:
            run.results[planned.key] = Result(planned.id, error="interrupted", outcome="interrupted")
            raise
        seconds = (self._ports.clock.now() - started).total_seconds()
        run.results[planned.key] = result = _told(replace(result, seconds=seconds), planned)
        run.done[planned.key].set()
        if planned.acts:
            phase = OUTCOME_PHASES[result.outcome]
            self._ports.recorder.record(Progress("/".join(planned.id), phase, result.error, seconds))

    async def _turn(self, planned: Planned, run: _Run) -> Result:
        if not planned.acts:
            return _settled(planned, self._ports.clock.now())
        blocker = await self._blocker(planned, run)
        if blocker is not None:
            text = f"blocked by {'/'.join(blocker.id)} ({blocker.outcome}: {blocker.error})"
            return Result(planned.id, error=text, outcome="blocked")
        async with self._limit:
            return await self._reconciled(planned)

    async def _blocker(self, planned: Planned, run: _Run) -> Result | None:
        for key in planned.release.depends_on:
            if key in run.done:
                await run.done[key].wait()
                result = run.results[key]
                if not result.ok:
                    return result
        return None

    async def _reconciled(self, planned: Planned) -> Result:
        try:
            return await self._reconciler(planned).reconcile(planned)
        except Locked as error:
            return Result(planned.id, error=error.message, hint=error.hint, outcome="locked")
        except HelmopsError as error:
            return Result(planned.id, error=error.message, hint=error.hint, outcome="failed")

    def _reconciler(self, planned: Planned) -> Reconciler:
        access = planned.release.access
        if access not in self._reconcilers:
            self._reconcilers[access] = Reconciler(self._fleet.planner(planned.release), self._validated)
        return self._reconcilers[access]

    async def _validated(self, planned: Planned) -> Planned:
        """What could not be asked while planning, because its namespace came with this very pass, is asked now."""
        if planned.preview is None or planned.preview.validated:
            return planned
        planner = self._fleet.planner(planned.release)
        created = {name for uid, name in self._created if uid == planner.scope.uid}
        if planned.release.target_namespace not in created:
            return planned
        metadata = Metadata(self._ports, planner.scope, created)
        previews = Previews(self._ports, planner.scope, planner.targets, metadata, created, detail=False)
        return replace(planned, preview=await previews.again(planned.exact, planned.preview))

    async def _remove(self, removal: Removal) -> Result:
        self._ports.recorder.record(Progress("/".join(removal.id), "uninstalling"))
        try:
            await uninstall(self._ports, removal.scope or self._fleet.scope, removal.record, ActionOptions())
        except HelmopsError as error:
            outcome = "locked" if isinstance(error, Locked) else "failed"
            result = Result(removal.id, error=error.message, hint=error.hint, outcome=outcome)
        else:
            result = Result(removal.id, state="absent")
        self._ports.recorder.record(Progress("/".join(removal.id), OUTCOME_PHASES[result.outcome], result.error))
        return result

    def _summary(self, plan: Plan, run: _Run, *, interrupted: bool = False) -> Summary:
        skipped = {one.key: Result(one.id, error="not started", outcome="interrupted") for one in plan.releases}
        results: Mapping[Key, Result] = skipped | run.results
        left = tuple(one for one in plan.removals if one.id not in {result.id for result in run.removed})
        return Summary(tuple(results[one.key] for one in plan.releases), tuple(run.removed), left, interrupted)


def _told(result: Result, planned: Planned) -> Result:
    """A failure as it may be told: the server repeats in its words what it refuses, which may be a secret."""
    if result.ok:
        return result
    scrub = planned.secrets.scrub
    return replace(
        result,
        status=replace(result.status, message=scrub(result.status.message)),
        steps=tuple(replace(one, outcome=replace(one.outcome, error=scrub(one.outcome.error))) for one in result.steps),
        error=scrub(result.error),
        events=tuple(replace(one, message=scrub(one.message)) for one in result.events),
    )


def _settled(planned: Planned, now: dt.datetime) -> Result:
    """A release that nothing is done about: it is as it should be, or it may not be touched."""
    if planned.error is not None:
        error = planned.error
        return Result(planned.id, error=error.message, hint=error.hint, outcome="failed", state="unknown")
    status, state = settle(Status(), planned.decision, now), state_name(planned.state)
    record = getattr(planned.state, "record", None)
    revision = record.revision if record else 0
    if isinstance(planned.decision, Stalled):
        why, hint = planned.decision.why, planned.decision.hint
        return Result(planned.id, status, (), why, hint, "failed", state=state, revision=revision)
    return Result(planned.id, status, state=state, revision=revision)


def check_removals(removals: Sequence[Removal], limit: int) -> None:
    """Refused when more would go than the user allowed without a second yes."""
    if len(removals) > limit:
        names = ", ".join("/".join(one.id) for one in removals)
        raise Refused(f"{len(removals)} releases would be uninstalled ({names})", hint=f"--prune-max {len(removals)}")
