"""The port Cluster: watches of metadata, and the status subresource."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from helmops.errors import NotFound
from helmops.ports import Change
from tests.contract.kube import World
from tests.contract.test_cluster_objects import config, deployment, put, settings, web


async def watched(world: World, told: list[Change], kind: str = "ConfigMap") -> None:
    """Note what happens to the test's own objects."""
    async with aclosing(world.cluster.watch_metadata(world.access, "v1", kind, world.namespace)) as changes:  # type: ignore[type-var]
        async for change in changes:
            if change and change.meta.id == settings(world):
                told.append(change)  # noqa: PERF401  it is read meanwhile


async def until(told: list[Change], count: int) -> None:
    async with asyncio.timeout(10):
        while len(told) < count:
            await asyncio.sleep(0.01)


async def test_a_watch_tells_what_is_there_then_what_happens(world: World) -> None:
    await put(world, config(world, a="1"))
    told: list[Change] = []
    watching = asyncio.create_task(watched(world, told))
    try:
        await until(told, 1)
        await put(world, config(world, a="2"))
        await until(told, 2)
        await world.remove(settings(world))
        await until(told, 3)
        await put(world, config(world, a="3"))
        await until(told, 4)
    finally:
        watching.cancel()
    assert [one.gone for one in told] == [False, False, True, False]
    assert told[0].meta.uid == told[1].meta.uid == told[2].meta.uid != told[3].meta.uid
    assert [entry.manager for entry in told[0].meta.managed] == ["helm"]


async def test_a_kind_that_is_not_served_cannot_be_watched(world: World) -> None:
    with pytest.raises(NotFound):
        async for _ in world.cluster.watch_metadata(world.access, "none.example.org/v1", "Nothing", None):
            pass


async def test_a_status_is_merged_and_is_no_new_generation(world: World) -> None:
    before = await put(world, deployment(world, replicas=1))
    await world.cluster.patch_status(world.access, web(world), {"observedGeneration": 1})
    await world.cluster.patch_status(world.access, web(world), {"replicas": 0})
    live = await world.cluster.get(world.access, web(world))
    assert live is not None
    assert live["status"]["observedGeneration"] == 1
    assert live["metadata"]["generation"] == before["metadata"]["generation"]


async def test_the_status_of_what_is_not_there_cannot_be_written(world: World) -> None:
    with pytest.raises(NotFound):
        await world.cluster.patch_status(world.access, web(world), {"replicas": 0})
