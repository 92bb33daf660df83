"""Which exit code, as a truth table."""

from __future__ import annotations

import pytest

from helmops.cli import outcome
from helmops.core.release.plan import Done, Install, Upgrade
from helmops.engine.plan import Plan
from helmops.engine.sync import Summary
from helmops.errors import Transient
from tests.unit.cli.builders import (
    CORRECTION,
    FOREIGN,
    LOCKED,
    STALLED,
    plan,
    planned,
    removal,
    result,
    summary,
)

NOTHING = plan(planned("a", Done()))
UPGRADE = plan(planned("a", Upgrade("x")), planned("b", Done()))
DRIFT = plan(planned("a", CORRECTION), planned("b", Done()))
PROBLEM = plan(planned("a", Done(), error=Transient("no answer")), planned("b", Upgrade("x")))


@pytest.mark.parametrize(
    ("of", "plain", "detailed"),
    [
        (plan(), 0, 0),
        (NOTHING, 0, 0),
        (UPGRADE, 0, 2),
        (plan(planned("a", Install())), 0, 2),
        (DRIFT, 0, 3),
        (plan(planned("a", CORRECTION), planned("b", Upgrade("x"))), 0, 2),
        (plan(planned("a", CORRECTION), removals=[removal("b")]), 0, 2),
        (plan(planned("a", Done()), removals=[removal("b")]), 0, 2),
        (plan(planned("a", Done()), namespaces=["apps"]), 0, 2),
        (PROBLEM, 1, 1),
        (plan(planned("a", STALLED)), 1, 1),
        (plan(FOREIGN), 1, 1),
        (plan(planned("a", LOCKED)), 5, 5),
        (plan(planned("a", LOCKED), planned("b", STALLED)), 1, 1),
    ],
)
def test_of_a_plan(of: Plan, plain: int, detailed: int) -> None:
    assert outcome.of_plan(of, detailed=False) == plain
    assert outcome.of_plan(of, detailed=True) == detailed


@pytest.mark.parametrize(
    ("of", "came_out", "plain", "detailed"),
    [
        (NOTHING, summary(result("a")), 0, 0),
        (UPGRADE, summary(result("a"), result("b")), 0, 2),
        (DRIFT, summary(result("a"), result("b")), 0, 3),
        (UPGRADE, summary(result("a", "failed")), 1, 1),
        (UPGRADE, summary(result("a", "failed"), result("b")), 4, 4),
        (UPGRADE, summary(result("a", "failed"), result("b", "blocked")), 1, 1),
        (UPGRADE, summary(result("a", "locked"), result("b")), 5, 5),
        (UPGRADE, summary(result("a", "locked"), result("b", "blocked")), 5, 5),
        (UPGRADE, summary(result("a", "locked"), result("b", "failed")), 1, 1),
        (UPGRADE, summary(result("a", "locked"), result("b", "failed"), result("c")), 4, 4),
        (UPGRADE, summary(result("a"), removed=(result("z", "failed"),)), 4, 4),
        (UPGRADE, summary(result("a"), result("b", "interrupted"), interrupted=True), 130, 130),
    ],
)
def test_of_a_pass(of: Plan, came_out: Summary, plain: int, detailed: int) -> None:
    assert outcome.of_summary(of, came_out, detailed=False) == plain
    assert outcome.of_summary(of, came_out, detailed=True) == detailed
