"""The port ``Gate``: a loopback proxy between one helm child and the API server.

The child gets a kubeconfig that leads to the proxy and knows nothing else: no credentials, no ``exec`` plugin. When
helmops ends, so does the gate, and an orphaned helm can write nothing more.

The address is ``http://127.0.0.1:<port>/<token>``: client-go sends no token over plain http, but keeps a path. The
token is made for one child and is nothing once its gate is closed, even where helm writes the address into a release's
description ("Get http://…: …").
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from helmops.adapters.kube.connection import Connections
from helmops.adapters.kube.paths import path_of
from helmops.api.model import Access
from helmops.core.objects import GuardedFields, Kinds, ObjectId, Resource
from helmops.errors import NotFound
from helmops.ports import SplitRelease


class KnowsKinds(Protocol):
    """Whoever knows what a server serves."""

    async def kinds(self, access: Access, *, refresh: bool = False) -> Kinds:
        """Every kind served."""


class ApiGate:
    """Opens one proxy per helm child. ``discovery`` knows the address of each kind."""

    def __init__(self, connections: Connections, discovery: KnowsKinds) -> None:
        self._connections = connections
        self._discovery = discovery

    async def wanted(self, access: Access) -> bool:
        """A program like ``aws eks get-token`` takes up to a second; we ask it once, each helm would ask it again."""
        return (await self._connections.get(access)).uses_plugin

    @asynccontextmanager
    async def open(
        self, access: Access, guarded: Sequence[GuardedFields], split: SplitRelease | None = None
    ) -> AsyncIterator[str]:
        """Yields the path of a kubeconfig, alone in a private directory that is removed at the end."""
        # aiohttp's server costs 15 ms to import: a pass that starts no helm does not pay for it.
        from helmops.adapters.kube.gate_proxy import Proxy, listening
        from helmops.adapters.kube.gate_storage import Records

        token = secrets.token_urlsafe(32)
        guards = await self._guards(access, guarded)
        proxy = Proxy(await self._connections.get(access), guards, token, Records(split) if split else None)
        directory = tempfile.mkdtemp(prefix="helmops-gate-")
        try:
            async with listening(proxy) as port:
                yield _write_kubeconfig(directory, f"http://127.0.0.1:{port}/{token}")
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    async def _guards(self, access: Access, guarded: Sequence[GuardedFields]) -> dict[str, Sequence[str]]:
        found: dict[str, Sequence[str]] = {}
        for fields in guarded:
            resource = await self._resource(access, fields.id)
            found[unquote(path_of(resource, fields.id.namespace, fields.id.name))] = fields.pointers
        return found

    async def _resource(self, access: Access, object_id: ObjectId) -> Resource:
        for refresh in (False, True):
            kinds = await self._discovery.kinds(access, refresh=refresh)
            if found := kinds.find(object_id.api_version, object_id.kind):
                return found
        raise NotFound(f"the server does not serve {object_id.kind} ({object_id.api_version})", where=str(object_id))


def _write_kubeconfig(directory: str, server: str) -> str:
    """A kubeconfig (JSON is YAML) that only its owner can read."""
    name = "helmops"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "users": [{"name": name, "user": {}}],
        "current-context": name,
    }
    path = Path(directory, "kubeconfig")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(config, file)
    return str(path)
