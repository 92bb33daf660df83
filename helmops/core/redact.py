"""Taking secrets out of texts and objects before anyone sees them. PURE."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MASK = "***"
SHORTEST = 4
"""A shorter string is too common in ordinary text to be replaced."""

_SECRET_KEY = re.compile(r"pass|secret|token|credential|key|auth|cert|private|dsn|connection", re.IGNORECASE)
_PATTERNS = (
    (re.compile(r"(?<=://)[^/\s@]+@"), f"{MASK}@"),
    (re.compile(r"(?i)\b(authorization:?\s*)(basic|bearer)\s+\S+"), rf"\1\2 {MASK}"),
    (re.compile(r"(?i)\bbearer\s+[-\w.~+/]{8,}=*"), f"Bearer {MASK}"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL), MASK),
)
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Redactor:
    """Replaces known secrets, longest first, and what looks like one."""

    secrets: tuple[str, ...] = ()

    @classmethod
    def of(cls, strings: Iterable[str]) -> Redactor:
        """Of known secret strings; their base64 forms are replaced, too, and each of their lines."""
        known = {text for one in strings for text in (one, *one.splitlines()) if len(text) >= SHORTEST}
        known |= {base64.b64encode(text.encode()).decode() for text in known}
        return cls(tuple(sorted(known, key=lambda text: (-len(text), text))))

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> Redactor:
        """Of everything that stands below a key that sounds like a secret."""
        return cls.of(_secrets(values))

    def scrub(self, text: str) -> str:
        """The text without secrets."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return text


def mask_values(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Values to be shown: what stands below a key that sounds like a secret is masked, also where it is repeated."""
    scrub = Redactor.of_values(values).scrub
    masked: Mapping[str, Any] = _shown(values, scrub, hidden=False)
    return masked


def _shown(value: Any, scrub: Callable[[str], str], *, hidden: bool) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _shown(item, scrub, hidden=hidden or bool(_SECRET_KEY.search(str(key)))) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_shown(item, scrub, hidden=hidden) for item in value]
    if isinstance(value, str):
        return MASK if hidden and value else scrub(value)
    return MASK if hidden and isinstance(value, int | float) and not isinstance(value, bool) else value


def mask_pair(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """Two versions of one object without secrets; that a value differs stays visible, neither length nor hash does."""
    if _is_secret(old) or _is_secret(new):
        old, new = _masked(old, new, "(before)"), _masked(new, old, "(after)")
    return _without_last_applied(old), _without_last_applied(new)


def _is_secret(obj: Mapping[str, Any] | None) -> bool:
    return obj is not None and (obj.get("apiVersion"), obj.get("kind")) == ("v1", "Secret")


def _masked(obj: Mapping[str, Any] | None, other: Mapping[str, Any] | None, note: str) -> Mapping[str, Any] | None:
    if obj is None:
        return None
    masked = dict(obj)
    for field in ("data", "stringData"):
        if isinstance(obj.get(field), Mapping):
            twin = (other or {}).get(field) or {}
            masked[field] = {
                key: MASK if other is None or twin.get(key, MASK) == value or key not in twin else f"{MASK} {note}"
                for key, value in obj[field].items()
            }
    return masked


def _without_last_applied(obj: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    annotations = ((obj or {}).get("metadata") or {}).get("annotations") or {}
    if obj is None or _LAST_APPLIED not in annotations:
        return obj
    return {**obj, "metadata": {**obj["metadata"], "annotations": {**annotations, _LAST_APPLIED: MASK}}}


def _secrets(value: Any, *, hidden: bool = False) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets(item, hidden=hidden or bool(_SECRET_KEY.search(str(key))))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets(item, hidden=hidden)
    elif hidden and isinstance(value, str):
        yield value
