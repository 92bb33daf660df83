"""Which exit code a plan or a pass ends with. PURE; the truth table stands in tests/unit/cli/test_outcome.py."""

from __future__ import annotations

from helmops.cli.exits import CHANGES, DONE, DRIFT, ERROR, INTERRUPTED, LOCKED, PARTIAL
from helmops.core.release.plan import Correct, Stalled, Wait
from helmops.engine.plan import Plan
from helmops.engine.sync import Summary


def of_plan(plan: Plan, *, detailed: bool) -> int:
    """A plan with problems is an error even where the rest could go on: sync would not end well either."""
    waiting = [one for one in plan.releases if isinstance(one.decision, Wait)]
    if any(one.error or isinstance(one.decision, Stalled) for one in plan.releases):
        return ERROR
    if waiting:
        return LOCKED
    return _changes(plan) if detailed else DONE


def of_summary(plan: Plan, summary: Summary, *, detailed: bool) -> int:
    """What went wrong goes before what changed."""
    if summary.interrupted:
        return INTERRUPTED
    if summary.failed:
        return _failures(summary)
    return _changes(plan) if detailed else DONE


def _changes(plan: Plan) -> int:
    if not plan.changes:
        return DONE
    acting = [one for one in plan.releases if one.acts]
    only_drift = all(isinstance(one.decision, Correct) for one in acting)
    return DRIFT if only_drift and not plan.removals and not plan.namespaces else CHANGES


def _failures(summary: Summary) -> int:
    """What was only blocked by another failure says nothing of its own."""
    causes = [one for one in summary.failed if one.outcome != "blocked"] or list(summary.failed)
    if all(one.outcome == "locked" for one in causes):
        return LOCKED
    return PARTIAL if len(summary.failed) < len(summary.results) + len(summary.removed) else ERROR
