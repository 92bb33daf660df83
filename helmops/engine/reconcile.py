"""One release brought to what the input says: observe → determine → decide → act → record, until all is done."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from helmops.core.objects import ObjectEvent
from helmops.core.release.observation import LeaseView, Record
from helmops.core.release.plan import (
    Action,
    Correct,
    Decision,
    Done,
    Install,
    Recover,
    Relabel,
    Rollback,
    Stalled,
    Upgrade,
    Wait,
    decide,
)
from helmops.core.release.state import Observed, Pending, ReleaseState, determine
from helmops.core.release.status import Outcome, Status, record, settle, state_name
from helmops.engine.act import Actor, Job, tidy
from helmops.engine.context import Ports, Scope
from helmops.engine.drift import Targets
from helmops.engine.plan import Planned, Planner
from helmops.engine.world import Id, observe_again
from helmops.errors import Conflict, HelmopsError
from helmops.ports import Lock, Progress

MOST_EVENTS = 5

PHASES: dict[type, str] = {
    Install: "installing",
    Upgrade: "upgrading",
    Correct: "correcting",
    Rollback: "rolling-back",
    Recover: "recovering",
    Relabel: "labelling",
}

Validate = Callable[[Planned], Awaitable[Planned]]


@dataclass(frozen=True, slots=True)
class Step:
    """An action and how it ended."""

    action: Action
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Result:
    """How a release came out. ``error`` is empty when the input is deployed now; ``events`` tell of the failure."""

    id: Id
    status: Status = field(default_factory=Status)
    steps: tuple[Step, ...] = ()
    error: str = ""
    hint: str = ""
    outcome: str = "done"  # done | failed | blocked | skipped | locked | interrupted
    seconds: float = 0.0
    events: tuple[ObjectEvent, ...] = ()
    state: str = ""
    revision: int = 0

    @property
    def ok(self) -> bool:
        """Whether what depends on it may go on."""
        return self.outcome == "done"


class Reconciler:
    """Works on one release at a time; many of them side by side share it."""

    def __init__(self, planner: Planner, validate: Validate) -> None:
        self._planner = planner
        self._ports: Ports = planner.ports
        self._scope: Scope = planner.scope
        # Asked anew: while a person read the plan, an autoscaler may have come.
        self._actor = Actor(planner.ports, planner.scope, Targets(planner.ports, planner.scope))
        self._validate = validate

    async def reconcile(self, planned: Planned) -> Result:
        """Under the release's Lease. Locked when somebody else holds it; Conflict when the world has moved."""
        release = planned.release
        helm = self._ports.helm
        tried = max(helm.deadline(release.install), helm.deadline(release.upgrade))
        deadline = tried + helm.deadline(release.rollback)
        planned = await self._validate(planned)
        async with self._ports.locks.hold(self._scope.access, *planned.id, deadline=deadline) as lock:
            try:
                return await self._loop(planned, lock)
            except asyncio.CancelledError:
                await asyncio.shield(tidy(self._ports, self._scope, planned.id, lock.holder))
                raise

    async def _loop(self, planned: Planned, lock: Lock) -> Result:
        status, steps, events = Status(), list[Step](), tuple[ObjectEvent, ...]()
        started = self._ports.clock.now()
        while True:
            state, decision, top = await self._decide(planned, steps, lock)
            if isinstance(decision, Done | Stalled | Wait):
                status = settle(status, decision, self._ports.clock.now())
                return _result(planned, state, decision, status, steps, events, top)
            self._tell(planned, decision)
            outcome = await self._actor.perform(
                Job(planned.exact, planned.preview, planned.why), decision, top, lock.holder
            )
            status = record(status, decision, outcome, self._ports.clock.now())
            steps.append(Step(decision, outcome))
            if not outcome.ok and not events:
                events = await self._events(planned, started)

    async def _decide(
        self, planned: Planned, steps: Sequence[Step], lock: Lock
    ) -> tuple[ReleaseState, Decision, Record | None]:
        wanted = self._planner.wanted(planned.exact)
        observed = await observe_again(self._ports, self._scope, self._planner.contents, planned.id, wanted)
        if not steps:
            equal = planned.preview is not None and planned.preview.equal
            observed = replace(observed, drift=planned.checked.reports or None, equal=equal)
        state = self._under_lock(determine(wanted, observed), planned, steps, lock)
        history = [type(step.action) for step in steps]
        decision = decide(state, self._planner.policy(planned.release), history, self._ports.clock.now())
        if not steps and isinstance(decision, Action) and not _as_planned(planned, state, decision):
            raise _moved(planned, state, observed)
        return state, decision, observed.top

    def _under_lock(self, state: ReleaseState, planned: Planned, steps: Sequence[Step], lock: Lock) -> ReleaseState:
        """What is pending while we hold the Lease: left behind by us or by whom we took the Lease over from.

        The Lease that is seen now is our own and tells nothing. A record that came without any goes by its age.
        """
        if not isinstance(state, Pending):
            return state
        before = planned.state
        taken_over = isinstance(before, Pending) and before.lease is not None and before.record.uid == state.record.uid
        if steps or taken_over:
            mine = LeaseView(lock.holder, live=True, writers_gone=True, deadline=self._ports.clock.now())
            return replace(state, ours=True, lease=mine)
        return replace(state, ours=bool(state.record.own_digest), lease=None)

    def _tell(self, planned: Planned, action: Action) -> None:
        message = action.why if isinstance(action, Upgrade | Rollback) else ""
        self._ports.recorder.record(Progress("/".join(planned.id), PHASES[type(action)], message))

    async def _events(self, planned: Planned, started: dt.datetime) -> tuple[ObjectEvent, ...]:
        """Warnings since then about the release's objects and what they own, newest last, each said once."""
        names = {one.id.name for one in planned.preview.objects} if planned.preview else {planned.release.name}
        try:
            found = await self._ports.cluster.events(self._scope.access, planned.release.target_namespace)
        except HelmopsError:
            return ()
        ours = [e for e in found if e.type == "Warning" and any(e.id.name.startswith(name) for name in names)]
        fresh = {(e.id.kind, e.reason, e.message): e for e in ours if _since(e, started)}
        return tuple(fresh.values())[-MOST_EVENTS:]


