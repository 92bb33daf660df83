"""Digests that stand on release Secrets for years: what goes in, in which form. PURE."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

FORMAT = "1"


def canonical_json(value: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8. 1 and 1.0 differ: Helm's templates print them differently, too."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256_hex(data: bytes) -> str:
    """64 hex."""
    return hashlib.sha256(data).hexdigest()


def desired_digest(fields: Mapping[str, Any]) -> str:
    """40 hex over the fields that are not at their default: a new option must not change old digests."""
    told = {key: value for key, value in fields.items() if value not in (None, "", False, 0, [], {}, ())}
    return sha256_hex(canonical_json({"format": FORMAT, **told}))[:40]
