"""The kind ``ChartSource``: an address of charts, with its credentials. Imported only for who has such a document."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from helmops.api.chart_form import SOURCE_KIND, GitRefSpec
from helmops.api.fields import Duration, Metadata, Strict
from helmops.api.model import ChartRef, GitChart, HelmRepoChart, OciChart, SecretRef
from helmops.api.parts import SecretName, secret
from helmops.api.sources import git_ref

KIND = SOURCE_KIND


class HelmSource(Strict):
    """A Helm HTTP repository."""

    url: Annotated[str, Field(pattern=r"^https?://")]


class OciSource(Strict):
    """A chart in an OCI registry, or a folder of charts."""

    url: Annotated[str, Field(pattern=r"^oci://")]
    insecure: bool = False


class GitSource(Strict):
    """A git repository."""

    url: Annotated[str, Field(min_length=1)]
    ref: GitRefSpec = GitRefSpec()


class SourceSpec(Strict):
    """``spec`` of a ChartSource: exactly one of helm, oci and git."""

    helm: HelmSource | None = None
    oci: OciSource | None = None
    git: GitSource | None = None
    secret_ref: Annotated[SecretName | None, Field(description="Secret with username and password")] = None
    interval: Duration = 600.0

    @model_validator(mode="after")
    def _one_type(self) -> SourceSpec:
        if sum(one is not None for one in (self.helm, self.oci, self.git)) != 1:
            raise ValueError("give exactly one of helm, oci and git")
        return self


class ChartSourceManifest(Strict):
    """A ``ChartSource`` document."""

    api_version: Literal["helmops.dev/v1alpha1"]
    kind: Literal["ChartSource"]
    metadata: Metadata
    spec: SourceSpec
    status: Annotated[Any, Field(description="Written by helmops, ignored in input")] = None


def chart_source(parsed: ChartSourceManifest, namespace: str) -> ChartRef:
    """What a ChartSource stands for."""
    return _prototype(parsed.spec, secret(parsed.spec.secret_ref, parsed.metadata.namespace or namespace))


def _prototype(spec: SourceSpec, auth: SecretRef | None) -> ChartRef:
    if spec.helm:
        return HelmRepoChart(spec.helm.url.rstrip("/"), "", auth=auth)
    if spec.oci:
        return OciChart(spec.oci.url.rstrip("/"), insecure=spec.oci.insecure, auth=auth)
    if spec.git:
        return GitChart(spec.git.url, "", git_ref(spec.git.ref), auth=auth)
    raise ValueError("give exactly one of helm, oci and git")
