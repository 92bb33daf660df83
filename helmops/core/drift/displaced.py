"""What an apply alone cannot mend: an item of a list that somebody renumbered.

To the server a Service's port by another number is another item. An apply would add Helm's own beside it, and the
server refuses two ports of one name. So the other item is made Helm's first (``seizure``); the apply, which does not
name it, then takes it away.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from helmops.core.drift.correction import Operation
from helmops.core.drift.fields import FieldPath, added_paths, pointer
from helmops.core.drift.threeway import by_keys, three_way
from helmops.core.objects import HELM_MANAGER, meta_of
from helmops.core.pointer import get, without


def displaced(live: Mapping[str, Any], manifest: Mapping[str, Any]) -> tuple[FieldPath, ...]:
    """Items of others in lists in which one of the manifest's items is missing."""
    return tuple(path for path in added_paths(meta_of(live).managed) if _is_displaced(path, live, manifest))


def mended(live: Mapping[str, Any], manifest: Mapping[str, Any], paths: Sequence[FieldPath]) -> Mapping[str, Any]:
    """``live`` as it would be without those items and with all that the manifest says."""
    pointers = [found for path in paths if (found := pointer(path, live))]
    return three_way(without(live, pointers), manifest, manifest)


def seizure(live: Mapping[str, Any], paths: Sequence[FieldPath]) -> tuple[Operation, ...]:
    """Operations that make those items Helm's own, and nobody else's."""
    entries = copy.deepcopy(list(live["metadata"]["managedFields"]))
    mine = next(entry for entry in entries if _is_apply_of_helm(entry))
    for entry in entries:
        for path in paths if entry is not mine else ():
            taken = _take(entry["fieldsV1"], path)
            if taken is not None:
                _graft(mine["fieldsV1"], path, taken)
    metadata = live["metadata"]
    tests = ({"op": "test", "path": f"/metadata/{key}", "value": metadata[key]} for key in ("uid", "resourceVersion"))
    kept = [entry for entry in entries if entry["fieldsV1"]]
    return (*tests, {"op": "replace", "path": "/metadata/managedFields", "value": kept})


def _is_displaced(path: FieldPath, live: Mapping[str, Any], manifest: Mapping[str, Any]) -> bool:
    *above, item = path
    if not item.startswith("k:"):
        return False
    there, wanted = _list(live, tuple(above)), _list(manifest, tuple(above))
    keys = tuple(json.loads(item[2:]))
    return bool(by_keys(wanted, keys).keys() - by_keys(there, keys).keys())


def _list(obj: Mapping[str, Any], path: FieldPath) -> Sequence[Any]:
    found = pointer(path, obj)
    value = get(obj, found) if found else None
    return value if isinstance(value, list | tuple) else ()


def _is_apply_of_helm(entry: Mapping[str, Any]) -> bool:
    named = (entry.get("manager"), entry.get("operation"), entry.get("subresource", ""))
    return named == (HELM_MANAGER, "Apply", "")


def _take(tree: dict[str, Any], path: FieldPath) -> dict[str, Any] | None:
    """What the tree has at the path, taken out of it; nodes that are empty then go, too: alone they would own all."""
    first, *rest = path
    if first not in tree:
        return None
    if not rest:
        found: dict[str, Any] = tree.pop(first)
        return found
    taken = _take(tree[first], tuple(rest))
    if taken is not None and not tree[first]:
        del tree[first]
    return taken


def _graft(tree: dict[str, Any], path: FieldPath, branch: Mapping[str, Any]) -> None:
    for segment in path[:-1]:
        tree = tree.setdefault(segment, {})
    tree[path[-1]] = {**tree.get(path[-1], {}), **branch}
