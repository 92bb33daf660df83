"""Server-side apply, simplified: an object as leaves, and who owns each.

A list whose items all have a name is keyed by it, any other list is one leaf. That is enough to show who may change
what; a real API server knows each type's own keys.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from helmops.errors import FieldConflicts

Path = tuple[str, ...]
Leaves = dict[Path, Any]

_OWNED_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of ``managedFields``."""

    manager: str
    operation: str
    subresource: str = ""
    time: str = ""
    paths: frozenset[Path] = frozenset()

    def same_as(self, other: Entry) -> bool:
        """Whether both speak of one manager doing one thing."""
        return self._key() == other._key()

    def _key(self) -> tuple[str, str, str]:
        return self.manager, self.operation, self.subresource

    def document(self, api_version: str) -> dict[str, Any]:
        """As it stands in an object."""
        told: dict[str, Any] = {"manager": self.manager, "operation": self.operation, "apiVersion": api_version}
        if self.time:
            told["time"] = self.time
        told |= {"fieldsType": "FieldsV1", "fieldsV1": _tree(self.paths)}
        return told | ({"subresource": self.subresource} if self.subresource else {})


@dataclass(frozen=True, slots=True)
class State:
    """An object without what the server adds to it."""

    leaves: Leaves = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()


def leaves_of(obj: Mapping[str, Any]) -> Leaves:
    """Every leaf of an object but those that are the server's."""
    metadata = obj.get("metadata") or {}
    owned = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata")}
    kept = {key: metadata[key] for key in _OWNED_METADATA if metadata.get(key)}
    return dict(_walk({**({"metadata": kept} if kept else {}), **owned}, ()))


def object_of(leaves: Leaves) -> dict[str, Any]:
    """The inverse of :func:`leaves_of`."""
    root: dict[str, Any] = {}
    for path, value in leaves.items():
        if not path:  # an object with nothing but a name
            continue
        node = root
        for segment in path[:-1]:
            node = node.setdefault(segment, {})
        node[path[-1]] = _Leaf(value)
    built = _built(root)
    return built if isinstance(built, dict) else {}


def apply(state: State, wanted: Leaves, entry: Entry, *, force: bool) -> State:
    """A server-side apply: own what is wanted, remove what is wanted no more. FieldConflicts unless forced."""
    changed = {path for path, value in wanted.items() if state.leaves.get(path, _ABSENT) != value}
    conflicts = sorted(_conflicts(state, changed, entry))
    if conflicts and not force:
        said = "; ".join(f"{path} belongs to {manager}" for manager, path in conflicts)
        raise FieldConflicts(f"others own fields of this object: {said}", fields=conflicts)
    before = next((other.paths for other in state.entries if other.same_as(entry)), frozenset())
    others = [other for other in state.entries if not other.same_as(entry)]
    dropped = {path for path in before - wanted.keys() if not any(path in other.paths for other in others)}
    leaves = _merged({path: value for path, value in state.leaves.items() if path not in dropped}, wanted)
    mine = replace(entry, paths=frozenset(wanted))
    return State(leaves, _settled(state.entries, mine, taken=changed, present=leaves.keys()))


def update(state: State, new: Leaves, entry: Entry) -> State:
    """Any other write: what changes changes hands."""
    changed = {path for path, value in new.items() if state.leaves.get(path, _ABSENT) != value}
    before = next((other.paths for other in state.entries if other.same_as(entry)), frozenset())
    mine = replace(entry, paths=(before | changed) & new.keys())
    return State(new, _settled(state.entries, mine, taken=changed, present=new.keys()))


def _merged(old: Leaves, new: Leaves) -> Leaves:
    """Both; what is empty in the one gives way to what is inside it in the other."""
    both = old | new
    nodes = {path[:length] for path in both for length in range(1, len(path))}
    return {path: value for path, value in both.items() if path not in nodes}


def _conflicts(state: State, changed: set[Path], entry: Entry) -> Iterator[tuple[str, str]]:
    for other in state.entries:
        if not other.same_as(entry):
            for path in changed & other.paths:
                yield other.manager, _text(path)


def _settled(entries: Sequence[Entry], mine: Entry, *, taken: set[Path], present: Any) -> tuple[Entry, ...]:
    """All entries after a write by ``mine``, which took some paths from the others. An unchanged one keeps its time."""
    found: list[Entry] = []
    for other in entries:
        if other.same_as(mine):
            found.append(other if other.paths == mine.paths and not taken else mine)
        else:
            found.append(replace(other, paths=frozenset(other.paths - taken) & present))
    if not any(other.same_as(mine) for other in entries):
        found.append(mine)
    return tuple(entry for entry in found if entry.paths)


@dataclass(frozen=True, slots=True)
class _Leaf:
    value: Any


_ABSENT = object()


def _walk(node: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(node, Mapping) and node:
        for key, value in node.items():
            yield from _walk(value, (*path, f"f:{key}"))
    elif _is_keyed(node):
        for item in node:
            yield from _walk(item, (*path, "k:" + json.dumps({"name": item["name"]}, separators=(",", ":"))))
    elif node is not None:
        yield path, copy.deepcopy(node)


def _is_keyed(node: Any) -> bool:
    if not isinstance(node, list | tuple) or not node:
        return False
    names = [item.get("name") if isinstance(item, Mapping) else None for item in node]
    return None not in names and len(set(names)) == len(names)


def _built(node: Any) -> Any:
    if isinstance(node, _Leaf):
        return copy.deepcopy(node.value)
    if node and all(segment.startswith("k:") for segment in node):
        return [_built(item) for item in node.values()]
    return {segment[2:]: _built(value) for segment, value in node.items()}


def _tree(paths: frozenset[Path]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for path in sorted(paths):
        node = root
        for segment in path:
            node = node.setdefault(segment, {".": {}} if segment.startswith("k:") else {})
    return root


def _text(path: Path) -> str:
    """As an API server names fields: ``.spec.containers[name="web"].image``."""
    return "".join(_key_text(segment[2:]) if segment.startswith("k:") else f".{segment[2:]}" for segment in path)


def _key_text(keys: str) -> str:
    return "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in json.loads(keys).items()) + "]"
