"""The seam to the API server: what is asked again, what is not, and what is told when nothing answers."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from helmops.adapters.kube import client as client_module
from helmops.adapters.kube.client import Client, Request
from helmops.adapters.kube.listing import list_all
from helmops.api.model import Access
from helmops.errors import Forbidden, NotFound, Transient, Unreachable
from tests.unit.adapters.kube.scripted import Answer, Server, client_of, running, status, write_kubeconfig

BUSY = status(503, "not now", "ServiceUnavailable")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with running() as found:
        yield found


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with client_of() as found:
        yield found


@pytest.fixture
def access(tmp_path: Path, server: Server) -> Access:
    return write_kubeconfig(tmp_path / "config", server.url, {"token": "t"})


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(client_module, "_PATIENCE", 0.5)


async def test_json_in_and_out(client: Client, access: Access, server: Server) -> None:
    server.answers({"answer": 42})
    request = Request("PATCH", "/x", {"force": "true"}, {"a": [1]}, "application/apply-patch+yaml")
    assert await client.request(access, request) == {"answer": 42}
    (seen,) = server.seen
    assert (seen.method, seen.path, dict(seen.query)) == ("PATCH", "/x", {"force": "true"})
    assert seen.headers["Content-Type"] == "application/apply-patch+yaml"
    assert seen.headers["Authorization"] == "Bearer t"
    assert await seen.text() == '{"a":[1]}'


async def test_reading_is_asked_again(client: Client, access: Access, server: Server) -> None:
    server.answers(BUSY, BUSY, {"fine": True})
    assert await client.request(access, Request("GET", "/x")) == {"fine": True}
    assert len(server.seen) == 3


async def test_writing_is_not_asked_again_unless_it_may(client: Client, access: Access, server: Server) -> None:
    server.answers(BUSY, {"fine": True})
    with pytest.raises(Transient):
        await client.request(access, Request("POST", "/x"))
    server.answers(BUSY, {"fine": True})
    assert await client.request(access, Request("PATCH", "/x", idempotent=True)) == {"fine": True}


async def test_what_was_turned_away_is_asked_again_whatever_it_was(
    client: Client, access: Access, server: Server
) -> None:
    server.answers(status(429, "slow down", "TooManyRequests"), {"fine": True})
    assert await client.request(access, Request("POST", "/x")) == {"fine": True}


async def test_internal_errors_are_asked_again_only_when_told(client: Client, access: Access, server: Server) -> None:
    server.answers(status(500, "webhook is down", "InternalError"), {"fine": True})
    with pytest.raises(Transient, match="webhook"):
        await client.request(access, Request("GET", "/x"))
    server.answers(status(500, "leader changed", "InternalError", retryAfterSeconds=0.01), {"fine": True})
    assert await client.request(access, Request("GET", "/x")) == {"fine": True}


async def test_patience_ends(client: Client, access: Access, server: Server) -> None:
    server.answers(BUSY)
    with pytest.raises(Transient, match="not now"):
        await client.request(access, Request("GET", "/x"))
    assert 3 <= len(server.seen) <= 8
    server.answers(status(429, "slow down", "TooManyRequests", retryAfterSeconds=60))
    with pytest.raises(Transient) as caught:
        await asyncio.wait_for(client.request(access, Request("GET", "/x")), 1)
    assert caught.value.retry_after == 60


async def test_refusals_are_told_at_once(client: Client, access: Access, server: Server) -> None:
    server.answers(status(404, "nothing", "NotFound", name="x"))
    with pytest.raises(NotFound):
        await client.request(access, Request("GET", "/x"))
    assert len(server.seen) == 1


async def test_a_server_that_never_answered_is_not_waited_for(client: Client, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    access = write_kubeconfig(tmp_path / "config", f"http://127.0.0.1:{port}", {})
    with pytest.raises(Unreachable, match=rf"127\.0\.0\.1:{port} does not answer") as caught:
        await client.request(access, Request("GET", "/x"))
    assert "here" in caught.value.hint


async def test_a_server_that_falls_silent_is(client: Client, access: Access, server: Server) -> None:
    server.answers({"fine": True})
    await client.request(access, Request("GET", "/x"))

    def hang_up(request: web.Request) -> Answer:
        if len(server.seen) < 4:
            assert request.transport is not None
            request.transport.close()
        return {"back": True}

    server.script = hang_up
    assert await client.request(access, Request("GET", "/x")) == {"back": True}


async def test_time_out(client: Client, access: Access, server: Server) -> None:
    async def never(_: web.Request) -> Answer:
        await asyncio.Event().wait()
        return {}

    server.script = never
    with pytest.raises(Unreachable, match="nothing within"):
        await client.request(access, Request("GET", "/slow", timeout=0.1))


@pytest.mark.parametrize(
    "answer",
    [web.Response(text="<html>log in</html>"), web.Response(status=302, headers={"Location": "https://login"})],
)
async def test_something_else_that_answers(
    client: Client, access: Access, server: Server, answer: web.Response
) -> None:
    server.script = lambda _: web.Response(status=answer.status, headers=answer.headers, text=answer.text)
    with pytest.raises(Unreachable, match="no Kubernetes API server"):
        await client.request(access, Request("GET", "/x"))
    assert len(server.seen) == 1


async def test_bad_credentials(client: Client, access: Access, server: Server) -> None:
    server.answers(status(401, "Unauthorized", "Unauthorized"))
    with pytest.raises(Forbidden, match="credentials"):
        await client.request(access, Request("GET", "/x"))
    assert len(server.seen) == 1


async def test_a_list_whose_place_is_forgotten_is_asked_whole(client: Client, access: Access, server: Server) -> None:
    def script(request: web.Request) -> Answer:
        if "continue" in request.query:
            return status(410, "The provided continue parameter is too old", "Expired")
        if "limit" in request.query:
            return {"items": [{"n": 1}], "metadata": {"continue": "token"}}
        return {"items": [{"n": 1}, {"n": 2}], "metadata": {}}

    server.script = script
    assert await list_all(client, access, "/x", selector="a=b") == [{"n": 1}, {"n": 2}]
    assert [request.query.get("labelSelector") for request in server.seen] == ["a=b"] * 3


async def test_long_answers_leave_the_garbage_collector_as_it_was(
    client: Client, access: Access, server: Server
) -> None:
    server.answers({"items": ["x" * 200_000]})
    await client.request(access, Request("GET", "/x"))
    assert gc.isenabled()


async def test_no_more_than_so_many_at_once(client: Client, access: Access, server: Server) -> None:
    busy = most = 0

    async def counted(_: web.Request) -> Answer:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.02)
        busy -= 1
        return {}

    server.script = counted
    await asyncio.gather(*(client.request(access, Request("GET", "/x")) for _ in range(60)))
    assert most == 16
