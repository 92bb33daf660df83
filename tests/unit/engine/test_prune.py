"""What may be pruned, what is listed with it, and when nothing goes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from helmops.api.model import OwnerConfig
from helmops.core.release.observation import Foreign
from helmops.engine import prune
from helmops.engine.prune import Removal
from helmops.engine.sync import Sync, check_removals
from helmops.errors import Refused
from tests.unit.engine.stage import NAMESPACE, Stage, release


@pytest.fixture
async def stage() -> Stage:
    """Three releases of one owner; the input names one of them."""
    stage = Stage()
    stage.write(release("kept"), release("old"), release("older"), owner="team")
    await stage.sync()
    stage.write(release("kept"), owner="team")
    return stage


async def removals(stage: Stage) -> list[str]:
    _, plan = await stage.fleet(prune=True)
    return [removal.id[1] for removal in plan.removals]


@pytest.mark.parametrize(
    ("owner", "asked", "told"),
    [
        (OwnerConfig(), {}, "needs an owner id"),
        (OwnerConfig("team", partly=True), {}, "the whole folder"),
        (OwnerConfig("team"), {"selection": True}, "selection"),
        (OwnerConfig("team"), {"stdin": True}, "stdin"),
    ],
)
def test_a_part_of_the_input_prunes_nothing(owner: OwnerConfig, asked: dict[str, bool], told: str) -> None:
    with pytest.raises(Refused, match=told) as refused:
        prune.check(owner, **{"selection": False, "stdin": False, **asked})
    assert refused.value.hint


def test_the_whole_input_of_an_owner_may_prune() -> None:
    prune.check(OwnerConfig("team"), selection=False, stdin=False)


async def test_what_this_owner_no_longer_names(stage: Stage) -> None:
    assert await removals(stage) == ["old", "older"]
    assert (await stage.fleet())[1].removals == ()


async def test_what_stays(stage: Stage) -> None:
    """Another owner's, nobody's, protected, uninstalled with its history kept, being written."""
    stage.write(release("protected", annotations={"helmops.dev/prune": "disabled"}), owner="team")
    await stage.sync()
    stage.write(release("theirs"), owner="other")
    await stage.sync()
    stage.write(release("nobodys"))
    await stage.sync()
    stage.make_pending("old", "pending-upgrade", {"helmops.dev/owner": "team"})
    stage.make_pending("older", "uninstalled", {"helmops.dev/owner": "team"})
    stage.write(release("kept"), owner="team")
    assert await removals(stage) == []


async def test_what_something_else_manages_stays(stage: Stage) -> None:
    fleet, plan = await stage.fleet(prune=True)
    planner = fleet.planner(plan.releases[0].release)
    world = (await planner.plan(plan.loaded)).world
    world = replace(world, foreign={(NAMESPACE, "old"): Foreign("Flux", "suspend it")})
    found = await prune.removals(stage.ports, planner.scope, planner.contents, {(NAMESPACE, "kept")}, world)
    assert [removal.id[1] for removal in found] == ["older"]


async def test_a_half_done_uninstallation_is_finished(stage: Stage) -> None:
    stage.helm.fail_next(method="uninstall")
    summary = await stage.apply(prune=True)
    assert [result.outcome for result in summary.removed] == ["failed", "done"]
    assert stage.history("old") == ["uninstalling"]
    assert await removals(stage) == ["old"]
    summary = await stage.apply(prune=True)
    assert [result.ok for result in summary.removed] == [True]
    assert stage.history("old") == []


async def test_nothing_goes_after_a_failure(stage: Stage) -> None:
    stage.write(release("kept", message="bad"), owner="team")
    stage.helm.fail_next(method="upgrade")
    summary = await stage.apply(prune=True)
    assert [removal.id[1] for removal in summary.unpruned] == ["old", "older"]
    assert stage.history("old") == ["deployed"]


async def test_an_interruption_tells_what_still_stands(stage: Stage) -> None:
    fleet, plan = await stage.fleet(prune=True)
    stage.helm.held = asyncio.Event()
    task = asyncio.create_task(Sync(fleet, parallel=1).apply(plan))
    async with asyncio.timeout(5):
        while stage.history("old") != ["uninstalling"]:
            await asyncio.sleep(0)
    task.cancel()
    summary = await task
    assert summary.interrupted
    assert [removal.id[1] for removal in summary.unpruned] == ["old", "older"]


async def test_what_has_moved_since_it_was_shown_does_not_go(stage: Stage) -> None:
    fleet, plan = await stage.fleet(prune=True)
    stage.make_pending("old", "deployed", {"helmops.dev/owner": "team"})
    summary = await Sync(fleet, parallel=1).apply(plan)
    assert [(result.id[1], result.outcome) for result in summary.removed] == [("old", "failed"), ("older", "done")]
    assert "has changed since it was looked at" in summary.removed[0].error


async def test_what_another_writes_is_locked(stage: Stage) -> None:
    stage.cluster.leave_lease(NAMESPACE, "old", "other")
    summary = await stage.apply(prune=True)
    assert [result.outcome for result in summary.removed] == ["locked", "done"]


def test_more_than_allowed_is_refused_with_the_number_to_type() -> None:
    check_removals([], 0)
    stage = Stage()
    for name in ("a", "b"):
        stage.make_pending(name, "deployed")
    found = [Removal(stage.cluster.revisions(NAMESPACE, name)[0], "") for name in ("a", "b")]
    with pytest.raises(Refused, match="2 releases would be uninstalled") as refused:
        check_removals(found, 1)
    assert refused.value.hint == "--prune-max 2"
    check_removals(found, 2)


async def test_a_failing_uninstallation_tells_why(stage: Stage) -> None:
    stage.helm.fail_next(method="uninstall", message="a hook failed", when=lambda it: it.name == "older")
    summary = await stage.apply(prune=True)
    assert [(one.id[1], one.error) for one in summary.removed] == [("old", ""), ("older", "a hook failed")]
    assert [one.id[1] for one in summary.failed] == ["older"]
