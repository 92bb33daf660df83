"""The graph of what depends on what. PURE."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

from helmops.errors import InputError

Key = TypeVar("Key", bound=Hashable)


def order(nodes: Mapping[Key, Sequence[Key]]) -> tuple[Key, ...]:
    """Every node after what it depends on. InputError tells the whole cycle."""
    try:
        return tuple(TopologicalSorter(nodes).static_order())
    except CycleError as error:
        path = " → ".join(str(node) for node in reversed(error.args[1]))
        raise InputError(f"these depend on each other: {path}") from None
