"""The sources of ``source.toolkit.fluxcd.io`` that hold charts, as Flux has them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from helmops.api.chart_form import GitRefSpec
from helmops.api.fields import Duration, Metadata
from helmops.api.flux.base import LATER, LATER_IF_SET, FluxModel, NotFollowed
from helmops.api.flux.helm_release import ChartTemplateSpec
from helmops.api.parts import SecretName

GROUP = "source.toolkit.fluxcd.io"
VERSIONS = ("v1", "v1beta2")

HELM_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

_SIGNED = NotFollowed(refused="what it holds would be installed without its signature having been checked")
_FILTER = NotFollowed(refused="another version than it asks for could be installed")
_GENERIC = NotFollowed(like=("generic",))

Provider = Annotated[str, _GENERIC]


class SourceSpec(FluxModel):
    """What the sources have in common. A suspended one keeps, for Flux, what it last fetched."""

    interval: Duration
    timeout: Annotated[Duration | None, LATER] = None
    suspend: Annotated[bool, LATER_IF_SET] = False
    secret_ref: SecretName | None = None


class HelmRepositorySpec(SourceSpec):
    """``spec`` of a HelmRepository."""

    url: Annotated[str, Field(pattern=r"^(https?|oci)://")]
    type: Literal["default", "oci"] = "default"
    interval: Duration = 60.0
    cert_secret_ref: Annotated[SecretName | None, LATER] = None
    pass_credentials: Annotated[bool, LATER_IF_SET] = False
    insecure: bool = False
    provider: Provider = "generic"
    access_from: Annotated[Any, LATER] = None

    @model_validator(mode="after")
    def _type(self) -> HelmRepositorySpec:
        if (self.type == "oci") != self.url.startswith("oci://"):
            raise ValueError("an oci:// URL goes with type: oci")
        return self


class GitRepositorySpec(SourceSpec):
    """``spec`` of a GitRepository."""

    url: Annotated[str, Field(min_length=1)]
    ref: GitRefSpec | None = None
    verify: Annotated[Any, _SIGNED] = None
    ignore: Annotated[str | None, LATER] = None
    include: Annotated[Any, LATER] = None
    recurse_submodules: Annotated[bool, LATER_IF_SET] = False
    sparse_checkout: Annotated[Any, LATER] = None
    provider: Provider = "generic"
    proxy_secret_ref: Annotated[SecretName | None, LATER] = None
    service_account_name: Annotated[str | None, LATER] = None
    access_from: Annotated[Any, LATER] = None
    git_implementation: str | None = None  # of v1beta2, where it is without effect, too


class OciRef(FluxModel):
    """``ref`` of an OCIRepository; of several the first counts: digest, semver, tag."""

    tag: str | None = None
    semver: str | None = None
    semver_filter: Annotated[str | None, _FILTER] = None
    digest: str | None = None


class OciRepositorySpec(SourceSpec):
    """``spec`` of an OCIRepository."""

    url: Annotated[str, Field(pattern=r"^oci://")]
    ref: OciRef | None = None
    # Whatever it says: the layer of a chart is taken, which is what it is there for.
    layer_selector: Annotated[
        Any,
        NotFollowed(like=tuple({"mediaType": HELM_LAYER, **op} for op in ({}, {"operation": "copy"}))),
    ] = None
    cert_secret_ref: Annotated[SecretName | None, LATER] = None
    proxy_secret_ref: Annotated[SecretName | None, LATER] = None
    service_account_name: Annotated[str | None, LATER] = None
    verify: Annotated[Any, _SIGNED] = None
    insecure: bool = False
    ignore: Annotated[str | None, LATER] = None
    provider: Provider = "generic"


class HelmChartSpec(ChartTemplateSpec):
    """``spec`` of a HelmChart; its source lies in its own namespace."""

    interval: Duration
    suspend: Annotated[bool, LATER_IF_SET] = False
    access_from: Annotated[Any, LATER] = None


class SourceManifest(FluxModel):
    """What the documents have in common."""

    api_version: str
    kind: str
    metadata: Metadata
    status: Any = None


class HelmRepositoryManifest(SourceManifest):
    """A ``HelmRepository`` document."""

    spec: HelmRepositorySpec


class GitRepositoryManifest(SourceManifest):
    """A ``GitRepository`` document."""

    spec: GitRepositorySpec


class OciRepositoryManifest(SourceManifest):
    """An ``OCIRepository`` document."""

    spec: OciRepositorySpec


class HelmChartManifest(SourceManifest):
    """A ``HelmChart`` document."""

    spec: HelmChartSpec
