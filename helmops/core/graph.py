"""The graph of what depends on what. PURE."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Generic, TypeVar

from helmops.errors import InputError

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Graph(Generic[K]):
    """Nodes without cycles. ``sequence`` has every node after what it depends on, else in the order given."""

    sequence: tuple[K, ...]
    dependencies: Mapping[K, tuple[K, ...]]
    dependents: Mapping[K, tuple[K, ...]]

    def sorter(self) -> TopologicalSorter[K]:
        """A fresh one, prepared, to drive concurrent work: ``get_ready()``, ``done(node)``, ``is_active()``."""
        sorter = _sorter(self.dependencies)
        sorter.prepare()
        return sorter

    def blocked_by(self, node: K) -> frozenset[K]:
        """Everything that depends on ``node``, directly or not: what cannot go on when it fails."""
        blocked: set[K] = set()
        waiting = [node]
        while waiting:
            found = set(self.dependents[waiting.pop()]) - blocked
            blocked |= found
            waiting += found
        return frozenset(blocked)


def order(nodes: Mapping[K, Sequence[K]]) -> Graph[K]:
    """``nodes`` maps each node to what it depends on.

    InputError names every dependency that is no node, or one whole cycle, each arrow reading "depends on".
    """
    dependencies = {node: tuple(dict.fromkeys(needed)) for node, needed in nodes.items()}
    unknown = [f"{node} → {one}" for node, needed in dependencies.items() for one in needed if one not in dependencies]
    if unknown:
        raise InputError(f"depends on what is not there: {', '.join(unknown)}")
    try:
        sequence = tuple(_sorter(dependencies).static_order())
    except CycleError as error:
        path = " → ".join(str(node) for node in reversed(error.args[1]))
        raise InputError(f"these depend on each other: {path}") from None
    return Graph(sequence, dependencies, _dependents(dependencies))


def _sorter(dependencies: Mapping[K, tuple[K, ...]]) -> TopologicalSorter[K]:
    # graphlib goes by first mention, which is to be the order given and not that of somebody's dependencies.
    sorter = TopologicalSorter(dict.fromkeys(dependencies, ()))
    for node, needed in dependencies.items():
        sorter.add(node, *needed)
    return sorter


def _dependents(dependencies: Mapping[K, tuple[K, ...]]) -> dict[K, tuple[K, ...]]:
    found: dict[K, list[K]] = {node: [] for node in dependencies}
    for node, needed in dependencies.items():
        for one in needed:
            found[one].append(node)
    return {node: tuple(waiting) for node, waiting in found.items()}
