"""The gate's proxy in front of an API server that misbehaves."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict

from helmops.adapters.kube import gate_proxy
from helmops.adapters.kube.gate_proxy import Proxy, listening

Handler = Callable[[web.BaseRequest], Any]


class Upstream:
    """An API server and the connection to it. ``asked`` notes headers and bodies."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.server = ""
        self.asked: list[tuple[str, Mapping[str, str], bytes]] = []
        self.tokens = ["old", "new"]

    async def headers(self) -> CIMultiDict[str]:
        return CIMultiDict({"Authorization": f"Bearer {self.tokens[0]}"})

    def distrust(self, headers: Mapping[str, str]) -> bool:
        if len(self.tokens) == 1:
            return False
        self.tokens.pop(0)
        return True

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append((request.raw_path, request.headers, await request.read()))
        answer = self._handler(request)
        found: web.StreamResponse = await answer if asyncio.iscoroutine(answer) else answer
        return found

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        listener = await asyncio.get_running_loop().create_server(web.Server(self._handle), "127.0.0.1", 0)
        self.server = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        async with aiohttp.ClientSession(headers={"Accept-Encoding": "gzip", "User-Agent": "helmops"}) as self.session:
            yield
        listener.close()


@asynccontextmanager
async def through(upstream: Upstream) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """A child's session, and the address that it was given."""
    async with upstream.run():
        proxy: Any = Proxy(upstream, {}, "t" * 43)  # type: ignore[arg-type]
        async with listening(proxy) as port, aiohttp.ClientSession(auto_decompress=False) as session:
            yield session, f"http://127.0.0.1:{port}/{'t' * 43}"


async def test_path_query_body_and_headers_arrive(caplog: pytest.LogCaptureFixture) -> None:
    upstream = Upstream(lambda _: web.Response(text="ok", headers={"Warning": "299 - x", "Audit-Id": "1"}))
    async with through(upstream) as (session, server):
        sent = {"User-Agent": "Helm/4", "Authorization": "Bearer mine", "Impersonate-Extra-a": "b", "Cookie": "c=d"}
        async with session.post(f"{server}/api/v1/x%2Fy?a=b%3Dc&a=d", data=b"body", headers=sent) as response:
            assert (response.status, await response.text()) == (200, "ok")
            assert (response.headers["Warning"], response.headers["Audit-Id"]) == ("299 - x", "1")
    [(path, headers, body)] = upstream.asked
    assert (path, body) == ("/api/v1/x%2Fy?a=b%3Dc&a=d", b"body")
    assert (headers["User-Agent"], headers["Authorization"]) == ("Helm/4", "Bearer old")
    assert not {"Impersonate-Extra-a", "Cookie"} & set(headers)
    assert caplog.records == []


async def test_compressed_answers_pass_only_to_who_asked_for_them() -> None:
    def answer(request: web.BaseRequest) -> web.Response:
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=gzip.compress(b"long"), headers={"Content-Encoding": "gzip"})
        return web.Response(body=b"long")

    async with through(Upstream(answer)) as (session, server):
        async with session.get(f"{server}/a", headers={"Accept-Encoding": "gzip"}) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert gzip.decompress(await response.read()) == b"long"
        async with session.get(f"{server}/a", skip_auto_headers=["Accept-Encoding"]) as response:
            assert await response.read() == b"long"


async def test_credentials_that_ran_out_are_renewed_once() -> None:
    def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(status=200 if request.headers["Authorization"] == "Bearer new" else 401)

    upstream = Upstream(answer)
    async with through(upstream) as (session, server), session.post(f"{server}/a", data=b"body") as response:
        assert response.status == 200
    assert [body for _, _, body in upstream.asked] == [b"body", b"body"]


async def test_credentials_that_never_work_are_told() -> None:
    upstream = Upstream(lambda _: web.Response(status=401, text="no"))
    async with through(upstream) as (session, server), session.get(f"{server}/a") as response:
        assert (response.status, await response.text()) == (401, "no")
    assert len(upstream.asked) == 2


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body(status: int) -> None:
    upstream = Upstream(lambda _: web.Response(status=status))
    async with through(upstream) as (session, server):
        for _ in range(2):  # the connection is used again: nothing was left in it
            async with session.get(f"{server}/a") as response:
                assert (response.status, await response.read()) == (status, b"")


async def test_a_silent_server_is_told_as_the_api_server_would() -> None:
    upstream = Upstream(lambda _: web.Response())
    async with through(upstream) as (session, server):
        upstream.server = "http://127.0.0.1:1"
        async with session.get(f"{server}/a") as response:
            answer = json.loads(await response.read())
    assert (response.status, answer["kind"]) == (502, "Status")
    assert answer["message"].startswith("the API server does not answer: ")


async def test_half_an_answer_is_no_answer() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with through(Upstream(answer)) as (session, server):
        with pytest.raises(aiohttp.ClientError):
            async with session.get(f"{server}/a") as response:
                await response.read()


async def test_a_body_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_proxy, "_BODY_LIMIT", 1000)
    upstream = Upstream(lambda _: web.Response())
    async with through(upstream) as (session, server), session.post(f"{server}/a", data=b"x" * 2000) as response:
        assert response.status == 413
    assert upstream.asked == []


async def test_a_redirect_is_not_followed() -> None:
    upstream = Upstream(lambda _: web.Response(status=302, headers={"Location": "http://elsewhere.example/"}))
    async with through(upstream) as (session, server), session.get(f"{server}/a", allow_redirects=False) as response:
        assert response.status == 302
    assert len(upstream.asked) == 1
