"""Rendered manifests for people: Secrets masked, and the values that sound like secrets wherever they stand. PURE."""

from __future__ import annotations

from collections.abc import Iterator

from helmops.core.redact import Redactor, mask_pair
from helmops.core.render.manifest import Hook, Rendered, read
from helmops.core.yaml_dump import dump_lines


def masked(text: str, secrets: Redactor) -> list[str]:
    """Objects, then hooks, as YAML documents that say which template each came from."""
    return [secrets.scrub(line) for line in _lines(text)]


def _lines(text: str) -> Iterator[str]:
    found = read(text)
    everything: tuple[Rendered | Hook, ...] = (*found.objects, *found.hooks)
    for one in everything:
        yield "---"
        if one.source:
            yield f"# Source: {one.source}"
        yield from dump_lines(mask_pair(None, one.obj)[1] or {})
