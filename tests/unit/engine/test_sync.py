"""Applying a plan: order, who is blocked, what moved in between, what an interruption and a lost Lease leave behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from helmops.core.release.observation import DESIRED_LABEL
from helmops.engine.sync import Summary, Sync
from helmops.errors import Forbidden, NotFound, Rejected
from helmops.testing.leases import FakeLeases
from tests.unit.engine.stage import NAMESPACE, Stage, config_map, release


@pytest.fixture
def stage() -> Stage:
    return Stage()


def ours(revision: int) -> dict[str, str]:
    """The label of a revision that helmops made."""
    return {DESIRED_LABEL: f"{revision}.{'d' * 40}"}


async def until(condition: Callable[[], object]) -> None:
    """Let others run until it is so."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def begin(stage: Stage) -> asyncio.Task[Summary]:
    """A pass in the background."""
    fleet, plan = await stage.fleet()
    return asyncio.create_task(Sync(fleet, parallel=2).apply(plan))


# ---------------------------------------------------------------- order
async def test_after_what_it_depends_on(stage: Stage) -> None:
    stage.write(release("c", needs=["b"]), release("b", needs=["a"]), release("a"))
    results = await stage.sync()
    assert all(result.ok for result in results.values())
    done = [told.release.rpartition("/")[2] for told in stage.recorder.told if told.phase == "done"]
    assert done == ["a", "b", "c"]


async def test_a_failure_blocks_its_dependents_and_nobody_else(stage: Stage) -> None:
    stage.write(
        release("bad"), release("child", needs=["bad"]), release("grandchild", needs=["child"]), release("free")
    )
    stage.helm.fail_next(method="install", message="boom", when=lambda it: it.name == "bad")
    results = await stage.sync()
    assert {name: result.outcome for name, result in results.items()} == {
        "bad": "failed",
        "child": "blocked",
        "grandchild": "blocked",
        "free": "done",
    }
    assert results["child"].error == "blocked by apps/bad (failed: boom)"
    assert stage.history("child") == []


async def test_what_needs_nothing_done_is_not_blocked(stage: Stage) -> None:
    stage.write(release("base"), release("child", needs=["base"]))
    await stage.sync()
    stage.write(release("base", message="bad"), release("child", needs=["base"]))
    stage.helm.fail_next(method="upgrade")
    results = await stage.sync()
    assert (results["base"].outcome, results["child"].outcome) == ("failed", "done")


# ---------------------------------------------------------------- what is done about a release
async def test_a_failed_upgrade_is_rolled_back_at_once(stage: Stage) -> None:
    stage.write(release())
    await stage.sync()
    stage.write(release(message="bad"))
    stage.helm.fail_next(method="upgrade", message="boom")
    result = (await stage.sync())["web"]
    assert (result.outcome, result.error) == ("failed", "boom")
    assert [type(step.action).__name__ for step in result.steps] == ["Upgrade", "Rollback"]
    assert stage.message("web") == "hello"
    assert stage.recorder.phases("apps/web")[-3:] == ["upgrading", "rolling-back", "failed"]
    assert (await stage.sync())["web"].outcome == "failed"
    assert stage.helm.calls["upgrade"] == 1


async def test_retry_tries_once_more_and_only_once(stage: Stage) -> None:
    stage.helm.fail_next(method="install")
    stage.write(release())
    await stage.sync()
    stage.helm.fail_next(method="upgrade")
    assert (await stage.sync(retry=True))["web"].outcome == "failed"
    assert stage.helm.calls["upgrade"] == 1
    assert (await stage.sync(retry=True))["web"].ok
    assert stage.history("web")[-1] == "deployed"


async def test_an_interrupted_helm_is_tried_again_in_the_same_pass(stage: Stage) -> None:
    stage.write(release())
    stage.helm.fail_next(method="install", message="context canceled")
    assert (await stage.sync())["web"].outcome in {"done", "failed"}
    assert stage.message("web") == "hello"
    assert stage.history("web")[-1] == "deployed"


