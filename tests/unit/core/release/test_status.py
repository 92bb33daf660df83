"""``record`` and ``settle``: how a status moves, and what each audience reads of it."""

from __future__ import annotations

import datetime as dt

import pytest

from helmops.core.release.observation import Record
from helmops.core.release.plan import Action, Correct, Done, Install, Recover, Relabel, Rollback, Stalled, Upgrade, Wait
from helmops.core.release.status import Outcome, Status, conditions, record, settle

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)
TOP = Record("apps", "web", 5, "pending-upgrade", "uid", "1", "2026-11-22T11:30:00Z", {})
FAILED = Outcome("boom", "try again")


@pytest.mark.parametrize(
    ("action", "outcome", "ready", "reason"),
    [
        (Install(), Outcome(), "True", "InstallSucceeded"),
        (Install(), FAILED, "False", "InstallFailed"),
        (Upgrade("why"), Outcome(), "True", "UpgradeSucceeded"),
        (Upgrade("why"), FAILED, "False", "UpgradeFailed"),
        (Correct(()), Outcome(), "True", "DriftCorrected"),
        (Correct(()), FAILED, "False", "DriftCorrectionFailed"),
        (Rollback(4, "why"), Outcome(), "False", "RollbackSucceeded"),
        (Rollback(4, "why"), FAILED, "False", "RollbackFailed"),
        (Recover(TOP), Outcome(), "Unknown", "Recovered"),
        (Relabel(TOP), Outcome(), "True", "Labelled"),
    ],
    ids=lambda value: getattr(value, "error", None) or type(value).__name__,
)
def test_record(action: Action, outcome: Outcome, ready: str, reason: str) -> None:
    status = record(Status(), action, outcome, NOW)
    assert (status.ready, status.reason) == (ready, reason)


def test_failures_are_counted_until_something_goes_well() -> None:
    status = record(record(Status(), Upgrade(""), FAILED, NOW), Rollback(4, ""), FAILED, NOW)
    assert status.failures == 2
    assert record(status, Upgrade(""), Outcome(), NOW).failures == 0


def test_the_time_of_a_condition_moves_only_with_its_value() -> None:
    ready = record(Status(), Install(), Outcome(), NOW)
    assert record(ready, Upgrade(""), Outcome(), LATER).changed == NOW
    assert record(ready, Upgrade(""), FAILED, LATER).changed == LATER


def test_done_is_ready_and_says_so_with_the_last_reason() -> None:
    status = settle(record(Status(), Upgrade(""), Outcome(), NOW), Done(), LATER)
    assert (status.ready, status.reason, status.reconciling) == ("True", "UpgradeSucceeded", False)
    assert settle(Status(), Done(), NOW).reason == "ReconciliationSucceeded"


def test_stalled_names_what_went_wrong_before() -> None:
    status = settle(record(Status(), Upgrade(""), FAILED, NOW), Stalled("why", "hint"), NOW)
    assert (status.reason, status.stalled, status.message) == ("UpgradeFailed", True, "why")


def test_conditions_are_those_that_kstatus_reads() -> None:
    waiting = settle(Status(), Wait(LATER, "host", "pending-upgrade by host"), NOW)
    assert [(c["type"], c["status"]) for c in conditions(waiting)] == [("Ready", "Unknown"), ("Reconciling", "True")]
    stalled = settle(Status(), Stalled("why", ""), NOW)
    assert [(c["type"], c["status"]) for c in conditions(stalled)] == [("Ready", "False"), ("Stalled", "True")]
