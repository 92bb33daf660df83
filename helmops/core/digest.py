"""Digests that stand on release Secrets for years: what goes in, in which form. PURE."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from helmops.core.yaml_scalars import to_json

FORMAT: Final = "1"
"""Raised when the form of a digest changes: then every release differs once."""


def canonical_json(value: Any) -> bytes:
    """JSON data in one form: sorted keys, no spaces, UTF-8.

    Numbers as in Helm's own JSON: 1.0 is 1, because Helm holds all numbers as floats and prints both as ``1``. Integers
    are exact beyond that (2**53 and its neighbour differ, though templates see the same). ValueError for NaN and
    infinities.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return to_json(value)
    return _plain(dict(value)) if isinstance(value, Mapping) else value


def sha256_hex(data: bytes) -> str:
    """64 hex."""
    return hashlib.sha256(data).hexdigest()


def desired_digest(fields: Mapping[str, Any], *, defaults: Mapping[str, Any] | None = None) -> str:
    """40 hex over the fields that are not at their default.

    Defaults are left out so that a new option does not change old digests. A field's default is what ``defaults`` says;
    of a field that it does not name, null, false, zero and empty are defaults.
    """
    named = defaults or {}
    told = {name: value for name, value in fields.items() if not _is_default(name, value, named)}
    return sha256_hex(canonical_json({"format": FORMAT, "fields": told}))[:40]


def _is_default(name: str, value: Any, defaults: Mapping[str, Any]) -> bool:
    return canonical_json(value) == canonical_json(defaults[name]) if name in defaults else not value
