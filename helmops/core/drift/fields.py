"""Who owns what: the ``fieldsV1`` trees of ``metadata.managedFields``.

A tree's keys are segments: ``f:name`` a field, ``k:{…}`` the list item with these keys, ``v:…`` the item of a set with
this value, ``i:0`` an item by index; ``.`` says that the node itself is owned. So does an empty tree, which for
an atomic node (a map or list that is replaced as a whole) means all below it, else nothing more: no tree tells which.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helmops.core.objects import HELM_MANAGER, ManagedEntry, ObjectMeta, meta_of
from helmops.core.pointer import join

FieldPath = tuple[str, ...]
"""Segments from the root of the object, as they stand in ``fieldsV1``."""

CONTROLLERS = frozenset(
    {
        "before-first-apply",  # the server's name for whoever wrote before managedFields were reset: mostly defaults
        "cainjector",
        "cloud-controller-manager",
        "cluster-autoscaler",
        "horizontal-pod-autoscaler",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
    }
)
"""Managers whose fields are the cluster's own business: never told as added."""

_SERVERS_ANNOTATIONS = ("f:deployment.kubernetes.io/", "f:kubectl.kubernetes.io/last-applied-configuration")
_SERVERS_FIELDS = frozenset({("f:metadata", "f:finalizers"), ("f:metadata", "f:ownerReferences"), ("f:status",)})
# Where each key is a thing of its own, and "others added spec.template.metadata.annotations" would say too little.
_MAPS = frozenset(
    f"f:{name}" for name in ("annotations", "binaryData", "data", "labels", "limits", "nodeSelector", "requests")
)


@dataclass(frozen=True, slots=True)
class Added:
    """A field that Helm does not own and somebody else does. ``path`` is for people, ``time`` RFC 3339 or ""."""

    path: str
    manager: str
    time: str = ""


def is_helms(entry: ManagedEntry) -> bool:
    """Whether Helm wrote the entry: ``Apply`` by Helm 4, ``Update`` by Helm 3, never through a subresource."""
    return entry.manager == HELM_MANAGER and not entry.subresource


def is_helms_alone(meta: ObjectMeta) -> bool:
    """Whether nobody but Helm has written the object, status aside: an apply by Helm then meets no conflict.

    Not when nobody's hand is to be seen at all: managedFields were reset.
    """
    others = any(not is_helms(entry) and entry.subresource != "status" for entry in meta.managed)
    return not others and any(is_helms(entry) for entry in meta.managed)


def helms_fields(managed: Iterable[ManagedEntry]) -> list[Mapping[str, Any]]:
    """The trees of Helm's own entries.

    A Secret's ``stringData`` is written into ``data`` and never read back, so who applies it owns ``f:stringData`` and
    loses nothing when another changes ``data``: what Helm wants there is added to its trees.
    """
    trees = [entry.fields for entry in managed if is_helms(entry)]
    return trees + [{"f:data": tree["f:stringData"]} for tree in trees if "f:stringData" in tree]


def owns(fields: Mapping[str, Any], path: FieldPath) -> bool:
    """Whether a tree holds the node at ``path``, or all of something above it."""
    node = fields
    for segment in path:
        if segment not in node:
            return False
        node = node[segment]
        if not node:
            return True
    return True


def owners(entries: Iterable[ManagedEntry], path: FieldPath) -> tuple[ManagedEntry, ...]:
    """The entries that own the node at ``path``."""
    return tuple(entry for entry in entries if owns(entry.fields, path))


def added_fields(answer: Mapping[str, Any] | ObjectMeta) -> tuple[Added, ...]:
    """What others have put into the object that Helm does not write, sorted by path.

    ``answer`` is what the forced dry-run gave, not the live object: there Helm owns all that it wants, also a field
    that somebody has taken and set back to Helm's own value.
    Left out: status and scale, what servers and controllers write, finalizers and owner references. A list item or
    a structure that is new as a whole is told as one, without the defaults that the server filled into it.
    """
    managed = answer.managed if isinstance(answer, ObjectMeta) else meta_of(answer).managed
    found = {(text(path), entry.manager): entry.time for entry, path in _added(managed)}
    return tuple(Added(path, manager, time) for (path, manager), time in sorted(found.items()))


