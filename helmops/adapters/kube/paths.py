"""Addresses at the API server. What people wrote becomes one segment of one, or is refused."""

from __future__ import annotations

from urllib.parse import quote

from helmops.core.objects import Resource
from helmops.errors import Rejected


def path_of(resource: Resource, namespace: str | None, name: str = "") -> str:
    """Where a resource is. ``namespace`` counts for namespaced kinds only; None or "" means all of them."""
    root = "apis" if "/" in resource.api_version else "api"
    scope = f"/namespaces/{segment(namespace)}" if resource.namespaced and namespace else ""
    return f"/{root}/{resource.api_version}{scope}/{resource.plural}" + (f"/{segment(name)}" if name else "")


def segment(text: str) -> str:
    """One segment of a path. What would lead elsewhere is no name of an object either (the server's own rule)."""
    if not text or text in (".", "..") or "/" in text or "%" in text:
        raise Rejected(f"{text!r} is no name of a Kubernetes object")
    return quote(text, safe=":")
