"""``determine``: what state a release is in, from what is wanted and what was observed. PURE.

Only the highest revision decides, with the label rules of DESIGN (Desired digest): a revision whose label names
another revision was made by someone else, or by a rollback, which Helm tells in its description.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from helmops.core.drift.compare import DriftReport
from helmops.core.release.observation import PENDING, Foreign, LeaseView, Record

_ROLLBACK = re.compile(r"^Rollback to (\d+)$")
# "Release" when its objects did not get ready in time, "Rollback" when the server refused one. An install that failed
# says "Release" too, but has a label of its own.
_FAILED_ROLLBACK = re.compile(r'^(Rollback|Release) "')
# What Helm writes when it was told to stop (SIGTERM), and what recovery writes for a writer that is gone.
_INTERRUPTED = re.compile(r"context canceled|helmops: interrupted", re.IGNORECASE)
_GOOD = re.compile(r"^(Install complete|Upgrade complete|Rollback to \d+)|^helmops: (?!interrupted)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the input wants of one release, as far as the state depends on it."""

    digest: str
    owner: str = ""  # value of the owner label
    prune: bool = True


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen. ``records`` oldest first; ``descriptions`` by revision, of those that were asked for.

    ``drift`` is None when nobody asked; ``equal``: the input renders what the highest revision has deployed.
    """

    records: tuple[Record, ...] = ()
    descriptions: Mapping[int, str] = field(default_factory=dict)
    lease: LeaseView | None = None
    foreign: Foreign | None = None
    drift: tuple[DriftReport, ...] | None = None
    equal: bool = False

    @property
    def top(self) -> Record | None:
        """The highest revision."""
        return self.records[-1] if self.records else None


@dataclass(frozen=True, slots=True)
class Absent:
    """No release, or only the kept history of an uninstalled one."""


@dataclass(frozen=True, slots=True)
class Managed:
    """Something else manages it."""

    foreign: Foreign


@dataclass(frozen=True, slots=True)
class Pending:
    """A write is under way, or was cut off. ``ours``: the record carries our mark or our Lease stands."""

    record: Record
    ours: bool
    lease: LeaseView | None


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """Made by someone else: no label of ours. ``equal``: what it deployed is what the input would deploy."""

    record: Record
    equal: bool = False


@dataclass(frozen=True, slots=True)
class OutOfSync:
    """Deployed or failed with another input than the one wanted. ``why`` for people."""

    record: Record
    why: str


@dataclass(frozen=True, slots=True)
class Failed:
    """This very input was tried by ``tried`` and failed with ``cause``. ``target`` is a revision known to be good."""

    record: Record
    tried: int
    cause: str
    target: int | None


@dataclass(frozen=True, slots=True)
class RolledBack:
    """This very input was tried by ``tried`` and rolled back to ``target``: pinned until the input changes.

    ``cause`` is empty when it had not failed: a person rolled it back.
    """

    record: Record
    tried: int
    target: int
    cause: str


@dataclass(frozen=True, slots=True)
class InSync:
    """Deployed with this very input. ``mislabelled``: owner or prune label differ from what is wanted."""

    record: Record
    mislabelled: bool = False


@dataclass(frozen=True, slots=True)
class Drifted:
    """Deployed with this very input, but the cluster differs from it."""

    record: Record
    reports: tuple[DriftReport, ...]


ReleaseState = Absent | Managed | Pending | Unmanaged | OutOfSync | Failed | RolledBack | InSync | Drifted


def rollback_target(record: Record, description: str) -> int | None:
    """The revision a rollback went to, from Helm's description; None when it was no rollback.

    A failed rollback does not name its target, but carries its label.
    """
    if found := _ROLLBACK.match(description):
        return int(found[1])
    carried = record.desired is not None and not record.own_digest
    return record.desired[0] if record.desired and carried and _FAILED_ROLLBACK.match(description) else None


def recovered_description(record: Record) -> str:
    """What recovery writes into a pending record whose writer is gone; a rollback stays recognisable as one."""
    kind = f'Rollback "{record.name}" failed: ' if record.status == "pending-rollback" else ""
    return f"{kind}helmops: interrupted; its writer is gone"


def interrupted(description: str) -> bool:
    """Whether a failed revision failed only because its writer was stopped: that says nothing about the input."""
    return bool(_INTERRUPTED.search(description))


def good_revision(observed: Observed, below: int) -> int | None:
    """The newest revision under ``below`` that was once deployed and good.

    ``superseded`` alone proves nothing (a failed upgrade reads so after a failed rollback): its description must.
    """
    for record in reversed(observed.records):
        if record.revision >= below:
            continue
        if record.status == "deployed":
            return record.revision
        if record.status == "superseded" and _GOOD.match(observed.descriptions.get(record.revision, "")):
            return record.revision
    return None


def determine(wanted: Wanted, observed: Observed) -> ReleaseState:
    """First match wins; the truth table stands in tests/unit/core/release/test_state.py."""
    if observed.foreign:
        return Managed(observed.foreign)
    top = observed.top
    if top is None or top.status == "uninstalled":
        return Absent()
    if top.owner and top.owner != wanted.owner:
        return Managed(_other_owner(top))
    if top.status in PENDING:
        return Pending(top, bool(top.own_digest) or observed.lease is not None, observed.lease)
    if top.desired is None:
        return Unmanaged(top, observed.equal and top.status == "deployed")
    return _own(wanted, observed, top) if top.own_digest else _carried(wanted, observed, top)


def _other_owner(top: Record) -> Foreign:
    return Foreign(
        f"owner {top.owner}",
        f"once {top.owner} no longer names it, remove the label helmops.dev/owner "
        f"from Secret {top.namespace}/{top.secret}",
    )


def _own(wanted: Wanted, observed: Observed, top: Record) -> ReleaseState:
    """The highest revision was made by helmops, for the digest on its label."""
    if top.status == "deployed":
        if top.own_digest == wanted.digest:
            return _settled(wanted, observed, top)
        return OutOfSync(top, "the input has changed")
    cause = observed.descriptions.get(top.revision, "")
    if interrupted(cause):
        return OutOfSync(top, f"revision {top.revision} was interrupted")
    if top.own_digest == wanted.digest:
        return Failed(top, top.revision, cause, good_revision(observed, top.revision))
    return OutOfSync(top, f"revision {top.revision} failed, and the input has changed since")


def _carried(wanted: Wanted, observed: Observed, top: Record) -> ReleaseState:
    """The label names another revision: a rollback, or a write from outside."""
    target = rollback_target(top, observed.descriptions.get(top.revision, ""))
    if target is None:
        return OutOfSync(top, f"revision {top.revision} was made outside helmops")
    if top.desired is not None and top.desired[1] == wanted.digest and top.status == "deployed":
        return _settled(wanted, observed, top)
    tried = _last_tried(observed, top)
    if tried is None or tried.own_digest != wanted.digest:
        return OutOfSync(top, f"rolled back to revision {target}, and the input has changed since")
    cause = observed.descriptions.get(tried.revision, "") if tried.status == "failed" else ""
    if top.status == "failed":
        return Failed(top, tried.revision, cause, target)
    return RolledBack(top, tried.revision, target, cause)


def _settled(wanted: Wanted, observed: Observed, top: Record) -> InSync | Drifted:
    if observed.drift:
        return Drifted(top, observed.drift)
    kept = top.labels.get("helmops.dev/prune") == "disabled"
    return InSync(top, mislabelled=top.owner != wanted.owner or kept == wanted.prune)


def _last_tried(observed: Observed, top: Record) -> Record | None:
    """The newest revision under ``top`` that helmops made for an input (rollbacks in between are not tries)."""
    return next((r for r in reversed(observed.records) if r.revision < top.revision and r.own_digest), None)
