"""Why a release will be changed, in words: chart, values with the layer that changed them, or what was found."""

from __future__ import annotations

from helmops.core.release.observation import StoredRelease
from helmops.core.release.plan import Decision, Install, Recover, Upgrade
from helmops.core.render.postrender import was_post_rendered
from helmops.core.values import changed_paths, path_text
from helmops.engine.resolve import Resolved

SHOWN_PATHS = 5


def reasons(decision: Decision, resolved: Resolved, current: StoredRelease | None) -> tuple[str, ...]:
    """Most telling first."""
    if isinstance(decision, Install) or current is None:
        return (f"chart {resolved.artifact.name} {resolved.artifact.version}, not installed yet",)
    found = [*_told(decision), *_chart(resolved, current), *_values(resolved, current)]
    return tuple(found) or (_untold(resolved, current),)


def _untold(resolved: Resolved, current: StoredRelease) -> str:
    """What a record does not tell of: it has a chart's version and the rendering, not how that came about."""
    if resolved.release.post_renderers or was_post_rendered(current.manifest):
        return "the post-renderers or the content of the chart have changed"
    return "the content of the chart has changed"


def _told(decision: Decision) -> list[str]:
    if isinstance(decision, Recover):
        record = decision.record
        return [f"revision {record.revision} was cut off ({record.status}) and its writer is gone"]
    return [decision.why] if isinstance(decision, Upgrade) and decision.why != "the input has changed" else []


def _chart(resolved: Resolved, current: StoredRelease) -> list[str]:
    artifact = resolved.artifact
    if artifact.name != current.chart_name:
        return [f"chart {current.chart_name} {current.chart_version} → {artifact.name} {artifact.version}"]
    if artifact.version != current.chart_version:
        return [f"chart {current.chart_version} → {artifact.version}"]
    return []


def _values(resolved: Resolved, current: StoredRelease) -> list[str]:
    """Paths and the layers that set them; never the values, which may be secrets."""
    changes = changed_paths(current.config, resolved.values.value)
    told = []
    for change in changes[:SHOWN_PATHS]:
        origin = resolved.values.origin(change.path)
        by = f" by {origin}" if origin else ""
        told.append(f"values {change.kind} at `{path_text(change.path)}`{by}")
    if len(changes) > SHOWN_PATHS:
        told.append(f"values changed at {len(changes) - SHOWN_PATHS} more paths")
    return told
