"""Metadata of objects, one list a kind for a whole pass, however many releases ask."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from helmops.core.objects import ObjectId, ObjectMeta
from helmops.engine.context import Ports, Scope
from helmops.errors import Forbidden, NotFound

Kind = tuple[str, str]  # (apiVersion, kind)


class Metadata:
    """``namespaces``: all that the pass is about; a single one is listed by itself, more by one list of the cluster."""

    def __init__(self, ports: Ports, scope: Scope, namespaces: Collection[str]) -> None:
        self._ports = ports
        self._scope = scope
        self._namespace = next(iter(namespaces)) if len(set(namespaces)) == 1 else None
        self._lists: dict[Kind, asyncio.Task[Mapping[ObjectId, ObjectMeta]]] = {}

    async def of(self, objects: Collection[ObjectId]) -> Mapping[ObjectId, ObjectMeta]:
        """What is there of ``objects``. Of a kind that may not be listed, nothing is: each has to be asked for."""
        kinds = {(one.api_version, one.kind) for one in objects}
        lists = await asyncio.gather(*(self._list(kind) for kind in kinds))
        by_kind = dict(zip(kinds, lists, strict=True))
        found = ((one, by_kind[one.api_version, one.kind].get(one)) for one in objects)
        return {one: meta for one, meta in found if meta is not None}

    async def _list(self, kind: Kind) -> Mapping[ObjectId, ObjectMeta]:
        if kind not in self._lists:
            self._lists[kind] = asyncio.create_task(self._ask(*kind))
        return await asyncio.shield(self._lists[kind])

    async def _ask(self, api_version: str, kind: str) -> Mapping[ObjectId, ObjectMeta]:
        access, cluster = self._scope.access, self._ports.cluster
        try:
            resource = (await cluster.kinds(access)).find(api_version, kind)
            namespace = self._namespace if resource and resource.namespaced else None
            return {meta.id: meta for meta in await cluster.list_metadata(access, api_version, kind, namespace)}
        except (Forbidden, NotFound):
            return {}
