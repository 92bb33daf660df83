"""Documents for the tests of kinds."""

from __future__ import annotations

from typing import Any

from helmops.api.collected import Loading
from helmops.api.document import Document
from helmops.api.loading import load
from helmops.api.model import Access, Release

SOURCE = "source.toolkit.fluxcd.io/v1"


def obj(api_version: str, kind: str, name: str = "web", namespace: str | None = "apps", **rest: Any) -> dict[str, Any]:
    """An object; ``namespace`` None: it names none."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def ours(kind: str, name: str = "web", **spec: Any) -> dict[str, Any]:
    """One of our kinds."""
    return obj("helmops.dev/v1alpha1", kind, name, spec=spec)


def source(kind: str, name: str = "charts", namespace: str = "apps", **spec: Any) -> dict[str, Any]:
    """One of Flux's sources."""
    return obj(SOURCE, kind, name, namespace, spec={"interval": "5m", **spec})


REPOSITORY = source("HelmRepository", url="https://charts.example.org/")
CHART = {"spec": {"chart": "podinfo", "sourceRef": {"kind": "HelmRepository", "name": "charts"}}}


def flux(name: str = "web", **spec: Any) -> dict[str, Any]:
    """A HelmRelease of Flux."""
    chart = {} if "chartRef" in spec else {"chart": CHART}
    return obj("helm.toolkit.fluxcd.io/v2", "HelmRelease", name, spec={"interval": "10m", **chart, **spec})


def loaded(*values: Any, built: bool = False) -> Loading:
    """Everything in one file."""
    documents = [Document("apps/web.yaml", "/in/apps", "/in", value, {(): 1}, built) for value in values]
    return load(documents, namespace="default", access=Access())


def one(*values: Any) -> Release:
    """The one release, and no problem."""
    found = loaded(*values)
    assert [str(problem) for problem in found.problems] == []
    return found.releases[0]


def problems(*values: Any) -> list[str]:
    """``path: message`` of each."""
    return [f"{problem.path}: {problem.message}" for problem in loaded(*values).problems]
