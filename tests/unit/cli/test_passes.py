"""plan and sync: who is asked, what is printed where, and the exit code."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from helmops.cli import passes
from helmops.cli.flags import Flags
from helmops.errors import InputErrors, Refused
from tests.unit.cli.conftest import World

Caught = pytest.CaptureFixture[str]


async def test_a_plan_writes_nothing(world: World, capsys: Caught) -> None:
    world.release("web")
    assert await world.plan() == 0
    assert await world.plan(detailed=True) == 2
    assert "Plan: 1 to install" in capsys.readouterr().out
    assert world.cluster.revisions("default", "web") == []


async def test_without_a_terminal_and_without_yes_it_is_refused_after_the_plan(world: World, capsys: Caught) -> None:
    world.release("web")
    with pytest.raises(Refused, match="no terminal") as refused:
        await world.sync()
    assert "--yes" in refused.value.hint
    assert "helmops plan" in refused.value.hint
    assert "Plan: 1 to install" in capsys.readouterr().out
    assert world.cluster.revisions("default", "web") == []


async def test_yes_is_not_asked(world: World, capsys: Caught) -> None:
    world.release("web")
    assert await world.sync(yes=True) == 0
    told = capsys.readouterr().out
    assert "default/web  installing" in told
    assert "Done: 1 installed" in told
    assert world.answers.asked == []


@pytest.mark.parametrize(("answer", "code", "revisions"), [("y", 0, 1), ("Yes", 0, 1), ("n", 1, 0), ("", 1, 0)])
async def test_on_a_terminal_it_asks(world: World, answer: str, code: int, revisions: int) -> None:
    world.release("web")
    world.answers.answers = [answer]
    assert await world.sync() == code
    assert world.answers.asked == ["Apply? [y/N] "]
    assert len(world.cluster.revisions("default", "web")) == revisions


async def test_nothing_to_do_is_said_and_not_asked(world: World, capsys: Caught) -> None:
    world.release("web")
    await world.sync(yes=True)
    capsys.readouterr()
    world.helm.calls.clear()
    world.answers.answers = ["n"]
    assert await world.sync() == 0
    told = capsys.readouterr().out
    assert "1 unchanged" in told
    assert "Nothing to do." in told
    assert world.answers.asked == []
    assert not world.helm.calls


async def test_exit_codes_of_failures(world: World, capsys: Caught) -> None:
    world.release("web")
    world.release("api")
    world.helm.fail_next("timeout", method="install", when=lambda change: change.name == "web")
    assert await world.sync(yes=True) == 4
    told = capsys.readouterr().out
    assert "! default/web  failed" in told
    assert "helmops history default/web" in told
    assert await world.plan() == 1
    assert "this very input failed before" in capsys.readouterr().out
    assert await world.sync(yes=True, retry=True) == 0


async def test_a_release_that_somebody_else_writes_is_locked(world: World, capsys: Caught) -> None:
    world.release("web")
    world.cluster.leave_lease("default", "web", holder="somebody")
    assert await world.sync(yes=True) == 5
    told = capsys.readouterr().out
    assert "locked" in told
    assert "somebody" in told


async def test_json_is_all_that_stands_on_stdout(world: World, capsys: Caught) -> None:
    world.release("web")
    assert await world.plan(machine=True, output="json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["apiVersion"], plan["kind"]) == ("helmops.dev/v1alpha1", "Plan")
    assert await world.sync(machine=True, output="json", yes=True) == 0
    caught = capsys.readouterr()
    done = json.loads(caught.out)
    assert (done["kind"], done["summary"]) == ("SyncResult", {"installed": 1})
    assert "default/web  installing" in caught.err
    assert "Done: 1 installed" in caught.err


async def test_prune_removes_one_and_asks_twice_for_more(world: World, capsys: Caught) -> None:
    world.files.write("helmops.yaml", "owner: team")
    for name in ("keep", "one", "two", "three"):
        world.release(name, values={"claim": name == "one"})
    await world.sync(yes=True)
    del world.files.contents["/input/default-one.yaml"]
    capsys.readouterr()
    assert await world.sync(yes=True, prune=True) == 0
    told = capsys.readouterr().out
    assert "- default/one  remove  chart 1.0.0" in told
    assert "PersistentVolumeClaim one-data and its data would go" in told
    assert "Done: 1 removed, 1" not in told
    assert world.cluster.revisions("default", "one") == []

    for name in ("two", "three"):
        del world.files.contents[f"/input/default-{name}.yaml"]
    with pytest.raises(Refused, match="2 releases would be uninstalled") as refused:
        await world.sync(yes=True, prune=True)
    assert refused.value.hint == "--prune-max 2"
    world.answers.answers = ["y", "1"]
    assert await world.sync(prune=True) == 1
    assert world.answers.asked[-1].startswith("2 releases would be uninstalled. Type their number")
    assert len(world.cluster.revisions("default", "two")) == 1
    world.answers.answers = ["y", "2"]
    assert await world.sync(prune=True) == 0
    assert world.cluster.revisions("default", "two") == []


@pytest.mark.parametrize(
    ("asked", "message"),
    [({"names": frozenset({"web"})}, "selection"), ({"paths": ("-", ".")}, "stdin")],
)
async def test_prune_is_refused_where_the_input_may_be_a_part(
    world: World, asked: dict[str, object], message: str
) -> None:
    world.files.write("helmops.yaml", "owner: team")
    world.release("web")
    world.files.stdin = ""
    with pytest.raises(Refused, match=message):
        await passes.plan(world.session(), replace(passes.Asked((".",), prune=True), **asked))  # type: ignore[arg-type]


async def test_prune_is_refused_without_an_owner(world: World) -> None:
    world.release("web")
    with pytest.raises(Refused, match="owner"):
        await world.plan(prune=True)


async def test_another_cluster_than_the_declared_one_is_refused_before_anything(world: World) -> None:
    world.files.write("helmops.yaml", "owner: team\ncluster: {context: prod-eu}")
    world.release("web")
    with pytest.raises(Refused, match="for context prod-eu") as refused:
        await world.sync(yes=True)
    assert refused.value.where == "helmops.yaml:1"
    world.files.write("helmops.yaml", "owner: team\ncluster: {uid: another}")
    with pytest.raises(Refused, match="uid another"):
        await world.sync(yes=True)
    assert not world.helm.calls


async def test_every_mistake_at_once(world: World) -> None:
    world.release("web", bogus=1)
    world.release("api", timeout="soon")
    with pytest.raises(InputErrors) as errors:
        await world.sync(yes=True)
    assert len(errors.value.problems) == 2


async def test_a_namespace_fills_in_and_does_not_override(world: World) -> None:
    world.cluster.add_namespace("apps")
    world.release("web")
    world.files.write(
        "bare.yaml",
        "{apiVersion: helmops.dev/v1alpha1, kind: Release, metadata: {name: bare}, spec: {chart: {path: chart}}}",
    )
    world.flags = Flags(namespace="apps", namespace_flag=True)
    assert await world.sync(yes=True) == 0
    assert world.cluster.revisions("apps", "bare")
    assert world.cluster.revisions("default", "web")


async def test_an_interruption_says_what_was_not_done(world: World, capsys: Caught) -> None:
    world.files.write("helmops.yaml", "owner: team")
    for name in ("gone", "web"):
        world.release(name)
    await world.sync(yes=True)
    del world.files.contents["/input/default-gone.yaml"]
    world.release("web", values={"m": "two"})
    world.release("after", dependsOn=[{"name": "web"}])
    world.helm.held = asyncio.Event()
    task = asyncio.create_task(world.sync(yes=True, prune=True))
    while not (world.helm.calls["upgrade"] or task.done()):
        await asyncio.sleep(0.01)
    task.cancel()
    assert await task == 130
    told = capsys.readouterr().out
    assert "! default/web  not done" in told
    assert "! default/after  not done" in told
    assert "not removed, because not everything went well: default/gone" in told
    assert "the same command again does what is left" in told
    assert world.cluster.revisions("default", "web")[-1].status == "failed"
    world.helm.held = None
    assert await world.sync(yes=True, prune=True) == 0
    assert world.cluster.revisions("default", "gone") == []


async def test_an_interruption_while_something_is_uninstalled(world: World, capsys: Caught) -> None:
    world.files.write("helmops.yaml", "owner: team")
    for name in ("gone", "web"):
        world.release(name)
    await world.sync(yes=True)
    del world.files.contents["/input/default-gone.yaml"]
    world.helm.held = asyncio.Event()
    task = asyncio.create_task(world.sync(yes=True, prune=True))
    while not (world.helm.calls["uninstall"] or task.done()):
        await asyncio.sleep(0.01)
    task.cancel()
    assert await task == 130
    assert "not removed, because not everything went well: default/gone" in capsys.readouterr().out
