"""Layers of values, merged as Helm merges them, with where each value came from. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from helmops.api.model import JsonPath
from helmops.core.merge import merge


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of values. ``lines`` maps a path below ``value`` to its 1-based line in ``origin``."""

    origin: str
    value: Mapping[str, Any]
    lines: Mapping[JsonPath, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Merged:
    """All layers in one. ``origins`` tells for each leaf (a list is a leaf) which layer set it: ``file:line``."""

    value: Mapping[str, Any]
    origins: Mapping[JsonPath, str] = field(default_factory=dict, compare=False)

    def origin(self, path: JsonPath) -> str:
        """Who set a path, or the nearest parent; "" when no layer did."""
        while path and path not in self.origins:
            path = path[:-1]
        return self.origins.get(path, "")


@dataclass(frozen=True, slots=True)
class Change:
    """A leaf that differs between two values."""

    path: JsonPath
    kind: Literal["added", "removed", "changed"]


def merge_layers(layers: Sequence[Layer]) -> Merged:
    """Later layers win."""
    value: dict[str, Any] = {}
    origins: dict[JsonPath, str] = {}
    for layer in layers:
        value = merge(value, layer.value)
        for path in _leaves(layer.value):
            origins[path] = _origin(layer, path)
    return Merged(value, {path: origins[path] for path in _leaves(value) if path in origins})


def changed_paths(old: Mapping[str, Any], new: Mapping[str, Any], path: JsonPath = ()) -> list[Change]:
    """Leaves that differ, sorted by path."""
    found: list[Change] = []
    for key in sorted({*old, *new}):
        here = (*path, key)
        if key not in new:
            found.append(Change(here, "removed"))
        elif key not in old:
            found.append(Change(here, "added"))
        elif isinstance(old[key], Mapping) and isinstance(new[key], Mapping):
            found += changed_paths(old[key], new[key], here)
        elif old[key] != new[key]:
            found.append(Change(here, "changed"))
    return found


def path_text(path: JsonPath) -> str:
    """``ingress.hosts[0].host``; a key with a dot is quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            shown = f'"{part}"' if "." in part or not part else part
            text += f".{shown}" if text else shown
    return text


def _leaves(value: Mapping[str, Any], path: JsonPath = ()) -> Iterator[JsonPath]:
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            yield from _leaves(item, (*path, key))
        else:
            yield (*path, key)


def _origin(layer: Layer, path: JsonPath) -> str:
    while path and path not in layer.lines:
        path = path[:-1]
    return f"{layer.origin}:{layer.lines[path]}" if path in layer.lines else layer.origin
