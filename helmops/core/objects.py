"""Kubernetes objects as the core sees them: who one is, and what its metadata says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HELM_MANAGER = "helm"
"""Field manager under which Helm (3 and 4) writes."""


@dataclass(frozen=True, slots=True, order=True)
class ObjectId:
    """Who an object is. ``namespace`` is "" for cluster-scoped kinds."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def group(self) -> str:
        """API group, "" for the core group."""
        return self.api_version.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class ManagedEntry:
    """One entry of ``metadata.managedFields``. ``fields`` is its ``fieldsV1``."""

    manager: str
    operation: str  # Apply | Update
    subresource: str
    time: str
    fields: Mapping[str, Any] = field(compare=False)


@dataclass(frozen=True, slots=True)
class ObjectMeta:
    """What a metadata-only list or watch tells of an object. ``generation`` is None for kinds without one."""

    id: ObjectId
    uid: str
    resource_version: str
    generation: int | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    managed: tuple[ManagedEntry, ...]
    deleting: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """What discovery says of a kind."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Kinds:
    """Discovery: every kind the server serves now. ``version`` is the server's, e.g. ``v1.36.3``."""

    version: str
    resources: Mapping[tuple[str, str], Resource]  # (apiVersion, kind)

    def find(self, api_version: str, kind: str) -> Resource | None:
        """The resource of a kind, or None when the server does not serve it."""
        return self.resources.get((api_version, kind))

    def api_versions(self) -> tuple[str, ...]:
        """For ``helm template --api-versions``: every group/version and group/version/Kind, sorted."""
        found = {text for api, kind in self.resources for text in (api, f"{api}/{kind}")}
        return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class GuardedFields:
    """Fields of one object that stay with their owner: JSON pointers left out of whatever helm writes."""

    id: ObjectId
    pointers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """A Kubernetes Event about an object. ``time`` is RFC 3339."""

    id: ObjectId
    type: str
    reason: str
    message: str
    count: int
    time: str


def meta_of(obj: Mapping[str, Any]) -> ObjectMeta:
    """The metadata of a whole object (or of a PartialObjectMetadata that names its real kind)."""
    meta = obj["metadata"]
    object_id = ObjectId(obj["apiVersion"], obj["kind"], meta.get("namespace", ""), meta["name"])
    return ObjectMeta(
        id=object_id,
        uid=meta.get("uid", ""),
        resource_version=meta.get("resourceVersion", ""),
        generation=meta.get("generation"),
        labels=meta.get("labels") or {},
        annotations=meta.get("annotations") or {},
        managed=tuple(_entry(entry) for entry in meta.get("managedFields") or ()),
        deleting="deletionTimestamp" in meta,
    )


def _entry(entry: Mapping[str, Any]) -> ManagedEntry:
    return ManagedEntry(
        entry.get("manager", ""),
        entry.get("operation", ""),
        entry.get("subresource", ""),
        entry.get("time", ""),
        entry.get("fieldsV1") or {},
    )