def added_paths(managed: Sequence[ManagedEntry]) -> tuple[FieldPath, ...]:
    """The same as paths."""
    return tuple(path for _, path in _added(managed))


def _added(managed: Sequence[ManagedEntry]) -> Iterator[tuple[ManagedEntry, FieldPath]]:
    ours = helms_fields(managed)
    for entry in managed:
        if not (is_helms(entry) or entry.subresource or entry.manager in CONTROLLERS):
            for path in _beyond(entry.fields, ours, ()):
                if not _is_servers(path):
                    yield entry, path


def _beyond(theirs: Mapping[str, Any], ours: Sequence[Mapping[str, Any]], above: FieldPath) -> Iterator[FieldPath]:
    for segment, below in theirs.items():
        if segment == ".":
            continue
        here = (*above, segment)
        mine = [tree[segment] for tree in ours if segment in tree]
        if mine:
            yield from _beyond(below, mine, here)
        elif below and (segment in _MAPS or "." not in below):
            yield from _beyond(below, (), here)
        else:
            yield here


def _is_servers(path: FieldPath) -> bool:
    if path[:1] in _SERVERS_FIELDS or path[:2] in _SERVERS_FIELDS:
        return True
    return path[:2] == ("f:metadata", "f:annotations") and path[-1].startswith(_SERVERS_ANNOTATIONS)


def text(path: FieldPath) -> str:
    """For people: ``spec.template.spec.containers[name=web].image``, ``metadata.labels["a/b"]``."""
    return "".join(_segment_text(segment) for segment in path).removeprefix(".")


def field_text(name: str) -> str:
    """One field, to be put behind a path."""
    return f".{name}" if name.replace("_", "a").replace("-", "a").isalnum() else f"[{json.dumps(name)}]"


def key_text(keys: Mapping[str, Any]) -> str:
    """A list item by its keys: ``[name=web]``."""
    return "[" + ",".join(f"{key}={_plain(value)}" for key, value in keys.items()) + "]"


def _segment_text(segment: str) -> str:
    form, value = segment[:2], segment[2:]
    if form == "f:":
        return field_text(value)
    if form == "k:":
        return key_text(json.loads(value))
    return f"[{value}]" if form == "i:" else f"[={_plain(json.loads(value))}]"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def pointer(path: FieldPath, live: Mapping[str, Any]) -> str | None:
    """The JSON pointer of a path in a live object, None when it is not there (any more)."""
    tokens: list[str] = []
    node: Any = live
    for segment in path:
        token = _token(segment, node)
        if token is None:
            return None
        tokens.append(str(token))
        node = node[token]
    return join(tokens)


def _token(segment: str, node: Any) -> str | int | None:
    form, value = segment[:2], segment[2:]
    if form == "f:":
        return value if isinstance(node, Mapping) and value in node else None
    if not isinstance(node, Sequence) or isinstance(node, str):
        return None
    return next((index for index, item in enumerate(node) if _names(segment, item, index)), None)


def claim(fields: Mapping[str, Any], obj: Mapping[str, Any], place: Sequence[str | int]) -> int:
    """How firmly a tree claims a place (field names, list indexes) in the object it is of; 0 for not at all.

    A claim on the very place, or on something below it, is firmer than one on an atomic node above it.
    """
    tree, node = fields, obj
    for depth, token in enumerate(place):
        if not tree:
            return depth
        found = _step(tree, node, token)
        if found is None:
            return 0
        tree, node = found
    return len(place)


def _step(tree: Mapping[str, Any], node: Any, token: str | int) -> tuple[Mapping[str, Any], Any] | None:
    if isinstance(token, str):
        inside = isinstance(node, Mapping) and token in node and f"f:{token}" in tree
        return (tree[f"f:{token}"], node[token]) if inside else None
    if not isinstance(node, Sequence) or token >= len(node):
        return None
    item = node[token]
    return next(((below, item) for segment, below in tree.items() if _names(segment, item, token)), None)


def _names(segment: str, item: Any, index: int) -> bool:
    """Whether a segment means this item of a list."""
    form, value = segment[:2], segment[2:]
    if form == "k:":
        keys = json.loads(value)
        return isinstance(item, Mapping) and all(item.get(key) == wanted for key, wanted in keys.items())
    return json.loads(value) == item if form == "v:" else segment == f"i:{index}"
