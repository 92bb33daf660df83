"""Ctrl-C: once lets every running helm finish its record, twice ends at once. Stopped processes do not hang anybody."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.helpers import NEVER_READY, HelmOps, Live, helm_children, slowly, until

MANY = [f"app-{number}" for number in range(4)]


def waiting(ops: HelmOps, live: Live, names: list[str] = MANY, **values: object) -> None:
    """Every release is deployed; the input now asks for pods that never get ready."""
    app = ops.app()
    ops.write("all.yaml", *(ops.release(name, app) for name in names))
    ops.sync()
    values = {"message": "new", "pods": NEVER_READY, **values}
    ops.write("all.yaml", *(ops.release(name, app, values, quick=False, timeout="60s") for name in names))


def pending(live: Live) -> int:
    """How many releases are being written."""
    return sum(status.startswith("pending-") for status in live.statuses().values())


@pytest.mark.helm3
def test_ctrl_c_lets_helm_finish_its_record_and_tells_what_was_not_done(ops: HelmOps, live: Live) -> None:
    waiting(ops, live)
    with ops.running("sync", ".", "--yes", "--parallel", "2") as run:
        until(lambda: pending(live) == 2, "two upgrades wait for their pods")
        run.signal(signal.SIGINT)
        ended = run.end()
    assert ended.code == 130
    assert "Stopping: " in ended.err
    assert "Interrupted: 4 not done" in ended.out
    for name in MANY:
        assert f"! {ops.namespace}/{name}  not done" in ended.out
    assert sorted(live.statuses().values()) == ["deployed", "deployed", "failed", "failed"]
    assert live.leases() == []
    assert "Traceback" not in ended.err

    # an interrupted input has not failed: the next sync goes on with it
    ops.write("all.yaml", *(ops.release(name, "charts/app", {"message": "new"}) for name in MANY))
    ops.sync()
    assert set(live.statuses().values()) == {"deployed"}
    assert {live.message(name) for name in MANY} == {"new"}


def test_the_very_same_input_goes_on_after_ctrl_c(ops: HelmOps, live: Live) -> None:
    waiting(ops, live, MANY[:1], pods=slowly(2))
    with ops.running("sync", ".", "--yes") as run:
        until(lambda: pending(live) == 1, "an upgrade waits for its pods")
        run.signal(signal.SIGINT)
        assert run.end().code == 130
    assert "revision 2 was interrupted" in ops.sync().out
    assert live.history(MANY[0]) == ["superseded", "failed", "deployed"]


def test_ctrl_c_twice_ends_at_once_and_leaves_nothing_that_the_next_sync_could_not_mend(
    ops: HelmOps, live: Live, helm_path: Path
) -> None:
    waiting(ops, live, MANY[:2])
    with ops.running("sync", ".", "--yes") as run:
        until(lambda: pending(live) == 2, "both upgrades wait for their pods")
        children = helm_children(helm_path, run.pid)
        for child in children:
            os.kill(child.pid, signal.SIGSTOP)
        run.signal(signal.SIGINT)
        run.signal(signal.SIGINT)
        assert run.end().code == 130
    until(lambda: not helm_children(helm_path, run.pid), "its helm processes are gone, too")
    ops.write("all.yaml", *(ops.release(name, "charts/app", {"message": "new"}) for name in MANY[:2]))
    ops.sync()
    assert set(live.statuses().values()) == {"deployed"}
    assert live.leases() == []


def test_ctrl_c_during_a_rollback_leaves_no_pending_release(ops: HelmOps, live: Live) -> None:
    """helm rollback does not listen to SIGTERM: its record is finished for it."""
    app = ops.app()
    ops.write("web.yaml", ops.release("web", app, {"pods": slowly(0)}, quick=False))
    ops.sync()
    # the first revision's pods would never be ready again
    quota = f"/api/v1/namespaces/{ops.namespace}/resourcequotas"
    live.api.call("POST", quota, {"metadata": {"name": "full"}, "spec": {"hard": {"pods": "0"}}})
    options = {"timeout": "1s", "quick": False, "rollback": {"timeout": "60s"}}
    ops.write("web.yaml", ops.release("web", app, {"pods": {"a": "changed"}}, **options))
    with ops.running("sync", ".", "--yes") as run:
        until(lambda: live.statuses()["web"] == "pending-rollback", "it is rolled back")
        run.signal(signal.SIGINT)
        ended = run.end()
    assert ended.code == 130
    assert live.statuses()["web"] == "failed"
    assert live.leases() == []
    live.api.call("DELETE", f"{quota}/full")
    ops.write("web.yaml", ops.release("web", app, {"message": "mended"}))
    ops.sync()
    assert live.message("web") == "mended"
    assert live.history("web")[-1] == "deployed"


def test_a_stopped_helm_does_not_outlive_ctrl_c(ops: HelmOps, live: Live, helm_path: Path) -> None:
    waiting(ops, live, MANY[:1])
    with ops.running("sync", ".", "--yes") as run:
        until(lambda: pending(live) == 1, "an upgrade waits for its pods")
        (child,) = helm_children(helm_path, run.pid)
        os.kill(child.pid, signal.SIGSTOP)
        run.signal(signal.SIGINT)
        assert run.end().code == 130
    assert helm_children(helm_path, run.pid) == []
    assert live.statuses() == {MANY[0]: "failed"}
    assert live.leases() == []
