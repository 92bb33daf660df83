"""What only a real API server can answer: discovery's two forms, pages, rights, what refusals quote."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from helmops.adapters.kube import discovery
from helmops.adapters.kube.discovery import Discovery
from helmops.adapters.kube.listing import METADATA_LIST, list_all
from helmops.api.model import Identity
from helmops.core.objects import Kinds, ObjectId, Resource
from helmops.errors import Forbidden, HelmopsError, Rejected
from tests.contract.kube import RealWorld

CONFIG_MAPS = "/api/v1/namespaces/{}/configmaps"


async def test_both_forms_of_discovery_agree(real: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    aggregated = await Discovery(real.client).kinds(real.access)
    monkeypatch.setattr(discovery, "_AGGREGATED", "application/json")
    legacy = await Discovery(real.client).kinds(real.access)
    assert aggregated.version == legacy.version
    assert _own(aggregated) == _own(legacy)
    assert len(_own(aggregated)) > 50


def _own(kinds: Kinds) -> dict[tuple[str, str], Resource]:
    """The server's own kinds: other tests define and remove some of theirs meanwhile."""
    builtin = {key: found for key, found in kinds.resources.items() if "." not in key[0].partition("/")[0]}
    return builtin | {
        key: found for key, found in kinds.resources.items() if key[0].partition("/")[0].endswith(".k8s.io")
    }


async def test_a_broken_aggregated_api_breaks_only_itself(real: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "v1beta1.metrics.k8s.io"
    spec = {
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "insecureSkipTLSVerify": True,
        "service": {"name": "nobody", "namespace": real.namespace},
    }
    await real.ask("POST", "/apis/apiregistration.k8s.io/v1/apiservices", {"metadata": {"name": name}, "spec": spec})
    try:
        assert (await Discovery(real.client).kinds(real.access)).find("apps/v1", "Deployment")
        monkeypatch.setattr(discovery, "_AGGREGATED", "application/json")
        assert (await Discovery(real.client).kinds(real.access)).find("apps/v1", "Deployment")
    finally:
        await real.ask("DELETE", f"/apis/apiregistration.k8s.io/v1/apiservices/{name}")


async def test_pages_make_one_list(real: RealWorld) -> None:
    path = CONFIG_MAPS.format(real.namespace)
    for index in range(7):
        await real.ask("POST", path, {"metadata": {"name": f"c{index}"}})
    whole = await list_all(real.client, real.access, path, accept=METADATA_LIST)
    paged = await list_all(real.client, real.access, path, accept=METADATA_LIST, page=2)
    assert [item["metadata"]["name"] for item in paged] == [item["metadata"]["name"] for item in whole]
    assert {f"c{index}" for index in range(7)} <= {item["metadata"]["name"] for item in paged}


async def test_a_missing_right_is_named(real: RealWorld) -> None:
    bob = replace(real.access, identity=Identity("bob", ("people",)))
    with pytest.raises(Forbidden, match=r'User "bob" cannot list resource "secrets"'):
        await real.storage.records(bob, None)
    with pytest.raises(Forbidden, match=r'cannot create resource "leases"'):
        async with real.locks.hold(bob, real.namespace, "web", deadline=60):
            pytest.fail("held without the right")


async def test_groups_of_the_identity_count(real: RealWorld) -> None:
    master = replace(real.access, identity=Identity("bob", ("people", "system:masters")))
    assert await real.storage.records(master, [real.namespace]) == []


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"data": {"password": "t0psecret!"}}, "Secret"),
        ({"data": {"password": 31337}}, "Secret"),
        ({"stringDat": {"password": "t0psecret!"}}, ".stringDat"),
        ({"type": "kubernetes.io/tls", "stringData": {"tls.crt": "t0psecret!"}}, "tls.key"),
        ({"type": "kubernetes.io/basic-auth", "stringData": {"x": "t0psecret!"}}, "data"),
    ],
)
async def test_refused_secrets_are_not_quoted(real: RealWorld, part: dict[str, Any], told: str) -> None:
    metadata = {"name": "credentials", "namespace": real.namespace}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **part}
    with pytest.raises(Rejected) as caught:
        await real.cluster.apply(real.access, secret, force=False, dry_run=True, strict=True)
    assert "t0psecret" not in str(caught.value)
    assert "31337" not in str(caught.value)
    assert told in str(caught.value)


async def test_names_that_would_lead_elsewhere(real: RealWorld) -> None:
    for name in ("..", "a/b", "a%2fb", "../../secrets"):
        with pytest.raises(Rejected, match="no name"):
            await real.cluster.get(real.access, ObjectId("v1", "ConfigMap", real.namespace, name))
    with pytest.raises(HelmopsError):
        await real.cluster.get(real.access, ObjectId("v1", "ConfigMap", "..", "x"))


async def test_names_with_colons(real: RealWorld) -> None:
    found = await real.cluster.get(
        real.access, ObjectId("rbac.authorization.k8s.io/v1", "ClusterRole", "", "system:node")
    )
    assert found is not None


async def test_an_immutable_field_is_told(real: RealWorld) -> None:
    metadata = {"name": "fixed", "namespace": real.namespace}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}, "immutable": True}
    await real.cluster.apply(real.access, config, force=False, dry_run=False)
    with pytest.raises(Rejected, match=r"data: Forbidden: field is immutable"):
        await real.cluster.apply(real.access, {**config, "data": {"a": "2"}}, force=False, dry_run=True)
