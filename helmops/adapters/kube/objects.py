"""The port ``Cluster`` on the Kubernetes API: generic objects, their metadata, server-side apply, events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from helmops.adapters.kube.client import APPLY, JSON, JSON_PATCH, MERGE_PATCH, Client, Request
from helmops.adapters.kube.connection import Connections
from helmops.adapters.kube.discovery import Discovery, unserved
from helmops.adapters.kube.failures import Unpatched, Unserved
from helmops.adapters.kube.listing import METADATA, METADATA_LIST, list_all, metadata_of
from helmops.adapters.kube.paths import path_of, segment
from helmops.adapters.kube.watch import Watch
from helmops.api.model import Access
from helmops.core.objects import Kinds, ObjectEvent, ObjectId, ObjectMeta, Resource
from helmops.errors import Conflict, NotFound, Rejected
from helmops.ports import Change, Target

_T = TypeVar("_T")


class KubeCluster:
    """Generic objects of API servers."""

    def __init__(self, connections: Connections, client: Client) -> None:
        self._connections = connections
        self._client = client
        self._discovery = Discovery(client)
        self._uids: dict[Access, str] = {}

    async def target(self, access: Access) -> Target:
        """Where ``access`` leads, by the kubeconfig alone."""
        connection = await self._connections.get(access)
        return Target(connection.context, connection.namespace, connection.server)

    async def uid(self, access: Access) -> str:
        """UID of namespace kube-system; it never changes, so it is asked once."""
        uid = self._uids.get(access)
        if uid is None:
            request = Request("GET", "/api/v1/namespaces/kube-system", accept=METADATA)
            answer = await self._client.request(access, request)
            uid = self._uids[access] = str(answer["metadata"]["uid"])
        return uid

    async def kinds(self, access: Access, *, refresh: bool = False) -> Kinds:
        """What the server serves."""
        return await self._discovery.kinds(access, refresh=refresh)

    async def list_metadata(
        self, access: Access, api_version: str, kind: str, namespace: str | None
    ) -> Sequence[ObjectMeta]:
        """Metadata alone, of all objects of a kind."""
        items = await self._list(access, api_version, kind, namespace, METADATA_LIST)
        return [metadata_of(api_version, kind, item) for item in items]

    async def list_objects(
        self, access: Access, api_version: str, kind: str, namespace: str | None
    ) -> Sequence[Mapping[str, Any]]:
        """All objects of a kind. Items of a list come without apiVersion and kind: they are given back."""
        items = await self._list(access, api_version, kind, namespace, JSON)
        return [{"apiVersion": api_version, "kind": kind, **item} for item in items]

    async def get(self, access: Access, object_id: ObjectId) -> Mapping[str, Any] | None:
        """The live object, or None. NotFound when its very kind is not served: that proves nothing of the object."""

        async def ask(resource: Resource) -> Mapping[str, Any] | None:
            path = path_of(resource, object_id.namespace, object_id.name)
            try:
                answer: Mapping[str, Any] = await self._client.request(
                    access, Request("GET", path, where=str(object_id))
                )
            except Unserved:
                raise
            except NotFound:
                return None
            return answer

        return await self._at(access, object_id.api_version, object_id.kind, ask)

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
        """Server-side apply. Asked again when an answer is lost: the second time changes nothing."""
        object_id = _id_of(obj)
        params = {"force": "true" if force else "false", **_write_params(manager, dry_run=dry_run, strict=strict)}

        async def ask(resource: Resource) -> Mapping[str, Any]:
            path = _path_in(resource, object_id)
            request = Request("PATCH", path, params, obj, APPLY, where=str(object_id), idempotent=True)
            answer: Mapping[str, Any] = await self._client.request(access, request)
            return answer

        return await self._at(access, object_id.api_version, object_id.kind, ask)

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
        """JSON patch."""
        params = _write_params(manager, dry_run=dry_run, strict=strict)

        async def ask(resource: Resource) -> Mapping[str, Any]:
            path = _path_in(resource, object_id)
            body = [dict(operation) for operation in operations]
            request = Request("PATCH", path, params, body, JSON_PATCH, where=str(object_id))
            try:
                answer: Mapping[str, Any] = await self._client.request(access, request)
            except Unpatched as error:
                if any(operation.get("op") == "test" for operation in operations):
                    raise Conflict(error.message, where=error.where) from None
                raise
            return answer

        return await self._at(access, object_id.api_version, object_id.kind, ask)

    async def patch_status(self, access: Access, object_id: ObjectId, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Merge into the status subresource; the same twice changes nothing."""

        async def ask(resource: Resource) -> Mapping[str, Any]:
            path = f"{_path_in(resource, object_id)}/status"
            params = {"fieldManager": "helmops"}
            body = {"status": dict(status)}
            request = Request("PATCH", path, params, body, MERGE_PATCH, where=str(object_id), idempotent=True)
            answer: Mapping[str, Any] = await self._client.request(access, request)
            return answer

        return await self._at(access, object_id.api_version, object_id.kind, ask)

    async def watch_metadata(
        self, access: Access, api_version: str, kind: str, namespace: str | None
    ) -> AsyncIterator[Change | None]:
        """Metadata of all objects of a kind, as they come and change and go."""
        resource = await self._discovery.resource(access, api_version, kind)
        watch = Watch(self._connections, self._client, access, resource, namespace)
        async for change in watch.changes():
            yield change

    async def events(self, access: Access, namespace: str) -> Sequence[ObjectEvent]:
        """Events of a namespace, oldest first."""
        items = await list_all(self._client, access, f"/api/v1/namespaces/{segment(namespace)}/events", where=namespace)
        return sorted((_event(item) for item in items), key=lambda event: event.time)

    async def _list(
        self, access: Access, api_version: str, kind: str, namespace: str | None, accept: str
    ) -> list[Mapping[str, Any]]:
        async def ask(resource: Resource) -> list[Mapping[str, Any]]:
            path = path_of(resource, namespace)
            return await list_all(self._client, access, path, accept=accept, where=f"{kind} list")

        return await self._at(access, api_version, kind, ask)

    async def _at(self, access: Access, api_version: str, kind: str, ask: Callable[[Resource], Awaitable[_T]]) -> _T:
        """Ask where discovery says the kind is. When it has moved away since, the next one looks afresh."""
        resource = await self._discovery.resource(access, api_version, kind)
        try:
            return await ask(resource)
        except Unserved:
            self._discovery.forget(access)
            raise unserved(api_version, kind) from None


