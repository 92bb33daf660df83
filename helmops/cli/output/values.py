"""Merged values with where each came from; what sounds like a secret is masked. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from helmops.api.model import JsonPath
from helmops.cli.output.paint import Paint, clean
from helmops.core.redact import MASK, mask_values
from helmops.core.values import SECRET_ORIGIN, path_text
from helmops.core.yaml_dump import dump_lines
from helmops.engine.inspect import Values


def values_lines(found: Values, paint: Paint) -> list[str]:
    """YAML that helm reads; each leaf says behind it which layer set it."""
    head = paint(f"# {found.release.namespace}/{found.release.name}: {clean(found.chart)}", "dim")
    body = list(_block(_masked(found), (), found.origins, paint))
    return [head, *(body or ["{}"])]


def _masked(found: Values) -> Mapping[str, Any]:
    """What a Secret set is masked by its place, too: it may be a number, or too short to be looked for."""
    return _hidden(mask_values(found.value, found.secrets), (), found.origins)


def _hidden(value: Mapping[str, Any], path: JsonPath, origins: Mapping[JsonPath, str]) -> Mapping[str, Any]:
    return {
        key: _hidden(item, (*path, key), origins)
        if _nested(item)
        else MASK
        if origins.get((*path, key), "").startswith(SECRET_ORIGIN)
        else item
        for key, item in value.items()
    }


def _block(value: Mapping[str, Any], path: JsonPath, origins: Mapping[JsonPath, str], paint: Paint) -> Iterator[str]:
    indent = "  " * len(path)
    for key, item in value.items():
        here = (*path, key)
        first, *rest = [f"{indent}{line}" for line in dump_lines({key: {} if _nested(item) else item})]
        if _nested(item):
            yield first.removesuffix(" {}")
            yield from _block(item, here, origins, paint)
        else:
            comment = paint(f"# {clean(origins.get(here, ''))}", "dim")
            yield f"{first}  {comment}"
            yield from rest


def _nested(item: Any) -> bool:
    return isinstance(item, Mapping) and bool(item)


def values_content(found: Values) -> dict[str, Any]:
    """The fields of ``kind: Values``."""
    return {
        "namespace": found.release.namespace,
        "name": found.release.name,
        "chart": found.chart,
        "values": _masked(found),
        "origins": {path_text(path): origin for path, origin in found.origins.items()},
    }
