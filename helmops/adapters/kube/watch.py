"""Watches of metadata: a list, then every change after it; once more from the list when the server has forgotten."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import orjson
from aiohttp import ClientError, ClientTimeout

from helmops.adapters.kube.client import Client, Request
from helmops.adapters.kube.connection import Connections
from helmops.adapters.kube.failures import Answer, Expired
from helmops.adapters.kube.listing import METADATA, METADATA_LIST, metadata_of
from helmops.adapters.kube.paths import path_of
from helmops.api.model import Access
from helmops.core.objects import ObjectId, ObjectMeta, Resource
from helmops.errors import Transient
from helmops.ports import Change

SERVER_SECONDS = 290
"""After which the server ends a watch: before the idle timeouts of most proxies, and not often enough to cost."""
SILENCE = SERVER_SECONDS + 30.0
"""A connection that says nothing for longer than that is dead, and nobody has told us."""
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 30.0


class Watch:
    """One kind, in one namespace or all of them. What was seen is remembered, so that only differences are told."""

    def __init__(
        self, connections: Connections, client: Client, access: Access, resource: Resource, namespace: str | None
    ) -> None:
        self._connections = connections
        self._client = client
        self._access = access
        self._resource = resource
        self._path = path_of(resource, namespace)
        self._known: dict[ObjectId, ObjectMeta] = {}
        self._version = ""
        self._pause = _FIRST_PAUSE

    async def changes(self) -> AsyncIterator[Change | None]:
        """Without end. Errors of the first list are the caller's; later ones only when they will not pass."""
        for change in await self._list():
            yield change
        yield None
        while True:
            try:
                async for change in self._followed():
                    yield change
            except Expired:
                self._version = ""
            except (Transient, ClientError, TimeoutError, OSError):
                await self._rest()
            for change in await self._listed_again():
                yield change

    async def _followed(self) -> AsyncIterator[Change]:
        """One connection to its end. One that ended without a word is not opened again at once."""
        silent = True
        async for event in self._events():
            silent, self._pause = False, _FIRST_PAUSE
            if change := self._change(event):
                yield change
        if silent:
            await self._rest()

    async def _rest(self) -> None:
        await asyncio.sleep(self._pause * random.uniform(0.8, 1.2))  # noqa: S311  not for secrets
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    async def _listed_again(self) -> list[Change]:
        """Only where the place to go on from is lost; until the server answers."""
        while not self._version:
            try:
                return await self._list()
            except Transient:
                await self._rest()
        return []

    # ------------------------------------------------------------ the list
    async def _list(self) -> list[Change]:
        """What is different from what was known."""
        where = f"{self._resource.kind} watch"
        answer = await self._client.request(self._access, Request("GET", self._path, accept=METADATA_LIST, where=where))
        self._version = answer["metadata"]["resourceVersion"]
        found = [self._meta(item) for item in answer.get("items") or ()]
        return list(self._differences({meta.id: meta for meta in found}))

    def _differences(self, found: Mapping[ObjectId, ObjectMeta]) -> Iterator[Change]:
        before, self._known = self._known, dict(found)
        for object_id, meta in before.items():
            if object_id not in found or found[object_id].uid != meta.uid:
                yield Change(meta, gone=True)
        for object_id, meta in found.items():
            if object_id not in before or before[object_id].resource_version != meta.resource_version:
                yield Change(meta)

    def _meta(self, item: Mapping[str, Any]) -> ObjectMeta:
        return metadata_of(self._resource.api_version, self._resource.kind, item)

    # ------------------------------------------------------------ the stream
    def _change(self, event: Mapping[str, Any]) -> Change | None:
        """None for what only moves the place on. Expired, or Transient for any other error in the stream."""
        kind, item = event.get("type"), event.get("object") or {}
        if kind == "ERROR":
            self._version = ""
            raise Answer(int(item.get("code") or 500), orjson.dumps(item), self._path).error(self._resource.kind)
        self._version = item["metadata"]["resourceVersion"]
        if kind == "BOOKMARK":
            return None
        meta = self._meta(item)
        if kind == "DELETED":
            self._known.pop(meta.id, None)
            return Change(meta, gone=True)
        self._known[meta.id] = meta
        return Change(meta)

    async def _events(self) -> AsyncIterator[Mapping[str, Any]]:
        """One connection. It takes none of the slots that short requests share: it lasts for minutes."""
        connection = await self._connections.get(self._access)
        headers = await connection.headers()
        headers["Accept"] = METADATA
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(random.randint(SERVER_SECONDS // 2, SERVER_SECONDS)),  # noqa: S311  spreads the load
        }
        timeout = ClientTimeout(total=None, sock_connect=10, sock_read=SILENCE)
        async with connection.session.get(
            connection.server + self._path, params=params, headers=headers, allow_redirects=False, timeout=timeout
        ) as response:
            if response.status != 200:
                error = Answer(response.status, await response.read(), self._path).error(self._resource.kind)
                if response.status == 401 and connection.distrust(headers):
                    raise Transient(error.message)
                raise error
            async for line in _lines(response.content.iter_any()):
                yield orjson.loads(line)


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """An object may be longer than any buffer for lines."""
    rest: list[bytes] = []
    async for chunk in chunks:
        first, *more = chunk.split(b"\n")
        rest.append(first)
        for part in more:
            if line := b"".join(rest):
                yield line
            rest = [part]
