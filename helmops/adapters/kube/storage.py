"""The port ``Storage`` on the Kubernetes API: Helm's release Secrets, listed by metadata, written with care."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from helmops.adapters.kube.bodies import decode, encode, stored_release
from helmops.adapters.kube.client import MERGE_PATCH, Client, Request
from helmops.adapters.kube.listing import METADATA, METADATA_LIST, list_all
from helmops.adapters.kube.paths import segment
from helmops.api.model import Access
from helmops.core.release.observation import Record, StoredRelease
from helmops.errors import Conflict, NotFound

_SECRET = re.compile(r"sh\.helm\.release\.v1\.(.+)\.v([0-9]+)")
_OWNER = "owner=helm"
_MANAGER = "helmops"


class KubeStorage:
    """Release Secrets of API servers."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def records(self, access: Access, namespaces: Collection[str] | None) -> Sequence[Record]:
        """Every record, sorted by namespace, name and revision."""
        paths = ["/api/v1/secrets"] if namespaces is None else [_secrets(namespace) for namespace in sorted(namespaces)]
        lists = await asyncio.gather(*(self._list(access, path, _OWNER) for path in paths))
        return sorted((record for found in lists for record in found), key=_order)

    async def records_of(self, access: Access, namespace: str, name: str) -> Sequence[Record]:
        """Every revision of one release, oldest first."""
        found = await self._list(access, _secrets(namespace), f"{_OWNER},name={name}")
        return sorted((record for record in found if record.name == name), key=_order)

    async def body(self, access: Access, record: Record) -> StoredRelease:
        """The decoded body. A Secret made anew under the same name is another record: NotFound."""
        secret = await self._secret(access, record)
        return stored_release(decode(_data(secret), _where(record)))

    async def label(self, access: Access, record: Record, labels: Mapping[str, str | None]) -> Record:
        """Set and remove labels of the record that was read."""
        return await self._write(access, record, {"labels": dict(labels)}, {})

    async def mark_failed(self, access: Access, record: Record, description: str) -> Record:
        """Write ``failed`` where Helm looks (the body) and where lists look (the label), in one write."""
        secret = await self._secret(access, record)
        if secret["metadata"]["resourceVersion"] != record.resource_version:
            raise Conflict("the release record has moved since it was read", where=_where(record))
        body = decode(_data(secret), _where(record))
        body["info"] = {**(body.get("info") or {}), "status": "failed", "description": description}
        return await self._write(access, record, {"labels": {"status": "failed"}}, {"data": {"release": encode(body)}})

    async def _list(self, access: Access, path: str, selector: str) -> list[Record]:
        items = await list_all(
            self._client, access, path, selector=selector, accept=METADATA_LIST, where="release Secrets"
        )
        return [record for item in items if (record := _record(item["metadata"])) is not None]

    async def _secret(self, access: Access, record: Record) -> Mapping[str, Any]:
        request = Request("GET", _path(record), where=_where(record))
        secret: Mapping[str, Any] = await self._client.request(access, request)
        if secret["metadata"]["uid"] != record.uid:
            raise NotFound("the release record has gone; another has its name now", where=_where(record))
        return secret

    async def _write(
        self, access: Access, record: Record, metadata: Mapping[str, Any], rest: Mapping[str, Any]
    ) -> Record:
        """On what was read, or Conflict: uid and resourceVersion in a patch are preconditions."""
        guard = {"uid": record.uid, "resourceVersion": record.resource_version}
        body = {"metadata": {**metadata, **guard}, **rest}
        params = {"fieldManager": _MANAGER}
        request = Request("PATCH", _path(record), params, body, MERGE_PATCH, METADATA, where=_where(record))
        answer = await self._client.request(access, request)
        written = _record(answer["metadata"])
        if written is None:
            raise Conflict("the release record has changed its name", where=_where(record))
        return written


def _record(metadata: Mapping[str, Any]) -> Record | None:
    """None for a Secret that carries Helm's label and is no release. Its name, not its labels, says which one it is."""
    match = _SECRET.fullmatch(metadata["name"])
    if match is None:
        return None
    labels = metadata.get("labels") or {}
    return Record(
        namespace=metadata.get("namespace", ""),
        name=match[1],
        revision=int(match[2]),
        status=labels.get("status", ""),
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        created=metadata.get("creationTimestamp", ""),
        labels=labels,
    )


def _order(record: Record) -> tuple[str, str, int]:
    return record.namespace, record.name, record.revision


def _secrets(namespace: str) -> str:
    return f"/api/v1/namespaces/{segment(namespace)}/secrets"


def _path(record: Record) -> str:
    return f"{_secrets(record.namespace)}/{segment(record.secret)}"


def _where(record: Record) -> str:
    return f"Secret {record.namespace}/{record.secret}"


def _data(secret: Mapping[str, Any]) -> str:
    return str((secret.get("data") or {}).get("release", ""))
