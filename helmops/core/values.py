"""Layers of values, merged as Helm merges them, with where each value came from. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from helmops.core.merge import merge

if TYPE_CHECKING:
    from helmops.api.model import JsonPath

SECRET_ORIGIN = "Secret "  # noqa: S105  a kind, not a password
"""How the origin of a value out of a Secret begins."""

_BARE_KEY = re.compile(r"[^\s.\[\]\"\\]+")


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of values. ``lines`` maps a path below ``value`` to its 1-based line in ``origin``.

    ``secret``: nothing of it may ever be shown.

    A chart's defaults can be the lowest layer; that null removes one of them is :func:`helmops.core.merge.coalesce`.
    """

    origin: str
    value: Mapping[str, Any]
    lines: Mapping[JsonPath, int] = field(default_factory=dict)
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Overridden:
    """A value that a later layer replaced. ``origin`` as in :class:`Merged`; a mapping's names all its layers."""

    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Merged:
    """All layers in one. A leaf is everything but a mapping with keys: a list is one, and so is ``{}``.

    ``origins`` tells for each leaf which layer set it: ``values/prod.yaml:3``, without the line where none is known.
    ``overridden`` tells for each leaf that stands over others what they were, the last one first.
    ``secrets`` are the texts of all secret layers, those that others stand over included.
    """

    value: Mapping[str, Any]
    origins: Mapping[JsonPath, str] = field(default_factory=dict, compare=False)
    overridden: Mapping[JsonPath, tuple[Overridden, ...]] = field(default_factory=dict, compare=False)
    secrets: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def origin(self, path: JsonPath) -> str:
        """Who set what stands at ``path``; "" when no layer did.

        Below a leaf it is the leaf's origin, for a mapping that of its first leaf.
        """
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return next((origin for leaf, origin in self.origins.items() if leaf[: len(path)] == path), "")


@dataclass(frozen=True, slots=True)
class Change:
    """Where two values differ. What is added or removed as a whole is one change."""

    path: JsonPath
    kind: Literal["added", "removed", "changed"]


def merge_layers(layers: Sequence[Layer]) -> Merged:
    """Later layers win, as with ``helm -f``."""
    value: dict[str, Any] = {}
    origins: dict[JsonPath, str] = {}
    overridden: dict[JsonPath, tuple[Overridden, ...]] = {}
    for layer in layers:
        below = Merged(value, origins, overridden)
        for path, item in _leaves(layer.value):
            place, old = _standing(value, path)
            if item == {} and isinstance(old, Mapping) and old:
                continue  # an empty mapping changes nothing in one that has keys
            overridden[path] = _history(below, place, old)
            origins[path] = _origin(layer, path)
        value = merge(value, layer.value)
    told = [path for path, _ in _leaves(value)]
    history = {path: overridden[path] for path in told if overridden[path]}
    secrets = tuple(dict.fromkeys(text for layer in layers if layer.secret for text in _texts(layer.value)))
    return Merged(value, {path: origins[path] for path in told}, history, secrets)


def at(value: Any, path: JsonPath) -> Any:
    """What stands at a path of mappings; None where there is nothing."""
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def changed_paths(old: Mapping[str, Any], new: Mapping[str, Any], path: JsonPath = ()) -> list[Change]:
    """Where the values differ, sorted by path. Lists of one length are compared item by item."""
    found: list[Change] = []
    for key in sorted({*old, *new}):
        here = (*path, key)
        if key not in new:
            found.append(Change(here, "removed"))
        elif key not in old:
            found.append(Change(here, "added"))
        else:
            found += _changes(old[key], new[key], here)
    return found


def path_text(path: JsonPath) -> str:
    """``ingress.hosts[0].host``; a key that would not read as one is quoted: ``annotations."a.b/c"``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            shown = part if _BARE_KEY.fullmatch(part) else _quoted(part)
            text += f".{shown}" if text else shown
    return text


def _changes(old: Any, new: Any, path: JsonPath) -> list[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return changed_paths(old, new, path)
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return [change for index, (one, other) in pairs for change in _changes(one, other, (*path, index))]
    # In Python 1 is True, in YAML it is not.
    same = old == new and isinstance(old, bool) == isinstance(new, bool)
    return [] if same else [Change(path, "changed")]


def _quoted(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _leaves(value: Any, path: JsonPath = ()) -> Iterator[tuple[JsonPath, Any]]:
    """Everything that is no mapping with keys; of the empty root nothing."""
    if isinstance(value, Mapping) and (value or not path):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    else:
        yield path, value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


_NOTHING: Any = object()


def _standing(value: Any, path: JsonPath) -> tuple[JsonPath, Any]:
    """What a layer that sets ``path`` covers, with its path: what stands there, or no mapping on the way to it."""
    for depth, step in enumerate(path):
        if not isinstance(value, Mapping):
            return path[:depth], value
        if step not in value:
            return path, _NOTHING
        value = value[step]
    return path, value


def _history(below: Merged, path: JsonPath, old: Any) -> tuple[Overridden, ...]:
    if old is _NOTHING:
        return ()
    if isinstance(old, Mapping) and old:
        origins = dict.fromkeys(below.origins[leaf] for leaf, _ in _leaves(old, path))
        return (Overridden(old, ", ".join(origins)),)
    return (Overridden(old, below.origins[path]), *below.overridden[path])


def _origin(layer: Layer, path: JsonPath) -> str:
    for length in range(len(path), 0, -1):
        if line := layer.lines.get(path[:length]):
            return f"{layer.origin}:{line}"
    return layer.origin
