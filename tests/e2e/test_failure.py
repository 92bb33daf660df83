"""What fails is rolled back, told with its cause and the next thing to type, and not tried again by itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.helpers import NEVER_READY, HelmOps, Live
from tests.runners import Helm

SHORT: dict[str, Any] = {"quick": False, "timeout": "2s", "rollback": {"timeout": "30s"}}


def release(ops: HelmOps, message: str, *, ready: bool = True, **spec: Any) -> None:
    """The input: an application with pods."""
    values = {"message": message, "pods": {"a": "b"} if ready else NEVER_READY}
    ops.write("web.yaml", ops.release("web", ops.app(), values, **{**SHORT, **spec}))


@pytest.mark.helm3
def test_a_failed_upgrade_rolls_back_and_the_same_input_is_not_tried_again(
    ops: HelmOps, live: Live, helm: Helm
) -> None:
    release(ops, "one", timeout="30s")
    ops.sync()
    release(ops, "two", ready=False)

    failed = ops.sync(code=1).out
    assert f"{ops.namespace}/web  upgrading" in failed
    assert f"{ops.namespace}/web  rolling-back" in failed
    assert "cause:" in failed
    assert "rolled back to revision 1" in failed
    assert f"helmops history {ops.namespace}/web" in failed
    assert "Failed: 1 failed" in failed
    assert live.message("web") == "one"
    assert live.history("web") == ["superseded", "failed", "deployed"]
    assert helm.json("status", "web")["info"]["status"] == "deployed"

    for _ in range(2):
        told = ops.sync(code=1).out
        assert "this very input failed before (revision 2): " in told
        assert "revision 1 is kept" in told
        assert "--retry" in told
    ops.plan("--detailed-exitcode", code=1)
    assert live.history("web") == ["superseded", "failed", "deployed"]

    assert "rolled back to revision" in ops.sync("--retry", code=1).out
    assert live.history("web") == ["superseded", "failed", "superseded", "failed", "deployed"]
    assert live.message("web") == "one"

    release(ops, "three")
    ops.sync()
    assert live.message("web") == "three"
    assert live.history("web")[-1] == "deployed"
    ops.plan("--detailed-exitcode", code=0)


def test_the_input_before_the_failed_one_is_in_sync_again(ops: HelmOps, live: Live) -> None:
    """Reverting the commit is enough: the rollback already deployed it."""
    release(ops, "one", timeout="30s")
    ops.sync()
    release(ops, "two", ready=False)
    ops.sync(code=1)
    release(ops, "one", timeout="30s")
    assert "1 unchanged" in ops.sync().out
    assert live.history("web") == ["superseded", "failed", "deployed"]


def test_retry_goes_well_once_the_world_is_mended(ops: HelmOps, live: Live) -> None:
    """The input was right, the cluster was not: a quota."""
    release(ops, "one", timeout="30s")
    ops.sync()
    path = f"/api/v1/namespaces/{ops.namespace}/resourcequotas"
    live.api.call("POST", path, {"metadata": {"name": "full"}, "spec": {"hard": {"pods": "0"}}})
    release(ops, "two", timeout="2s")
    values = {"message": "two", "pods": {"a": "c"}}
    ops.write("web.yaml", ops.release("web", "charts/app", values, **{**SHORT, "rollback": {"disableWait": True}}))
    ops.sync(code=1)
    live.api.call("DELETE", f"{path}/full")
    ops.sync(code=1)
    assert live.message("web") == "one"
    ops.write("web.yaml", ops.release("web", "charts/app", values, quick=False, timeout="30s"))
    assert "Done: 1 upgraded" in ops.sync("--retry").out
    assert live.message("web") == "two"


@pytest.mark.helm3
def test_a_first_install_that_fails_stays_and_the_mended_input_goes_on_from_there(ops: HelmOps, live: Live) -> None:
    release(ops, "one", ready=False)
    assert "cause:" in ops.sync(code=1).out
    assert live.history("web") == ["failed"]
    assert "this very input failed before (revision 1)" in ops.sync(code=1).out
    assert live.history("web") == ["failed"]
    release(ops, "two", timeout="30s")
    assert "Done: 1 upgraded" in ops.sync().out
    assert live.history("web") == ["superseded", "deployed"]  # so helm marks a failed revision that it built on
    assert live.message("web") == "two"


def test_without_remediation_the_failed_revision_stays(ops: HelmOps, live: Live) -> None:
    release(ops, "one", timeout="30s")
    ops.sync()
    release(ops, "two", ready=False, upgrade={"remediation": {"remediateLastFailure": False}})
    ops.sync(code=1)
    assert live.history("web") == ["deployed", "failed"]
    assert live.message("web") == "two"
    ops.sync(code=1)
    assert live.history("web") == ["deployed", "failed"]


def test_the_failure_block_tells_events(ops: HelmOps, live: Live) -> None:
    """A pod that may not be made is told by its ReplicaSet's events."""
    path = f"/api/v1/namespaces/{ops.namespace}/resourcequotas"
    live.api.call("POST", path, {"metadata": {"name": "full"}, "spec": {"hard": {"pods": "0"}}})
    release(ops, "one")
    told = ops.sync(code=1).out
    assert "events: ReplicaSet/web-" in told
    assert "exceeded quota" in told


@pytest.mark.parametrize("mode", ["hook-fails", "immutable"])
def test_other_failures_roll_back_too(ops: HelmOps, live: Live, mode: str) -> None:
    faulty = ops.chart("faulty")
    before = {"mode": "immutable" if mode == "immutable" else "none", "message": "one"}
    after = {"mode": mode, "message": "two", "track": "canary"}
    short = {**SHORT, "timeout": "5s"}
    ops.write("web.yaml", ops.release("web", faulty, before, **{**short, "timeout": "30s"}))
    ops.sync()
    ops.write("web.yaml", ops.release("web", faulty, after, **short))
    told = ops.sync(code=1).out
    if mode == "immutable":  # the server's dry-run knows before helm writes anything
        assert "immutable" in told
        assert live.history("web") == ["deployed"]
    else:
        assert "web-prepare" in told
        assert live.history("web") == ["superseded", "failed", "deployed"]
    container = live.get("Deployment", "web")["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "MESSAGE", "value": "one"}]
