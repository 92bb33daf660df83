"""``decide``, row by row."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from helmops.core.drift.compare import missing_report
from helmops.core.objects import ObjectId
from helmops.core.release.observation import Foreign, LeaseView, Record
from helmops.core.release.plan import (
    Correct,
    Decision,
    Done,
    Install,
    Policy,
    Recover,
    Relabel,
    Rollback,
    Stalled,
    Upgrade,
    Wait,
    decide,
)
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

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
TOP = Record("apps", "web", 5, "deployed", "uid", "1", "2026-11-22T11:30:00Z", {})
REPORT = missing_report(ObjectId("v1", "ConfigMap", "apps", "web"))
POLICY = Policy(deadline=20 * MINUTE)


def made(state: ReleaseState, policy: Policy = POLICY, history: tuple[type, ...] = ()) -> Decision:
    return decide(state, policy, history, NOW)


def lease(*, live: bool, gone: bool | None, until: dt.datetime) -> LeaseView:
    return LeaseView("host_1", live, gone, until)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (Absent(), Install),
        (Managed(Foreign("Flux", "suspend it")), Stalled),
        (Unmanaged(TOP), Upgrade),
        (Unmanaged(TOP, equal=True), Relabel),
        (OutOfSync(TOP, "the input has changed"), Upgrade),
        (Failed(TOP, 5, "boom", 4), Rollback),
        (Failed(TOP, 1, "boom", None), Stalled),
        (RolledBack(TOP, 4, 3, "boom"), Stalled),
        (InSync(TOP), Done),
        (InSync(TOP, mislabelled=True), Relabel),
        (Drifted(TOP, (REPORT,)), Correct),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, type) else value.__name__,
)
def test_decision(state: ReleaseState, expected: type) -> None:
    assert type(made(state)) is expected


@pytest.mark.parametrize(
    ("policy", "state", "expected"),
    [
        (replace(POLICY, suspended=True), OutOfSync(TOP, ""), Done("suspended")),
        (replace(POLICY, retry=True), Failed(TOP, 5, "boom", 4), Upgrade("tried again on request")),
        (replace(POLICY, retry=True), RolledBack(TOP, 4, 3, ""), Upgrade("tried again on request")),
    ],
    ids=["suspended does nothing", "retry after a failure", "retry after a rollback"],
)
def test_policy(policy: Policy, state: ReleaseState, expected: Decision) -> None:
    assert made(state, policy) == expected


def test_without_remediation_a_failure_is_told_and_left() -> None:
    decision = made(Failed(TOP, 5, "boom", 4), replace(POLICY, remediate=False))
    assert isinstance(decision, Stalled)
    assert "this very input failed before (revision 5): boom" in decision.why
    assert "--retry" in decision.hint


def test_drift_in_warn_mode_is_told_and_left() -> None:
    assert isinstance(made(Drifted(TOP, (REPORT,)), replace(POLICY, correct=False)), Done)


def test_a_retry_that_fails_is_rolled_back_and_not_retried_again() -> None:
    retry = replace(POLICY, retry=True)
    assert isinstance(made(Failed(TOP, 6, "boom", 4), retry, (Upgrade,)), Rollback)
    assert isinstance(made(RolledBack(TOP, 6, 4, "boom"), retry, (Upgrade, Rollback)), Stalled)


@pytest.mark.parametrize(
    ("state", "action"),
    [
        (OutOfSync(TOP, ""), Upgrade),
        (Failed(TOP, 5, "boom", 4), Rollback),
        (Drifted(TOP, (REPORT,)), Correct),
        (Absent(), Install),
    ],
)
def test_no_action_is_taken_twice_in_a_pass(state: ReleaseState, action: type) -> None:
    assert isinstance(made(state, POLICY, (action,)), Stalled)


SOON, PAST = NOW + MINUTE, NOW - MINUTE


@pytest.mark.parametrize(
    ("ours", "held", "expected"),
    [
        pytest.param(True, lease(live=True, gone=None, until=SOON), Wait, id="a live writer is waited for"),
        pytest.param(True, lease(live=True, gone=False, until=PAST), Wait, id="however late it is"),
        pytest.param(True, lease(live=False, gone=None, until=SOON), Wait, id="an orphaned helm may write until then"),
        pytest.param(True, lease(live=False, gone=False, until=SOON), Wait, id="an orphaned helm is still running"),
        pytest.param(True, lease(live=False, gone=None, until=PAST), Recover, id="nothing of it can be running"),
        pytest.param(True, lease(live=True, gone=True, until=SOON), Recover, id="seen here to be gone"),
        pytest.param(True, None, Recover, id="ours, no Lease, older than our deadline"),
        pytest.param(False, None, Wait, id="another's: left alone for an hour"),
    ],
)
def test_pending(ours: bool, held: LeaseView | None, expected: type) -> None:
    assert type(made(Pending(TOP, ours, held))) is expected


def test_ours_without_a_lease_is_waited_for_until_our_deadline() -> None:
    decision = made(Pending(TOP, True, None), replace(POLICY, deadline=60 * MINUTE))
    assert isinstance(decision, Wait)
    assert decision.until == NOW + 30 * MINUTE


def test_anothers_is_recovered_after_an_hour() -> None:
    old = replace(TOP, created="2026-11-22T10:59:00Z")
    assert isinstance(made(Pending(old, False, None)), Recover)
