"""Rendered manifests for people: the values of Secrets masked. PURE."""

from __future__ import annotations

from collections.abc import Iterator

from helmops.core.redact import mask_pair
from helmops.core.render.manifest import read
from helmops.core.yaml_dump import dump_lines


def masked(text: str) -> list[str]:
    """Objects, then hooks, as YAML documents that say which template each came from."""
    return list(_lines(text))


def _lines(text: str) -> Iterator[str]:
    found = read(text)
    for one in (*found.objects, *found.hooks):
        yield "---"
        if one.source:
            yield f"# Source: {one.source}"
        yield from dump_lines(mask_pair(None, one.obj)[1])
