"""What is sent to put a drifted object right, without a new revision.

Releases that Helm 4 applied server-side (one ``Apply`` entry of manager ``helm``) are applied once more: the very
request that Helm would send. Those of Helm 3 (one ``Update`` entry) are patched instead: an apply would leave a second
entry of Helm's beside the first, which no Helm 3 upgrade renews, while a JSON patch under manager ``helm`` hands the
fields back to the entry that had them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from helmops.core.drift.compare import comparable, same
from helmops.core.drift.fields import added_paths, pointer
from helmops.core.objects import meta_of
from helmops.core.pointer import join, split, without

Operation = Mapping[str, Any]
"""One operation of RFC 6902."""


def applied(obj: Mapping[str, Any], pointers: Iterable[str] = ()) -> Mapping[str, Any]:
    """What to apply: ``obj`` (placed, helmified) without the fields that stay with their owner."""
    sent: Mapping[str, Any] = without(obj, pointers)
    return sent


def json_patch(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[Operation, ...]:
    """The operations that make ``live`` what the forced dry-run says is ``wanted``; none when it is so already.

    They hold only for the object that was read: the same uid, and the same generation. Not the same resourceVersion
    where there is a generation, for a controller that is writing status would refuse them again and again.
    """
    found = patch(comparable(live), comparable(wanted))
    return (*_tests(live), *found) if found else ()


def removals(answer: Mapping[str, Any]) -> tuple[Operation, ...]:
    """The operations that take away what others added (``fields.added_fields``) to an object that is else clean."""
    paths = {pointer(path, answer) for path in added_paths(meta_of(answer).managed)}
    # From the end of every list to its beginning: taking one item away moves those behind it.
    ordered = sorted((split(found) for found in paths if found), key=_natural, reverse=True)
    return (*_tests(answer), *({"op": "remove", "path": join(path)} for path in ordered)) if ordered else ()


def patch(old: Any, new: Any) -> tuple[Operation, ...]:
    """Operations from one JSON document to another, sorted by path.

    A list is patched item by item only where its items are the same ones in the same order, else replaced as a whole:
    the server hands over no more ownership than what really changes inside.
    """
    return tuple(_patch(old, new, ()))


def _patch(old: Any, new: Any, tokens: tuple[str | int, ...]) -> Iterator[Operation]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            yield from _patch_key(old, new, key, (*tokens, key))
    elif _aligned(old, new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _patch(before, after, (*tokens, index))
    elif not same(old, new):
        yield {"op": "replace", "path": join(tokens), "value": new}


def _patch_key(
    old: Mapping[str, Any], new: Mapping[str, Any], key: str, tokens: tuple[str | int, ...]
) -> Iterator[Operation]:
    if key not in new:
        yield {"op": "remove", "path": join(tokens)}
    elif key not in old:
        yield {"op": "add", "path": join(tokens), "value": new[key]}
    else:
        yield from _patch(old[key], new[key], tokens)


def _aligned(old: Any, new: Any) -> bool:
    lists = isinstance(old, list | tuple) and isinstance(new, list | tuple)
    return lists and [_name(item) for item in old] == [_name(item) for item in new]


def _name(item: Any) -> Any:
    return item.get("name") if isinstance(item, Mapping) else None


def _natural(tokens: Sequence[str]) -> tuple[tuple[int, str], ...]:
    return tuple((int(token), "") if token.isdecimal() else (-1, token) for token in tokens)


def _tests(live: Mapping[str, Any]) -> tuple[Operation, ...]:
    metadata = live["metadata"]
    version = "resourceVersion" if metadata.get("generation") is None else "generation"
    return tuple({"op": "test", "path": f"/metadata/{field}", "value": metadata[field]} for field in ("uid", version))
