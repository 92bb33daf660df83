"""Metadata of objects, one list a kind for a whole pass, however many releases ask."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from helmops.core.objects import ObjectId, ObjectMeta
from helmops.engine.context import Ports, Scope
from helmops.errors import Forbidden, NotFound

_Place = tuple[str, str, str | None]  # (apiVersion, kind, namespace or None for the whole cluster)


class Metadata:
    """``namespaces``: all that the pass is about; a single one is listed by itself, more by one list of the cluster.

    So are objects outside of the single one: a release may keep its objects elsewhere than its records.
    """

    def __init__(self, ports: Ports, scope: Scope, namespaces: Collection[str]) -> None:
        self._ports = ports
        self._scope = scope
        self._namespace = next(iter(namespaces)) if len(set(namespaces)) == 1 else None
        self._lists: dict[_Place, asyncio.Task[Mapping[ObjectId, ObjectMeta]]] = {}

    async def of(self, objects: Collection[ObjectId]) -> Mapping[ObjectId, ObjectMeta]:
        """What is there of ``objects``. Of a kind that may not be listed, nothing is: each has to be asked for."""
        places = {one: self._place(one) for one in objects}
        asked = set(places.values())
        found = dict(zip(asked, await asyncio.gather(*(self._list(place) for place in asked)), strict=True))
        metas = ((one, found[place].get(one)) for one, place in places.items())
        return {one: meta for one, meta in metas if meta is not None}

    def _place(self, one: ObjectId) -> _Place:
        return one.api_version, one.kind, self._namespace if one.namespace == self._namespace else None

    async def _list(self, place: _Place) -> Mapping[ObjectId, ObjectMeta]:
        if place not in self._lists:
            self._lists[place] = asyncio.create_task(self._ask(*place))
        return await asyncio.shield(self._lists[place])

    async def _ask(self, api_version: str, kind: str, namespace: str | None) -> Mapping[ObjectId, ObjectMeta]:
        access, cluster = self._scope.access, self._ports.cluster
        try:
            return {meta.id: meta for meta in await cluster.list_metadata(access, api_version, kind, namespace)}
        except (Forbidden, NotFound):
            return {}
