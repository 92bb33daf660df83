"""``record``: the one internal status of a release, and its projections, one per audience. PURE."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Literal

from helmops.core.drift.compare import DriftReport
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

Ready = Literal["True", "False", "Unknown"]

_STATE_NAMES: dict[type, str] = {
    Absent: "absent",
    Managed: "foreign",
    Pending: "pending",
    Unmanaged: "unmanaged",
    OutOfSync: "out-of-sync",
    Failed: "failed",
    RolledBack: "rolled-back",
    InSync: "in-sync",
    Drifted: "drifted",
}

# (reason when it went well, reason when it failed): Flux's condition reasons where it has one.
_REASONS: dict[type, tuple[str, str]] = {
    Install: ("InstallSucceeded", "InstallFailed"),
    Upgrade: ("UpgradeSucceeded", "UpgradeFailed"),
    Rollback: ("RollbackSucceeded", "RollbackFailed"),
    Correct: ("DriftCorrected", "DriftCorrectionFailed"),
    Recover: ("Recovered", "RecoveryFailed"),
    Relabel: ("Labelled", "LabelFailed"),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an action ended. ``error`` is empty when it went well."""

    error: str = ""
    hint: str = ""

    @property
    def ok(self) -> bool:
        """Whether it went well."""
        return not self.error


@dataclass(frozen=True, slots=True)
class Status:
    """How a release stands. ``changed`` is when ``ready`` last changed (None: never recorded)."""

    ready: Ready = "Unknown"
    reason: str = "Unknown"
    message: str = ""
    reconciling: bool = False
    stalled: bool = False
    failures: int = 0
    observed_generation: int = 0
    changed: dt.datetime | None = None


def state_name(state: ReleaseState) -> str:
    """One word for people and for ``-o json``."""
    return _STATE_NAMES[type(state)]


def record(status: Status, action: Action, outcome: Outcome, now: dt.datetime) -> Status:
    """The status after an action. A rollback that went well leaves the release not ready: its input is not deployed."""
    went_well, failed = _REASONS[type(action)]
    if not outcome.ok:
        after = replace(status, ready="False", reason=failed, message=outcome.error, failures=status.failures + 1)
    elif isinstance(action, Rollback):
        after = replace(status, ready="False", reason=went_well, message=action.why)
    elif isinstance(action, Recover):
        after = replace(status, ready="Unknown", reason=went_well, message="")
    else:
        after = replace(status, ready="True", reason=went_well, message="", failures=0)
    return _stamped(status, replace(after, reconciling=True, stalled=False), now)


def settle(status: Status, decision: Decision, now: dt.datetime) -> Status:
    """The status once nothing more is done in this pass."""
    match decision:
        case Done(note):
            ready = replace(status, ready="True", message=note, stalled=False, reconciling=False)
            after = ready if status.ready == "True" else replace(ready, reason="ReconciliationSucceeded")
        case Stalled(why):
            reason = status.reason if status.ready == "False" else "Stalled"
            after = replace(status, ready="False", reason=reason, message=why, stalled=True, reconciling=False)
        case Wait(_, _, why):
            after = replace(status, ready="Unknown", reason="PendingRelease", message=why, reconciling=True)
        case _:
            after = replace(status, reconciling=True)
    return _stamped(status, after, now)


def _stamped(before: Status, after: Status, now: dt.datetime) -> Status:
    changed = now if before.ready != after.ready or before.changed is None else before.changed
    return replace(after, changed=changed)


def conditions(status: Status) -> list[dict[str, str | int]]:
    """Projection onto ``Release.status.conditions`` (Ready, Reconciling, Stalled), as kstatus reads them."""
    found = [_condition(status, "Ready", status.ready)]
    if status.reconciling:
        found.append(_condition(status, "Reconciling", "True"))
    if status.stalled:
        found.append(_condition(status, "Stalled", "True"))
    return found


def _condition(status: Status, kind: str, value: str) -> dict[str, str | int]:
    return {
        "type": kind,
        "status": value,
        "reason": status.reason,
        "message": status.message,
        "observedGeneration": status.observed_generation,
        "lastTransitionTime": status.changed.isoformat() if status.changed else "",
    }


def drift_text(reports: tuple[DriftReport, ...]) -> str:
    """``drift on Deployment/web, ConfigMap/web``."""
    return "drift on " + ", ".join(str(report.object) for report in reports)
