"""How a release stands after a pass: the engine's results and errors as the one internal status. PURE."""

from __future__ import annotations

from dataclasses import replace

from helmops.core.release.status import Status
from helmops.engine.plan import Planned
from helmops.engine.reconcile import Result
from helmops.errors import Forbidden, HelmopsError, InputError, NotFound, Refused, Transient

REASONS: dict[type[HelmopsError], str] = {
    InputError: "InvalidInput",
    Refused: "Refused",
    Forbidden: "AccessDenied",
    NotFound: "NotFound",
    Transient: "Unavailable",
}
OUTCOMES = {"locked": "PendingRelease", "blocked": "DependencyNotReady"}


def failed(before: Status, reason: str, message: str, *, stalled: bool) -> Status:
    """Not as it should be; ``stalled``: nor will it be until somebody changes something."""
    return replace(before, ready="False", reason=reason, message=message, reconciling=not stalled, stalled=stalled)


def of_error(before: Status, error: HelmopsError) -> Status:
    """A pass that came to nothing. What only a person can mend is stalled."""
    reason = next((text for kind, text in REASONS.items() if isinstance(error, kind)), "Failed")
    text = f"{error} ({error.hint})" if error.hint else str(error)
    return failed(before, reason, text, stalled=isinstance(error, InputError | Refused))


def of_result(before: Status, planned: Planned, result: Result) -> Status:
    """A pass that came to its end."""
    if planned.error is not None:
        return of_error(before, planned.error)
    if result.steps:
        after = replace(result.status, observed_generation=before.observed_generation)
        return after if result.ok else replace(after, message=_why(result))
    if result.status.reason == "Unknown":  # it ended before its turn came
        return failed(before, OUTCOMES.get(result.outcome, "Failed"), result.error, stalled=False)
    return _unmoved(before, result.status)


def _unmoved(before: Status, after: Status) -> Status:
    """Nothing was done. What was told of the pass that did something is told on, as long as it is true."""
    if after.stalled and before.stalled:
        return before
    reason = before.reason if after.ready == before.ready == "True" else after.reason
    return replace(after, reason=reason, observed_generation=before.observed_generation)


def _why(result: Result) -> str:
    said = (result.error, result.status.message)
    return "; ".join(dict.fromkeys(one for one in said if one))
