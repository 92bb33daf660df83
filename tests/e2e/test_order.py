"""Releases go in the order of dependsOn, side by side where they may; a failure blocks its dependents alone."""

from __future__ import annotations

import re

from tests.e2e.helpers import NEVER_READY, HelmOps, Live, slowly


def test_what_depends_on_another_waits_for_it_and_the_rest_does_not(ops: HelmOps, live: Live) -> None:
    app = ops.app()
    ops.write(
        "all.yaml",
        ops.release("c", app, dependsOn=[{"name": "b"}]),
        ops.release("b", app, {"pods": slowly(1)}, dependsOn=[{"name": "a", "namespace": ops.namespace}], quick=False),
        ops.release("a", app, {"pods": slowly(1)}, quick=False),
        ops.release("free", app),
    )
    out = ops.sync().out
    lines = [line for line in out.splitlines() if re.search(r"  (installing|done)", line)]
    moves = [(line.split("/")[1].split()[0], line.split()[1]) for line in lines]
    assert moves.index(("a", "done")) < moves.index(("b", "installing"))
    assert moves.index(("b", "done")) < moves.index(("c", "installing"))
    assert moves.index(("free", "done")) < moves.index(("a", "done"))
    made = {name: live.records(name)[0]["metadata"]["creationTimestamp"] for name in ("a", "b", "c")}
    assert made["a"] < made["b"] < made["c"]


def test_a_failure_blocks_what_depends_on_it_and_nothing_else(ops: HelmOps, live: Live) -> None:
    app = ops.app()
    bad = {"pods": NEVER_READY}
    ops.write(
        "all.yaml",
        ops.release("bad", app, bad, quick=False, timeout="2s"),
        ops.release("child", app, dependsOn=[{"name": "bad"}]),
        ops.release("grandchild", app, dependsOn=[{"name": "child"}]),
        ops.release("free", app),
        ops.release("after-free", app, dependsOn=[{"name": "free"}]),
    )
    out = ops.sync(code=4).out
    assert live.statuses() == {"bad": "failed", "free": "deployed", "after-free": "deployed"}
    assert f"{ops.namespace}/child  blocked  blocked by {ops.namespace}/bad (failed: " in out
    assert f"{ops.namespace}/grandchild  blocked  blocked by {ops.namespace}/child (blocked" in out
    assert "Failed: 2 installed, 1 failed, 2 blocked" in out

    # mended: the rest follows in one pass
    ops.write(
        "all.yaml",
        ops.release("bad", app),
        ops.release("child", app, dependsOn=[{"name": "bad"}]),
        ops.release("grandchild", app, dependsOn=[{"name": "child"}]),
    )
    ops.sync()
    assert set(live.statuses().values()) == {"deployed"}


def test_all_failed_is_an_error_and_some_failed_is_a_partial_one(ops: HelmOps) -> None:
    app = ops.app()
    bad = ops.release("bad", app, {"pods": NEVER_READY}, quick=False, timeout="1s")
    ops.write("all.yaml", bad)
    result = ops.sync("-o", "json", code=1).json
    assert (result["kind"], result["summary"]) == ("SyncResult", {"failed": 1})
    ops.write("all.yaml", bad, ops.release("good", app))
    result = ops.sync("-o", "json", code=4).json
    assert result["summary"] == {"failed": 1, "installed": 1}
    failed = next(one for one in result["releases"] if one["name"] == "bad")
    assert failed["outcome"] == "failed"
    assert "this very input failed before" in failed["error"]


def test_a_dependency_that_cannot_be_planned_blocks_too(ops: HelmOps, live: Live) -> None:
    faulty, app = ops.chart("faulty"), ops.app()
    ops.write(
        "all.yaml",
        ops.release("bad", faulty, {"mode": "unknown-field"}),
        ops.release("child", app, dependsOn=[{"name": "bad"}]),
    )
    assert "1 blocked" in ops.sync(code=1).out
    assert live.statuses() == {}
