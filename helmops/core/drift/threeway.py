"""What Helm 3's upgrade makes of an object: the three-way merge of live object, old and new manifest.

A server-side-apply dry-run cannot foretell it. It knows nothing of the old manifest, so what the new one has dropped
stays: a plan would miss every deletion, and the server would refuse what Helm 3 does without trouble, such as a volume
of another type or a port by another name (seen on Kubernetes 1.36). The merge is made here, then asked of the server as
a dry-run of ``correction.json_patch(live, three_way(live, old, new))``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helmops.core.objects import meta_of

Trees = Sequence[Mapping[str, Any]]

_ABSENT = object()

_STRATEGIC_GROUPS = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apps",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)
"""Groups whose types Helm 3 knows; in all others it replaces a list as a whole."""

_RETAIN_KEYS = frozenset({"strategy", "volumes"})
"""Unions, of which the server keeps no key that the new manifest lacks: not even one that it filled in itself."""

_KEY_DEFAULTS = {"protocol": "TCP"}
"""What the server fills into a key of a list item when a manifest leaves it out."""


def three_way(live: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> Mapping[str, Any]:
    """``live`` after the upgrade from ``old`` to ``new`` (both placed and helmified), before the server's defaults."""
    meta = meta_of(live)
    trees = [entry.fields for entry in meta.managed]
    return _Merge(by_key=meta.id.group in _STRATEGIC_GROUPS).mapping(live, old, new, trees)


@dataclass(frozen=True, slots=True)
class _Merge:
    """``by_key``: items of a list are matched by their keys, which managedFields name (``k:{"name":"web"}``)."""

    by_key: bool

    def value(self, live: Any, old: Any, new: Any, trees: Trees) -> Any:
        if isinstance(live, Mapping) and isinstance(new, Mapping):
            return self.mapping(live, old if isinstance(old, Mapping) else {}, new, trees)
        keys = _keys(trees)
        if self.by_key and keys and isinstance(live, list) and isinstance(new, list):
            return self.items(live, old if isinstance(old, list) else [], new, trees, keys)
        return new

    def mapping(
        self, live: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any], trees: Trees
    ) -> dict[str, Any]:
        merged = {key: value for key, value in live.items() if key in new or key not in old}
        for key, value in new.items():
            below = [tree[f"f:{key}"] for tree in trees if f"f:{key}" in tree]
            merged[key] = self.member(key, live.get(key, _ABSENT), old.get(key), value, below)
        return merged

    def member(self, key: str, live: Any, old: Any, new: Any, trees: Trees) -> Any:
        if live is _ABSENT:
            return new
        merged = self.value(live, old, new, trees)
        return _retained(merged, old, new) if key in _RETAIN_KEYS else merged

    def items(
        self, live: Sequence[Any], old: Sequence[Any], new: Sequence[Any], trees: Trees, keys: Sequence[str]
    ) -> list[Any]:
        """The manifest's items in its order; what others added stays in front of those it stood in front of."""
        before, now, after = (by_keys(items, keys) for items in (old, live, new))
        others = [key for key in now if key not in after and key not in before]
        places = {key: index for index, key in enumerate(now)}
        merged = []
        for key, item in after.items():
            while others and places[others[0]] < places.get(key, 0):
                merged.append(now[others.pop(0)])
            found = key in now
            merged.append(self.value(now[key], before.get(key), item, _below(trees, now[key])) if found else item)
        return merged + [now[key] for key in others]


def _keys(trees: Trees) -> tuple[str, ...]:
    """The names of the keys by which the server matches the items of a list; none for a list that is replaced."""
    segments = (segment for tree in trees for segment in tree if segment.startswith("k:"))
    return tuple(json.loads(next(segments, "k:{}")[2:]))


def by_keys(items: Sequence[Any], keys: Sequence[str]) -> dict[tuple[Any, ...], Any]:
    """Items by the values of their keys, as the server matches them."""
    return {tuple(item.get(key, _KEY_DEFAULTS.get(key)) for key in keys): item for item in items}


def _below(trees: Trees, item: Mapping[str, Any]) -> Trees:
    return [
        below
        for tree in trees
        for segment, below in tree.items()
        if segment.startswith("k:") and json.loads(segment[2:]).items() <= item.items()
    ]


def _retained(merged: Any, old: Any, new: Any) -> Any:
    if old == new:
        return merged
    if isinstance(merged, Mapping) and isinstance(new, Mapping):
        return {key: value for key, value in merged.items() if key in new}
    if isinstance(merged, list) and isinstance(new, list):
        kept = {_name(item): item for item in new}
        return [_retained(item, None, kept.get(_name(item), item)) for item in merged]
    return merged


def _name(item: Any) -> Any:
    return item.get("name") if isinstance(item, Mapping) else None
