"""What differs between a live object and the same object as a forced server-side apply would leave it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from helmops.core.drift.fields import Added, claim, field_text, helms_fields, is_helms, key_text
from helmops.core.objects import ManagedEntry, ObjectId, meta_of
from helmops.core.redact import MASK, mask_secret, sounds_secret

Place = tuple[str | int, ...]
"""Field names and list indexes from the root of an object."""

_SERVERS_METADATA = frozenset(
    {"creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"}
)
_CONTROLLERS_ANNOTATIONS = "deployment.kubernetes.io/"
_VARIABLE = re.compile(r"\[name=([^\]]*)\]\.value$")
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
    """Where two JSON documents differ. ``old`` or ``new`` is ABSENT where there is nothing.

    Items of a list that are matched by name may stand at another index in each, hence two places.
    """

    old_place: Place
    new_place: Place
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

    ``wanted`` is the answer of a forced dry-run. Only what Helm has a say in counts: what it owns in the answer, and
    what it owned in the live object and now gives up. The rest is what somebody else wrote between the two requests,
    or what the server derives by itself. Of an answer that names no owners all counts.
    """
    entries = meta_of(live).managed
    before, after = helms_fields(entries), helms_fields(meta_of(wanted).managed)
    return tuple(
        _difference(change, live, entries, kind)
        for change in changes(comparable(live), comparable(wanted))
        if not after
        or _claims(after, wanted, change.new_place, change.new)
        or _claims(before, live, change.old_place, change.old)
    )


def comparable(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object without its status and without what the server and its controllers alone write into its metadata."""
    metadata = {key: value for key, value in obj.get("metadata", {}).items() if key not in _SERVERS_METADATA}
    if annotations := metadata.get("annotations"):
        kept = {key: value for key, value in annotations.items() if not key.startswith(_CONTROLLERS_ANNOTATIONS)}
        metadata["annotations"] = kept
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}


def _difference(change: Change, live: Mapping[str, Any], entries: Sequence[ManagedEntry], kind: str) -> Difference:
    owner = _owner(change, live, entries)
    variable = _VARIABLE.search(change.path)
    hidden = variable is not None and sounds_secret(variable[1])
    return Difference(
        path=change.path,
        live=MASK if hidden and change.old is not ABSENT else _shown(change.old, change.old_place, kind),
        wanted=MASK if hidden and change.new is not ABSENT else _shown(change.new, change.old_place, kind),
        manager=owner.manager if owner else "",
        time=owner.time if owner else "",
    )


def _owner(change: Change, live: Mapping[str, Any], entries: Sequence[ManagedEntry]) -> ManagedEntry | None:
    """The last one to claim the live value; Helm itself only where nobody else does (somebody moved a list item)."""
    if change.old is ABSENT:
        return None
    ranked = [
        (not is_helms(entry), claim(entry.fields, live, change.old_place), entry.time, index)
        for index, entry in enumerate(entries)
        if claim(entry.fields, live, change.old_place)
    ]
    return entries[max(ranked)[-1]] if ranked else None


def _claims(trees: Sequence[Mapping[str, Any]], obj: Mapping[str, Any], place: Place, value: Any) -> bool:
    return value is not ABSENT and any(claim(tree, obj, place) for tree in trees)


def _secret(place: Place, kind: str) -> bool:
    return place[:3] == _LAST_APPLIED or (kind == "Secret" and place[:1] in {("data",), ("stringData",)})


def _shown(value: Any, place: Place, kind: str) -> Any:
    """Masked also where what is secret lies somewhere below the place that differs."""
    if value is ABSENT:
        return None
    if _secret(place, kind):
        return _masked(value)
    if isinstance(value, Mapping) and len(place) < len(_LAST_APPLIED):
        return {key: _shown(inner, (*place, key), kind) for key, inner in value.items()}
    return mask_secret({"": value})[""]


def _masked(value: Any) -> Any:
    return dict.fromkeys(value, MASK) if isinstance(value, Mapping) else MASK


def changes(old: Any, new: Any, here: Change | None = None) -> Iterator[Change]:
    """Where two JSON documents differ, at the deepest places, mappings by sorted key.

    Lists whose items all have a ``name`` are matched by it, others by index; a mere change of order is one change of
    the list, told as its names.
    """
    here = here or Change((), (), "", old, new)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _mapping_changes(old, new, here)
    elif _both_lists(old, new):
        yield from _list_changes(old, new, here)
    elif not same(old, new):
        yield here


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: in Python 1 == True, in JSON not."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if _both_lists(one, other):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _both_lists(one: Any, other: Any) -> bool:
    return isinstance(one, list | tuple) and isinstance(other, list | tuple)


def _below(here: Change, tokens: tuple[str | int, str | int], text: str, old: Any, new: Any) -> Iterator[Change]:
    places = ((*here.old_place, tokens[0]), (*here.new_place, tokens[1]))
    return changes(old, new, Change(*places, (here.path + text).removeprefix("."), old, new))


def _mapping_changes(old: Mapping[str, Any], new: Mapping[str, Any], here: Change) -> Iterator[Change]:
    for key in sorted(old.keys() | new.keys()):
        yield from _below(here, (key, key), field_text(key), old.get(key, ABSENT), new.get(key, ABSENT))


def _list_changes(old: Sequence[Any], new: Sequence[Any], here: Change) -> Iterator[Change]:
    old_names, new_names = _names(old), _names(new)
    if old_names is None or new_names is None:
        yield from _indexed_changes(old, new, here)
        return
    yield from _named_changes(old_names, new_names, here)
    if _order(old_names, new_names) != _order(new_names, old_names):
        yield replace(here, old=list(old_names), new=list(new_names))


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
    old: Mapping[str, tuple[int, Any]], new: Mapping[str, tuple[int, Any]], here: Change
) -> Iterator[Change]:
    for name in (*old, *(name for name in new if name not in old)):
        old_index, before = old.get(name, (len(old), ABSENT))
        new_index, after = new.get(name, (len(new), ABSENT))
        yield from _below(here, (old_index, new_index), key_text({"name": name}), before, after)


def _indexed_changes(old: Sequence[Any], new: Sequence[Any], here: Change) -> Iterator[Change]:
    for index in range(max(len(old), len(new))):
        before = old[index] if index < len(old) else ABSENT
        after = new[index] if index < len(new) else ABSENT
        yield from _below(here, (index, index), f"[{index}]", before, after)
