"""How a pass is summed up."""

from __future__ import annotations

from helmops.cli.output.paint import Paint
from helmops.cli.output.plan_document import sync_content
from helmops.cli.output.summary import summary_lines
from helmops.core.objects import ObjectEvent, ObjectId
from helmops.core.release.plan import Install, Rollback, Upgrade
from helmops.engine.reconcile import Step
from helmops.engine.sync import Summary
from tests.unit.cli.builders import BROKE, SCOPE, WENT_WELL, removal, result, summary

POD = ObjectId("v1", "Pod", "apps", "web-1")
FAILED = result(
    "web",
    "failed",
    Step(Upgrade("the input has changed"), BROKE),
    Step(Rollback(3, "revision 4 failed"), WENT_WELL),
    error="timed out\nwaiting for Deployment/web",
    hint="change the input, or try the same again with --retry",
    events=(ObjectEvent(POD, "Warning", "BackOff", "restarting", 5, ""),),
    seconds=12.34,
    revision=5,
)


def lines(one: Summary) -> list[str]:
    return summary_lines(one, 1.25, "helm helmops", Paint())


def test_when_all_went_well() -> None:
    installed = result("a", "done", Step(Install(), WENT_WELL))
    assert lines(summary(installed, result("b"), result("c"))) == ["Done: 1 installed, 2 unchanged in 1.2 s"]


def test_a_failure_tells_cause_events_what_was_done_and_the_next_command() -> None:
    assert lines(summary(FAILED, result("b"))) == [
        "",
        "! apps/web  failed",
        "    cause:  timed out",
        "            waiting for Deployment/web",
        "    events: Pod/web-1  BackOff  restarting (5 times)",
        "    done:   rolled back to revision 3",
        "    next:   change the input, or try the same again with --retry",
        "            helm helmops history apps/web",
        "",
        "Failed: 1 unchanged, 1 failed in 1.2 s",
    ]


def test_a_rollback_that_failed_too() -> None:
    steps = (Step(Upgrade("x"), BROKE), Step(Rollback(3, "y"), BROKE))
    assert "    done:   not rolled back to revision 3: it broke" in lines(summary(result("web", "failed", *steps)))


def test_what_was_blocked_locked_or_not_begun() -> None:
    one = summary(
        result("a", "locked", hint="wait for it"),
        result("b", "blocked", error="blocked by apps/a"),
        result("c", "interrupted", error="not started"),
        interrupted=True,
        unpruned=(removal("gone"),),
    )
    told = lines(one)
    assert "    next:   wait for it" in told
    assert "! apps/b  blocked  blocked by apps/a" in told
    assert "! apps/c  not done  not started" in told
    assert "not removed, because not everything went well: apps/gone" in told
    assert told[-1] == "Interrupted: 1 blocked, 1 locked, 2 not done in 1.2 s"


def test_removals_count_as_what_became_of_them() -> None:
    one = summary(result("a"), removed=(result("b", "done"), result("c", "failed")))
    assert lines(one)[-1] == "Failed: 1 removed, 1 unchanged, 1 failed in 1.2 s"


def test_for_programs() -> None:
    content = sync_content(SCOPE, summary(FAILED, result("b")), 1.25)
    assert content["summary"] == {"failed": 1, "unchanged": 1}
    assert content["interrupted"] is False
    web, other = content["releases"]
    assert other == {"namespace": "apps", "name": "b", "outcome": "unchanged"}
    assert web["steps"] == [
        {"action": "upgrade", "ok": False, "error": "it broke"},
        {"action": "rollback", "ok": True, "revision": 3},
    ]
    assert web["events"][0]["reason"] == "BackOff"
    assert web["seconds"] == 12.34
