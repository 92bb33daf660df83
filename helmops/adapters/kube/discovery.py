"""Which kinds a server serves: aggregated discovery in three requests, else one request a group."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from helmops.adapters.kube.client import Client, Request
from helmops.api.model import Access
from helmops.core.objects import Kinds, Resource
from helmops.errors import NotFound, Transient

_FORM = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
_AGGREGATED = ",".join((_FORM.format("v2"), _FORM.format("v2beta1"), "application/json"))
_Found = Iterator[Resource]


class Discovery:
    """Remembers what each server serves."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[Access, Kinds] = {}
        self._locks: defaultdict[Access, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def kinds(self, access: Access, *, refresh: bool = False) -> Kinds:
        """Every kind served; asked once, and again on ``refresh``."""
        known = self._known.get(access)
        if known is not None and not refresh:
            return known
        async with self._locks[access]:
            now_known = self._known.get(access)
            if now_known is not None and now_known is not known:
                return now_known  # asked by another task while this one waited
            fresh = self._known[access] = await self._discover(access)
            return fresh

    async def resource(self, access: Access, api_version: str, kind: str) -> Resource:
        """The resource of a kind. NotFound when the server, asked afresh, does not serve it."""
        found = (await self.kinds(access)).find(api_version, kind)
        if found is None:
            found = (await self.kinds(access, refresh=True)).find(api_version, kind)
        if found is None:
            raise unserved(api_version, kind)
        return found

    def forget(self, access: Access) -> None:
        """What was remembered has proved wrong."""
        self._known.pop(access, None)

    async def _discover(self, access: Access) -> Kinds:
        version, core, groups = await asyncio.gather(
            self._client.request(access, Request("GET", "/version")),
            self._client.request(access, Request("GET", "/api", accept=_AGGREGATED)),
            self._client.request(access, Request("GET", "/apis", accept=_AGGREGATED)),
        )
        found: dict[tuple[str, str], Resource] = {}
        for document in (core, groups):
            for resource in await self._resources(access, document):
                found.setdefault((resource.api_version, resource.kind), resource)
        return Kinds(str(version.get("gitVersion", "")), found)

    async def _resources(self, access: Access, document: Mapping[str, Any]) -> list[Resource]:
        if document.get("kind") == "APIGroupDiscoveryList":
            return list(_aggregated(document))
        found = await asyncio.gather(*(self._group(access, path) for path in _paths(document)))
        return [resource for resources in found for resource in resources]

    async def _group(self, access: Access, path: str) -> list[Resource]:
        """One group and version, the old way. One that is broken (its server is down) serves nothing now."""
        try:
            return list(_legacy(await self._client.request(access, Request("GET", path))))
        except (NotFound, Transient):
            return []


def unserved(api_version: str, kind: str) -> NotFound:
    """The error for a kind that is not there."""
    return NotFound(
        f"the server does not serve {kind} ({api_version})", hint="is its CustomResourceDefinition installed?"
    )


def _aggregated(document: Mapping[str, Any]) -> _Found:
    for group in document.get("items") or ():
        name = group.get("metadata", {}).get("name", "")
        for version in group.get("versions") or ():
            api_version = f"{name}/{version['version']}" if name else version["version"]
            for item in version.get("resources") or ():
                kind = (item.get("responseKind") or {}).get("kind", "")
                yield _resource(api_version, kind, item["resource"], item.get("scope") == "Namespaced", item)


def _legacy(document: Mapping[str, Any]) -> _Found:
    for item in document.get("resources") or ():
        if "/" not in item["name"]:  # the others are subresources
            yield _resource(document["groupVersion"], item["kind"], item["name"], item["namespaced"], item)


def _resource(api_version: str, kind: str, plural: str, namespaced: bool, item: Mapping[str, Any]) -> Resource:
    return Resource(api_version, kind, plural, namespaced, frozenset(item.get("verbs") or ()))


def _paths(document: Mapping[str, Any]) -> Iterator[str]:
    for version in document.get("versions") or ():
        yield f"/api/{version}"
    for group in document.get("groups") or ():
        for version in group.get("versions") or ():
            yield f"/apis/{version['groupVersion']}"
