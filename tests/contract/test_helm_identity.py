"""Cluster and identity are parameters of every helm: an impersonated service account, a kubeconfig file of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from helmops.api.model import Access, ClusterRef, Identity
from helmops.errors import Forbidden, HelmError
from tests.contract.helm import Bench, bench_of
from tests.contract.kube import RealWorld


@pytest.fixture(params=["helm4", "helm3"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench_of(request, tmp_path) as found:
        yield found


def world_of(bench: Bench) -> RealWorld:
    assert isinstance(bench.world, RealWorld)
    return bench.world


def impersonated(bench: Bench) -> Access:
    """The service account ``deployer``, as the API server knows it."""
    namespace = bench.world.namespace
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return replace(bench.world.access, identity=Identity(f"system:serviceaccount:{namespace}:deployer", groups))


async def allow(bench: Bench, *rules: dict[str, Any], to: str = "deployer") -> None:
    """Rights in the test's namespace; a group is named with its colons."""
    namespace = bench.world.namespace
    group = {"kind": "Group", "name": to, "apiGroup": "rbac.authorization.k8s.io"}
    subject = group if ":" in to else {"kind": "ServiceAccount", "name": to, "namespace": namespace}
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "deployer", "namespace": namespace}}
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "deployer"}
    for obj in (
        {**rbac, "kind": "Role", "rules": list(rules)},
        {**rbac, "kind": "RoleBinding", "roleRef": ref, "subjects": [subject]},
    ):
        await bench.world.cluster.apply(bench.world.access, obj, force=True, dry_run=False)


SECRETS = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}
OBJECTS = {"apiGroups": ["", "apps"], "resources": ["configmaps", "deployments"], "verbs": ["*"]}
ALL = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}


async def install(bench: Bench, access: Access, **more: Any) -> None:
    await bench.helm.install(access, bench.change(**more))


async def forbidden(bench: Bench, **more: Any) -> HelmError:
    with pytest.raises(HelmError) as caught:
        await install(bench, impersonated(bench), **more)
    assert caught.value.kind == "forbidden"
    return caught.value


@pytest.mark.parametrize("gated", [False, True], ids=["flags", "gate"])
async def test_without_rights_helm_says_what_it_lacks(bench: Bench, gated: bool) -> None:
    more = {"guarded": bench.guards} if gated else {}
    user = f"system:serviceaccount:{bench.world.namespace}:deployer"
    assert f'User "{user}" cannot get resource "configmaps"' in (await forbidden(bench, **more)).message
    await allow(bench, OBJECTS)
    assert f'User "{user}" cannot create resource "secrets"' in (await forbidden(bench, **more)).message
    assert await bench.config_map() is None


@pytest.mark.parametrize("gated", [False, True], ids=["flags", "gate"])
async def test_with_rights_helm_works(bench: Bench, gated: bool) -> None:
    await allow(bench, ALL)
    access, guarded = impersonated(bench), bench.guards if gated else ()
    await install(bench, access, guarded=guarded)
    await bench.helm.upgrade(access, bench.change(values={"message": "new"}, guarded=guarded))
    await bench.helm.rollback(access, bench.revert(1, guarded=guarded))
    await bench.helm.uninstall(access, bench.revert(guarded=guarded))
    assert await bench.statuses() == []


async def test_groups_go_along(bench: Bench) -> None:
    await allow(bench, ALL, to=f"system:serviceaccounts:{bench.world.namespace}")
    await install(bench, impersonated(bench))
    assert await bench.statuses() == ["deployed"]


async def test_the_ports_ask_as_the_identity_too(bench: Bench) -> None:
    access = impersonated(bench)
    with pytest.raises(Forbidden):
        await bench.world.storage.records_of(access, bench.world.namespace, "web")
    await allow(bench, SECRETS)
    assert await bench.world.storage.records_of(access, bench.world.namespace, "web") == []


async def test_rights_in_the_target_alone_are_not_enough_for_a_split_release(bench: Bench) -> None:
    """The records are the identity's own business, too: the gate lends nobody a right."""
    storage = "default"
    await allow(bench, ALL)
    with pytest.raises(HelmError) as caught:
        await install(bench, impersonated(bench), namespace=storage, target_namespace=bench.world.namespace)
    assert caught.value.kind == "forbidden"
    assert f'in the namespace "{storage}"' in caught.value.message


@pytest.mark.parametrize("gated", [False, True], ids=["flags", "gate"])
async def test_a_kubeconfig_and_a_context_are_the_childs_too(bench: Bench, tmp_path: Path, gated: bool) -> None:
    """The ambient kubeconfig leads nowhere."""
    access = elsewhere(bench, tmp_path)
    await bench.helm.install(access, bench.change(guarded=bench.guards if gated else ()))
    assert await bench.statuses() == ["deployed"]
    [record] = await bench.world.storage.records_of(access, bench.world.namespace, "web")
    assert record.status == "deployed"


def elsewhere(bench: Bench, folder: Path) -> Access:
    """The same cluster by another file, whose current context is not the one that is meant."""
    config = yaml.safe_load(world_of(bench).kubeconfig.read_text())
    context = {**config["contexts"][0], "name": "meant"}
    wrong = {"name": "wrong", "context": {**context["context"], "cluster": "wrong"}}
    config["clusters"].append({"name": "wrong", "cluster": {"server": "https://127.0.0.1:1"}})
    path = folder / "other.kubeconfig"
    path.write_text(json.dumps({**config, "contexts": [context, wrong], "current-context": "wrong"}))
    return Access(ClusterRef(str(path), "meant"))
