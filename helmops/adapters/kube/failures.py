"""What the API server's refusals mean: a status code and a ``Status`` object become one of our errors.

The server's own words are kept, for they name verb, resource and field. They also quote values: for Secrets nothing is
kept that could be one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from helmops.errors import (
    Conflict,
    FieldConflicts,
    Forbidden,
    HelmopsError,
    NotFound,
    Rejected,
    Transient,
    Unreachable,
)

_SECRETS = re.compile(r"^/api/v1/(namespaces/[^/]+/)?secrets(/|$)")
_NO_RIGHT = re.compile(r" cannot \S+ (resource|path) |attempting to grant|cannot impersonate")
_CONFLICT = re.compile(r'conflict with "((?:[^"\\]|\\.)*)"(?: with subresource "([^"]*)")?')
_UNDECLARED = re.compile(r"(\.[^\s:]+): field not declared in schema")
_UNKNOWN = re.compile(r'(?:unknown|duplicate) field "[^"]*"')
_WEBHOOK = re.compile(r'admission webhook "[^"]*" denied the request')
_BAD_APPLY = ("failed to create typed", "failed to convert new object", "failed to create manager for")
_LONGEST = 400
_REASONS = {
    "FieldValueRequired": "required",
    "FieldValueInvalid": "invalid value",
    "FieldValueNotSupported": "value is not supported",
    "FieldValueForbidden": "forbidden",
    "FieldValueDuplicate": "duplicate",
    "FieldValueTooLong": "too long",
    "FieldValueTypeInvalid": "wrong type",
}


class Expired(Transient):
    """410: the place in a list or watch is too old to go on from."""


class Unserved(NotFound):
    """404 for the address itself: the server does not serve this kind (any more)."""


class Unpatched(Rejected):
    """422 without a word: an operation of a JSON patch did not apply."""


class Answer:
    """A refusal, taken apart. ``sensitive``: about a Secret, so the server's words may quote its values."""

    def __init__(self, status: int, raw: bytes, path: str, retry_after: str = "") -> None:
        document = _status_object(raw)
        details = document.get("details")
        self.status = status
        self.is_kube = document.get("kind") == "Status"
        self.reason = str(document.get("reason") or "")
        self.details: Mapping[str, Any] = details if isinstance(details, Mapping) else {}
        self.causes: Sequence[Mapping[str, Any]] = self.details.get("causes") or ()
        self.text = str(document.get("message") or "")
        self.sensitive = bool(_SECRETS.match(path))
        self.retry_after = _seconds(retry_after or self.details.get("retryAfterSeconds"))

    def error(self, where: str) -> HelmopsError:
        """The error that the caller gets."""
        if self.status == 401:
            hint = "log in again, or check the user of this context"
            return Forbidden("the cluster does not accept our credentials (401)", where=where, hint=hint)
        if self.status == 403:
            return self._forbidden(where)
        if self.status == 404:
            return self._missing(where)
        if self.status == 409:
            return self._conflict(where)
        if self.status == 410:
            return Expired(self.text or "too old", where=where)
        return self._refused(where)

    def _forbidden(self, where: str) -> HelmopsError:
        """403 is said of rights, of quotas, of admission and of a namespace that is going."""
        if any(cause.get("reason") == "NamespaceTerminating" for cause in self.causes):
            hint = "wait until the namespace is gone, then repeat"
            return Rejected(self.text, where=where, hint=hint)
        lacks_right = _NO_RIGHT.search(self.text) and not _WEBHOOK.search(self.text)
        if lacks_right or not self.is_kube:
            return Forbidden(self.text or "the server forbids it (403)", where=where)
        return Rejected(self.words(), where=where)

    def _missing(self, where: str) -> HelmopsError:
        if self.details.get("name"):
            return NotFound(self.text, where=where)
        return Unserved("the server does not know this address (404)", where=where)

    def _conflict(self, where: str) -> HelmopsError:
        fields = tuple(self._field_conflicts())
        if fields:
            said = "; ".join(f"{field} belongs to {manager}" for manager, field in fields)
            return FieldConflicts(f"others own fields of this object: {said}", fields=fields, where=where)
        return Conflict(self.text or "the object has moved", where=where)

    def _field_conflicts(self) -> Iterator[tuple[str, str]]:
        for cause in self.causes:
            if cause.get("reason") == "FieldManagerConflict":
                found = _CONFLICT.search(str(cause.get("message", "")))
                manager = found.group(1).replace('\\"', '"') if found else "another manager"
                yield manager, str(cause.get("field", ""))

    def _refused(self, where: str) -> HelmopsError:
        if self.status == 422 and not self.causes and not self.details.get("name"):
            return Unpatched("the patch does not fit the object as it is now", where=where)
        if self.status in (400, 405, 406, 413, 415, 422) or self.text.startswith(_BAD_APPLY):
            return Rejected(self.words(), where=where)
        if self.is_kube:
            return Transient(self.words(), where=where, retry_after=self.retry_after)
        said = f"the server answered {self.status}, and not as a Kubernetes API server does"
        return Unreachable(said, where=where, retry_after=self.retry_after, hint="look at what stands before it")

    def words(self) -> str:
        """What the server said, as much of it as may be told."""
        if self.sensitive:
            return self._guarded_words()
        if not self.causes:
            return _shortened(self.text) or f"the server refuses it ({self.status})"
        return "; ".join(_cause(cause) for cause in self.causes)

    def _guarded_words(self) -> str:
        """Names of fields and reasons only."""
        said = [f"{cause.get('field', '')}: {_reason(cause)}" for cause in self.causes]
        said += [f"{field}: no such field" for field in _UNDECLARED.findall(self.text)]
        said += _UNKNOWN.findall(self.text) + _WEBHOOK.findall(self.text)
        reason = f"{self.status} {self.reason}".strip()
        return (
            "; ".join(said) or f"the server refuses this Secret ({reason}); its words are left out, they quote values"
        )


def _status_object(raw: bytes) -> Mapping[str, Any]:
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _cause(cause: Mapping[str, Any]) -> str:
    field, message = str(cause.get("field") or ""), _shortened(str(cause.get("message") or cause.get("reason") or ""))
    return f"{field}: {message}" if field else message


def _reason(cause: Mapping[str, Any]) -> str:
    reason = str(cause.get("reason") or "refused")
    return _REASONS.get(reason, reason)


def _shortened(text: str) -> str:
    """Long messages quote whole objects in their middle; what is wrong stands at either end."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}"


def _seconds(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) and value else None
    except ValueError:
        return None
