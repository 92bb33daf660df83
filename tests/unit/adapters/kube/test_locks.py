"""Locks when the API server is not well."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from helmops.adapters.kube import client as client_module
from helmops.adapters.kube import locks as locks_module
from helmops.adapters.kube.locks import KubeLocks, Timing
from helmops.api.model import Access
from helmops.errors import Locked
from tests.unit.adapters.kube.scripted import Answer, Server, client_of, running, status, write_kubeconfig

BUSY = status(503, "not now", "ServiceUnavailable")


class LeaseServer:
    """Keeps one Lease; ``ill`` answers 503 to the methods named."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.version = 0
        self.ill: set[str] = set()

    async def answer(self, request: web.Request) -> Answer:
        if request.method in self.ill:
            return BUSY
        if request.method == "POST":
            return self.keep(await request.json()) if self.lease is None else status(409, "exists", "AlreadyExists")
        if self.lease is None:
            return status(404, "not found", "NotFound", name="helmops-web")
        if request.method == "GET":
            return self.lease
        sent = await request.json()
        guard = sent.get("metadata") or sent.get("preconditions") or {}
        if guard.get("resourceVersion") != self.lease["metadata"]["resourceVersion"]:
            return status(409, "modified", "Conflict", name="helmops-web")
        if request.method == "DELETE":
            self.lease = None
            return {}
        merged = {**self.lease, "spec": {**self.lease["spec"], **sent["spec"]}}
        return self.keep(merged)

    def keep(self, lease: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        extra = {"uid": "u", "resourceVersion": str(self.version), "creationTimestamp": "2026-01-01T00:00:00Z"}
        self.lease = {**lease, "metadata": {**lease["metadata"], **extra}}
        return self.lease


@pytest.fixture
def leases() -> LeaseServer:
    return LeaseServer()


@pytest.fixture
async def server(leases: LeaseServer) -> AsyncIterator[Server]:
    async with running() as found:
        found.script = leases.answer
        yield found


@pytest.fixture
def access(tmp_path: Path, server: Server) -> Access:
    return write_kubeconfig(tmp_path / "config", server.url, {})


@pytest.fixture
async def locks(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KubeLocks]:
    monkeypatch.setattr(client_module, "_PATIENCE", 0.2)
    async with client_of() as client:
        yield KubeLocks(client, "me", lambda _: None, timing=Timing(duration=0.5, renew=0.05))


async def test_silence_of_the_server_loses_nothing(locks: KubeLocks, access: Access, leases: LeaseServer) -> None:
    async with locks.hold(access, "apps", "web", deadline=60):
        leases.ill = {"PATCH", "GET"}
        await asyncio.sleep(0.8)
        leases.ill = set()
        before = leases.version
        await asyncio.sleep(0.3)
        assert leases.version > before
    assert leases.lease is None


async def test_a_renewal_whose_answer_was_lost_is_recognised(
    locks: KubeLocks, access: Access, leases: LeaseServer
) -> None:
    async with locks.hold(access, "apps", "web", deadline=60):
        assert leases.lease is not None
        leases.keep(leases.lease)  # it moved, and we were not told
        await asyncio.sleep(0.2)
    assert leases.lease is None


async def test_giving_back_is_bounded(
    locks: KubeLocks, access: Access, leases: LeaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks_module, "_FAREWELL", 0.2)

    async def never(request: web.Request) -> Answer:
        if request.method == "DELETE":
            await asyncio.sleep(30)
        return await leases.answer(request)

    async with running() as slow:
        slow.script = never
        here = write_kubeconfig(Path(access.cluster.kubeconfig).with_name("slow"), slow.url, {})
        started = time.monotonic()
        async with locks.hold(here, "apps", "web", deadline=60):
            pass
        assert time.monotonic() - started < 2


async def test_what_was_left_behind_is_ours_still(locks: KubeLocks, access: Access, leases: LeaseServer) -> None:
    leases.ill = {"DELETE"}
    async with locks.hold(access, "apps", "web", deadline=60):
        pass
    assert leases.lease is not None
    leases.ill = set()
    async with locks.hold(access, "apps", "web", deadline=60):
        pass
    assert leases.lease is None


async def test_cancelled_while_giving_back_still_gives_back(
    locks: KubeLocks, access: Access, leases: LeaseServer, server: Server
) -> None:
    leaving = asyncio.Event()

    async def slowly(request: web.Request) -> Answer:
        if request.method == "DELETE":
            leaving.set()
            await asyncio.sleep(0.2)
        return await leases.answer(request)

    server.script = slowly

    async def body() -> None:
        async with locks.hold(access, "apps", "web", deadline=60):
            pass

    task = asyncio.create_task(body())
    await leaving.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert leases.lease is None


async def test_an_error_of_the_body_goes_before_an_end_that_comes_with_it(
    locks: KubeLocks, access: Access, leases: LeaseServer
) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with locks.hold(access, "apps", "web", deadline=60):
            raise ExceptionGroup("several", [ValueError("1"), Locked("2")])
    assert len(caught.value.exceptions) == 2
    assert leases.lease is None
