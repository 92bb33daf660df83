"""A release whose records stand in another namespace than its objects, on the fakes and on both helms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from helmops.adapters.kube.gate import ApiGate
from helmops.api.model import ActionOptions
from helmops.core.objects import ObjectId
from helmops.errors import HelmError
from helmops.ports import SplitRelease
from tests.contract.helm import Bench, bench_of
from tests.contract.kube import RealWorld
from tests.controlplane import tools
from tests.runners import Helm, clean_environment

WAITING = ActionOptions(timeout=60)


@pytest.fixture(params=["fake4", "fake3", "helm4", "helm3"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench_of(request, tmp_path) as found:
        yield found


@pytest.fixture
async def target(bench: Bench) -> AsyncIterator[str]:
    """Another namespace."""
    name = f"{bench.world.namespace[:50]}-target"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"made-by": "a-test"}}}
    await bench.world.cluster.apply(bench.world.access, namespace, force=True, dry_run=False)
    yield name
    await bench.world.remove(ObjectId("v1", "Namespace", "", name))


async def config_map(bench: Bench, namespace: str, suffix: str = "") -> Mapping[str, Any] | None:
    return await bench.get(ObjectId("v1", "ConfigMap", namespace, bench.name + suffix))


async def records_in(bench: Bench, namespace: str) -> list[str]:
    found = await bench.world.storage.records_of(bench.world.access, namespace, bench.name)
    return [record.status for record in found]


async def test_records_and_objects_apart_through_a_whole_life(bench: Bench, target: str) -> None:
    await bench.install(target_namespace=target, values={"extra": True}, options=WAITING)
    live = await config_map(bench, target)
    assert live is not None
    assert live["metadata"]["annotations"]["meta.helm.sh/release-namespace"] == target
    assert await config_map(bench, bench.world.namespace) is None
    assert (await bench.body(1)).namespace == target

    await bench.upgrade(target_namespace=target, values={"message": "new"})
    assert await config_map(bench, target, "-extra") is None
    with pytest.raises(HelmError):
        await bench.upgrade(target_namespace=target, **bench.failing())
    assert await bench.statuses() == ["superseded", "deployed", "failed"]

    await bench.rollback(1, target_namespace=target)
    assert await bench.statuses() == ["superseded", "superseded", "failed", "deployed"]
    assert (await bench.body(4)).namespace == target
    assert await config_map(bench, target, "-extra") is not None
    assert await records_in(bench, target) == []

    await bench.uninstall(target_namespace=target, options=WAITING)
    assert await bench.statuses() == []
    assert await config_map(bench, target) is None


async def test_a_failed_install_leaves_its_record_in_the_storage_namespace(bench: Bench, target: str) -> None:
    with pytest.raises(HelmError):
        await bench.install(target_namespace=target, **bench.failing())
    assert await bench.statuses() == ["failed"]
    assert await records_in(bench, target) == []
    await bench.install(target_namespace=target)
    assert (await bench.statuses())[-1] == "deployed"


async def test_the_target_is_made_when_it_is_wanted(bench: Bench) -> None:
    missing = f"{bench.world.namespace[:50]}-made"
    with pytest.raises(HelmError) as caught:
        await bench.install(target_namespace=missing)
    assert (caught.value.kind, caught.value.where) == ("not-found", f"{bench.world.namespace}/web")
    await bench.install(target_namespace=missing, options=ActionOptions(timeout=30, create_namespace=True))
    assert await config_map(bench, missing) is not None
    await bench.world.remove(ObjectId("v1", "Namespace", "", missing))


async def test_two_of_one_name_in_one_target_stay_apart_in_storage(bench: Bench, target: str) -> None:
    """That the second would seize the objects of the first is for the plan to see."""
    await bench.install(namespace=target, values={"message": "of the target"})
    assert await records_in(bench, target) == ["deployed"]
    assert await bench.statuses() == []


async def test_guarded_replicas_stay_in_the_target(bench: Bench, target: str) -> None:
    await bench.install(target_namespace=target)
    deployment = ObjectId("apps/v1", "Deployment", target, "web")
    await bench.world.scale(deployment, 20)
    guards = tuple(type(one)(deployment, one.pointers) for one in bench.guards)
    await bench.upgrade(target_namespace=target, values={"message": "new"}, guarded=guards)
    live = await bench.get(deployment)
    assert live is not None
    assert live["spec"]["replicas"] == 20


async def test_helms_own_list_and_test_see_the_release(bench: Bench, target: str, tmp_path: Path) -> None:
    """``helm ls`` in the storage namespace as Flux's releases show; ``helm test`` through the gate."""
    world = bench.world
    if not isinstance(world, RealWorld):
        pytest.skip("there is no helm to ask")
    templates = Path(bench.chart) / "templates"
    (templates / "test.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web-test, annotations: {helm.sh/hook: test}}\n"
    )
    await bench.install(target_namespace=target)
    path = tools.helm4() if bench.major == 4 else tools.helm3()
    ambient = Helm(path, bench.major, clean_environment(KUBECONFIG=str(world.kubeconfig)))
    [listed] = ambient.json("ls", "-n", world.namespace)
    assert (listed["name"], listed["namespace"], listed["status"]) == ("web", target, "deployed")
    assert ambient.json("ls", "-n", target) == []
    split = SplitRelease("web", world.namespace, target)
    async with ApiGate(world.connections, world.cluster).open(world.access, (), split) as kubeconfig:
        gated = Helm(path, bench.major, clean_environment(KUBECONFIG=kubeconfig))
        await asyncio.to_thread(gated, "test", "web", "-n", target)
    assert await config_map(bench, target, "-test") is not None
