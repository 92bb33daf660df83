"""What a plan would do to one object, for people: what it is now, what it would be, and what is taken from whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from helmops.core.drift.compare import Difference, comparable, differences
from helmops.core.objects import HELM_MANAGER, ObjectId
from helmops.core.redact import mask_pair

Action = Literal["create", "change", "delete", "none"]


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """One object. ``old`` and ``new`` are what a text difference is made of, None where there is no object.

    Secrets are masked in them and in ``differences``.
    """

    id: ObjectId
    action: Action
    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None
    differences: tuple[Difference, ...] = ()

    @property
    def taken(self) -> tuple[Difference, ...]:
        """What is taken back from others: fields whose present value somebody else owns."""
        return tuple(one for one in self.differences if one.manager not in {"", HELM_MANAGER})


def change_of(object_id: ObjectId, live: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> ObjectChange:
    """From the live object to what a dry-run says it would be (or, where none could be made, to the manifest)."""
    if live is None:
        _, new = mask_pair(None, comparable(wanted))
        return ObjectChange(object_id, "create", None, new)
    found = differences(live, wanted, kind=object_id.kind)
    if not found:
        return ObjectChange(object_id, "none")
    old, new = mask_pair(comparable(live), comparable(wanted))
    return ObjectChange(object_id, "change", old, new, found)


def deletion_of(object_id: ObjectId, stored: Mapping[str, Any]) -> ObjectChange:
    """The new chart no longer has the object, so Helm deletes it."""
    old, _ = mask_pair(comparable(stored), None)
    return ObjectChange(object_id, "delete", old)
