"""The port Gate in front of the real API server: what a child may do through it, and what it may not."""

from __future__ import annotations

import asyncio
import base64
import json
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from helmops.adapters.kube.gate import ApiGate
from helmops.api.model import Access, Identity
from helmops.core.objects import GuardedFields, ObjectId
from helmops.errors import NotFound
from tests.contract.kube import RealWorld

APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"
STRATEGIC, JSON_PATCH = "application/strategic-merge-patch+json", "application/json-patch+json"
SPEC = {
    "selector": {"matchLabels": {"app": "web"}},
    "template": {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": "registry.example.org/app"}]},
    },
}


@dataclass
class Child:
    """Whoever holds the gate's kubeconfig."""

    kubeconfig: Path
    session: aiohttp.ClientSession

    @property
    def server(self) -> str:
        return str(json.loads(self.kubeconfig.read_text())["clusters"][0]["cluster"]["server"])

    async def ask(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", **headers: str
    ) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"Content-Type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with self.session.request(method, self.server + path, data=data, headers=sent) as response:
            raw = await response.read()
            is_json = response.content_type == "application/json"
            return response.status, json.loads(raw) if is_json else raw


Opened = Callable[..., Any]


@pytest.fixture
def gate(real: RealWorld) -> ApiGate:
    return ApiGate(real.connections, real.cluster)


@pytest.fixture
def opened(real: RealWorld, gate: ApiGate) -> Opened:
    """Opens a gate: ``async with opened(guarded=…, access=…) as child``."""

    @asynccontextmanager
    async def open_it(*guarded: GuardedFields, access: Access | None = None) -> AsyncIterator[Child]:
        async with gate.open(access or real.access, guarded) as path, aiohttp.ClientSession() as session:
            yield Child(Path(path), session)

    return open_it


def deployment_id(real: RealWorld) -> ObjectId:
    return ObjectId("apps/v1", "Deployment", real.namespace, "web")


def path_of(real: RealWorld, plural: str, name: str = "") -> str:
    root = "/apis/apps/v1" if plural == "deployments" else "/api/v1"
    return f"{root}/namespaces/{real.namespace}/{plural}" + (f"/{name}" if name else "")


async def make(real: RealWorld, replicas: int = 20) -> None:
    deployment = {"metadata": {"name": "web"}, "spec": {**SPEC, "replicas": replicas}}
    await real.ask("POST", path_of(real, "deployments"), deployment)


async def replicas(real: RealWorld) -> int:
    live: Mapping[str, Any] = await real.cluster.get(real.access, deployment_id(real)) or {}
    return int(live["spec"]["replicas"])


# ---------------------------------------------------------------- who may come in
async def test_the_kubeconfig_is_private_and_holds_no_credentials(opened: Opened) -> None:
    async with opened() as child:
        assert stat.S_IMODE(child.kubeconfig.stat().st_mode) == 0o600
        assert stat.S_IMODE(child.kubeconfig.parent.stat().st_mode) == 0o700
        config = json.loads(child.kubeconfig.read_text())
        assert config["users"] == [{"name": "helmops", "user": {}}]
        assert child.server.startswith("http://127.0.0.1:")
    assert not child.kubeconfig.parent.exists()


async def test_without_the_token_nobody_comes_in(opened: Opened) -> None:
    async with opened() as child:
        address = child.server.rpartition("/")[0]
        token = child.server.rpartition("/")[2]
        for path in ("", "/", "/version", f"/{token[:-1]}/version", f"/{token}x/version", f"/{token}", f"//{token}/"):
            async with child.session.get(address + path) as response:
                assert response.status == 401, path
                assert (await response.json())["kind"] == "Status"
        assert (await child.ask("GET", "/version"))[0] == 200


async def test_the_child_has_the_users_rights_and_no_say_in_whose(real: RealWorld, opened: Opened) -> None:
    nobody = Access(real.access.cluster, Identity("nobody", ("helmops-test",)))
    async with opened(access=nobody) as child:
        for headers in ({}, {"Impersonate_User": "system:admin", "Impersonate_Group": "system:masters"}):
            code, answer = await child.ask("GET", path_of(real, "secrets"), Authorization="Bearer x", **headers)
            assert code == 403
            assert 'User "nobody" cannot list' in answer["message"]


async def test_nothing_gets_through_a_closed_gate(real: RealWorld, opened: Opened) -> None:
    watched = asyncio.Event()

    async def watch(child: Child) -> None:
        async with child.session.get(f"{child.server}{path_of(real, 'configmaps')}?watch=true") as response:
            watched.set()
            async for _ in response.content:
                pass

    async with aiohttp.ClientSession() as session:
        async with opened() as child:
            task = asyncio.create_task(watch(Child(child.kubeconfig, session)))
            await asyncio.wait_for(watched.wait(), 10)
            server = child.server
        async with asyncio.timeout(5):
            with pytest.raises((aiohttp.ClientError, asyncio.CancelledError)):
                await task
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(server + "/version")


# ---------------------------------------------------------------- what passes
async def test_watches_stream(real: RealWorld, opened: Opened) -> None:
    async with opened() as child:
        url = f"{child.server}{path_of(real, 'configmaps')}?watch=true&fieldSelector=metadata.name=late"
        async with child.session.get(url) as response, asyncio.timeout(10):
            await real.ask("POST", path_of(real, "configmaps"), {"metadata": {"name": "late"}})
            event = json.loads(await response.content.readline())
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "late")


async def test_protobuf_stays_as_it_is(real: RealWorld, opened: Opened) -> None:
    async with opened() as child:
        code, raw = await child.ask("GET", path_of(real, "configmaps"), Accept="application/vnd.kubernetes.protobuf")
    assert (code, raw[:4]) == (200, b"k8s\x00")


