"""JSON pointers (RFC 6901)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from helmops.errors import InputError


def join(tokens: Iterable[str | int]) -> str:
    """``/metadata/labels/a~1b`` of its tokens."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def split(pointer: str) -> tuple[str, ...]:
    """The tokens of a pointer. InputError for what is none."""
    if pointer and not pointer.startswith("/"):
        raise InputError(f"{pointer!r} is not a JSON pointer", hint="a JSON pointer begins with /, e.g. /spec/replicas")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])


def get(document: Any, pointer: str, default: Any = None) -> Any:
    """What a pointer leads to, or ``default``."""
    for token in split(pointer):
        key = _key(document, token)
        if key is None:
            return default
        document = document[key]
    return document


def without(document: Any, pointers: Iterable[str]) -> Any:
    """A copy of the document without the places that the pointers lead to. What is not touched is shared, not copied.

    Pointers mean the document as it was given, so removing one item of a list does not move the others.
    """
    return _without(document, [split(pointer) for pointer in pointers])


def _without(node: Any, paths: Sequence[Sequence[str]]) -> Any:
    below: dict[str | int, list[Sequence[str]]] = {}
    for path in paths:
        key = _key(node, path[0]) if path else None
        if key is not None:
            below.setdefault(key, []).append(path[1:])
    if not below:
        return node
    gone = {key for key, rests in below.items() if any(not rest for rest in rests)}
    if isinstance(node, Mapping):
        return {key: _without(value, below.get(key, ())) for key, value in node.items() if key not in gone}
    return [_without(value, below.get(index, ())) for index, value in enumerate(node) if index not in gone]


def _key(node: Any, token: str) -> str | int | None:
    """The key or index that a token means in this node, None when there is nothing."""
    if isinstance(node, Mapping):
        return token if token in node else None
    if isinstance(node, Sequence) and not isinstance(node, str) and token.isascii() and token.isdecimal():
        index = int(token)
        return index if str(index) == token and index < len(node) else None
    return None
