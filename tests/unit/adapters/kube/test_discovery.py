"""Discovery: what is remembered, what is asked again, what a broken group breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from helmops.adapters.kube.client import Client
from helmops.adapters.kube.connection import Connections
from helmops.adapters.kube.discovery import Discovery
from helmops.adapters.kube.objects import KubeCluster
from helmops.api.model import Access
from helmops.core.objects import ObjectId, Resource
from helmops.errors import NotFound
from tests.unit.adapters.kube.scripted import Answer, Server, running, status, write_kubeconfig

PODS = {"resource": "pods", "responseKind": {"kind": "Pod"}, "scope": "Namespaced", "verbs": ["get", "list"]}
NODES = {"resource": "nodes", "responseKind": {"kind": "Node"}, "scope": "Cluster", "verbs": ["get"]}


def aggregated(*groups: tuple[str, str, list[dict[str, Any]]]) -> dict[str, Any]:
    items = [
        {"metadata": {"name": name}, "versions": [{"version": version, "resources": resources}]}
        for name, version, resources in groups
    ]
    return {"kind": "APIGroupDiscoveryList", "items": items}


class Api:
    """Answers discovery; ``widgets`` comes and goes."""

    def __init__(self) -> None:
        self.widgets = False
        self.asked = 0

    def answer(self, request: web.Request) -> Answer:
        self.asked += 1
        if request.path == "/version":
            return {"gitVersion": "v1.36.3"}
        if request.path == "/api":
            return aggregated(("", "v1", [PODS, NODES]))
        if request.path == "/apis":
            widget = {"resource": "widgets", "responseKind": {"kind": "Widget"}, "scope": "Namespaced"}
            stale: tuple[str, str, list[dict[str, Any]]] = ("metrics.k8s.io", "v1beta1", [])
            return aggregated(stale, ("example.org", "v1", [widget] if self.widgets else []))
        if self.widgets and "widgets" in request.path:
            return {"metadata": {"name": "w"}}
        return 404, "404 page not found"


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
async def server(api: Api) -> AsyncIterator[Server]:
    async with running() as found:
        found.script = api.answer
        yield found


@pytest.fixture
async def connections() -> AsyncIterator[Connections]:
    found = Connections({})
    yield found
    await found.close()


@pytest.fixture
def access(tmp_path: Path, server: Server) -> Access:
    return write_kubeconfig(tmp_path / "config", server.url, {})


async def test_aggregated(connections: Connections, access: Access) -> None:
    kinds = await Discovery(Client(connections)).kinds(access)
    assert kinds.version == "v1.36.3"
    assert kinds.find("v1", "Pod") == Resource("v1", "Pod", "pods", True, frozenset({"get", "list"}))
    assert kinds.find("v1", "Node") == Resource("v1", "Node", "nodes", False, frozenset({"get"}))
    assert kinds.api_versions() == ("v1", "v1/Node", "v1/Pod")


async def test_asked_once_for_many(connections: Connections, access: Access, api: Api) -> None:
    discovery = Discovery(Client(connections))
    await asyncio.gather(*(discovery.kinds(access) for _ in range(10)))
    assert api.asked == 3
    await asyncio.gather(*(discovery.kinds(access, refresh=True) for _ in range(10)))
    assert api.asked == 6


async def test_a_kind_is_looked_for_afresh_before_it_is_missed(
    connections: Connections, access: Access, api: Api
) -> None:
    discovery = Discovery(Client(connections))
    await discovery.kinds(access)
    with pytest.raises(NotFound, match=r"Widget \(example.org/v1\)"):
        await discovery.resource(access, "example.org/v1", "Widget")
    api.widgets = True
    assert (await discovery.resource(access, "example.org/v1", "Widget")).plural == "widgets"


async def test_a_kind_that_went_away_proves_nothing_of_its_objects(
    connections: Connections, access: Access, api: Api
) -> None:
    cluster = KubeCluster(connections, Client(connections))
    widget = ObjectId("example.org/v1", "Widget", "apps", "w")
    api.widgets = True
    assert await cluster.get(access, widget) == {"metadata": {"name": "w"}}
    api.widgets = False
    with pytest.raises(NotFound, match="does not serve Widget"):
        await cluster.get(access, widget)
    assert (await cluster.kinds(access)).find("example.org/v1", "Widget") is None


async def test_the_old_form_with_a_broken_group(connections: Connections, access: Access, server: Server) -> None:
    pod = {"name": "pods", "kind": "Pod", "namespaced": True, "verbs": ["get"]}
    log = {"name": "pods/log", "kind": "Pod", "namespaced": True, "verbs": ["get"]}
    versions = [{"groupVersion": "metrics.k8s.io/v1beta1"}, {"groupVersion": "apps/v1"}]
    answers: dict[str, Answer] = {
        "/version": {"gitVersion": "v1.20.0"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "groups": [{"versions": versions}]},
        "/api/v1": {"groupVersion": "v1", "resources": [pod, log]},
        "/apis/apps/v1": {
            "groupVersion": "apps/v1",
            "resources": [{**pod, "name": "deployments", "kind": "Deployment"}],
        },
        "/apis/metrics.k8s.io/v1beta1": status(500, "metrics are down", "InternalError"),
    }
    server.script = lambda request: answers[request.path]
    kinds = await Discovery(Client(connections)).kinds(access)
    assert set(kinds.resources) == {("v1", "Pod"), ("apps/v1", "Deployment")}
    assert kinds.resources["v1", "Pod"].plural == "pods"
