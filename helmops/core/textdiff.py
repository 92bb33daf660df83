"""Two JSON objects compared as YAML, for people. PURE: secrets are masked before, and colours come after."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any, Final

from helmops.core.json_types import JsonObject
from helmops.core.yaml_dump import dump_lines

MAX_LINES: Final = 400
"""Lines shown of one object: past them a person reads the object instead."""

_CAREFUL = 1000
"""Up to here difflib may look at every repeated line; beyond, it would take seconds."""

_COMPARED = 20_000
"""Lines that differ in the middle of an object; beyond, they are told as removed and added."""

_LINE = re.compile(r"""(?P<indent>\ *)(?P<dash>-\ )?(?P<key>"[^"]*"|'[^']*'|[^\s#'"][^:]*)?""")

_Hunk = tuple[str, int, int, int, int]  # tag, and the lines [i1:i2] of the old, [j1:j2] of the new


def diff_objects(
    old: JsonObject | None, new: JsonObject | None, *, context: int = 3, limit: int = MAX_LINES
) -> list[str]:
    """Lines that begin with ``-``, ``+`` or a space, and before each gap ``@@ spec.template @@``: where one is.

    Keys are sorted, so their order is no difference. None stands for an object that is not there. Equal objects give no
    lines. At most ``limit`` lines come, then one that says how many more there are.
    """
    before, after = _lines(old), _lines(new)
    if before == after:
        return []
    told = list(_unified(before, after, context))
    left = len(told) - limit
    return told if left <= 0 else [*told[:limit], f"… {left} more lines"]


def _lines(obj: JsonObject | None) -> list[str]:
    return [] if obj is None else dump_lines(_sorted(obj))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _unified(before: Sequence[str], after: Sequence[str], context: int) -> Iterator[str]:
    for hunk in _hunks(before, after, context):
        if hunk[0][1]:
            yield f"@@ {_place(before, after, hunk)} @@"
        for tag, i1, i2, j1, j2 in hunk:
            if tag == "equal":
                yield from (f" {line}" for line in before[i1:i2])
            else:
                yield from (f"-{line}" for line in before[i1:i2])
                yield from (f"+{line}" for line in after[j1:j2])


def _hunks(before: Sequence[str], after: Sequence[str], context: int) -> Iterator[list[_Hunk]]:
    """Differences with the lines around them. What is equal at both ends is not even looked at."""
    shortest = min(len(before), len(after))
    head = max(_common(before, after) - context, 0)
    tail = max(min(_common(before[::-1], after[::-1]), shortest - head) - context, 0)
    one, other = before[head : len(before) - tail], after[head : len(after) - tail]
    for hunk in _groups(one, other, context):
        yield [(tag, i1 + head, i2 + head, j1 + head, j2 + head) for tag, i1, i2, j1, j2 in hunk]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _groups(one: Sequence[str], other: Sequence[str], context: int) -> Iterable[Sequence[_Hunk]]:
    size = len(one) + len(other)
    if size > _COMPARED:
        return [[("replace", 0, len(one), 0, len(other))]]
    return difflib.SequenceMatcher(None, one, other, autojunk=size > _CAREFUL).get_grouped_opcodes(context)


def _place(before: Sequence[str], after: Sequence[str], hunk: Sequence[_Hunk]) -> str:
    """The keys above the first line that differs, ``spec.containers[app]``."""
    tag, i1, _, j1, _ = next(part for part in hunk if part[0] != "equal")
    lines, start = (after, j1) if tag == "insert" else (before, i1)
    depth = 2 * _indent(lines[start]) + lines[start].lstrip().startswith("- ")
    found: list[str] = []
    for number in range(start - 1, -1, -1):
        for step_depth, step in _steps(lines, number):
            if step_depth < depth:
                depth = step_depth
                found.append(step)
    return "".join(reversed(found)).removeprefix(".")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _steps(lines: Sequence[str], number: int) -> Iterator[tuple[int, str]]:
    """What a line opens, the deepest first: a key, a list's item, or both. An item is half a step below its list."""
    match = _LINE.match(lines[number])
    if match is None or not lines[number]:
        return
    indent, dash = len(match["indent"]), len(match["dash"] or "")
    if match["key"]:
        yield 2 * (indent + dash), f".{match['key']}"
    if dash:
        yield 2 * indent + 1, f"[{_name(lines, number, indent + dash)}]"


def _name(lines: Sequence[str], number: int, indent: int) -> str:
    """What the item that begins at a line calls itself."""
    own = f"{' ' * indent}name: "
    item = takewhile(lambda line: _indent(line) >= indent, lines[number + 1 :])
    first = lines[number][:indent].replace("-", " ") + lines[number][indent:]
    return next((line.removeprefix(own) for line in (first, *item) if line.startswith(own)), "")
