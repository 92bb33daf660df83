"""The daemon decides what sync decides; it wakes when something changes, and rests when nothing does."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from helmops.api.model import Access
from helmops.api.release_kind import API_VERSION, KIND
from helmops.core.objects import ObjectId
from helmops.daemon.cluster import ClusterSource
from helmops.daemon.daemon import Daemon, Settings
from helmops.daemon.folder import FolderSource
from helmops.daemon.item import Source
from helmops.daemon.log import Log
from helmops.errors import Transient
from helmops.testing.clock import PatientClock
from tests.unit.engine.stage import NAMESPACE, Stage, config_map, release

REPO = "https://charts.example.org"


class Running:
    """A daemon over a stage."""

    def __init__(self, stage: Stage, clock: PatientClock, lines: list[str]) -> None:
        self.stage = stage
        self.clock = clock
        self.lines = lines

    async def quiet(self, seconds: float = 0.0) -> None:
        """Let time pass in small steps, and everybody do what he has to do."""
        passed = 0.0
        while True:
            for _ in range(300):
                await asyncio.sleep(0)
            if passed >= seconds:
                return
            self.clock.advance(1.0)
            passed += 1.0


def make_stage() -> tuple[Stage, PatientClock]:
    stage, clock = Stage(), PatientClock()
    stage.clock = clock
    stage.cluster.now = clock.now
    stage.ports = replace(stage.ports, clock=clock)
    stage.cluster.serve(API_VERSION, KIND, "releases")
    stage.cluster.serve(API_VERSION, "ChartSource", "chartsources")
    stage.helm.knows(stage.charts.publish(REPO, "chart", "1.0.0"))
    return stage, clock


@asynccontextmanager
async def running(stage: Stage, clock: PatientClock, *, objects: bool = False) -> AsyncIterator[Running]:
    lines: list[str] = []
    log = Log(clock, lines.append)
    source: Source
    if objects:
        source = ClusterSource(stage.ports, Access(), log)
    else:

        async def folders(used: Sequence[str]) -> list[str]:
            return ["."]

        source = FolderSource(stage.ports, Access(), folders, log, namespace="default", every=5.0)
    daemon = Daemon(stage.ports, Access(), source, log, Settings(interval=300.0, workers=4), spread=lambda: 0.5)
    task = asyncio.create_task(daemon.run())
    found = Running(stage, clock, lines)
    try:
        await found.quiet()
        yield found
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def of_repo(name: str = "web", message: str = "hello", **spec: Any) -> dict[str, Any]:
    return release(name, message, chart={"repo": REPO, "name": "chart", "version": "1.0.0"}, **spec)


def status(stage: Stage, name: str = "web") -> dict[str, Any]:
    found = stage.cluster.find(ObjectId(API_VERSION, KIND, NAMESPACE, name))
    assert found is not None
    return dict(found.get("status") or {})


def ready(stage: Stage, name: str = "web") -> tuple[str, str]:
    (one,) = [one for one in status(stage, name)["conditions"] if one["type"] == "Ready"]
    return one["status"], one["reason"]


# ---------------------------------------------------------------- the same decisions
async def absent(stage: Stage) -> None:
    """Nothing is there yet."""


async def changed(stage: Stage) -> None:
    stage.write(of_repo(message="old"))
    await stage.sync()


async def unchanged(stage: Stage) -> None:
    stage.write(of_repo())
    await stage.sync()


async def drifted(stage: Stage) -> None:
    await unchanged(stage)
    stage.cluster.edit(config_map("web"), lambda obj: obj["data"].update(message="by hand"))


async def missing(stage: Stage) -> None:
    await unchanged(stage)
    stage.cluster.remove(config_map("web"))


async def pending_of_another(stage: Stage) -> None:
    await changed(stage)
    stage.make_pending("web")


def written(stage: Stage) -> Counter[str]:
    """What was ever asked to be written, by whom it was asked."""
    asked = {name: stage.helm.calls[name] for name in ("install", "upgrade", "rollback", "uninstall")}
    return Counter(asked)


SITUATIONS: list[Callable[[Stage], Any]] = [absent, changed, unchanged, drifted, missing, pending_of_another]


@pytest.mark.parametrize("objects", [False, True], ids=["files", "objects"])
@pytest.mark.parametrize("situation", SITUATIONS)
async def test_the_daemon_does_what_sync_does(situation: Callable[[Stage], Any], objects: bool) -> None:
    """From the same situation and the same input: the same helm calls, the same revisions, the same objects."""
    synced, _ = make_stage()
    await situation(synced)
    synced.write(of_repo())
    before = written(synced)
    await synced.sync()

    kept, clock = make_stage()
    await situation(kept)
    kept.write(of_repo())
    if objects:
        kept.cluster.write(of_repo(), "kubectl")
    done = written(kept)
    async with running(kept, clock, objects=objects):
        assert kept.history("web") == synced.history("web")
        assert kept.message("web") == synced.message("web")
        assert written(kept) - done == written(synced) - before


# ---------------------------------------------------------------- what wakes, and what does not
async def test_a_file_that_changes_is_followed() -> None:
    stage, clock = make_stage()
    stage.write(of_repo())
    async with running(stage, clock) as daemon:
        stage.write(of_repo(message="new"))
        await daemon.quiet(6.0)
        assert (stage.message("web"), stage.history("web")) == ("new", ["superseded", "deployed"])


async def test_a_mistake_in_the_files_leaves_what_was_wanted_before() -> None:
    stage, clock = make_stage()
    stage.write(of_repo())
    async with running(stage, clock) as daemon:
        stage.write(of_repo(), {**of_repo("other"), "kind": "Releese"})
        await daemon.quiet(20.0)
        stage.cluster.remove(config_map("web"))
        await daemon.quiet(2.0)
        assert stage.message("web") == "hello"
        assert sum("Releese" in line for line in daemon.lines) == 1


async def test_drift_is_corrected_at_the_event_and_then_there_is_rest() -> None:
    stage, clock = make_stage()
    stage.cluster.write(of_repo(), "kubectl")
    async with running(stage, clock, objects=True) as daemon:
        stage.cluster.edit(config_map("web"), lambda obj: obj["data"].update(message="by hand"))
        await daemon.quiet()
        assert (stage.message("web"), stage.history("web")) == ("hello", ["deployed"])
        assert ready(stage) == ("True", "DriftCorrected")
        before = stage.cluster.calls.copy()
        await daemon.quiet(30.0)
        assert stage.cluster.calls - before == {}


async def test_a_spec_that_changes_is_followed_and_the_status_tells() -> None:
    stage, clock = make_stage()
    stage.cluster.write(of_repo(), "kubectl")
    async with running(stage, clock, objects=True) as daemon:
        assert (ready(stage), status(stage)["revision"]) == (("True", "InstallSucceeded"), 1)
        stage.cluster.edit(
            ObjectId(API_VERSION, KIND, NAMESPACE, "web"), lambda obj: obj["spec"]["values"].update(message="new")
        )
        await daemon.quiet()
        found = status(stage)
        assert (ready(stage), found["revision"], found["observedGeneration"]) == (("True", "UpgradeSucceeded"), 2, 2)
        assert stage.message("web") == "new"


async def test_a_source_that_fails_for_a_moment_is_not_worth_a_word() -> None:
    stage, clock = make_stage()
    stage.charts.fail(REPO, Transient("no answer"))
    stage.cluster.write(of_repo(), "kubectl")
    async with running(stage, clock, objects=True) as daemon:
        assert status(stage) == {}
        await daemon.quiet(2.0)
        assert ready(stage) == ("False", "Unavailable")
        stage.charts.fail(REPO, None)
        await daemon.quiet(10.0)
        assert ready(stage) == ("True", "InstallSucceeded")


async def test_who_waits_is_woken_when_its_dependency_is_ready() -> None:
    stage, clock = make_stage()
    stage.cluster.write(of_repo("after", needs=["first"]), "kubectl")
    async with running(stage, clock, objects=True) as daemon:
        assert ready(stage, "after") == ("False", "DependencyNotReady")
        stage.cluster.write(of_repo("first"), "kubectl")
        await daemon.quiet(2.0)
        assert ready(stage, "after") == ("True", "InstallSucceeded")


async def test_who_waits_for_himself_is_told() -> None:
    stage, clock = make_stage()
    stage.cluster.write(of_repo("one", needs=["two"]), "kubectl")
    stage.cluster.write(of_repo("two", needs=["one"]), "kubectl")
    async with running(stage, clock, objects=True) as daemon:
        await daemon.quiet(310.0)
        assert "InvalidInput" in {ready(stage, name)[1] for name in ("one", "two") if status(stage, name)}


async def test_two_objects_of_one_release_are_an_error() -> None:
    stage, clock = make_stage()
    stage.cluster.write(of_repo("web"), "kubectl")
    async with running(stage, clock, objects=True) as daemon:
        stage.cluster.write(of_repo("other", releaseName="web"), "kubectl")
        await daemon.quiet()
        assert ready(stage, "other") == ("False", "InvalidInput")
        assert ready(stage) == ("True", "InstallSucceeded")


async def test_what_is_not_described_any_more_is_left_as_it_is() -> None:
    stage, clock = make_stage()
    stage.cluster.write(of_repo(), "kubectl")
    async with running(stage, clock, objects=True) as daemon:
        stage.cluster.remove(ObjectId(API_VERSION, KIND, NAMESPACE, "web"))
        await daemon.quiet(5.0)
        assert stage.history("web") == ["deployed"]
        stage.cluster.remove(config_map("web"))
        await daemon.quiet(5.0)
        assert stage.message("web") is None
