"""The Lease of a release, in and out of its JSON, and who may take it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from helmops.core.release.observation import LeaseView
from helmops.errors import Locked

API_VERSION = "coordination.k8s.io/v1"
DEADLINE = "helmops.dev/deadline"
PREFIX = "helmops-"
OURS = "app.kubernetes.io/managed-by=helmops"

Gone = Callable[[str], bool | None]
"""Whether the process that a holder names is gone, with or without its helm children; None when unknown from here."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A Lease that was read. ``deadline``: when no helm of its holder can be running any more."""

    name: str
    uid: str
    resource_version: str
    holder: str
    expires: dt.datetime
    deadline: dt.datetime

    def view(self, now: dt.datetime, writers_gone: Gone, holder_gone: Gone = lambda _: None) -> LeaseView:
        """The Lease as this process sees it."""
        writers = writers_gone(self.holder)
        orphaned = writers is False and holder_gone(self.holder) is True
        return LeaseView(self.holder, now < self.expires, writers, self.deadline, orphaned)


def read(document: Mapping[str, Any]) -> Lease:
    """A Lease object of the API. What another wrote without our annotation has no helm behind it that we know of."""
    metadata, spec = document["metadata"], document.get("spec") or {}
    renewed = _time(spec.get("renewTime")) or _time(spec.get("acquireTime")) or _time(metadata["creationTimestamp"])
    expires = (renewed or _never()) + dt.timedelta(seconds=spec.get("leaseDurationSeconds") or 0)
    said = (metadata.get("annotations") or {}).get(DEADLINE)
    return Lease(
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        holder=spec.get("holderIdentity") or "",
        expires=expires,
        deadline=(_time(said) or _never()) if said else expires,
    )


def document(name: str, holder: str, now: dt.datetime, *, seconds: float, deadline: float) -> dict[str, Any]:
    """A Lease object that says: ``holder`` writes from now on, and no helm of it after ``deadline`` seconds."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Lease",
        "metadata": {
            "name": name,
            "labels": dict([OURS.split("=")]),
            "annotations": {DEADLINE: stamp(now + dt.timedelta(seconds=deadline))},
        },
        "spec": {
            "holderIdentity": holder,
            "acquireTime": stamp(now),
            "renewTime": stamp(now),
            "leaseDurationSeconds": max(1, round(seconds)),
        },
    }


def takeable(view: LeaseView, now: dt.datetime) -> bool:
    """Whether a held Lease may be taken over: its writers are known to be gone, or must be by its own word.

    A Lease that is merely no longer renewed is not enough: its helm may have outlived its holder and still write.
    """
    return view.writers_gone is True or (not view.live and now >= view.deadline)


def locked(view: LeaseView, release: str) -> Locked:
    """The error for who finds it held."""
    until = stamp(view.deadline)[:19] + "Z"
    said = "is being written by" if view.live else f"may still be written until {until} by a helm process of the silent"
    hint = "wait for it" if view.live else f"wait until {until}"
    return Locked(f"release {release} {said} {view.holder}", holder=view.holder, hint=hint)


def stamp(moment: dt.datetime) -> str:
    """Kubernetes' MicroTime; also valid RFC 3339."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _time(text: object) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=dt.UTC) if moment and moment.tzinfo is None else moment


def _never() -> dt.datetime:
    """A time that cannot be read is taken for one that has not come: the cautious way."""
    return dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
