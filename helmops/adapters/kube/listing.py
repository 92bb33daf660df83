"""Lists: page by page, and from the start when the server has forgotten where we were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from helmops.adapters.kube.client import JSON, Client, Request
from helmops.adapters.kube.failures import Expired
from helmops.api.model import Access
from helmops.core.objects import ManagedEntry, ObjectId, ObjectMeta

METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
PAGE = 500
_EMPTY: Mapping[str, str] = {}


async def list_all(
    client: Client,
    access: Access,
    path: str,
    *,
    selector: str = "",
    accept: str = JSON,
    page: int = PAGE,
    where: str = "",
) -> list[Mapping[str, Any]]:
    """Every item of a list."""
    params = {"labelSelector": selector} if selector else {}
    try:
        return await _pages(client, access, Request("GET", path, params, accept=accept, where=where), page)
    except Expired:  # between two pages: once more, in one piece
        return await _pages(client, access, Request("GET", path, params, accept=accept, where=where), 0)


async def _pages(client: Client, access: Access, request: Request, page: int) -> list[Mapping[str, Any]]:
    items: list[Mapping[str, Any]] = []
    params = {**request.params, "limit": str(page)} if page else dict(request.params)
    while True:
        answer = await client.request(
            access, Request("GET", request.path, params, accept=request.accept, where=request.where)
        )
        items += answer.get("items") or ()
        token = (answer.get("metadata") or {}).get("continue")
        if not token:
            return items
        params["continue"] = token


def object_meta(api_version: str, kind: str, metadata: Mapping[str, Any]) -> ObjectMeta:
    """``metadata`` of an object of a known kind."""
    return ObjectMeta(
        id=ObjectId(api_version, kind, metadata.get("namespace", ""), metadata["name"]),
        uid=metadata.get("uid", ""),
        resource_version=metadata.get("resourceVersion", ""),
        generation=metadata.get("generation"),
        labels=metadata.get("labels") or _EMPTY,
        annotations=metadata.get("annotations") or _EMPTY,
        managed=_managed(metadata.get("managedFields") or ()),
        deleting="deletionTimestamp" in metadata,
    )


def _managed(entries: Sequence[Mapping[str, Any]]) -> tuple[ManagedEntry, ...]:
    return tuple(
        ManagedEntry(
            manager=entry.get("manager", ""),
            operation=entry.get("operation", ""),
            subresource=entry.get("subresource", ""),
            time=entry.get("time", ""),
            fields=entry.get("fieldsV1") or {},
        )
        for entry in entries
    )
