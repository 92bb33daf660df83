"""Releases that this owner once deployed and no longer names: what would go with each, and the guards around it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from helmops.api.model import OwnerConfig
from helmops.core.objects import ObjectId
from helmops.core.release.observation import PENDING, PRUNE_LABEL, Record
from helmops.engine.contents import Contents
from helmops.engine.context import Ports, Scope
from helmops.engine.world import Id, World
from helmops.errors import Forbidden, NotFound, Refused


@dataclass(frozen=True, slots=True)
class Removal:
    """A release that would be uninstalled. ``claims``: the PersistentVolumeClaims, ``customs``: the custom resources
    (those of CRDs that are part of the release) that would go with it. ``scope``: where it lives."""

    record: Record
    chart: str
    claims: tuple[str, ...] = ()
    customs: tuple[str, ...] = ()
    scope: Scope | None = None

    @property
    def id(self) -> Id:
        """(storage namespace, name)."""
        return self.record.namespace, self.record.name


def check(owner: OwnerConfig, *, selection: bool, stdin: bool) -> None:
    """Refused wherever the input may be only a part of what this owner deploys."""
    if not owner.owner:
        raise Refused("--prune needs an owner id", hint="declare `owner: <id>` in helmops.yaml beside the manifests")
    if owner.partly:
        text = (
            "--prune goes with the whole folder in which helmops.yaml lies, for whatever is not in the input would go"
        )
        raise Refused(text, where=owner.where, hint="name that folder")
    if selection:
        raise Refused("--prune does not go with a selection of releases", hint="leave --name out, or --prune")
    if stdin:
        raise Refused("--prune does not go with input from stdin", hint="name the folder that holds all manifests")


async def removals(
    ports: Ports, scope: Scope, contents: Contents, named: Collection[Id], world: World
) -> tuple[Removal, ...]:
    """What this owner deployed and no longer names, by name."""
    gone = [
        records[-1]
        for key, records in sorted(world.records.items())
        if key not in named and _prunable(records[-1], scope.owner) and key not in world.foreign
    ]
    return tuple(await asyncio.gather(*(describe(ports, scope, contents, record) for record in gone)))


def _prunable(top: Record, owner: str) -> bool:
    if not owner or top.owner != owner or top.labels.get(PRUNE_LABEL) == "disabled":
        return False
    return top.status not in PENDING - {"uninstalling"} and top.status != "uninstalled"


async def describe(ports: Ports, scope: Scope, contents: Contents, record: Record) -> Removal:
    """What an uninstallation takes along."""
    content = await contents.of(record)
    claims = [str(key) for key, _ in content.objects if key.kind == "PersistentVolumeClaim"]
    crds = [key for key, _ in content.objects if key.kind == "CustomResourceDefinition"]
    customs = [text for found in await asyncio.gather(*(_customs(ports, scope, c) for c in crds)) for text in found]
    return Removal(record, f"{content.chart} {content.chart_version}", tuple(claims), tuple(customs), scope)


async def _customs(ports: Ports, scope: Scope, crd: ObjectId) -> list[str]:
    plural, _, group = crd.name.partition(".")
    kinds = await ports.cluster.kinds(scope.access)
    found = [r for r in kinds.resources.values() if r.plural == plural and r.api_version.startswith(f"{group}/")]
    if not found:
        return []
    resource = found[0]
    try:
        metas = await ports.cluster.list_metadata(scope.access, resource.api_version, resource.kind, None)
    except (Forbidden, NotFound):
        return [f"every {resource.kind} (they could not be listed)"]
    return [f"{meta.id} in {meta.id.namespace or 'the cluster'}" for meta in metas]
