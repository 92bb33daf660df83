"""Objects before and after, as people read a difference. PURE; Secrets come here masked already."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from helmops.cli.output.paint import Paint, clean, clean_lines
from helmops.core.drift.changes import ObjectChange
from helmops.core.drift.compare import Difference, DriftReport
from helmops.core.drift.fields import Added
from helmops.core.objects import ObjectId
from helmops.core.yaml_dump import dump_lines

CONTEXT_LINES = 2
MAX_LINES = 120
"""Lines of one object: past them a person reads the chart instead."""

_HEADS = {"create": ("+", "green"), "change": ("~", "yellow"), "delete": ("-", "red")}
_STYLES = {"+": "green", "-": "red", "@": "dim"}


def change_lines(change: ObjectChange, paint: Paint) -> list[str]:
    """One object: its name, and what changes in it. What is new or goes as a whole is only named."""
    symbol, style = _HEADS[change.action]
    head = paint(f"{symbol} {object_text(change.id)}", style)
    if change.action != "change":
        return [head]
    told = list(_unified(change.old or {}, change.new or {}, paint))
    left = len(told) - MAX_LINES
    return [head, *told[:MAX_LINES], *([f"    … {left} more lines"] if left > 0 else [])]


def _unified(old: Mapping[str, Any], new: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    found = difflib.unified_diff(dump_lines(old), dump_lines(new), lineterm="", n=CONTEXT_LINES)
    for number, line in enumerate(found):
        if number < 2:  # the names of files that are none
            continue
        text = "@@" if line.startswith("@") else clean(line)
        yield f"    {paint(text, _STYLES[line[0]])}" if line[0] in _STYLES else f"    {text}"


def drift_lines(report: DriftReport) -> list[str]:
    """``Deployment/web spec.replicas: 5 → 2 (kubectl, 2026-11-22T21:40:00Z)``."""
    name = object_text(report.object)
    if report.kind == "missing":
        return [f"{name} is missing"]
    return [f"{name} {difference_text(one)}" for one in report.differences]


def difference_text(one: Difference) -> str:
    """One field: what it is and what it will be; who set it, and when."""
    who = ", ".join(clean(part) for part in (one.manager, one.time) if part)
    return f"{clean(one.path)}: {value_text(one.live)} → {value_text(one.wanted)}{f' ({who})' if who else ''}"


def added_lines(object_id: ObjectId, added: tuple[Added, ...]) -> list[str]:
    """Fields that others added to an object."""
    return [f"{object_text(object_id)} {clean(one.path)} (added by {clean(one.manager)})" for one in added]


def value_text(value: Any) -> str:
    """A value in one short line."""
    if value is None:
        return "(none)"
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        text = clean(f"[{', '.join(value)}]")
    else:
        lines = clean_lines("\n".join(dump_lines(value)))
        text = lines[0] if len(lines) == 1 else f"{lines[0]} …"
    return text if len(text) <= 80 else f"{text[:79]}…"


def object_text(object_id: ObjectId) -> str:
    """``Deployment/web``."""
    return clean(str(object_id))
