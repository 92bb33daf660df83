"""Values of the engine, made by hand, for tests of what is shown of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from helmops.api.model import Access, Desired, ObjectRef, PathChart, Release
from helmops.core.drift.compare import Difference, DriftReport
from helmops.core.objects import ObjectId
from helmops.core.release.observation import Foreign, Record
from helmops.core.release.plan import (
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
from helmops.core.release.state import Absent, Drifted, Failed, InSync, Managed, OutOfSync, ReleaseState
from helmops.core.release.status import Outcome
from helmops.engine.context import Scope
from helmops.engine.load import Loaded
from helmops.engine.plan import NewNamespace, Plan, Planned
from helmops.engine.prune import Removal
from helmops.engine.reconcile import Result, Step
from helmops.engine.sync import Summary

NOON = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
SCOPE = Scope(Access(), "cluster-uid", "prod", "team")
WEB = ObjectId("apps/v1", "Deployment", "apps", "web")


def release(name: str, **more: Any) -> Release:
    """A release of namespace ``apps``."""
    ref = ObjectRef("helmops.dev/v1alpha1", "Release", "apps", name, f"{name}.yaml:1")
    return Release(ref, name, "apps", "apps", PathChart("/charts/web", "/"), **more)


def record(name: str = "web", revision: int = 1, status: str = "deployed", **labels: str) -> Record:
    """A revision; ``labels`` with ``_`` for ``helmops.dev/``."""
    named = {key.replace("_", "helmops.dev/"): value for key, value in labels.items()}
    created = f"2026-11-22T12:00:{revision:02}Z"
    return Record("apps", name, revision, status, f"uid-{name}-{revision}", "7", created, named)


def planned(name: str, decision: Decision, state: ReleaseState | None = None, **more: Any) -> Planned:
    """A planned release; the state is a fitting one where none is given."""
    return Planned(release(name), state or _state(decision), decision, **more)


def _state(decision: Decision) -> ReleaseState:
    match decision:
        case Install():
            return Absent()
        case Correct(reports):
            return Drifted(record(), reports)
        case Upgrade(why):
            return OutOfSync(record(), why)
        case Rollback(target):
            return Failed(record(), 2, "it broke", target)
    return InSync(record())


DRIFT = DriftReport(WEB, "changed", (Difference("spec.replicas", 5, 2, "kubectl", "2026-11-22T11:00:00Z"),))
MISSING = DriftReport(ObjectId("v1", "ConfigMap", "apps", "web"), "missing")
CORRECTION = Correct((DRIFT, MISSING))
STALLED = Stalled("this very input failed before (revision 3): timed out", "change the input, or use --retry")
LOCKED = Wait(NOON, "someone", "pending-upgrade by someone")
FOREIGN = planned(
    "flux", Stalled("managed by Flux HelmRelease apps/flux", "flux suspend"), Managed(Foreign("Flux", "flux suspend"))
)
EVERY: dict[str, Decision] = {
    "install": Install(),
    "upgrade": Upgrade("the input has changed"),
    "correct": CORRECTION,
    "unchanged": Done(),
    "rollBack": Rollback(2, "revision 3 failed: it broke"),
    "recover": Recover(record(status="pending-upgrade")),
    "label": Relabel(record()),
    "locked": LOCKED,
    "problem": STALLED,
}


def plan(*releases: Planned, removals: Sequence[Removal] = (), namespaces: Sequence[str] = (), **more: Any) -> Plan:
    """A plan."""
    loaded = Loaded(Desired(tuple(one.release for one in releases), **more), {})
    created = tuple(NewNamespace(SCOPE, name, {}) for name in namespaces)
    return Plan(SCOPE, loaded, releases, tuple(removals), created)


def removal(name: str, *claims: str) -> Removal:
    """A release that would go."""
    return Removal(record(name), "web 1.0.0", claims)


def result(name: str, outcome: str = "done", *steps: Step, **more: Any) -> Result:
    """How a release came out."""
    error = more.pop("error", "" if outcome == "done" else "it broke")
    return Result(("apps", name), steps=steps, outcome=outcome, error=error, **more)


def summary(*results: Result, **more: Any) -> Summary:
    """How a pass came out."""
    return Summary(results, **more)


WENT_WELL = Outcome()
BROKE = Outcome("it broke")
