r"""Values by path, as Helm's ``--set``, ``--set-string`` and ``--set-literal`` read them. PURE.

Held against helm by ``tests/unit/core/test_setpath_oracle.py``. One thing differs on purpose: a path with an empty name
(``a..b``, ``l[0].``) or without an end (``a[``), of which Helm drops a part or all silently, is an error. No error
repeats a value.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from helmops.errors import InputError

MAX_DEPTH: Final = 30
MAX_INDEX: Final = 65536

Mode = Literal["typed", "string", "literal"]
Step: TypeAlias = "str | int"

_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_WORDS: Final = {"true": True, "false": False, "null": None}
_ABSENT: Any = object()


def set_path(base: Mapping[str, Any], path: str, value: str, *, literal: bool = False) -> dict[str, Any]:
    """``base`` with ``value`` at ``path``; ``base`` itself stays as it is. InputError never repeats the value.

    A value in quotes is a string whatever it looks like, as in Flux. ``literal``: every value is, commas and all.
    """
    if literal:
        return assign(base, path, value, "literal")
    bare = _unquoted(value)
    return assign(base, path, bare, "typed" if bare == value else "string")


def assign(base: Mapping[str, Any], path: str, value: str, mode: Mode) -> dict[str, Any]:
    """As helm does with ``path=value`` behind ``--set`` (typed), ``--set-string`` or ``--set-literal``."""
    if mode == "literal":
        return dict(_put(base, _steps(_Text(f"{path}=")), value))
    changed: dict[str, Any] = dict(base)
    for steps, found in _assignments(f"{path}={value}", strings=mode == "string"):
        changed = _put(changed, steps, found)
    return changed


def _unquoted(value: str) -> str:
    if value[:1] in ("'", '"') and value[:1] == value[-1:] and len(value) > 1:
        return value.strip(value[0])
    return value


# ---------------------------------------------------------------- reading
@dataclass(slots=True)
class _Text:
    """What is left to read."""

    text: str
    at: int = 0

    @property
    def done(self) -> bool:
        return self.at >= len(self.text)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def until(self, stops: Collection[str]) -> tuple[str, str]:
        """The text before the next of ``stops``, and which it was ("" at the end). A backslash spares what follows."""
        word: list[str] = []
        while not self.done:
            char = self.text[self.at]
            self.at += 1
            if char in stops:
                return "".join(word), char
            if char == "\\":
                char = self.peek()
                self.at += 1
            word.append(char)
        return "".join(word), ""


def _assignments(text: str, *, strings: bool) -> Iterator[tuple[tuple[Step, ...], Any]]:
    reader = _Text(text)
    while not reader.done:
        steps = _steps(reader)
        yield steps, _value(reader, strings=strings)


def _steps(reader: _Text) -> tuple[Step, ...]:
    """Names and indexes up to the ``=``."""
    steps: list[Step] = []
    before = "."
    while before != "=":
        word, stop = reader.until("=[.,")
        if stop in ("", ","):
            raise InputError("a part without `=`; a comma that belongs to the value is written `\\,`")
        if before != "]":
            steps.append(_name(word))
        elif word:
            raise InputError("an index like [0] is followed by `.`, `[` or `=` alone")
        if stop == "[":
            steps.append(_index(reader))
        before = "]" if stop == "[" else stop
    if sum(isinstance(step, str) for step in steps) > MAX_DEPTH + 1:
        raise InputError(f"a path of more than {MAX_DEPTH + 1} names")
    return tuple(steps)


def _name(word: str) -> str:
    if not word:
        raise InputError("a path has an empty name")
    return word


def _index(reader: _Text) -> int:
    word, stop = reader.until("]")
    if not stop or not _INTEGER.fullmatch(word):
        raise InputError("an index is a number in brackets, like [0]")
    if not 0 <= int(word) <= MAX_INDEX:
        raise InputError(f"an index lies between 0 and {MAX_INDEX}")
    return int(word)


def _value(reader: _Text, *, strings: bool) -> Any:
    if reader.peek() == "{":
        reader.at += 1
        return _list(reader, strings=strings)
    word, _ = reader.until(",")
    return _typed(word, strings=strings)


def _list(reader: _Text, *, strings: bool) -> list[Any]:
    found: list[Any] = []
    while True:
        word, stop = reader.until(",}")
        if not stop:
            raise InputError("a list has to end with `}`")
        found.append(_typed(word, strings=strings))  # so `{}` is a list with one empty string, as for Helm
        if stop == "}":
            reader.at += reader.peek() == ","
            return found


def _typed(word: str, *, strings: bool) -> Any:
    """Whole numbers, booleans and null; no number has a zero before it, and fractions stay text."""
    if strings:
        return word
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    if word == "0" or (_INTEGER.fullmatch(word) and word[0] != "0" and -(2**63) <= int(word) < 2**63):
        return int(word)
    return word


# ---------------------------------------------------------------- writing
def _put(base: Any, steps: tuple[Step, ...], value: Any) -> Any:
    """A copy of ``base`` with ``value`` at the end of ``steps``."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        return _put_item([] if base is _ABSENT else base, step, rest, value)
    found = {} if base is _ABSENT else base
    if not isinstance(found, Mapping):
        raise InputError("the path leads through what is no map")
    return {**found, step: _put(found.get(step, _ABSENT), rest, value)}


def _put_item(items: Any, index: int, rest: tuple[Step, ...], value: Any) -> list[Any]:
    if not isinstance(items, list):
        raise InputError("the path has an index behind what is no list")
    filled = [*items, *[None] * (index + 1 - len(items))]
    filled[index] = _put(_below(filled[index], rest), rest, value)
    return filled


def _below(item: Any, rest: tuple[Step, ...]) -> Any:
    """What of an item is kept: a map gives way to nothing but a map, whatever else stands there gives way to one."""
    named = bool(rest) and isinstance(rest[0], str)
    return _ABSENT if item is None or (named and not isinstance(item, Mapping)) else item
