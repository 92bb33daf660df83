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

    ``helm`` is the major version. Helm 4 also drops the defaults that are null themselves, and below the top level
    keeps a null that removes nothing; Helm 3 does neither. Defaults of subcharts are not looked at. Keys come in the
    order of the defaults.
    """
    seen: dict[str, JsonValue] = {}
    for key, default in defaults.items():
        if key not in values:
            if default is not None or helm < 4:
                seen[key] = _default(default, helm)
        elif (value := values[key]) is not None:
            seen[key] = _value(value, default, helm)
    return seen | {key: value for key, value in values.items() if key not in defaults}


def _value(value: JsonValue, default: JsonValue, helm: int) -> JsonValue:
    """A value that is not null over its default."""
    if isinstance(value, Mapping) and isinstance(default, Mapping):
        return _table(_without_nulls(default) if helm >= 4 else default, value, helm)
    return value


def _default(default: JsonValue, helm: int) -> JsonValue:
    """A default that nothing overrides."""
    return _without_nulls(default) if helm >= 4 and isinstance(default, Mapping) else default


def _table(defaults: JsonObject, values: JsonObject, helm: int) -> dict[str, JsonValue]:
    """A mapping below the top level. Helm 4 has freed ``defaults`` of its nulls before."""
    merged: dict[str, JsonValue] = {}
    for key, default in defaults.items():
        value = values.get(key)
        if key not in values:
            merged[key] = default
        elif value is not None:
            both = isinstance(value, Mapping) and isinstance(default, Mapping)
            merged[key] = _table(default, value, helm) if both else value  # type: ignore[arg-type]
    alone = {key: value for key, value in values.items() if key not in defaults}
    return merged | {key: value for key, value in alone.items() if value is not None or helm >= 4}


def _without_nulls(defaults: JsonObject) -> dict[str, JsonValue]:
    return {
        key: _without_nulls(value) if isinstance(value, Mapping) else value
        for key, value in defaults.items()
        if value is not None
    }
