"""Label values made from free text. PURE."""

from __future__ import annotations

import hashlib
import re

_VALID = re.compile(r"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")
_FORBIDDEN = re.compile(r"[^-A-Za-z0-9_.]+")


def owner_label(owner: str) -> str:
    """An owner id as a label value: itself where Kubernetes allows it, else made readable and unique by a hash."""
    if not owner or _VALID.match(owner):
        return owner
    readable = _FORBIDDEN.sub("_", owner).strip("-_.")[:48]
    return f"{readable}.{hashlib.sha256(owner.encode()).hexdigest()[:12]}".lstrip(".")