def _since(event: ObjectEvent, started: dt.datetime) -> bool:
    """Event times are whole seconds; one without a time is told."""
    return not event.time or dt.datetime.fromisoformat(event.time) >= started.replace(microsecond=0)


def _as_planned(planned: Planned, state: ReleaseState, decision: Action) -> bool:
    """Only what the user has seen is done: this action, on this revision."""
    same_revision = _revision_uid(state) == _revision_uid(planned.state)
    return same_revision and type(decision) is type(planned.decision)


def _revision_uid(state: ReleaseState) -> str:
    record: Record | None = getattr(state, "record", None)
    return record.uid if record else ""


def _moved(planned: Planned, state: ReleaseState, observed: Observed) -> Conflict:
    revision = observed.top.revision if observed.top else 0
    text = f"has changed since it was planned: it is {state_name(state)} at revision {revision} now"
    return Conflict(text, where="/".join(planned.id), hint="run the same command again")


def _result(
    planned: Planned,
    state: ReleaseState,
    decision: Decision,
    status: Status,
    steps: Sequence[Step],
    events: tuple[ObjectEvent, ...],
    top: Record | None,
) -> Result:
    failed = next((step.outcome for step in steps if not step.outcome.ok), None)
    error, hint = (failed.error, failed.hint) if failed else ("", "")
    if isinstance(decision, Stalled):
        error, hint = error or decision.why, hint or decision.hint
    if isinstance(decision, Wait):
        error = decision.why
    outcome = "locked" if isinstance(decision, Wait) else "failed" if error else "done"
    revision = top.revision if top else 0
    return Result(planned.id, status, tuple(steps), error, hint, outcome, 0.0, events, state_name(state), revision)
