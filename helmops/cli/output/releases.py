"""Releases and revisions, for people and for programs. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from helmops.cli.output.diff import added_lines, drift_lines
from helmops.cli.output.machine import given
from helmops.cli.output.paint import Paint, clean, columns, indented
from helmops.cli.output.plan_document import added_fields, drift_fields, scrubbed
from helmops.core.release.observation import Record
from helmops.engine.drift import Checked
from helmops.engine.inspect import ReleaseView, Revision

DIGEST = 8
_STATUS_STYLES = {"deployed": "green", "failed": "red", "superseded": "dim", "uninstalled": "dim"}


def list_lines(views: Sequence[ReleaseView], paint: Paint) -> list[str]:
    """The columns of ``helm list``, then what only helmops knows."""
    if not views:
        return ["No releases."]
    head = ("NAMESPACE", "NAME", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION", "OWNER", "DRIFT", "NOTE")
    first, *lines = columns([head, *(_row(view) for view in views)])
    painted = [_painted(line, view.revision.record.status, paint) for line, view in zip(lines, views, strict=True)]
    return [paint(first, "bold"), *painted]


def one_lines(view: ReleaseView, paint: Paint) -> list[str]:
    """One release, with its drift field by field."""
    checked = view.checked or Checked()
    drift = [line for report in checked.reports for line in drift_lines(report)]
    added = [line for key, found in checked.added.items() for line in added_lines(key, found)]
    unknown = [f"not checked: {clean(text)}" for text in checked.unknown]
    hint = [f"hint: {clean(view.foreign.how)}"] if view.foreign else []
    told = [view.secrets.scrub(line) for line in (*drift, *added, *unknown)]
    return [*list_lines([view], paint), *indented([*told, *hint], 4)]


def _painted(line: str, status: str, paint: Paint) -> str:
    return line.replace(f"  {status}", f"  {paint(status, _STATUS_STYLES.get(status, 'yellow'))}", 1)


def _row(view: ReleaseView) -> tuple[str, ...]:
    record, content = view.revision.record, view.revision.content
    chart = f"{content.chart}-{content.chart_version}"
    place = (record.namespace, record.name, str(record.revision), moment(content.updated or record.created))
    about = (record.status, chart, content.app_version, owner(view), drift_word(view), view.revision.mark)
    return tuple(clean(cell) or "-" for cell in (*place, *about))


def owner(view: ReleaseView) -> str:
    """Who deploys it: what else manages it, the owner's label, or helmops without an owner id."""
    if view.foreign:
        return view.foreign.manager
    record = view.revision.record
    return record.owner or ("helmops" if record.desired else "")


def drift_word(view: ReleaseView) -> str:
    """``none``, or how many objects are not as deployed; "" where nobody looked."""
    checked = view.checked
    if checked is None:
        return ""
    if checked.reports:
        return f"{len(checked.reports)} object{'s' if len(checked.reports) > 1 else ''}"
    return "unknown" if checked.unknown else "none"


def moment(text: str) -> str:
    """A timestamp to the second, as people read it."""
    return text[:19].replace("T", " ")


def history_lines(revisions: Sequence[Revision], paint: Paint) -> list[str]:
    """The columns of ``helm history``, and what each revision was made for."""
    head = ("REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION", "DIGEST", "OWNER", "NOTE", "DESCRIPTION")
    first, *lines = columns([head, *(_revision_row(one) for one in revisions)])
    painted = [_painted(line, one.record.status, paint) for line, one in zip(lines, revisions, strict=True)]
    return [paint(first, "bold"), *painted]


def _revision_row(one: Revision) -> tuple[str, ...]:
    record, content = one.record, one.content
    chart = f"{content.chart}-{content.chart_version}"
    place = (str(record.revision), moment(content.updated or record.created), record.status, chart)
    about = (content.app_version, digest(record)[:DIGEST], record.owner, one.mark, content.description)
    return tuple(clean(cell) or "-" for cell in (*place, *about))


def digest(record: Record) -> str:
    """The desired digest on its label, made for this revision or carried over."""
    return record.desired[1] if record.desired else ""


def release_fields(view: ReleaseView) -> dict[str, Any]:
    """One item of ``kind: ReleaseList``."""
    checked = view.checked
    reports, found = (checked.reports, checked.added.items()) if checked else ((), ())
    return {
        "namespace": view.id[0],
        "name": view.id[1],
        **revision_fields(view.revision),
        **given(owner=owner(view), managedBy=view.foreign.manager if view.foreign else ""),
        "drift": {
            "checked": checked is not None,
            "objects": scrubbed([drift_fields(one) for one in reports], view.secrets.scrub),
        },
        **given(addedByOthers=[added_fields(key, one) for key, some in found for one in some]),
        **given(notChecked=[view.secrets.scrub(text) for text in checked.unknown] if checked else []),
    }


def revision_fields(one: Revision) -> dict[str, Any]:
    """One item of ``kind: History``."""
    record, content = one.record, one.content
    return {
        "revision": record.revision,
        "status": record.status,
        "updated": content.updated or record.created,
        "chart": {"name": content.chart, "version": content.chart_version, "appVersion": content.app_version},
        **given(
            digest=digest(record),
            ownDigest=bool(record.own_digest) or None,
            owner=record.owner,
            note=one.mark,
            description=content.description,
        ),
    }
