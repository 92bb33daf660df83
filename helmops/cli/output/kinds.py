"""What will happen to a release, as one of a few kinds: a symbol, a word, a place in the closing line. PURE."""

from __future__ import annotations

from dataclasses import dataclass

from helmops.core.release.plan import Correct, Done, Install, Recover, Relabel, Rollback, Stalled, Upgrade, Wait
from helmops.core.release.state import Managed
from helmops.engine.plan import Planned


@dataclass(frozen=True, slots=True)
class Kind:
    """``word`` stands in the line of a release, ``count`` in the closing line, ``key`` in JSON."""

    key: str
    symbol: str
    word: str
    count: str
    style: str
    always: bool = False  # counted even when there is none


INSTALL = Kind("install", "+", "install", "to install", "green", always=True)
UPGRADE = Kind("upgrade", "~", "upgrade", "to upgrade", "yellow", always=True)
CORRECT = Kind("correct", "=", "correct", "to correct", "cyan", always=True)
REMOVE = Kind("remove", "-", "remove", "to remove", "red", always=True)
UNCHANGED = Kind("unchanged", " ", "unchanged", "unchanged", "dim", always=True)
ROLL_BACK = Kind("rollBack", "~", "roll back", "to roll back", "yellow")
RECOVER = Kind("recover", "~", "recover", "to recover", "yellow")
LABEL = Kind("label", "=", "label", "to label", "cyan")
SUSPENDED = Kind("suspended", " ", "suspended", "suspended", "dim")
FOREIGN = Kind("foreign", "!", "foreign", "managed elsewhere", "magenta")
LOCKED = Kind("locked", "!", "locked", "locked", "magenta")
PROBLEM = Kind("problem", "!", "problem", "with problems", "red")

ALL = (
    INSTALL,
    UPGRADE,
    CORRECT,
    REMOVE,
    UNCHANGED,
    ROLL_BACK,
    RECOVER,
    LABEL,
    SUSPENDED,
    FOREIGN,
    LOCKED,
    PROBLEM,
)

_BY_DECISION = {
    Install: INSTALL,
    Upgrade: UPGRADE,
    Correct: CORRECT,
    Rollback: ROLL_BACK,
    Recover: RECOVER,
    Relabel: LABEL,
    Wait: LOCKED,
    Stalled: PROBLEM,
}


def kind_of(planned: Planned) -> Kind:
    """The kind of a planned release."""
    if planned.error is not None:
        return PROBLEM
    if isinstance(planned.decision, Done):
        return SUSPENDED if planned.release.suspend else UNCHANGED
    if isinstance(planned.state, Managed):
        return FOREIGN
    return _BY_DECISION[type(planned.decision)]
