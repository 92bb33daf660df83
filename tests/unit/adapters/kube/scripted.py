"""An API server that answers as the test says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from helmops.adapters.kube.client import Client
from helmops.adapters.kube.connection import Connections
from helmops.api.model import Access, ClusterRef

Answer = Mapping[str, Any] | tuple[int, Any] | web.Response
Script = Callable[[web.Request], Answer | Awaitable[Answer]]


@dataclass
class Server:
    """``script`` answers, ``seen`` remembers."""

    url: str = ""
    script: Script = field(default=lambda _: {})
    seen: list[web.Request] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        await request.read()
        self.seen.append(request)
        answer = self.script(request)
        if isinstance(answer, Awaitable):
            answer = await answer
        if isinstance(answer, web.Response):
            return answer
        code, document = answer if isinstance(answer, tuple) else (200, answer)
        return web.Response(status=code, body=json.dumps(document).encode(), content_type="application/json")

    def answers(self, *answers: Answer) -> None:
        """One after the other; the last for ever."""
        left = list(answers)
        self.script = lambda _: left.pop(0) if len(left) > 1 else left[0]


@asynccontextmanager
async def running(**how: Any) -> AsyncIterator[Server]:
    """A server on loopback."""
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, **how)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"{'https' if how.get('ssl_context') else 'http'}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()


def write_kubeconfig(path: Path, server: str, user: Mapping[str, Any], **cluster: Any) -> Access:
    """A kubeconfig with one context, and the access that means it."""
    document = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": dict(user)}],
    }
    path.write_text(json.dumps(document))
    return Access(ClusterRef(str(path)))


@asynccontextmanager
async def client_of(environ: Mapping[str, str] | None = None) -> AsyncIterator[Client]:
    """A client that is closed."""
    connections = Connections(environ or {})
    try:
        yield Client(connections)
    finally:
        await connections.close()


def status(code: int, message: str, reason: str = "", **details: Any) -> tuple[int, dict[str, Any]]:
    """A Status object, as API servers refuse."""
    return code, {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "reason": reason,
        "details": details,
        "code": code,
    }
