"""Where in its file every part of a YAML document stands. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from helmops.core.json_types import JsonValue

if TYPE_CHECKING:
    from helmops.api.model import JsonPath

Marks: TypeAlias = dict[int, dict[str | int, int]]
"""The 1-based lines of a container's children, by the id() of the container."""


class Lines(Mapping[tuple[str | int, ...], int]):
    """Lines by path, looked up in the value itself: nobody pays for paths that are never asked for."""

    __slots__ = ("_marks", "_root", "_value")

    def __init__(self, root: int, value: JsonValue, marks: Marks) -> None:
        self._root = root
        self._value = value
        self._marks = marks

    def __getitem__(self, path: JsonPath) -> int:
        line, node = self._root, self._value
        for step in path:
            line = self._children(node).get(step, 0)
            if not line:
                raise KeyError(path)
            node = node[step]  # type: ignore[index]
        return line

    def __iter__(self) -> Iterator[JsonPath]:
        yield ()
        yield from self._below((), self._value)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _below(self, path: JsonPath, node: JsonValue) -> Iterator[JsonPath]:
        for step in self._children(node):
            yield (*path, step)
            yield from self._below((*path, step), node[step])  # type: ignore[index]

    def _children(self, node: JsonValue) -> Mapping[str | int, int]:
        # Only containers: a scalar may live at the address of one that was dropped.
        return self._marks[id(node)] if isinstance(node, (dict, list)) else {}
