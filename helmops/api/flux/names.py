"""How Flux names what it makes."""

from __future__ import annotations

import hashlib

MAX_NAME = 53
"""Characters of a release name, for Helm."""


def release_name(name: str, given: str = "", target: str = "") -> str:
    """``releaseName``, else ``[targetNamespace-]name``; a long one is cut and made unique by a hash, as Flux does."""
    if given:
        return given
    full = f"{target}-{name}" if target else name
    if len(full) <= MAX_NAME:
        return full
    return f"{full[:40]}-{hashlib.sha256(full.encode()).hexdigest()[:12]}"
