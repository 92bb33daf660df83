"""Plan and SyncResult for programs. PURE; every value of a Secret is masked before it comes here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from helmops.cli.output.kinds import kind_of
from helmops.cli.output.machine import given
from helmops.cli.output.plan import counts
from helmops.cli.output.summary import counts as outcome_counts
from helmops.cli.output.summary import outcome_word
from helmops.core.drift.changes import ObjectChange
from helmops.core.drift.compare import Difference, DriftReport
from helmops.core.drift.fields import Added
from helmops.core.objects import ObjectId
from helmops.core.release.plan import Done, Rollback, Stalled, Wait
from helmops.core.release.state import Drifted
from helmops.core.release.status import state_name
from helmops.engine.context import Scope
from helmops.engine.plan import Plan, Planned
from helmops.engine.prune import Removal
from helmops.engine.reconcile import Result
from helmops.engine.sync import Summary


def plan_content(plan: Plan) -> dict[str, Any]:
    """The fields of ``kind: Plan``."""
    return {
        "cluster": cluster(plan.scope),
        "summary": counts(plan),
        "namespaces": [one.name for one in plan.namespaces],
        "releases": [_planned(one) for one in plan.releases],
        "removals": [removal(one) for one in plan.removals],
        "ignored": [
            {"apiVersion": ref.api_version, "kind": ref.kind, "name": ref.name, "where": ref.where}
            for ref in plan.loaded.desired.ignored
        ],
        "warnings": list(plan.warnings),
    }


def sync_content(scope: Scope, summary: Summary, seconds: float) -> dict[str, Any]:
    """The fields of ``kind: SyncResult``."""
    return {
        "cluster": cluster(scope),
        "summary": outcome_counts(summary),
        "seconds": round(seconds, 3),
        "interrupted": summary.interrupted,
        "releases": [_result(one) for one in summary.results],
        "removed": [_result(one) for one in summary.removed],
        "notRemoved": [removal(one) for one in summary.unpruned],
    }


def cluster(scope: Scope) -> dict[str, Any]:
    """Which cluster, as whose owner."""
    return given(context=scope.context, uid=scope.uid, owner=scope.owner)


def _planned(planned: Planned) -> dict[str, Any]:
    return {
        "namespace": planned.id[0],
        "name": planned.id[1],
        "action": kind_of(planned).key,
        "state": state_name(planned.state),
        **scrubbed(_told(planned), planned.secrets.scrub),
        **given(
            chart=_chart(planned),
            addedByOthers=[added_fields(key, one) for key, found in planned.checked.added.items() for one in found],
            notChecked=list(planned.checked.unknown),
            where=planned.release.ref.where,
        ),
    }


def _told(planned: Planned) -> dict[str, Any]:
    """All that may repeat a value."""
    drift = [drift_fields(one) for one in planned.state.reports] if isinstance(planned.state, Drifted) else []
    error = planned.error.message if planned.error else ""
    return given(why=_why(planned), hint=_hint(planned), error=error, drift=drift) | _preview(planned)


def scrubbed(value: Any, scrub: Callable[[str], str]) -> Any:
    """Every string of a document without secrets."""
    if isinstance(value, Mapping):
        return {key: scrubbed(item, scrub) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [scrubbed(item, scrub) for item in value]
    return scrub(value) if isinstance(value, str) else value


def _why(planned: Planned) -> list[str]:
    match planned.decision:
        case Stalled(why) | Rollback(_, why) | Wait(_, _, why):
            return [why]
        case Done(note):
            return [note] if note else []
    return list(planned.why)


def _hint(planned: Planned) -> str:
    if planned.error is not None:
        return planned.error.hint
    return planned.decision.hint if isinstance(planned.decision, Stalled) else ""


def _chart(planned: Planned) -> dict[str, str]:
    if planned.resolved is None:
        return {}
    artifact = planned.resolved.artifact
    return {"name": artifact.name, "version": artifact.version, "digest": artifact.digest}


def _preview(planned: Planned) -> dict[str, Any]:
    preview = planned.preview
    if preview is None:
        return {}
    return given(
        objects=[_change(change) for change in preview.changes],
        takenBack=list(preview.taken),
        leftToOwners=list(preview.kept),
        leftToHelm=list(preview.unchecked),
    )


def _change(change: ObjectChange) -> dict[str, Any]:
    fields = [_difference(one) for one in change.differences]
    return {"action": change.action, **object_fields(change.id), **given(fields=fields)}


def drift_fields(report: DriftReport) -> dict[str, Any]:
    """An object that is not as it should be."""
    fields = [_difference(one) for one in report.differences]
    return {"drift": report.kind, **object_fields(report.object), **given(fields=fields)}


def _difference(one: Difference) -> dict[str, Any]:
    return {"path": one.path, "live": one.live, "wanted": one.wanted, **given(manager=one.manager, time=one.time)}


def added_fields(object_id: ObjectId, one: Added) -> dict[str, Any]:
    """A field that somebody else put into an object."""
    return {**object_fields(object_id), "path": one.path, **given(manager=one.manager, time=one.time)}


def object_fields(object_id: ObjectId) -> dict[str, Any]:
    """Who an object is."""
    found = given(namespace=object_id.namespace)
    return {"apiVersion": object_id.api_version, "kind": object_id.kind, **found, "name": object_id.name}


def removal(one: Removal) -> dict[str, Any]:
    """A release that would go."""
    found = given(persistentVolumeClaims=list(one.claims), customResources=list(one.customs))
    return {"namespace": one.id[0], "name": one.id[1], "chart": one.chart, **found}


def _result(result: Result) -> dict[str, Any]:
    return {
        "namespace": result.id[0],
        "name": result.id[1],
        "outcome": outcome_word(result),
        **given(
            state=result.state,
            revision=result.revision or None,
            error=result.error,
            hint=result.hint,
            seconds=round(result.seconds, 3) or None,
            steps=[_step(step.action, step.outcome.error) for step in result.steps],
            events=[
                {**object_fields(one.id), "reason": one.reason, "message": one.message, "count": one.count}
                for one in result.events
            ],
        ),
    }


def _step(action: object, error: str) -> dict[str, Any]:
    target = action.target if isinstance(action, Rollback) else None
    return {"action": type(action).__name__.lower(), "ok": not error, **given(revision=target, error=error)}
