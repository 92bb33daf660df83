"""Which releases something else manages, read from its own objects. PURE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from helmops.api.flux.names import release_name
from helmops.core.release.observation import Foreign

Claims = dict[tuple[str, str], Foreign]  # (storage namespace, release name)


def flux_claims(releases: Iterable[Mapping[str, Any]]) -> Claims:
    """HelmReleases of Flux that are not suspended. Name and namespaces follow Flux's defaults."""
    claims: Claims = {}
    for release in releases:
        metadata, spec = release["metadata"], release.get("spec") or {}
        if not spec.get("suspend"):
            name, namespace = metadata["name"], metadata["namespace"]
            storage = spec.get("storageNamespace") or namespace
            how = f"suspend it there first: flux suspend helmrelease {name} -n {namespace}"
            claims[storage, _release_name(name, spec)] = Foreign(f"Flux HelmRelease {namespace}/{name}", how)
    return claims


def _release_name(name: str, spec: Mapping[str, Any]) -> str:
    return release_name(name, str(spec.get("releaseName") or ""), str(spec.get("targetNamespace") or ""))


def argo_claims(applications: Iterable[Mapping[str, Any]]) -> Claims:
    """Applications of Argo CD with automated sync that render a Helm chart."""
    claims: Claims = {}
    for application in applications:
        metadata, spec = application["metadata"], application.get("spec") or {}
        namespace = (spec.get("destination") or {}).get("namespace")
        if not namespace or not _automated(spec):
            continue
        name = metadata["name"]
        how = f"suspend it there first: argocd app set {name} --sync-policy none"
        for source in [spec["source"]] if spec.get("source") else spec.get("sources") or []:
            if source.get("chart") or source.get("helm"):
                release = (source.get("helm") or {}).get("releaseName") or name
                claims[namespace, release] = Foreign(f"Argo CD Application {metadata['namespace']}/{name}", how)
    return claims


def _automated(spec: Mapping[str, Any]) -> bool:
    """``automated: {}`` switches it on, ``enabled: false`` off again."""
    automated = (spec.get("syncPolicy") or {}).get("automated")
    return automated is not None and automated.get("enabled") is not False