async def test_a_correction_makes_no_revision(stage: Stage) -> None:
    stage.write(release())
    await stage.sync()
    stage.cluster.edit(config_map("web"), lambda obj: obj["data"].update(message="by hand"))
    stage.helm.calls.clear()
    result = (await stage.sync())["web"]
    assert result.ok
    assert stage.message("web") == "hello"
    assert stage.history("web") == ["deployed"]
    assert not stage.helm.calls


async def test_labels_come_and_go_without_a_revision(stage: Stage) -> None:
    stage.write(release(annotations={"helmops.dev/prune": "disabled"}), owner="one")
    await stage.sync()
    stage.write(release(), owner="one")
    assert (await stage.sync())["web"].ok
    (record,) = stage.cluster.revisions(NAMESPACE, "web")
    assert "helmops.dev/prune" not in record.labels
    stage.write(release(annotations={"helmops.dev/prune": "disabled"}), owner="one")
    await stage.sync()
    (record,) = stage.cluster.revisions(NAMESPACE, "web")
    assert record.labels["helmops.dev/prune"] == "disabled"


async def test_what_the_server_refuses_of_a_correction_is_the_failure(stage: Stage) -> None:
    stage.write(release())
    await stage.sync()
    stage.cluster.edit(config_map("web"), lambda obj: obj["data"].update(message="by hand"))
    stage.cluster.fail_next("apply", Rejected("no"))
    result = (await stage.sync())["web"]
    assert (result.outcome, result.error) == ("failed", "no")


