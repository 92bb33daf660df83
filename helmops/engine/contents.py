"""What a revision contains, read once from its Secret and remembered by the Secret's uid.

A revision's manifest never changes; its status and description may, so those go by resourceVersion.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helmops.core.objects import ObjectId
from helmops.core.release.observation import Record, StoredRelease
from helmops.core.render.manifest import manifest_hash
from helmops.engine.context import PARALLEL_DRY_RUNS, Ports, Scope
from helmops.engine.stored import stored_objects


@dataclass(frozen=True, slots=True)
class Content:
    """One revision: its chart, and every object with the hash of its manifest (hooks are not among them)."""

    chart: str
    chart_version: str
    app_version: str
    namespace: str
    server_side: bool
    description: str
    updated: str
    objects: tuple[tuple[ObjectId, str], ...]


class Contents:
    """The contents of revisions, through the memory."""

    def __init__(self, ports: Ports, scope: Scope) -> None:
        self._ports = ports
        self._scope = scope
        self._known: dict[str, Any] = dict(ports.memory.load(scope.cache("contents")))
        self._loaded = frozenset(self._known)
        self._limit = asyncio.Semaphore(PARALLEL_DRY_RUNS)

    async def of(self, record: Record) -> Content:
        """The content of a revision. NotFound when its Secret has gone."""
        key = _key(record)
        if key not in self._known:
            async with self._limit:
                body = await self._ports.storage.body(self._scope.access, record)
            objects = await stored_objects(self._ports, self._scope, body)
            self._known[key] = _pack(body, objects)
        return _unpack(self._known[key])

    async def of_all(self, records: Collection[Record]) -> Mapping[str, Content]:
        """Several, by the Secret's uid."""
        found = await asyncio.gather(*(self.of(record) for record in records))
        return {record.uid: content for record, content in zip(records, found, strict=True)}

    async def description(self, record: Record) -> str:
        """What Helm wrote about a revision."""
        return (await self.of(record)).description

    def save(self, alive: Collection[Record]) -> None:
        """Remember what is known of the records that are there."""
        keys = {_key(record) for record in alive}
        kept = {key: content for key, content in self._known.items() if key in keys}
        if kept.keys() != self._loaded:
            self._ports.memory.save(self._scope.cache("contents"), kept)


def _key(record: Record) -> str:
    return f"{record.uid}/{record.resource_version}"


def _pack(body: StoredRelease, objects: Mapping[ObjectId, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "chart": body.chart_name,
        "version": body.chart_version,
        "app": body.app_version,
        "namespace": body.namespace,
        "ssa": body.apply_method == "ssa",
        "description": body.description,
        "updated": body.last_deployed,
        "objects": [[*_parts(key), manifest_hash(obj)] for key, obj in objects.items()],
    }


def _parts(object_id: ObjectId) -> Sequence[str]:
    return object_id.api_version, object_id.kind, object_id.namespace, object_id.name


def _unpack(data: Mapping[str, Any]) -> Content:
    objects = tuple((ObjectId(*parts), digest) for *parts, digest in data["objects"])
    return Content(
        data["chart"],
        data["version"],
        data["app"],
        data["namespace"],
        data["ssa"],
        data["description"],
        data["updated"],
        objects,
    )
