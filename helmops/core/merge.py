"""Values merged as Helm merges them. Held against helm by ``tests/unit/core/test_merge_oracle.py``."""

from __future__ import annotations

from collections.abc import Mapping

from helmops.core.json_types import JsonObject, JsonValue


def merge(base: JsonObject, over: JsonObject) -> dict[str, JsonValue]:
    """What ``helm -f base -f over`` hands to the chart.

    A mapping over a mapping is merged key by key; anything else replaces, lists as a whole; null is a value like any
    other here (:func:`coalesce` is where it removes). The arguments stay as they are; the result shares their parts.
    """
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(value, Mapping) and isinstance(below, Mapping) else value
    return merged


def coalesce(defaults: JsonObject, values: JsonObject, *, helm: int = 4) -> dict[str, JsonValue]:
    """What the templates see as ``.Values``: the chart's defaults under the merged values, null removing a default.

    A null that finds no default stays. ``helm`` is the major version: for Helm 4 a default that is null itself is none,
    except to a null at the top level. Subcharts are not looked at: neither their own defaults, nor that nulls under
    their names are kept for them. Keys come in the order of the defaults.
    """
    if helm < 4:
        return _over(defaults, values)
    seen = _over(_without_nulls(defaults), values)
    return {key: value for key, value in seen.items() if value is not None or key not in defaults}


def _over(defaults: JsonObject, values: JsonObject) -> dict[str, JsonValue]:
    seen: dict[str, JsonValue] = {}
    for key, default in defaults.items():
        value = values.get(key)
        if key not in values:
            seen[key] = default
        elif isinstance(value, Mapping) and isinstance(default, Mapping):
            seen[key] = _over(default, value)
        elif value is not None:
            seen[key] = value
    return seen | {key: value for key, value in values.items() if key not in defaults}


def _without_nulls(defaults: JsonObject) -> dict[str, JsonValue]:
    return {
        key: _without_nulls(value) if isinstance(value, Mapping) else value
        for key, value in defaults.items()
        if value is not None
    }