def _id_of(obj: Mapping[str, Any]) -> ObjectId:
    metadata = obj.get("metadata") or {}
    object_id = ObjectId(
        str(obj.get("apiVersion", "")),
        str(obj.get("kind", "")),
        metadata.get("namespace", ""),
        metadata.get("name", ""),
    )
    if not object_id.name:
        raise Rejected("it has no metadata.name, so it cannot be applied", where=object_id.kind)
    return object_id


def _path_in(resource: Resource, object_id: ObjectId) -> str:
    if resource.namespaced and not object_id.namespace:
        raise Rejected("it names no namespace, and its kind has one", where=str(object_id))
    return path_of(resource, object_id.namespace, object_id.name)


def _event(item: Mapping[str, Any]) -> ObjectEvent:
    about = item.get("involvedObject") or {}
    series = item.get("series") or {}
    return ObjectEvent(
        id=ObjectId(
            about.get("apiVersion", ""), about.get("kind", ""), about.get("namespace", ""), about.get("name", "")
        ),
        type=item.get("type") or "",
        reason=item.get("reason") or "",
        message=item.get("message") or "",
        count=series.get("count") or item.get("count") or 1,
        time=series.get("lastObservedTime") or item.get("lastTimestamp") or item.get("eventTime") or "",
    )


def _write_params(manager: str, *, dry_run: bool, strict: bool) -> dict[str, str]:
    validation = {"fieldManager": manager, "fieldValidation": "Strict" if strict else "Ignore"}
    return validation | ({"dryRun": "All"} if dry_run else {})
