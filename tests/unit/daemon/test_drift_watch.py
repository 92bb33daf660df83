"""What breaks a proof, seen by watches: also what happened before they began, and nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from helmops.api.model import Access
from helmops.core.drift.proof import Proof, prove
from helmops.core.objects import ObjectId, meta_of
from helmops.daemon.drift import DriftWatch
from helmops.daemon.log import Log
from helmops.errors import Forbidden
from helmops.testing.clock import PatientClock
from helmops.testing.cluster import FakeCluster

KEY = ("apps", "web")
SETTINGS = ObjectId("v1", "ConfigMap", "apps", "web")


class Scene:
    """A watch over a fake cluster; ``broken`` lists what it woke."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.cluster = FakeCluster(["default", "kube-system", "apps"])
        self.broken: list[tuple[str, str]] = []
        self.lines: list[str] = []
        self.watch = DriftWatch(self.cluster, group, Log(PatientClock(), self.lines.append), self.broken.append)

    def write(self, message: str) -> Proof:
        """The object as Helm wrote it, and its proof."""
        metadata = {"name": "web", "namespace": "apps"}
        live = self.cluster.write(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"message": message}}
        )
        return prove(meta_of(live), "manifest")

    async def learn(self, proof: Proof | None) -> None:
        self.watch.learn(KEY, Access(), [SETTINGS], {SETTINGS: proof} if proof else {})
        await self.settle()

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with asyncio.TaskGroup() as group:
        found = Scene(group)
        yield found
        found.watch.forget(KEY)


async def test_what_is_proved_is_left_alone_until_it_changes(scene: Scene) -> None:
    await scene.learn(scene.write("one"))
    assert scene.broken == []
    scene.cluster.edit(SETTINGS, lambda obj: obj["data"].update(message="two"))
    await scene.settle()
    assert scene.broken == [KEY]


async def test_what_was_deleted_before_the_watch_began_is_missed(scene: Scene) -> None:
    proof = scene.write("one")
    scene.cluster.remove(SETTINGS)
    await scene.learn(proof)
    assert scene.broken == [KEY]


async def test_what_changed_while_a_pass_looked_is_not_lost(scene: Scene) -> None:
    proof = scene.write("one")
    await scene.learn(proof)
    scene.watch.learn(KEY, Access(), [], {})
    await scene.learn(proof)
    scene.write("two")
    await scene.settle()
    scene.broken.clear()
    await scene.learn(proof)
    assert scene.broken == []  # it was told before, and a pass has looked since
    scene.cluster.remove(SETTINGS)
    await scene.settle()
    assert scene.broken == [KEY]


async def test_what_no_pass_can_mend_is_not_told_again_and_again(scene: Scene) -> None:
    for _ in range(5):
        await scene.learn(None)
    assert scene.broken == [KEY]


async def test_where_the_cluster_may_not_be_watched_a_namespace_is(scene: Scene) -> None:
    proof = scene.write("one")
    forbidden = Forbidden("cannot watch")
    scene.cluster.fail_next("watch_metadata", forbidden, times=None, when=lambda api, kind, namespace: not namespace)
    await scene.learn(proof)
    scene.cluster.remove(SETTINGS)
    await scene.settle()
    assert scene.broken == [KEY]
    assert scene.lines == []


async def test_what_may_not_be_watched_at_all_is_said(scene: Scene) -> None:
    scene.cluster.fail_next("watch_metadata", Forbidden("cannot watch"), times=None)
    await scene.learn(scene.write("one"))
    assert scene.broken == []
    assert ["at intervals only" in line for line in scene.lines] == [True]
