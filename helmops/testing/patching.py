"""JSON patch (RFC 6902) with the operations that helmops sends."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from helmops.core.pointer import split
from helmops.errors import Conflict, Rejected

_MISSING = object()


def patched(document: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A patched copy. Conflict when a ``test`` fails, Rejected when a place is not there."""
    result: dict[str, Any] = copy.deepcopy(dict(document))
    for operation in operations:
        _OPERATIONS[operation["op"]](result, split(operation["path"]), copy.deepcopy(operation.get("value")))
    return result


def _test(document: Any, tokens: Sequence[str], value: Any) -> None:
    try:
        found = _inside(_parent(document, tokens), tokens[-1])
    except Rejected:
        found = _MISSING
    if found is _MISSING or found != value:
        raise Conflict("the patch does not fit the object as it is now")


def _add(document: Any, tokens: Sequence[str], value: Any) -> None:
    parent = _parent(document, tokens)
    if isinstance(parent, list):
        parent.insert(len(parent) if tokens[-1] == "-" else int(tokens[-1]), value)
    else:
        parent[tokens[-1]] = value


def _replace(document: Any, tokens: Sequence[str], value: Any) -> None:
    parent = _parent(document, tokens)
    if _inside(parent, tokens[-1]) is _MISSING:
        raise _unfit()
    parent[_key(parent, tokens[-1])] = value


def _remove(document: Any, tokens: Sequence[str], _: Any) -> None:
    parent = _parent(document, tokens)
    if _inside(parent, tokens[-1]) is _MISSING:
        raise _unfit()
    del parent[_key(parent, tokens[-1])]


_OPERATIONS = {"test": _test, "add": _add, "replace": _replace, "remove": _remove}


def _parent(document: Any, tokens: Sequence[str]) -> Any:
    node = document
    for token in tokens[:-1]:
        node = _inside(node, token)
        if not isinstance(node, dict | list):
            raise _unfit()
    return node


def _inside(node: Any, token: str) -> Any:
    try:
        return node[_key(node, token)]
    except (KeyError, IndexError, ValueError):
        return _MISSING


def _key(node: Any, token: str) -> str | int:
    return int(token) if isinstance(node, list) else token


def _unfit() -> Rejected:
    return Rejected("the patch does not fit the object as it is now")
