"""Credentials: plain ones are read, a plug-in's are fetched when needed and renewed in time."""

from __future__ import annotations

import asyncio
import base64
import json
import stat
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from helmops.adapters.kube.client import Client, Request
from helmops.adapters.kube.connection import Connections
from helmops.api.model import Access
from helmops.errors import Forbidden, InputError
from tests.unit.adapters.kube.scripted import Answer, Server, client_of, running, status, write_kubeconfig

API = "client.authentication.k8s.io/v1"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with running() as found:
        found.script = lambda request: {"authorization": request.headers.get("Authorization")}
        yield found


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with client_of() as found:
        yield found


async def shown(client: Client, access: Access) -> Any:
    return (await client.request(access, Request("GET", "/x")))["authorization"]


def plugin(folder: Path, body: str) -> dict[str, Any]:
    """A plug-in in Python that counts its runs in a file ``runs``."""
    path = folder / "login"
    counting = f"import json, os, sys\nruns = {str(folder / 'runs')!r}\nwith open(runs, 'a') as f: f.write('x')\n"
    count = "n = len(open(runs).read())\n"
    tell = f"\ndef give(**s): print(json.dumps(dict(apiVersion={API!r}, kind='ExecCredential', status=s)))\n"
    path.write_text(f"#!{sys.executable}\n{counting}{count}{tell}{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": API, "command": "./login", "interactiveMode": "Never"}}


def runs(folder: Path) -> int:
    return len((folder / "runs").read_text())


@pytest.mark.parametrize(
    ("user", "header"),
    [
        ({}, None),
        ({"token": "abc"}, "Bearer abc"),
        ({"username": "u", "password": "p"}, f"Basic {base64.b64encode(b'u:p').decode()}"),
    ],
)
async def test_plain_ones(
    tmp_path: Path, server: Server, client: Client, user: dict[str, str], header: str | None
) -> None:
    assert await shown(client, write_kubeconfig(tmp_path / "config", server.url, user)) == header


async def test_plain_ones_do_not_import_the_kubernetes_package(tmp_path: Path, server: Server, client: Client) -> None:
    loaded = "kubernetes" in sys.modules
    await shown(client, write_kubeconfig(tmp_path / "config", server.url, {"token": "abc"}))
    assert ("kubernetes" in sys.modules) == loaded


