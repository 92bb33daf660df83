"""Documents of Flux's groups: which are read, which are named as not followed."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from helmops.api.collected import Loading
from helmops.api.document import Document
from helmops.api.flux import helm_release, source_kinds
from helmops.api.flux.base import FluxModel, told
from helmops.api.flux.charts import source_of
from helmops.api.left_over import left_over
from helmops.api.parsing import parse

_KINDS: Mapping[tuple[str, str], tuple[tuple[str, ...], type[FluxModel]]] = {
    (helm_release.GROUP, helm_release.KIND): (helm_release.VERSIONS, helm_release.HelmReleaseManifest),
    **{
        (source_kinds.GROUP, kind): (source_kinds.VERSIONS, model)
        for kind, model in (
            ("HelmRepository", source_kinds.HelmRepositoryManifest),
            ("GitRepository", source_kinds.GitRepositoryManifest),
            ("OCIRepository", source_kinds.OciRepositoryManifest),
            ("HelmChart", source_kinds.HelmChartManifest),
        )
    },
}
_KUSTOMIZATION = ("kustomize.toolkit.fluxcd.io", "Kustomization")


def read(document: Document, namespace: str, found: Loading) -> None:
    """Kinds that have no part in a release are named like any other object that is not applied."""
    api_version, kind = document.kind
    group, _, version = api_version.partition("/")
    if (group, kind) == _KUSTOMIZATION:
        name = document.ref(namespace).name
        found.warnings.append(f"{document.where()}: Kustomization {name} is not followed yet: name its path instead")
    elif (group, kind) not in _KINDS:
        found.ignored.append(document.ref(namespace))
    elif version not in _KINDS[group, kind][0]:
        newest = f"{group}/{_KINDS[group, kind][0][0]}"
        found.problems.append(document.problem(("apiVersion",), f"is not known for {kind}; use {newest}"))
    elif parsed := parse(_KINDS[group, kind][1], document, found.problems):
        _keep(parsed, document, namespace, found)


def _keep(parsed: BaseModel, document: Document, namespace: str, found: Loading) -> None:
    found.warnings += [*told(parsed, document, found.problems), *left_over(document)]
    if isinstance(parsed, helm_release.HelmReleaseManifest):
        found.parsed.append((parsed, document))
    else:
        found.sources.add(document, namespace, source_of(parsed, namespace), found.problems)