# ---------------------------------------------------------------- namespaces
async def test_namespaces_come_first_and_then_the_server_is_asked(stage: Stage) -> None:
    """What could not be validated while planning is validated before helm writes; helm need not validate again."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new", "labels": {"team": "web"}}}
    stage.write(namespace, release(namespace="new"))
    planned = (await stage.plan())["web"]
    assert planned.preview is not None
    assert not planned.preview.validated
    assert (await stage.sync())["web"].ok
    assert stage.message("web", "new") == "hello"
    (install,) = [one for one in stage.helm.requests if type(one).__name__ == "HelmChange"]
    assert install.validate is False  # type: ignore[union-attr]

    stage.write(namespace | {"metadata": {"name": "newer"}}, release(namespace="newer"))
    stage.cluster.fail_next("dry_run", Rejected("spec.x: unknown field"))
    result = (await stage.sync())["web"]
    assert (result.outcome, result.error) == ("failed", "spec.x: unknown field")
    assert stage.history("web", "newer") == []


# ---------------------------------------------------------------- moved since planned
async def test_what_moved_since_it_was_planned_is_not_touched(stage: Stage) -> None:
    stage.write(release())
    await stage.sync()
    stage.write(release(message="new"))
    fleet, plan = await stage.fleet()
    stage.make_pending("web", "deployed", ours(2))  # somebody else was faster
    (result,) = (await Sync(fleet, parallel=1).apply(plan)).results
    assert result.outcome == "failed"
    assert "has changed since it was planned" in result.error
    assert stage.helm.calls["upgrade"] == 0


async def test_what_another_sync_has_done_meanwhile_is_done(stage: Stage) -> None:
    stage.write(release())
    await stage.sync()
    stage.write(release(message="new"))
    fleet, plan = await stage.fleet()
    await stage.sync()
    (result,) = (await Sync(fleet, parallel=1).apply(plan)).results
    assert result.ok
    assert stage.history("web") == ["superseded", "deployed"]


async def test_a_release_that_another_writes_is_locked_and_the_rest_goes_on(stage: Stage) -> None:
    stage.write(release("one"), release("two"))
    stage.cluster.leave_lease(NAMESPACE, "one", "other")
    results = await stage.sync()
    assert (results["one"].outcome, results["two"].outcome) == ("locked", "done")
    assert "other" in results["one"].error


# ---------------------------------------------------------------- what others left behind
async def test_what_a_writer_that_is_gone_left_pending_is_recovered_and_done(stage: Stage) -> None:
    stage.write(release())
    await stage.sync()
    stage.make_pending("web", labels=ours(2))
    stage.cluster.leave_lease(NAMESPACE, "web", "dead")
    stage.cluster.writers_gone = lambda holder: holder == "dead"
    stage.write(release(message="new"))
    result = (await stage.sync())["web"]
    assert [type(step.action).__name__ for step in result.steps] == ["Recover", "Upgrade"]
    assert result.ok
    assert stage.message("web") == "new"
    assert await stage.cluster.look((await stage.scope()).access, NAMESPACE, "web") is None


async def test_a_rollback_that_was_cut_off_is_recovered_though_its_label_is_of_another_revision(stage: Stage) -> None:
    stage.write(release())
    await stage.sync()
    stage.make_pending("web", "pending-rollback", {DESIRED_LABEL: f"1.{'d' * 40}"})
    stage.cluster.leave_lease(NAMESPACE, "web", "dead")
    stage.cluster.writers_gone = lambda holder: holder == "dead"
    stage.write(release(message="new"))
    assert (await stage.sync())["web"].ok
    assert stage.message("web") == "new"


@pytest.mark.parametrize("labels", [{}, ours(1)])
async def test_what_is_pending_without_a_lease_is_left_alone_until_it_is_old(
    stage: Stage, labels: dict[str, str]
) -> None:
    """Our own Lease, which stands while we look again, says nothing about whose it is."""
    stage.make_pending("web", "pending-install", labels)
    stage.write(release())
    assert (await stage.sync())["web"].outcome == "locked"
    assert stage.history("web") == ["pending-install"]
    stage.clock.advance(3600 + 1)
    assert (await stage.sync())["web"].ok
    assert stage.message("web") == "hello"


async def test_a_helm_without_its_helmops_is_waited_for(stage: Stage) -> None:
    stage.write(release())
    await stage.sync()
    stage.make_pending("web", labels=ours(2))
    stage.cluster.leave_lease(NAMESPACE, "web", "dead")
    stage.cluster.orphans = {"dead"}
    stage.write(release(message="new"))
    task = await begin(stage)
    await until(lambda: "waiting" in stage.recorder.phases("apps/web"))
    stage.cluster.orphans.clear()
    stage.cluster.writers_gone = lambda holder: holder == "dead"
    (result,) = (await task).results
    assert result.ok
    assert stage.message("web") == "new"
    assert [told.message for told in stage.recorder.told if told.phase == "waiting"] == [
        "for the helm that dead left behind"
    ]


async def test_a_lease_that_a_dead_helmops_left_on_a_release_that_is_done_goes(stage: Stage) -> None:
    stage.write(release("done"), release("stuck"))
    await stage.sync()
    stage.make_pending("stuck")
    for name in ("done", "stuck"):
        stage.cluster.leave_lease(NAMESPACE, name, "dead")
    stage.cluster.orphans = {"dead"}
    stage.cluster.fail_next("hold", Forbidden("no"), when=lambda namespace, name, deadline: name == "stuck")
    access = (await stage.scope()).access
    await stage.sync()
    assert await stage.cluster.look(access, NAMESPACE, "done") is not None
    stage.cluster.orphans.clear()
    stage.cluster.writers_gone = lambda holder: True
    stage.cluster.fail_next("hold", Forbidden("no"), when=lambda namespace, name, deadline: name == "stuck")
    await stage.sync()
    assert await stage.cluster.look(access, NAMESPACE, "done") is None
    assert await stage.cluster.look(access, NAMESPACE, "stuck") is not None


async def test_what_an_orphan_wrote_after_the_plan_is_planned_anew(stage: Stage) -> None:
    """It was dying while we planned; nobody need run sync twice for that."""
    stage.write(release())
    await stage.sync()
    stage.write(release(message="new"))
    stage.cluster.leave_lease(NAMESPACE, "web", "dead")
    stage.cluster.writers_gone = lambda holder: True
    fleet, plan = await stage.fleet()
    stage.make_pending("web", labels=ours(2))
    record = stage.cluster.revisions(NAMESPACE, "web")[-1]
    await stage.cluster.mark_failed(plan.scope.access, record, 'Upgrade "web" failed: context canceled')
    (result,) = (await Sync(fleet, parallel=1).apply(plan)).results
    assert result.ok
    assert stage.message("web") == "new"


async def test_what_an_orphan_changes_of_a_release_that_was_in_sync_is_put_right(stage: Stage) -> None:
    stage.write(release())
    await stage.sync()
    stage.cluster.leave_lease(NAMESPACE, "web", "dead")
    stage.cluster.writers_gone = lambda holder: True
    fleet, plan = await stage.fleet()
    assert not plan.changes
    stage.make_pending("web", "deployed", ours(2))  # of the input before
    (result,) = (await Sync(fleet, parallel=1).apply(plan)).results
    assert result.ok
    assert [type(step.action).__name__ for step in result.steps] == ["Upgrade"]


async def test_an_orphan_that_did_what_was_wanted_leaves_nothing_to_do(stage: Stage) -> None:
    stage.write(release())
    await stage.sync()
    stage.cluster.leave_lease(NAMESPACE, "web", "dead")
    stage.cluster.orphans = {"dead"}
    stage.write(release(message="new"))
    task = await begin(stage)
    await until(lambda: "waiting" in stage.recorder.phases("apps/web"))
    stage.cluster.orphans.clear()
    stage.cluster.writers_gone = lambda holder: True
    (result,) = (await task).results
    assert result.ok
    assert stage.history("web") == ["superseded", "deployed"]


async def test_an_orphan_that_does_not_end_is_waited_for_until_its_deadline(stage: Stage) -> None:
    stage.write(release())
    await stage.sync()
    stage.make_pending("web", labels=ours(2))
    stage.cluster.leave_lease(NAMESPACE, "web", "dead", live=False)
    stage.cluster.orphans = {"dead"}
    stage.write(release(message="new"))
    assert (await stage.sync())["web"].ok
    assert sum(stage.clock.slept) >= 3600


# ---------------------------------------------------------------- interruptions
async def test_cancelled_once_it_ends_in_a_summary(stage: Stage) -> None:
    stage.write(release("one"), release("two"), release("three", needs=["two"]), release("four"))
    stage.helm.held = asyncio.Event()
    task = await begin(stage)
    await until(lambda: len(stage.history("one") + stage.history("two") + stage.history("four")) == 2)
    task.cancel()
    summary = await task
    assert summary.interrupted
    assert [result.outcome for result in summary.results] == ["interrupted"] * 4
    written = [name for name in ("one", "two", "four") if stage.history(name)]
    assert all(stage.history(name) == ["failed"] for name in written)
    assert len(written) == 2

    stage.helm.held = None
    assert all(result.ok for result in (await stage.sync()).values())


async def test_a_cancelled_rollback_is_not_left_pending(stage: Stage) -> None:
    """helm rollback does not listen to SIGTERM: the record is finished for it."""
    stage.write(release())
    await stage.sync()
    stage.write(release(message="bad"))
    stage.helm.fail_next(method="upgrade")
    fleet, plan = await stage.fleet()
    task = asyncio.create_task(Sync(fleet, parallel=1).apply(plan))
    await until(lambda: stage.helm.calls["upgrade"])
    stage.helm.held = asyncio.Event()
    await until(lambda: stage.history("web")[-1] == "pending-rollback")
    task.cancel()
    assert (await task).interrupted
    assert stage.history("web")[-1] == "failed"
    stage.helm.held = None
    stage.write(release(message="new"))
    assert (await stage.sync())["web"].ok


async def test_a_lost_lease_ends_helm_and_leaves_the_next_holders_record_alone(stage: Stage) -> None:
    stage.write(release())
    stage.helm.held = asyncio.Event()
    task = await begin(stage)
    await until(lambda: stage.history("web") == ["pending-install"])
    leases: FakeLeases = stage.cluster
    stage.make_pending("web", "pending-upgrade", ours(2))
    leases.steal_lease(NAMESPACE, "web", "thief")
    (result,) = (await task).results
    assert result.outcome == "locked"
    assert stage.history("web")[-1] == "pending-upgrade"


@pytest.mark.parametrize("error", [Forbidden("you may not"), NotFound("gone")])
async def test_an_error_of_the_server_fails_one_release_only(stage: Stage, error: Exception) -> None:
    stage.write(release("one"), release("two"))
    stage.cluster.fail_next("hold", error, when=lambda namespace, name, deadline: name == "one")
    results = await stage.sync()
    assert (results["one"].outcome, results["one"].error) == ("failed", str(error))
    assert results["two"].ok