async def test_a_release_of_a_megabyte_passes(real: RealWorld, opened: Opened) -> None:
    data = base64.b64encode(b"x" * 1_000_000).decode()
    async with opened() as child:
        code, _ = await child.ask("POST", path_of(real, "secrets"), {"metadata": {"name": "big"}, "data": {"a": data}})
    assert code == 201


async def test_refusals_are_the_api_servers_own(real: RealWorld, opened: Opened) -> None:
    async with opened() as child:
        code, answer = await child.ask("GET", path_of(real, "configmaps", "not-there"))
    assert (code, answer["message"]) == (404, 'configmaps "not-there" not found')


async def test_no_protocol_but_http(opened: Opened) -> None:
    async with opened() as child:
        code, answer = await child.ask("GET", "/version", Connection="Upgrade", Upgrade="websocket")
    assert (code, answer["reason"]) == (403, "Forbidden")


# ---------------------------------------------------------------- what is left out
@pytest.mark.parametrize("content_type", [APPLY, MERGE, STRATEGIC])
async def test_guarded_fields_are_left_out_of_patches(real: RealWorld, opened: Opened, content_type: str) -> None:
    await make(real)
    patch: dict[str, Any] = {"metadata": {"labels": {"new": "yes"}}, "spec": {**SPEC, "replicas": 2}}
    query = ""
    if content_type == APPLY:
        patch |= {"apiVersion": "apps/v1", "kind": "Deployment"}
        query = "?fieldManager=helm&force=true"
    async with opened(GuardedFields(deployment_id(real), ("/spec/replicas",))) as child:
        code, answer = await child.ask("PATCH", path_of(real, "deployments", "web") + query, patch, content_type)
    assert code == 200, answer
    assert (answer["spec"]["replicas"], answer["metadata"]["labels"]) == (20, {"new": "yes"})


async def test_a_patch_of_nothing_else_changes_nothing(real: RealWorld, opened: Opened) -> None:
    await make(real)
    async with opened(GuardedFields(deployment_id(real), ("/spec/replicas",))) as child:
        await child.ask("PATCH", path_of(real, "deployments", "web"), {"spec": {"replicas": None}}, MERGE)
    assert await replicas(real) == 20


@pytest.mark.parametrize(
    ("method", "content_type", "body"),
    [
        ("PUT", "application/json", b'{"spec": {"replicas": 2}}'),
        ("PATCH", JSON_PATCH, b'[{"op": "replace", "path": "/spec/replicas", "value": 2}]'),
        ("PATCH", JSON_PATCH, b'[{"op": "replace", "path": "/spec", "value": {}}]'),
        ("PATCH", JSON_PATCH, b'[{"op": "replace", "path": "", "value": {}}]'),
        ("PATCH", JSON_PATCH, b'[{"op": "remove"}]'),
        ("PATCH", JSON_PATCH, b"nonsense"),
        ("PATCH", MERGE, b'[{"spec": {"replicas": 2}}]'),
        ("PATCH", MERGE, b"spec: {replicas: 2}"),
    ],
)
async def test_what_cannot_spare_a_guarded_field_is_refused(
    real: RealWorld, opened: Opened, method: str, content_type: str, body: bytes
) -> None:
    await make(real)
    async with opened(GuardedFields(deployment_id(real), ("/spec/replicas",))) as child:
        code, answer = await child.ask(method, path_of(real, "deployments", "web"), body, content_type)
    assert code == 422
    assert "/spec/replicas" in answer["message"]
    assert await replicas(real) == 20


async def test_a_json_patch_of_something_else_passes(real: RealWorld, opened: Opened) -> None:
    await make(real)
    patch = [{"op": "add", "path": "/metadata/labels", "value": {"a": "b"}}]
    async with opened(GuardedFields(deployment_id(real), ("/spec/replicas",))) as child:
        code, answer = await child.ask("PATCH", path_of(real, "deployments", "web"), patch, JSON_PATCH)
    assert (code, answer["metadata"]["labels"], answer["spec"]["replicas"]) == (200, {"a": "b"}, 20)


async def test_other_objects_and_methods_are_left_alone(real: RealWorld, opened: Opened) -> None:
    await make(real)
    other = GuardedFields(ObjectId("apps/v1", "StatefulSet", real.namespace, "web"), ("/spec/replicas",))
    async with opened(other) as child:
        await child.ask("PATCH", path_of(real, "deployments", "web"), {"spec": {"replicas": 3}}, MERGE)
        assert await replicas(real) == 3
    async with opened(GuardedFields(deployment_id(real), ("/spec/replicas",))) as child:
        code, _ = await child.ask("DELETE", path_of(real, "deployments", "web"))
        assert code == 200
        created = {"metadata": {"name": "web"}, "spec": {**SPEC, "replicas": 5}}
        await until_ok(lambda: child.ask("POST", path_of(real, "deployments"), created))
        assert await replicas(real) == 5


async def until_ok(ask: Callable[[], Awaitable[tuple[int, Any]]]) -> None:
    async with asyncio.timeout(10):
        while (await ask())[0] != 201:
            await asyncio.sleep(0.05)


async def test_a_kind_that_is_not_served(real: RealWorld, opened: Opened) -> None:
    unknown = GuardedFields(ObjectId("nowhere.example.org/v1", "Unheard", real.namespace, "a"), ("/spec",))
    with pytest.raises(NotFound, match="does not serve Unheard"):
        async with opened(unknown):
            pass


async def test_who_logs_in_without_a_program_needs_no_gate(real: RealWorld, gate: ApiGate) -> None:
    assert await gate.wanted(real.access) is False
