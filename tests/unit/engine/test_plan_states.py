"""What is planned for a release in each state that it can be in, and that planning writes nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from helmops.api.model import Access
from helmops.core.release.observation import DESIRED_LABEL
from helmops.core.release.plan import Correct, Done, Install, Recover, Relabel, Rollback, Stalled, Upgrade, Wait
from helmops.core.release.state import Drifted, Failed, InSync, Managed, OutOfSync, Pending, RolledBack, Unmanaged
from helmops.errors import Forbidden, HelmError, Refused, Rejected, Transient
from tests.unit.engine.stage import CHART, NAMESPACE, Stage, config_map, release

WRITES = ("apply", "patch", "label", "mark_failed", "hold")


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def deployed(stage: Stage, message: str = "hello", **spec: Any) -> None:
    stage.write(release(message=message, **spec))
    await stage.sync()


async def test_absent(stage: Stage) -> None:
    stage.write(release())
    planned = (await stage.plan())["web"]
    assert isinstance(planned.decision, Install)
    assert planned.why == ("chart chart 0.1.0, not installed yet",)
    assert planned.preview is not None
    assert [change.action for change in planned.preview.changes] == ["create"]
    assert not any(stage.cluster.calls[method] for method in WRITES)
    assert stage.helm.calls == {"render": 1}


async def test_in_sync_asks_nothing_of_helm_and_little_of_the_server(stage: Stage) -> None:
    await deployed(stage)
    await stage.plan()
    stage.helm.calls.clear()
    stage.cluster.calls.clear()
    planned = (await stage.plan())["web"]
    assert isinstance(planned.state, InSync)
    assert planned.decision == Done()
    assert not stage.helm.calls
    assert stage.cluster.calls["body"] == stage.cluster.calls["dry_run"] == stage.cluster.calls["get"] == 0
    assert stage.cluster.calls["list_metadata"] == 1


async def test_a_changed_value_a_changed_chart(stage: Stage) -> None:
    await deployed(stage)
    stage.write(release(message="other"))
    planned = (await stage.plan())["web"]
    assert isinstance(planned.state, OutOfSync)
    assert isinstance(planned.decision, Upgrade)
    (why,) = planned.why
    assert why.startswith("values changed at `message` by ")

    stage.write(release())
    stage.helm.knows(stage.charts.place(CHART, "chart", "0.2.0"))
    assert (await stage.plan())["web"].why == ("chart 0.1.0 → 0.2.0",)
    stage.helm.knows(stage.charts.place(CHART, "chart", text="another template"))
    assert (await stage.plan())["web"].why == ("the content of the chart has changed",)


async def test_drift(stage: Stage) -> None:
    await deployed(stage)
    stage.cluster.edit(config_map("web"), lambda obj: obj["data"].update(message="by hand"))
    planned = (await stage.plan())["web"]
    assert isinstance(planned.state, Drifted)
    assert isinstance(planned.decision, Correct)
    (report,) = planned.checked.reports
    (difference,) = report.differences
    assert (difference.path, difference.live, difference.wanted) == ("data.message", "by hand", "hello")
    stage.cluster.remove(config_map("web"))
    assert (await stage.plan())["web"].checked.reports[0].kind == "missing"


@pytest.mark.parametrize(("mode", "state"), [("warn", Drifted), ("disabled", InSync)])
async def test_drift_that_is_left_alone(stage: Stage, mode: str, state: type) -> None:
    await deployed(stage, driftDetection={"mode": mode})
    stage.cluster.edit(config_map("web"), lambda obj: obj["data"].update(message="by hand"))
    planned = (await stage.plan())["web"]
    assert type(planned.state) is state
    assert not planned.acts


async def test_what_could_not_be_asked_is_told_and_is_no_drift(stage: Stage) -> None:
    await deployed(stage)
    stage.cluster.edit(config_map("web"), lambda obj: obj["metadata"].setdefault("labels", {}).update(x="y"))
    stage.cluster.fail_next("get", Forbidden("you may not"))
    planned = (await stage.plan())["web"]
    assert isinstance(planned.state, InSync)
    assert planned.checked.unknown == ("ConfigMap/web: you may not",)


async def test_failed_once_is_not_tried_again_unless_asked(stage: Stage) -> None:
    stage.helm.fail_next(method="install")
    await deployed(stage)
    planned = (await stage.plan())["web"]
    assert isinstance(planned.state, Failed)
    assert isinstance(planned.decision, Stalled)
    assert "this very input failed before (revision 1)" in planned.decision.why
    assert isinstance((await stage.plan(retry=True))["web"].decision, Upgrade)
    stage.write(release(message="other"))
    assert isinstance((await stage.plan())["web"].decision, Upgrade)


async def test_failed_with_a_good_revision_below_is_rolled_back(stage: Stage) -> None:
    """As after a crash between the failure and its rollback."""
    await deployed(stage)
    await deployed(stage, "bad", upgrade={"remediation": {"remediateLastFailure": False}})
    stage.helm.fail_next(method="upgrade")
    await deployed(stage, "worse", upgrade={"remediation": {"remediateLastFailure": False}})
    stage.write(release(message="worse"))
    decision = (await stage.plan())["web"].decision
    assert isinstance(decision, Rollback)
    assert decision.target == 2


async def test_rolled_back_stays_where_it_is(stage: Stage) -> None:
    await deployed(stage)
    stage.helm.fail_next(method="upgrade", message="boom")
    await deployed(stage, "bad")
    planned = (await stage.plan())["web"]
    assert isinstance(planned.state, RolledBack)
    assert isinstance(planned.decision, Stalled)
    assert "boom" in planned.decision.why
    stage.write(release())
    assert (await stage.plan())["web"].decision == Done()


async def test_an_interrupted_try_says_nothing_about_the_input(stage: Stage) -> None:
    await deployed(stage)
    stage.make_pending("web", labels={DESIRED_LABEL: f"2.{'d' * 40}"})
    (record,) = stage.cluster.revisions(NAMESPACE, "web")[1:]
    await stage.cluster.mark_failed(Access(), record, 'Upgrade "web" failed: context canceled')
    stage.write(release(message="new"))
    planned = (await stage.plan())["web"]
    assert isinstance(planned.decision, Upgrade)
    assert planned.why[0] == "revision 2 was interrupted"


async def test_made_by_someone_else(stage: Stage) -> None:
    stage.make_pending("web", "deployed")
    stage.write(release())
    planned = (await stage.plan())["web"]
    assert isinstance(planned.state, Unmanaged)
    assert isinstance(planned.decision, Upgrade)


async def test_of_another_owner(stage: Stage) -> None:
    stage.write(release(), owner="one")
    await stage.sync()
    stage.write(release(message="other"), owner="two")
    planned = (await stage.plan())["web"]
    assert isinstance(planned.state, Managed)
    assert isinstance(planned.decision, Stalled)
    assert planned.decision.why == "managed by owner one"


async def test_labels_alone(stage: Stage) -> None:
    await deployed(stage)
    stage.write(release(), owner="one")
    assert isinstance((await stage.plan())["web"].decision, Relabel)


async def test_pending_with_a_lease(stage: Stage) -> None:
    await deployed(stage)
    stage.write(release(message="new"))
    stage.make_pending("web")
    stage.cluster.leave_lease(NAMESPACE, "web", "other")
    planned = (await stage.plan())["web"]
    assert isinstance(planned.state, Pending)
    assert isinstance(planned.decision, Wait)
    stage.cluster.writers_gone = lambda holder: holder == "other"
    planned = (await stage.plan())["web"]
    assert isinstance(planned.decision, Recover)
    assert planned.why[0] == "revision 2 was cut off (pending-upgrade) and its writer is gone"


async def test_pending_without_a_lease_goes_by_age(stage: Stage) -> None:
    stage.write(release())
    stage.make_pending("web", "pending-install")
    planned = (await stage.plan())["web"]
    assert isinstance(planned.decision, Wait)
    assert planned.decision.holder == "someone outside helmops"
    stage.clock.advance(dt.timedelta(hours=1, seconds=1).total_seconds())
    assert isinstance((await stage.plan())["web"].decision, Recover)


async def test_suspended(stage: Stage) -> None:
    stage.write(release(suspend=True))
    assert (await stage.plan())["web"].decision == Done("suspended")


@pytest.mark.parametrize("error", [HelmError("bad template", kind="render"), Transient("try later")])
async def test_one_that_cannot_be_planned_does_not_stop_the_others(stage: Stage, error: Exception) -> None:
    stage.write(release("bad", chart={"path": "other"}), release("good"))
    if isinstance(error, Transient):
        stage.charts.fail("/input/other", error)
    else:
        stage.charts.place("/input/other")
        stage.helm.fail_next("render", method="render", message="bad template", when=lambda it: it.name == "bad")
    planned = await stage.plan()
    assert planned["bad"].error is not None
    assert not planned["bad"].acts
    assert isinstance(planned["good"].decision, Install)


async def test_what_the_server_refuses_is_found_before_anything_is_written(stage: Stage) -> None:
    stage.write(release())
    stage.cluster.fail_next("dry_run", Rejected("spec.x: unknown field"))
    planned = (await stage.plan())["web"]
    assert isinstance(planned.error, Rejected)


async def test_a_namespace_that_nobody_makes(stage: Stage) -> None:
    stage.write(release(namespace="nowhere"))
    planned = (await stage.plan())["web"]
    assert isinstance(planned.error, Refused)
    assert "namespace nowhere does not exist" in planned.error.message
    stage.write(release(namespace="nowhere", install={"createNamespace": True}))
    _, plan = await stage.fleet()
    assert [one.name for one in plan.namespaces] == ["nowhere"]