async def test_a_token_file_is_read_again(
    tmp_path: Path, server: Server, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("one\n")
    access = write_kubeconfig(tmp_path / "config", server.url, {"tokenFile": "token", "token": "stale"})
    assert await shown(client, access) == "Bearer one"
    token.write_text("two\n")
    assert await shown(client, access) == "Bearer one"
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    assert await shown(client, access) == "Bearer two"


async def test_a_rotated_token_file_is_read_on_refusal(tmp_path: Path, server: Server, client: Client) -> None:
    token = tmp_path / "token"
    token.write_text("one")

    def script(request: web.Request) -> Answer:
        good = request.headers["Authorization"] == "Bearer two"
        return {"authorization": "Bearer two"} if good else status(401, "Unauthorized", "Unauthorized")

    access = write_kubeconfig(tmp_path / "config", server.url, {"tokenFile": "token"})
    server.script = lambda _: {"authorization": "any"}
    await shown(client, access)
    token.write_text("two")
    server.script = script
    assert await shown(client, access) == "Bearer two"


async def test_a_token_file_that_is_not_there(tmp_path: Path, server: Server, client: Client) -> None:
    with pytest.raises(InputError, match="tokenFile"):
        await shown(client, write_kubeconfig(tmp_path / "config", server.url, {"tokenFile": "token"}))


async def test_a_plugin_is_run_once_for_many(tmp_path: Path, server: Server, client: Client) -> None:
    access = write_kubeconfig(tmp_path / "config", server.url, plugin(tmp_path, "give(token=f'made-{n}')"))
    found = await asyncio.gather(*(shown(client, access) for _ in range(8)))
    assert set(found) == {"Bearer made-1"}
    assert runs(tmp_path) == 1


async def test_a_plugin_is_run_again_before_its_token_expires(
    tmp_path: Path, server: Server, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "give(token=f'made-{n}', expirationTimestamp='2100-01-01T00:00:00Z')"
    access = write_kubeconfig(tmp_path / "config", server.url, plugin(tmp_path, body))
    assert await shown(client, access) == "Bearer made-1"
    assert await shown(client, access) == "Bearer made-1"
    monkeypatch.setattr(time, "time", lambda: 4102444800.0 - 30)
    assert await shown(client, access) == "Bearer made-2"


async def test_a_plugin_is_run_again_when_its_token_is_refused(tmp_path: Path, server: Server, client: Client) -> None:
    def script(request: web.Request) -> Answer:
        header = request.headers["Authorization"]
        return {"authorization": header} if header.endswith("2") else status(401, "Unauthorized", "Unauthorized")

    server.script = script
    access = write_kubeconfig(tmp_path / "config", server.url, plugin(tmp_path, "give(token=f'made-{n}')"))
    found = await asyncio.gather(*(shown(client, access) for _ in range(8)))
    assert set(found) == {"Bearer made-2"}
    assert runs(tmp_path) == 2


async def test_a_plugin_is_told_of_the_cluster_when_it_asks(tmp_path: Path, server: Server, client: Client) -> None:
    body = "info = json.loads(os.environ['KUBERNETES_EXEC_INFO'])['spec']['cluster']\ngive(token=json.dumps(info))"
    user = plugin(tmp_path, body)
    user["exec"]["provideClusterInfo"] = True
    (tmp_path / "ca").write_text("the authority")
    access = write_kubeconfig(tmp_path / "config", server.url, user, **{"certificate-authority": "ca"})
    info = json.loads((await shown(client, access)).removeprefix("Bearer "))
    assert info["server"] == server.url
    assert base64.b64decode(info["certificate-authority-data"]) == b"the authority"


async def test_the_arguments_and_environment_of_a_plugin(tmp_path: Path, server: Server, client: Client) -> None:
    user = plugin(tmp_path, "give(token=sys.argv[1] + os.environ['REGION'])")
    user["exec"] |= {"args": ["get-"], "env": [{"name": "REGION", "value": "north"}]}
    access = write_kubeconfig(tmp_path / "config", server.url, user)
    assert await shown(client, access) == "Bearer get-north"
    connections = Connections({})
    assert (await connections.get(access)).uses_plugin
    await connections.close()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("sys.exit('the session has expired')", "the session has expired"),
        ("print('no json')", "failed"),
        ("give()", "neither a token nor a certificate"),
        ("give(clientCertificateData='x')", "neither a token nor a certificate"),
    ],
)
async def test_a_plugin_that_fails(tmp_path: Path, server: Server, client: Client, body: str, told: str) -> None:
    access = write_kubeconfig(tmp_path / "config", server.url, plugin(tmp_path, body))
    with pytest.raises(Forbidden, match=told) as caught:
        await shown(client, access)
    assert caught.value.where == str(tmp_path / "config")


async def test_a_plugin_that_is_not_installed(tmp_path: Path, server: Server, client: Client) -> None:
    settings = {"apiVersion": API, "command": "no-such-login", "installHint": "get it from example.org"}
    access = write_kubeconfig(tmp_path / "config", server.url, {"exec": settings})
    with pytest.raises(InputError, match="not installed") as caught:
        await shown(client, access)
    assert caught.value.hint == "get it from example.org"


def id_token(expires: int) -> str:
    parts = ({"alg": "none"}, {"exp": expires}, {"s": 1})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


async def test_oidc(tmp_path: Path, server: Server, client: Client) -> None:
    token = id_token(4102444800)
    user = {"auth-provider": {"name": "oidc", "config": {"id-token": token}}}
    assert await shown(client, write_kubeconfig(tmp_path / "config", server.url, user)) == f"Bearer {token}"


async def test_oidc_that_cannot_be_renewed(tmp_path: Path, server: Server, client: Client) -> None:
    settings = {"id-token": id_token(1), "idp-issuer-url": "http://127.0.0.1:1", "refresh-token": "r"}
    access = write_kubeconfig(tmp_path / "config", server.url, {"auth-provider": {"name": "oidc", "config": settings}})
    with pytest.raises(Forbidden, match="auth-provider") as caught:
        await shown(client, access)
    assert caught.value.hint == "log in again"
