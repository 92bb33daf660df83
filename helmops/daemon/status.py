"""The status of a ``Release`` object: read back at the start of a pass, written at its end if it says anything new."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from helmops.core.release.status import Ready, Status, conditions
from helmops.daemon.item import Item, Report

READY: Mapping[str, Ready] = {"True": "True", "False": "False"}
LONGEST = 2000


def read_status(obj: Mapping[str, Any]) -> Status:
    """How the object was last told to stand, of whatever generation it was."""
    status = obj.get("status") or {}
    found = {str(one.get("type")): one for one in status.get("conditions") or ()}
    ready = found.get("Ready", {})
    return Status(
        ready=READY.get(str(ready.get("status")), "Unknown"),
        reason=str(ready.get("reason") or "Unknown"),
        message=str(ready.get("message") or ""),
        reconciling="Reconciling" in found,
        stalled="Stalled" in found,
        observed_generation=int(status.get("observedGeneration") or 0),
        changed=_time(ready.get("lastTransitionTime")),
    )


def written(item: Item, report: Report, now: dt.datetime) -> dict[str, Any] | None:
    """What to merge into the status; None where it says all of it already."""
    before = item.live.get("status") or {}
    new = {"observedGeneration": item.generation, "conditions": _conditions(item, report, now), **_facts(item, report)}
    return None if all(before.get(name) == value for name, value in new.items()) else new


def _conditions(item: Item, report: Report, now: dt.datetime) -> list[dict[str, Any]]:
    before = {one.get("type"): one for one in (item.live.get("status") or {}).get("conditions") or ()}
    found = []
    for one in conditions(report.status):
        old = before.get(one["type"], {})
        since = old.get("lastTransitionTime") if old.get("status") == one["status"] else None
        found.append(
            {
                **one,
                "message": str(one["message"])[:LONGEST],
                "observedGeneration": item.generation,
                "lastTransitionTime": since or now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )
    return found


def _facts(item: Item, report: Report) -> dict[str, Any]:
    """What was attempted and what is there, under Flux's names where it has one."""
    planned, result = report.planned, report.result
    facts: dict[str, Any] = {}
    if planned is not None and planned.resolved is not None:
        artifact = planned.resolved.artifact
        facts["chart"] = f"{artifact.name} {artifact.version}"
        facts["lastAttemptedGeneration"] = item.generation
        facts["lastAttemptedRevision"] = artifact.version
        facts["lastAttemptedDigest"] = planned.resolved.digest
        if result is not None and result.ok:
            facts["lastAppliedRevision"] = artifact.version
    if result is not None and result.revision:
        facts["revision"] = result.revision
        facts["state"] = result.state
    return facts


def _time(text: object) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(str(text).replace("Z", "+00:00")) if text else None
    except ValueError:
        return None
