"""What is wanted, without where it was read: the same files of another commit lie in another folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def unplaced(value: Any, roots: Collection[str]) -> Any:
    """Plain data to compare by, with no folder of ``roots`` in any of its texts."""
    if isinstance(value, str):
        return _without(value, roots)
    if isinstance(value, Mapping):
        return {name: unplaced(one, roots) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [unplaced(one, roots) for one in value]
    if is_dataclass(value):
        return type(value), {one.name: unplaced(getattr(value, one.name), roots) for one in fields(value)}
    return value


def _without(text: str, roots: Collection[str]) -> str:
    for root in roots:
        text = text.replace(root, "")
    return text
