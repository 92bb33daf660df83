"""What differs between a live object and the same object as a forced server-side apply would leave it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from helmops.core.drift.fields import Added, field_text, is_helms, key_text, owns_place
from helmops.core.objects import ManagedEntry, ObjectId, meta_of

MASK = "***"

Token = str | int
Tokens = tuple[Token, ...]

_SERVERS_METADATA = frozenset(
    {"creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"}
)
_LAST_APPLIED = ("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration")


@dataclass(frozen=True, slots=True)
class Difference:
    """One field. ``live`` and ``wanted`` are JSON, None where the field is absent, masked in Secrets.

    ``manager`` and ``time`` say who owns the live value, "" where the server knows of nobody.
    """

    path: str
    live: Any
    wanted: Any
    manager: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True)
class DriftReport:
    """One object that is not as its release wants it. ``added``: fields of others on it, told but no drift."""

    object: ObjectId
    kind: Literal["missing", "changed"]
    differences: tuple[Difference, ...] = ()
    added: tuple[Added, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A place where two JSON documents differ. ``old`` or ``new`` is ABSENT where the place is not there."""

    tokens: Tokens
    path: str
    old: Any
    new: Any


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()
"""Not there, which is something else than null."""


def missing_report(object_id: ObjectId) -> DriftReport:
    """The object is not there."""
    return DriftReport(object_id, "missing")


def changed_report(
    object_id: ObjectId, live: Mapping[str, Any], wanted: Mapping[str, Any], added: tuple[Added, ...] = ()
) -> DriftReport | None:
    """None when the object is as it should be."""
    found = differences(live, wanted, kind=object_id.kind)
    return DriftReport(object_id, "changed", found, added) if found else None


def differences(live: Mapping[str, Any], wanted: Mapping[str, Any], *, kind: str) -> tuple[Difference, ...]:
    """Every field in which the live object is not as wanted, in the order of the path.

    ``wanted`` is the answer of a forced dry-run, so it holds the server's defaults and whatever others added; only what
    Helm wants and somebody changed is left as a difference.
    """
    entries = meta_of(live).managed
    return tuple(_difference(change, live, entries, kind) for change in changes(comparable(live), comparable(wanted)))


def comparable(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object without its status and without what the server alone writes into its metadata."""
    metadata = {key: value for key, value in obj.get("metadata", {}).items() if key not in _SERVERS_METADATA}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}


def _difference(change: Change, live: Mapping[str, Any], entries: Sequence[ManagedEntry], kind: str) -> Difference:
    owner = _owner(change, live, entries)
    return Difference(
        path=change.path,
        live=_shown(change.old, change.tokens, kind),
        wanted=_shown(change.new, change.tokens, kind),
        manager=owner.manager if owner else "",
        time=owner.time if owner else "",
    )


def _owner(change: Change, live: Mapping[str, Any], entries: Sequence[ManagedEntry]) -> ManagedEntry | None:
    """The last one to claim the live value; Helm itself only where nobody else does (somebody moved a list item)."""
    if change.old is ABSENT:
        return None
    found = [entry for entry in entries if owns_place(entry.fields, live, change.tokens)]
    return max(found, key=lambda entry: (not is_helms(entry), entry.time), default=None)


def _secret(tokens: Tokens, kind: str) -> bool:
    return tokens[:3] == _LAST_APPLIED or (kind == "Secret" and tokens[:1] in {("data",), ("stringData",)})


def _shown(value: Any, tokens: Tokens, kind: str) -> Any:
    """Masked also where what is secret lies somewhere below the place that differs."""
    if value is ABSENT:
        return None
    if _secret(tokens, kind):
        return _masked(value)
    if isinstance(value, Mapping) and len(tokens) < len(_LAST_APPLIED):
        return {key: _shown(inner, (*tokens, key), kind) for key, inner in value.items()}
    return value


def _masked(value: Any) -> Any:
    return dict.fromkeys(value, MASK) if isinstance(value, Mapping) else MASK


def changes(old: Any, new: Any, tokens: Tokens = (), path: str = "") -> Iterator[Change]:
    """Where two JSON documents differ, at the deepest places, mappings by sorted key.

    Lists whose items all have a ``name`` are matched by it, others by index; a mere change of order is one change of
    the list, told as its names.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _mapping_changes(old, new, tokens, path)
    elif _both_lists(old, new):
        yield from _list_changes(old, new, tokens, path)
    elif not same(old, new):
        yield Change(tokens, path.removeprefix("."), old, new)


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: in Python 1 == True, in JSON not."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if _both_lists(one, other):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _both_lists(one: Any, other: Any) -> bool:
    return isinstance(one, list | tuple) and isinstance(other, list | tuple)


def _mapping_changes(old: Mapping[str, Any], new: Mapping[str, Any], tokens: Tokens, path: str) -> Iterator[Change]:
    for key in sorted(old.keys() | new.keys()):
        yield from changes(old.get(key, ABSENT), new.get(key, ABSENT), (*tokens, key), path + field_text(key))


def _list_changes(old: Sequence[Any], new: Sequence[Any], tokens: Tokens, path: str) -> Iterator[Change]:
    old_names, new_names = _names(old), _names(new)
    if old_names is None or new_names is None:
        yield from _indexed_changes(old, new, tokens, path)
        return
    yield from _named_changes(old_names, new_names, tokens, path)
    if _order(old_names, new_names) != _order(new_names, old_names):
        yield Change(tokens, path.removeprefix("."), list(old_names), list(new_names))


def _names(items: Sequence[Any]) -> dict[str, tuple[int, Any]] | None:
    """Items by name, with their index; None when not every item has a name of its own."""
    found = {
        item["name"]: (index, item)
        for index, item in enumerate(items)
        if isinstance(item, Mapping) and isinstance(item.get("name"), str)
    }
    return found if len(found) == len(items) else None


def _order(names: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    return [name for name in names if name in others]


def _named_changes(
    old: Mapping[str, tuple[int, Any]], new: Mapping[str, tuple[int, Any]], tokens: Tokens, path: str
) -> Iterator[Change]:
    for name in (*old, *(name for name in new if name not in old)):
        index, before = old.get(name, (len(old), ABSENT))
        after = new[name][1] if name in new else ABSENT
        yield from changes(before, after, (*tokens, index), path + key_text({"name": name}))


def _indexed_changes(old: Sequence[Any], new: Sequence[Any], tokens: Tokens, path: str) -> Iterator[Change]:
    for index in range(max(len(old), len(new))):
        before = old[index] if index < len(old) else ABSENT
        after = new[index] if index < len(new) else ABSENT
        yield from changes(before, after, (*tokens, index), f"{path}[{index}]")
