"""A plan for people. PURE: lines out of the engine's plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from helmops.cli.output import kinds
from helmops.cli.output.diff import added_lines, change_lines, drift_lines
from helmops.cli.output.kinds import Kind, kind_of
from helmops.cli.output.paint import Paint, clean, clean_lines, indented
from helmops.core.release.plan import Correct, Done, Relabel, Rollback, Stalled, Wait
from helmops.core.release.state import Drifted
from helmops.core.release.status import drift_text
from helmops.engine.plan import Plan, Planned
from helmops.engine.preview import Preview
from helmops.engine.prune import Removal

MAX_ADDED = 5


def plan_lines(plan: Plan, paint: Paint) -> list[str]:
    """Everything a sync would do and why, then the closing line."""
    lines = [*_preamble(plan, paint)]
    width = max((len(_name(one)) for one in plan.releases if _shown(one)), default=0)
    for one in plan.releases:
        if _shown(one):
            lines += _release_lines(one, width, paint)
    for removal in plan.removals:
        lines += removal_lines(removal, paint)
    return [*lines, *([""] if lines else []), closing(plan)]


def closing(plan: Plan) -> str:
    """``Plan: 1 to install, 2 to upgrade, 1 to correct, 0 to remove, 97 unchanged``."""
    found = counts(plan)
    return "Plan: " + ", ".join(f"{found[kind.key]} {kind.count}" for kind in kinds.ALL if kind.key in found)


def counts(plan: Plan) -> dict[str, int]:
    """How many releases of each kind; those that are always counted, and others where there are some."""
    found = Counter(kind_of(one).key for one in plan.releases)
    found[kinds.REMOVE.key] = len(plan.removals)
    return {kind.key: found[kind.key] for kind in kinds.ALL if kind.always or found[kind.key]}


def _preamble(plan: Plan, paint: Paint) -> Iterable[str]:
    for warning in plan.warnings:
        yield paint(f"Warning: {clean(warning)}", "yellow")
    for ref in plan.loaded.desired.ignored:
        yield paint(f"Not applied by helmops yet: {clean(ref.kind)}/{clean(ref.name)} ({clean(ref.where)})", "dim")
    for name in (one.name for one in plan.namespaces):
        yield f"{paint('+', 'green')} namespace {clean(name)}"


def _shown(planned: Planned) -> bool:
    """Releases of which there is nothing to tell are only counted."""
    return kind_of(planned) is not kinds.UNCHANGED or bool(_notes(planned))


def _name(planned: Planned) -> str:
    return clean("/".join(planned.id))


def _release_lines(planned: Planned, width: int, paint: Paint) -> list[str]:
    kind = kind_of(planned)
    scrub = planned.secrets.scrub
    why, *more = [scrub(line) for line in _why(planned, kind)] or [""]
    head = f"{paint(kind.symbol, kind.style)} {_name(planned).ljust(width)}  {paint(kind.word, kind.style)}"
    details = [*more, *map(scrub, _drift(planned)), *_notes(planned), *map(scrub, _preview(planned, paint))]
    return [f"{head}  {why}".rstrip(), *indented(details, 4)]


def _why(planned: Planned, kind: Kind) -> list[str]:
    """The first line stands beside the name."""
    if planned.error is not None:
        named = planned.error.where in ("", "/".join(planned.id))
        text = planned.error.message if named else str(planned.error)
        return [*clean_lines(text), *_hint(planned.error.hint)]
    decision = planned.decision
    match decision:
        case Stalled(why, hint):
            return [*clean_lines(why), *_hint(hint)]
        case Wait(until, _, why):
            return [f"{clean(why)}; waited for until {until:%Y-%m-%d %H:%M:%S} UTC at most"]
        case Rollback(target, why):
            return [f"to revision {target}: {clean(why)}"]
        case Correct(reports):
            return [clean(drift_text(reports))]
        case Relabel(_, takes_over):
            return ["takes over as it is: no revision, no hook" if takes_over else "owner or prune label; no revision"]
        case Done():
            return []
    return [clean("; ".join(planned.why))]


def _hint(hint: str) -> list[str]:
    return [f"hint: {line}" for line in clean_lines(hint)]


def _drift(planned: Planned) -> list[str]:
    if isinstance(planned.state, Drifted):
        return [line for report in planned.state.reports for line in drift_lines(report)]
    told = [line for report in planned.checked.reports for line in drift_lines(report)]
    return [*told, "left as it is in this pass"] if told else []


def _notes(planned: Planned) -> list[str]:
    """What is no reason to act: fields of others, what could not be asked, drift left alone."""
    added = [line for key, fields in planned.checked.added.items() for line in added_lines(key, fields)]
    more = [f"… and {len(added) - MAX_ADDED} more fields added by others"] if len(added) > MAX_ADDED else []
    unknown = [f"not checked for drift: {clean(text)}" for text in planned.checked.unknown]
    return [*_left_alone(planned), *added[:MAX_ADDED], *more, *unknown]


def _left_alone(planned: Planned) -> list[str]:
    drifted = isinstance(planned.state, Drifted)
    return [clean(planned.decision.note)] if isinstance(planned.decision, Done) and drifted else []


def _preview(planned: Planned, paint: Paint) -> list[str]:
    preview = planned.preview
    if preview is None or isinstance(planned.decision, Relabel):
        return []
    lines = [line for change in preview.changes for line in change_lines(change, paint)]
    lines += [f"takes back {clean(text)}" for text in preview.taken]
    lines += [f"leaves to its owner: {clean(text)}" for text in preview.kept]
    return lines + _unchecked(preview)


def _unchecked(preview: Preview) -> list[str]:
    """Objects that could not be asked about, together where the reason is the same."""
    reasons: dict[str, list[str]] = {}
    for text in preview.unchecked:
        name, _, reason = text.partition(": ")
        reasons.setdefault(reason, []).append(name)
    return [clean(f"not checked yet ({why}): {', '.join(names)}") for why, names in reasons.items()]


def removal_lines(removal: Removal, paint: Paint) -> list[str]:
    """A release that would go, and what would go with it."""
    style = kinds.REMOVE.style
    head = f"{paint('-', style)} {clean('/'.join(removal.id))}  {paint('remove', style)}  {clean(removal.chart)}"
    claims = [f"PersistentVolumeClaim {clean(one)} and its data would go" for one in _bare(removal.claims)]
    return [head, *indented([*claims, *(f"{clean(one)} would go" for one in removal.customs)], 4)]


def _bare(claims: Iterable[str]) -> list[str]:
    return [claim.removeprefix("PersistentVolumeClaim/") for claim in claims]
