"""The port ``Cluster`` in memory, and levers to play everybody else who writes objects."""

from __future__ import annotations

import asyncio
import copy
import datetime as dt
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from helmops.api.model import Access
from helmops.core.objects import Kinds, ObjectEvent, ObjectId, ObjectMeta, Resource, meta_of
from helmops.errors import Conflict, FieldConflicts, HelmopsError, NotFound, Rejected
from helmops.ports import Change, Target
from helmops.testing import ownership, schema
from helmops.testing.faults import Faults
from helmops.testing.ownership import Entry, Leaves, State
from helmops.testing.patching import patched

NAMESPACE = ("v1", "Namespace")
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_DEFINITION = "CustomResourceDefinition"


@dataclass(frozen=True, slots=True)
class _Stored:
    """An object as the server has it."""

    id: ObjectId
    uid: str
    version: int
    generation: int
    state: State

    def document(self) -> dict[str, Any]:
        built = ownership.object_of(self.state.leaves)
        owned = built.pop("metadata", {})
        metadata: dict[str, Any] = {"name": self.id.name}
        if self.id.namespace:
            metadata["namespace"] = self.id.namespace
        metadata |= {"uid": self.uid, "resourceVersion": str(self.version), "creationTimestamp": _stamp(START)}
        if schema.has_generation(self.id.kind):
            metadata["generation"] = self.generation
        managed = [entry.document(self.id.api_version) for entry in self.state.entries]
        metadata |= {**owned, "managedFields": managed}
        return {"apiVersion": self.id.api_version, "kind": self.id.kind, "metadata": metadata, **built}


