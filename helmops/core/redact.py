"""Taking secrets out of texts and objects before anyone sees them. PURE.

Nothing here tells the length or a hash of a secret: both help to guess it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

MASK: Final = "***"
BEFORE: Final = f"{MASK} (before)"
AFTER: Final = f"{MASK} (after)"
SHORTEST: Final = 4
"""A shorter string is too common in ordinary text to be replaced."""

_SECRET_KEY = re.compile(r"pass|secret|token|credential|key|auth|cert|private|dsn|connection", re.IGNORECASE)
_PATTERNS = (
    # https://user:pass@host, also with an @ in the password; git@ is no secret
    (re.compile(r"(?<=://)(?!git@)[^\s/?#\"'<>]*@"), f"{MASK}@"),
    (
        re.compile(r"(?i)([?&;](?:[\w.-]*(?:token|passw(?:or)?d|secret|signature|credential|key)|sig)=)[^\s&;\"'<>]+"),
        rf"\1{MASK}",
    ),
    (
        re.compile(r"(?i)(authorization[\"']?\s*[:=]?\s*[\"']?(?:basic|bearer|token|negotiate)\s+)[^\s\"',;]+"),
        rf"\1{MASK}",
    ),
    (re.compile(r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?)[^\s\"',;]{16,}"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b(bearer\s+)[-\w.~+/]{8,}=*"), rf"\1{MASK}"),
    (re.compile(r"(?i)(--(?:password|kube-token|token)[ =])[^\s\"']+"), rf"\1{MASK}"),
    # a JSON web token, such as a service account's
    (re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"), MASK),
    # a private key, also when its end was cut off
    (
        re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 -]*-----|\Z)", re.DOTALL),
        MASK,
    ),
)
_NO_SECRETS = frozenset({"true", "false", "null", "none"})
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_DATA = ("data", "stringData")
_IDENTITY = frozenset({"apiVersion", "kind", "type", "name", "namespace"})


@dataclass(frozen=True, slots=True)
class Redactor:
    """Replaces known secrets, longest first, in every form that is common, and what looks like a secret."""

    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, strings: Iterable[str]) -> Redactor:
        """Of known secret strings and, because texts are also shown line by line, of each of their lines.

        What is shorter than ``SHORTEST`` is left alone.
        """
        parts = {part.strip() for one in strings for part in (one, *one.splitlines())}
        return cls(tuple(sorted(part for part in parts if len(part) >= SHORTEST)))

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> Redactor:
        """Of everything that stands below a key that sounds like a secret."""
        return cls.of(_secrets(values))

    @classmethod
    def of_objects(cls, objects: Iterable[Mapping[str, Any]]) -> Redactor:
        """Of all that the Secrets among Kubernetes objects hold."""
        return cls.of(text for one in objects if one.get("kind") == "Secret" for text in _known(one))

    def scrub(self, text: str) -> str:
        """The text without secrets. Scrubbing twice is scrubbing once."""
        for form in _forms(self.secrets):
            text = text.replace(form, MASK)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return text


@lru_cache(maxsize=64)
def _forms(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """All forms of all secrets, the longest first: a secret within another must not break that one up."""
    found = {form for secret in secrets for form in (secret, *_quoted(secret), *_encoded(secret))}
    return tuple(sorted(found - {MASK}, key=lambda form: (-len(form), form)))


def _quoted(secret: str) -> Iterator[str]:
    """As it stands in JSON, in Go's and YAML's quotes, and in a URL."""
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield secret.replace("'", "''")
    yield "".join(char if char.isascii() and (char.isalnum() or char in "-._~") else _percent(char) for char in secret)


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))


def _encoded(secret: str) -> Iterator[str]:
    """Base64, plain and for URLs, also from the middle of something longer, such as ``user:password``."""
    data = secret.encode("utf-8", "surrogatepass")
    whole = base64.b64encode(data).decode()
    forms = [whole, whole.rstrip("="), *(_inner(data, lead) for lead in range(3))]
    for form in forms:
        # Short pieces of base64 are found in every other text.
        if len(form) >= 6:
            yield form
            yield form.translate(str.maketrans("+/", "-_"))


def _inner(data: bytes, lead: int) -> str:
    """The characters that depend on ``data`` alone when ``lead`` bytes (modulo 3) stand before it."""
    text = base64.b64encode(bytes(lead) + data).decode().rstrip("=")
    first = -(-lead * 8 // 6)
    return text[first : (lead + len(data)) * 8 // 6]


def mask_values(values: Mapping[str, Any], secrets: Iterable[str] = ()) -> Mapping[str, Any]:
    """Values to be shown: what stands below a key that sounds like a secret is masked, also where it is repeated.

    ``secrets`` are masked wherever they stand.
    """
    scrub = Redactor.of((*Redactor.of_values(values).secrets, *secrets)).scrub
    masked: Mapping[str, Any] = _shown(values, scrub, hidden=False)
    return masked


def _shown(value: Any, scrub: Callable[[str], str], *, hidden: bool) -> Any:
    if isinstance(value, Mapping):
        return {key: _shown(item, scrub, hidden=hidden or _hides(value, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(item, scrub, hidden=hidden) for item in value]
    if isinstance(value, str):
        return MASK if hidden and value else scrub(value)
    return MASK if hidden and isinstance(value, int | float) and not isinstance(value, bool) else value


def _hides(mapping: Mapping[str, Any], key: Any) -> bool:
    """Whether a key sounds like a secret; ``value`` takes its sound from the ``name`` beside it, as in ``env``."""
    return sounds_secret(str(mapping.get("name", "") if key == "value" else key))


def sounds_secret(name: str) -> bool:
    """Whether what goes by this name is likely to be a secret."""
    return bool(_SECRET_KEY.search(name))


def _secrets(value: Any, *, hidden: bool = False) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets(item, hidden=hidden or _hides(value, key))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets(item, hidden=hidden)
    elif hidden and isinstance(value, str) and value.lower() not in _NO_SECRETS:
        yield value


# ---------------------------------------------------------------- objects
_Object = Mapping[str, Any]


def mask_secret(obj: _Object) -> _Object:
    """A Kubernetes object without secrets: the values of ``data`` and ``stringData`` masked in every Secret in it."""
    masked, _ = mask_pair(obj, None)
    return masked or {}


def mask_pair(old: _Object | None, new: _Object | None) -> tuple[_Object | None, _Object | None]:
    """Two versions of one object without secrets; what differs stays visible: ``*** (before)``, ``*** (after)``.

    Masked are the data of Secrets, also of those within lists and other objects, wherever else in a Secret its data are
    repeated, in every object kubectl's last-applied annotation, and the ``value`` of a ``name`` that sounds like a
    secret, as in a container's ``env``. Names and namespaces stay.
    """
    return _masked(old, new, BEFORE), _masked(new, old, AFTER)


def _masked(value: Any, twin: Any, note: str) -> Any:
    """``value`` as shown beside ``twin``, its other version."""
    if isinstance(value, list):
        twins = twin if isinstance(twin, list) and len(twin) == len(value) else [None] * len(value)
        return [_masked(item, other, note) for item, other in zip(value, twins, strict=True)]
    if not isinstance(value, Mapping):
        return value
    others = twin if isinstance(twin, Mapping) else {}
    if value.get("kind") == "Secret":
        return _masked_secret(value, others, note)
    return {
        key: _variable(item, others.get(key), note)
        if key == "value" and isinstance(item, str) and _hides(value, key)
        else MASK
        if key == _LAST_APPLIED
        else _masked(item, others.get(key), note)
        for key, item in value.items()
    }


def _variable(value: str, twin: Any, note: str) -> str:
    """An environment variable whose name sounds like a secret."""
    return note if isinstance(twin, str) and twin != value else MASK


def _masked_secret(secret: _Object, twin: _Object, note: str) -> _Object:
    scrub = Redactor.of([*_known(secret), *_known(twin)]).scrub
    return {
        key: _masked_data(item, twin.get(key), note) if key in _DATA else _scrubbed(item, key, scrub)
        for key, item in secret.items()
    }


def _masked_data(data: Any, twin: Any, note: str) -> Any:
    if not isinstance(data, Mapping):
        return MASK if data else data
    others = twin if isinstance(twin, Mapping) else {}
    return {key: note if key in others and others[key] != value else MASK for key, value in data.items()}


def _scrubbed(value: Any, key: str, scrub: Callable[[str], str]) -> Any:
    if key == _LAST_APPLIED:
        return MASK
    if isinstance(value, Mapping):
        return {inner: _scrubbed(item, inner, scrub) for inner, item in value.items()}
    if isinstance(value, list):
        return [_scrubbed(item, "", scrub) for item in value]
    return scrub(value) if isinstance(value, str) and key not in _IDENTITY else value


def _known(secret: _Object) -> Iterator[str]:
    """What a Secret holds, in base64 and in clear."""
    for name in _DATA:
        data = secret.get(name)
        for value in data.values() if isinstance(data, Mapping) else ():
            if isinstance(value, str):
                yield value
                yield from _decoded(value) if name == "data" else ()


def _decoded(text: str) -> Iterator[str]:
    try:
        yield base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return  # no base64, or no text
