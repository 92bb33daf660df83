"""``decide``: what to do about a state, by policy. PURE; ``now`` is a parameter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from helmops.core.drift.compare import DriftReport
from helmops.core.release.observation import Foreign, Record
from helmops.core.release.state import (
    Absent,
    Drifted,
    Failed,
    InSync,
    Managed,
    OutOfSync,
    Pending,
    ReleaseState,
    RolledBack,
    Unmanaged,
)

FOREIGN_PENDING_AGE = dt.timedelta(hours=1)
"""How long a ``pending-*`` release that never was ours is left to whoever made it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user allows. ``retry``: try an input again that failed before.

    ``deadline``: how long a helm process of ours for this release can run, for a pending record without a Lease.
    """

    retry: bool = False
    remediate: bool = True
    correct: bool = True  # drift
    suspended: bool = False
    deadline: dt.timedelta = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Install:
    """``helm install``."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """``helm upgrade``, because of ``why``."""

    why: str


@dataclass(frozen=True, slots=True)
class Correct:
    """Put drifted objects right, without a revision."""

    reports: tuple[DriftReport, ...]


@dataclass(frozen=True, slots=True)
class Rollback:
    """``helm rollback`` to ``target``, because ``why``."""

    target: int
    why: str


@dataclass(frozen=True, slots=True)
class Recover:
    """Mark a ``pending-*`` record, whose writer is gone, as failed."""

    record: Record


@dataclass(frozen=True, slots=True)
class Relabel:
    """Set our labels; no revision, no hook. ``takes_over``: the digest too, on a release that someone else made."""

    record: Record
    takes_over: bool = False


Action = Install | Upgrade | Correct | Rollback | Recover | Relabel


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing to do. ``note`` is told when not empty (drift left alone, suspended)."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody else writes, at most until ``until``."""

    until: dt.datetime
    holder: str
    why: str


@dataclass(frozen=True, slots=True)
class Stalled:
    """Nothing will be done until a person changes something; ``hint`` says what."""

    why: str
    hint: str


Decision = Action | Wait | Stalled | Done


def decide(state: ReleaseState, policy: Policy, history: Collection[type], now: dt.datetime) -> Decision:
    """First match wins. ``history``: the types of action already taken in this pass; none is taken twice."""
    if policy.suspended:
        return Done("suspended")
    decision = _decide(state, policy, history, now)
    if type(decision) in history:
        return Stalled(f"{type(decision).__name__.lower()} did not settle it", "run sync again, or see `history`")
    return decision


def _decide(state: ReleaseState, policy: Policy, history: Collection[type], now: dt.datetime) -> Decision:
    match state:
        case Managed(foreign):
            return _foreign(foreign)
        case Absent():
            return Install()
        case Pending():
            return _pending(state, policy, now)
        case Unmanaged():
            return _take_over(state)
        case OutOfSync(_, why):
            return Upgrade(why)
        case Failed():
            return _failed(state, policy, history)
        case RolledBack():
            return Upgrade("tried again on request") if _again(policy, history) else _pinned(state)
        case Drifted(_, reports):
            return Correct(reports) if policy.correct else Done("drift is left alone (driftDetection.mode: warn)")
        case InSync(record, mislabelled):
            return Relabel(record) if mislabelled else Done()


def _foreign(foreign: Foreign) -> Stalled:
    return Stalled(f"managed by {foreign.manager}", foreign.how)


def _take_over(state: Unmanaged) -> Decision:
    if state.equal:
        return Relabel(state.record, takes_over=True)
    return Upgrade(f"takes over revision {state.record.revision}, which was made outside helmops")


def _again(policy: Policy, history: Collection[type]) -> bool:
    """A retry is one more try: not the answer to the failure of that same try."""
    return policy.retry and Upgrade not in history and Install not in history


def _failed(state: Failed, policy: Policy, history: Collection[type]) -> Decision:
    if _again(policy, history):
        return Upgrade("tried again on request")
    cause = state.cause or "no cause recorded"
    if policy.remediate and state.target is not None:
        return Rollback(state.target, f"revision {state.tried} failed: {cause}")
    if Upgrade in history or Install in history:
        return Stalled(cause, "change the input, or try the same again with --retry")
    return Stalled(
        f"this very input failed before (revision {state.tried}): {cause}",
        "change the input, or try the same again with --retry",
    )


def _pinned(state: RolledBack) -> Stalled:
    if state.cause:
        why = f"this very input failed before (revision {state.tried}): {state.cause}"
    else:
        why = f"this very input (revision {state.tried}) was rolled back to revision {state.target} by hand"
    return Stalled(f"{why}; revision {state.target} is kept", "change the input, or try the same again with --retry")


def _pending(state: Pending, policy: Policy, now: dt.datetime) -> Decision:
    """A writer that may live is waited for; one that is gone is recovered from; without a Lease, age decides."""
    record, lease = state.record, state.lease
    if lease is None:
        limit = policy.deadline if state.ours else FOREIGN_PENDING_AGE
        until = dt.datetime.fromisoformat(record.created) + limit
        who = "an earlier helmops" if state.ours else "someone outside helmops"
        why = f"{record.status} since {record.created}, started by {who}"
        return Recover(record) if now > until else Wait(until, who, why)
    if lease.writers_gone is True or (not lease.live and now >= lease.deadline):
        return Recover(record)
    return Wait(lease.deadline, lease.holder, f"{record.status} by {lease.holder}")
