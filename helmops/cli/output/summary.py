"""How a pass came out, for people. PURE."""

from __future__ import annotations

from collections import Counter

from helmops.cli.output.paint import Paint, clean, clean_lines, indented
from helmops.core.release.plan import Correct, Install, Recover, Relabel, Rollback, Upgrade
from helmops.engine.reconcile import Result, Step
from helmops.engine.sync import Summary

_DONE = {
    Install: "installed",
    Upgrade: "upgraded",
    Correct: "corrected",
    Rollback: "rolled back",
    Recover: "recovered",
    Relabel: "labelled",
}
_ORDER = (*_DONE.values(), "removed", "unchanged", "failed", "blocked", "locked", "not done")
_BAD = {"failed": "failed", "locked": "locked", "blocked": "blocked", "interrupted": "not done"}

_BRIEF = frozenset({"blocked", "interrupted"})


def summary_lines(summary: Summary, seconds: float, program: str, paint: Paint) -> list[str]:
    """A block for each release that is not as the input says, then one closing line."""
    lines = []
    for result in summary.failed:
        lines += [_brief(result, paint)] if result.outcome in _BRIEF else _block(result, program, paint)
    for removal in summary.unpruned:
        lines.append(f"not removed, because not everything went well: {clean('/'.join(removal.id))}")
    if summary.interrupted:
        lines.append("next: the same command again does what is left")
    head = "Interrupted" if summary.interrupted else "Failed" if summary.failed else "Done"
    return [*([""] if lines else []), *lines, f"{head}: {_counted(summary)} in {seconds:.1f} s"]


def _counted(summary: Summary) -> str:
    found = counts(summary)
    return ", ".join(f"{found[word]} {word}" for word in _ORDER if word in found) or "nothing to do"


def counts(summary: Summary) -> dict[str, int]:
    """How many releases came out how."""
    words = [outcome_word(one) for one in summary.results]
    words += ["removed" if one.ok else outcome_word(one) for one in summary.removed]
    return dict(Counter(words) + Counter({"not done": len(summary.unpruned)}))


def outcome_word(result: Result) -> str:
    """What became of a release in one word."""
    if not result.ok:
        return _BAD[result.outcome]
    done = [_DONE[type(step.action)] for step in result.steps if step.outcome.ok]
    return done[-1] if done else "unchanged"


def _brief(result: Result, paint: Paint) -> str:
    """What has no story of its own."""
    word = _BAD[result.outcome]
    why = (clean_lines(result.error) or [""])[0]
    return f"{paint('!', 'yellow')} {clean('/'.join(result.id))}  {paint(word, 'yellow')}  {why}".rstrip()


def _block(result: Result, program: str, paint: Paint) -> list[str]:
    name = "/".join(result.id)
    cause = clean_lines(result.error) or ["no cause is known"]
    head = f"{paint('!', 'red')} {paint(clean(name), 'bold')}  {paint(_BAD[result.outcome], 'red')}"
    details = [*_labelled("cause", cause), *_labelled("events", events(result)), *_labelled("done", _steps(result))]
    return [head, *indented([*details, *_labelled("next", next_lines(result, program))], 4), ""]


def _labelled(label: str, lines: list[str]) -> list[str]:
    return [f"{label + ':' if number == 0 else '':<8}{line}" for number, line in enumerate(lines)]


def events(result: Result) -> list[str]:
    """``Pod/web-1  BackOff  Back-off restarting failed container (5 times)``."""
    return [
        f"{clean(str(one.id))}  {clean(one.reason)}  {clean(one.message)}{_times(one.count)}" for one in result.events
    ]


def _times(count: int) -> str:
    return f" ({count} times)" if count > 1 else ""


def _steps(result: Result) -> list[str]:
    """What was done about the failure: everything after the first step that failed."""
    failed = next((index for index, step in enumerate(result.steps) if not step.outcome.ok), len(result.steps))
    return [_step(step) for step in result.steps[failed + 1 :]]


def _step(step: Step) -> str:
    what = _DONE[type(step.action)]
    if isinstance(step.action, Rollback):
        what = f"{what} to revision {step.action.target}"
    return what if step.outcome.ok else f"not {what}: {clean(step.outcome.error)}"


def next_lines(result: Result, program: str) -> list[str]:
    """The next thing to type."""
    hint = clean_lines(result.hint)
    name = "/".join(result.id)
    if result.outcome == "locked":
        return hint or [f"{program} status {name}, then the same command again"]
    return [*hint, f"{program} history {name}"]