class FakeObjects(Faults):
    """Objects, as the tests and the engine see them.

    Levers: ``edit``, ``scale``, ``remove`` play other writers; ``serve`` and ``fields`` change what the server knows;
    ``now`` is its clock. ``fail_next`` and ``calls``: see ``Faults``.
    """

    def __init__(self, namespaces: Iterable[str] = ("default", "kube-system")) -> None:
        super().__init__()
        self.resources = schema.served()
        self.fields = schema.known_fields()
        self.server_version = "v1.36.0"
        self.cluster_uid = "cluster-uid"
        self.now: Callable[[], dt.datetime] = lambda: START
        self.recorded_events: list[ObjectEvent] = []
        self._objects: dict[ObjectId, _Stored] = {}
        self._counter = 0
        self._watching: list[asyncio.Queue[Change]] = []
        for name in namespaces:
            self.add_namespace(name)

    # ------------------------------------------------------------ the port
    async def target(self, access: Access) -> Target:
        """A context named after the access."""
        self._called("target")
        return Target(access.cluster.context or "fake", "default", "https://fake.example.org")

    async def uid(self, access: Access) -> str:
        """``cluster_uid``."""
        self._called("uid")
        return self.cluster_uid

    async def kinds(self, access: Access, *, refresh: bool = False) -> Kinds:
        """What is served."""
        self._called("kinds")
        return Kinds(self.server_version, dict(self.resources))

    async def list_metadata(
        self, access: Access, api_version: str, kind: str, namespace: str | None
    ) -> Sequence[ObjectMeta]:
        """Metadata of what is there."""
        self._called("list_metadata", api_version, kind, namespace)
        return [meta_of(stored.document()) for stored in self._of(api_version, kind, namespace)]

    async def list_objects(
        self, access: Access, api_version: str, kind: str, namespace: str | None
    ) -> Sequence[Mapping[str, Any]]:
        """What is there."""
        self._called("list_objects", api_version, kind, namespace)
        return [stored.document() for stored in self._of(api_version, kind, namespace)]

    async def get(self, access: Access, object_id: ObjectId) -> Mapping[str, Any] | None:
        """One object."""
        self._called("get", object_id)
        self._resource(object_id)
        return self.find(object_id)

    async def apply(
        self,
        access: Access,
        obj: Mapping[str, Any],
        *,
        force: bool,
        dry_run: bool,
        strict: bool = False,
        manager: str = "helm",
    ) -> Mapping[str, Any]:
        """Server-side apply. ``calls`` counts dry-runs as ``dry_run``, so that tests tell them apart."""
        self._called("dry_run" if dry_run else "apply", obj)
        object_id = _id_of(obj)
        self._check(object_id, obj)
        entry = Entry(manager, "Apply", time=_stamp(self.now()))
        stored = self._objects.get(object_id)
        try:
            state = ownership.apply(stored.state if stored else State(), ownership.leaves_of(obj), entry, force=force)
        except FieldConflicts as error:
            raise FieldConflicts(error.message, fields=error.fields, where=str(object_id)) from None
        return self._store(object_id, state, dry_run=dry_run).document()

    async def patch(
        self,
        access: Access,
        object_id: ObjectId,
        operations: Sequence[Mapping[str, Any]],
        *,
        dry_run: bool = False,
        strict: bool = False,
        manager: str = "helm",
    ) -> Mapping[str, Any]:
        """JSON patch. ``calls`` counts dry-runs as ``dry_patch``."""
        self._called("dry_patch" if dry_run else "patch", object_id, operations)
        live = self.find(object_id)
        if live is None:
            raise NotFound(f"{object_id} not found", where=str(object_id))
        try:
            new = patched(live, operations)
        except (Conflict, Rejected) as error:
            raise _at(error, object_id) from None
        if strict:
            self._check(object_id, new)
        return self._update(object_id, new, manager, dry_run=dry_run)

    async def patch_status(self, access: Access, object_id: ObjectId, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Merge, one level deep."""
        self._called("patch_status", object_id, status)
        live = self.find(object_id)
        if live is None:
            raise NotFound(f"{object_id} not found", where=str(object_id))
        merged = {**(live.get("status") or {}), **status}
        new = {**live, "status": {key: value for key, value in merged.items() if value is not None}}
        return self._update(object_id, new, "helmops")

    async def watch_metadata(
        self, access: Access, api_version: str, kind: str, namespace: str | None
    ) -> AsyncIterator[Change | None]:
        """What is there, then what happens."""
        self._called("watch_metadata", api_version, kind, namespace)
        told: asyncio.Queue[Change] = asyncio.Queue()
        there = self._of(api_version, kind, namespace)
        self._watching.append(told)
        try:
            for stored in there:
                yield Change(meta_of(stored.document()))
            yield None
            while True:
                change = await told.get()
                about = change.meta.id
                if (about.api_version, about.kind) == (api_version, kind) and namespace in (None, about.namespace):
                    yield change
        finally:
            self._watching.remove(told)

    async def events(self, access: Access, namespace: str) -> Sequence[ObjectEvent]:
        """``recorded_events`` of the namespace."""
        self._called("events", namespace)
        found = [event for event in self.recorded_events if event.id.namespace == namespace]
        return sorted(found, key=lambda event: event.time)

    # ------------------------------------------------------------ levers
    def find(self, object_id: ObjectId) -> Mapping[str, Any] | None:
        """The object as it stands, uncounted."""
        stored = self._objects.get(object_id)
        return stored.document() if stored else None

    def add_namespace(self, name: str) -> None:
        """A namespace, if it is not there."""
        object_id = ObjectId(*NAMESPACE, "", name)
        if object_id not in self._objects:
            self._store(object_id, State({("f:metadata", "f:labels", "f:kubernetes.io/metadata.name"): name}))

    def serve(self, api_version: str, kind: str, plural: str = "", *, namespaced: bool = True) -> None:
        """Serve one more kind."""
        self.resources[api_version, kind] = schema.resource(api_version, kind, plural, namespaced=namespaced)

    def edit(
        self, object_id: ObjectId, change: Callable[[dict[str, Any]], object], manager: str = "kubectl-edit"
    ) -> Mapping[str, Any]:
        """Let another write: ``change`` alters the object in place."""
        stored = self._objects[object_id]
        document = stored.document()
        change(document)
        return self._update(object_id, document, manager)

    def scale(self, object_id: ObjectId, replicas: int, manager: str = "kubectl") -> None:
        """``kubectl scale``, or an autoscaler: through the subresource, whose entry has no time."""
        stored = self._objects[object_id]
        leaves: Leaves = {**stored.state.leaves, ("f:spec", "f:replicas"): replicas}
        self._store(object_id, ownership.update(stored.state, leaves, Entry(manager, "Update", "scale")))

    def write(self, obj: Mapping[str, Any], manager: str = "helm") -> Mapping[str, Any]:
        """Create or replace as an ordinary write: what Helm 3 does, and others."""
        object_id = _id_of(obj)
        self._check(object_id, obj)
        return self._update(object_id, obj, manager)

    def remove(self, object_id: ObjectId) -> None:
        """Delete it; a namespace with all that is in it."""
        removed = self._objects.pop(object_id, None)
        if removed is not None:
            self._tell(removed, gone=True)
        if (object_id.api_version, object_id.kind) == NAMESPACE:
            inside = [other for other in self._objects if other.namespace == object_id.name]
            for other in inside:
                self.remove(other)

    def has_namespace(self, name: str) -> bool:
        """Whether the namespace is there."""
        return ObjectId(*NAMESPACE, "", name) in self._objects

    # ------------------------------------------------------------ inside
    def _update(
        self, object_id: ObjectId, obj: Mapping[str, Any], manager: str, *, dry_run: bool = False
    ) -> dict[str, Any]:
        stored = self._objects.get(object_id)
        entry = Entry(manager, "Update", time=_stamp(self.now()))
        state = ownership.update(stored.state if stored else State(), ownership.leaves_of(obj), entry)
        return self._store(object_id, state, dry_run=dry_run).document()

    def _store(self, object_id: ObjectId, state: State, *, dry_run: bool = False) -> _Stored:
        old = self._objects.get(object_id)
        state = replace(state, leaves=schema.defaults(object_id.kind) | state.leaves)
        if old is not None and old.state == state:
            return old
        if old is None:
            stored = _Stored(object_id, f"uid-{self._next()}", self._next(), 1, state)
        else:
            generation = old.generation + (_desired(old.state.leaves) != _desired(state.leaves))
            stored = replace(old, state=state, generation=generation)
        if dry_run:
            return stored
        self._objects[object_id] = replace(stored, version=self._next())
        self._tell(self._objects[object_id])
        if object_id.kind == _DEFINITION:
            brought = schema.from_definition(self._objects[object_id].document())
            self.resources |= {(resource.api_version, resource.kind): resource for resource in brought}
        return self._objects[object_id]

    def _tell(self, stored: _Stored, *, gone: bool = False) -> None:
        for told in self._watching:
            told.put_nowait(Change(meta_of(stored.document()), gone))

    def _check(self, object_id: ObjectId, obj: Mapping[str, Any]) -> None:
        resource = self._resource(object_id)
        if resource.namespaced and not self.has_namespace(object_id.namespace):
            raise NotFound(f'namespaces "{object_id.namespace}" not found', where=str(object_id))
        unknown = schema.unknown_fields(obj, self.fields)
        if unknown:  # an API server refuses these in any apply, strict or not
            said = "; ".join(f"{path}: field not declared in schema" for path in unknown)
            raise Rejected(said, where=str(object_id))

    def _resource(self, object_id: ObjectId) -> Resource:
        return self._served(object_id.api_version, object_id.kind)

    def _served(self, api_version: str, kind: str) -> Resource:
        found = self.resources.get((api_version, kind))
        if found is None:
            raise NotFound(f"the server does not serve {kind} ({api_version})")
        return found

    def _of(self, api_version: str, kind: str, namespace: str | None) -> list[_Stored]:
        self._served(api_version, kind)
        return [
            stored
            for object_id, stored in sorted(self._objects.items())
            if (object_id.api_version, object_id.kind) == (api_version, kind)
            and (not namespace or object_id.namespace == namespace)
        ]

    def _next(self) -> int:
        self._counter += 1
        return self._counter


def _desired(leaves: Leaves) -> Leaves:
    """What ``generation`` counts the changes of."""
    return {path: value for path, value in leaves.items() if path[0] not in ("f:metadata", "f:status")}


def _id_of(obj: Mapping[str, Any]) -> ObjectId:
    metadata = obj["metadata"]
    return ObjectId(obj["apiVersion"], obj["kind"], metadata.get("namespace", ""), metadata["name"])


def _at(error: HelmopsError, object_id: ObjectId) -> HelmopsError:
    told = copy.copy(error)
    told.where = str(object_id)
    return told


def _stamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
