"""Where rendered objects go: their identity in the cluster, and the namespace that Helm fills in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from helmops.core.objects import Kinds, ObjectId, Resource
from helmops.core.render.manifest import Rendered
from helmops.errors import InputError


@dataclass(frozen=True, slots=True)
class PlacedObject:
    """A rendered object with its identity; ``obj`` is as it goes to the server."""

    id: ObjectId
    obj: Mapping[str, Any]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """All objects in their order. ``unknown``: those of kinds that are not served (yet): where they go is a guess."""

    objects: tuple[PlacedObject, ...]
    unknown: tuple[ObjectId, ...] = ()


def place(objects: Iterable[Rendered], kinds: Kinds, namespace: str, *, stored: bool = False) -> Placed:
    """Give every object its identity, and its namespace as the server's kinds want it.

    InputError names both templates when two of them render the same object: Helm 3 fails halfway, and Helm 4 leaves it
    to chance at an install and takes the last one at every upgrade. In a ``stored`` manifest that has happened already:
    the last one counts.
    """
    found: dict[ObjectId, PlacedObject] = {}
    for rendered in objects:
        placed = _placed(rendered, kinds, namespace)
        if placed.id in found and not stored:
            raise _twice(found[placed.id], placed)
        found[placed.id] = placed
    unknown = (id_ for id_ in found if kinds.find(id_.api_version, id_.kind) is None)
    return Placed(tuple(found.values()), tuple(unknown))


def identify(obj: Mapping[str, Any], kinds: Kinds, namespace: str) -> ObjectId:
    """Who an object of a release in ``namespace`` is."""
    metadata = obj["metadata"]
    api_version, kind = obj["apiVersion"], obj["kind"]
    resource = kinds.find(api_version, kind)
    namespaced = resource is None or resource.namespaced
    return ObjectId(api_version, kind, (metadata.get("namespace") or namespace) if namespaced else "", metadata["name"])


def with_crds(kinds: Kinds, objects: Iterable[Mapping[str, Any]]) -> Kinds:
    """``kinds`` as they will be once the CustomResourceDefinitions among ``objects`` are there."""
    resources = dict(kinds.resources)
    for obj in objects:
        if obj.get("kind") == "CustomResourceDefinition":
            resources |= {key: value for key, value in _defined(obj).items() if key not in resources}
    return replace(kinds, resources=resources)


def _defined(crd: Mapping[str, Any]) -> dict[tuple[str, str], Resource]:
    spec = crd["spec"]
    names, namespaced = spec["names"], spec.get("scope") == "Namespaced"
    return {
        (api_version, names["kind"]): Resource(api_version, names["kind"], names["plural"], namespaced)
        for version in spec.get("versions", ())
        if version.get("served")
        for api_version in [f"{spec['group']}/{version['name']}"]
    }


def _placed(rendered: Rendered, kinds: Kinds, namespace: str) -> PlacedObject:
    obj = rendered.obj
    id_ = identify(obj, kinds, namespace)
    # The server drops a stray namespace on a cluster-scoped object; without it the comparison needs no exception.
    metadata = {key: value for key, value in obj["metadata"].items() if key != "namespace"}
    if id_.namespace:
        metadata["namespace"] = id_.namespace
    return PlacedObject(id_, {**obj, "metadata": metadata}, rendered.source)


def _twice(first: PlacedObject, second: PlacedObject) -> InputError:
    sources = sorted({first.source, second.source} - {""})
    where = f" by {' and '.join(sources)}" if len(sources) > 1 else f" twice by {sources[0]}" if sources else " twice"
    in_namespace = f" in namespace {first.id.namespace}" if first.id.namespace else ""
    return InputError(
        f"{first.id}{in_namespace} is rendered{where}",
        where=second.source,
        hint="give one of them another name, or render only one of them",
    )
