"""The tree of errors, drawn by what the caller can do about one.

HelmopsError
├── InputError          the user's: something in a file or a flag is wrong; nothing was touched
│   ├── InputErrors     several of them, told at once
│   └── Missing         a file that it names is not there
├── Refused             helmops will not do this without a further word (a flag says which)
├── Locked              somebody else is writing this release; wait and try again
├── Transient           a network or a server that may answer the next time
│   └── Unreachable     … and that did not answer at all
├── Forbidden           the identity lacks a right; the message names verb and resource
├── NotFound            the thing asked for is not there
├── Conflict            the thing has moved since it was read; read again, decide again
├── Rejected            the API server refuses this object as it stands (schema, admission, immutable)
├── HelmError           helm ran and failed; `kind` says what class of failure
└── Bug                 ours: please report it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class HelmopsError(Exception):
    """Root of all errors that helmops raises on purpose.

    ``where`` is ``file:line`` or an object's name; ``hint`` is the next thing to do or type.
    """

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the input. ``where`` is ``file:line``, ``path`` the field, e.g. ``spec.chart.version``."""

    where: str
    path: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.path, self.message) if part)


class InputError(HelmopsError):
    """The input is wrong; the user changes it. Nothing was touched."""


class InputErrors(InputError):
    """Every mistake found in the input, told at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class Missing(InputError):
    """A file that the input names is not there."""


class Refused(HelmopsError):
    """A guard says no. The hint says which word would lift it."""


class Locked(HelmopsError):
    """Somebody else is writing. ``holder`` says who."""

    def __init__(self, message: str, *, holder: str = "", where: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.holder = holder


class Transient(HelmopsError):
    """May go well the next time. ``retry_after`` in seconds when the server named it, else None."""

    def __init__(self, message: str, *, where: str = "", hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, where=where, hint=hint)
        self.retry_after = retry_after


class Unreachable(Transient):
    """No answer at all."""


class Forbidden(HelmopsError):
    """The identity lacks a right."""


class NotFound(HelmopsError):
    """The thing asked for is not there."""


class FieldConflicts(HelmopsError):
    """An unforced server-side apply met other owners. ``fields``: pairs (manager, field path)."""

    def __init__(self, message: str, *, fields: Sequence[tuple[str, str]], where: str = "") -> None:
        super().__init__(message, where=where)
        self.fields = tuple(fields)


class Conflict(HelmopsError):
    """The thing has moved since it was read."""


class Rejected(HelmopsError):
    """The API server refuses the object as it stands."""


class HelmError(HelmopsError):
    """helm ran and failed.

    ``kind`` is one of: render, schema, unknown-field, ownership, timeout, hook, test, immutable, forbidden,
    unreachable, pending, cancelled, not-found, conflict, other.
    """

    def __init__(self, message: str, *, kind: str = "other", where: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.kind = kind


class Bug(HelmopsError):
    """An assumption of ours does not hold."""
