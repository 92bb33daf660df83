"""Flux's sources, and the charts that releases name through them."""

from __future__ import annotations

from dataclasses import replace

from pydantic import BaseModel

from helmops.api.flux.helm_release import ChartRef as FluxChartRef
from helmops.api.flux.helm_release import ChartTemplateSpec, Spec
from helmops.api.flux.source_kinds import (
    GitRepositoryManifest,
    HelmChartManifest,
    HelmRepositoryManifest,
    OciRef,
    OciRepositoryManifest,
)
from helmops.api.model import ChartRef, GitChart, GitRef, HelmRepoChart, OciChart
from helmops.api.parts import secret
from helmops.api.sources import Source, Sources, git_ref
from helmops.errors import Bug

DEFAULT_BRANCH = GitRef(branch="master")
DEFAULT_TAG = OciRef(tag="latest")


def source_of(parsed: BaseModel, namespace: str) -> Source:
    """What a source stands for, without the chart; a HelmChart stays as it is until its own source is known."""
    match parsed:
        case HelmRepositoryManifest():
            return _helm_repository(parsed, namespace)
        case GitRepositoryManifest():
            ref = git_ref(parsed.spec.ref) if parsed.spec.ref else GitRef()
            auth = secret(parsed.spec.secret_ref, parsed.metadata.namespace or namespace)
            return GitChart(parsed.spec.url, "", ref if ref != GitRef() else DEFAULT_BRANCH, auth=auth)
        case OciRepositoryManifest():
            return _oci_repository(parsed, namespace)
        case HelmChartManifest():
            return parsed.spec
    raise Bug(f"{type(parsed).__name__} is no source")


def _helm_repository(parsed: HelmRepositoryManifest, namespace: str) -> ChartRef:
    spec = parsed.spec
    auth = secret(spec.secret_ref, parsed.metadata.namespace or namespace)
    if spec.type == "oci":
        return OciChart(spec.url.rstrip("/"), insecure=spec.insecure, auth=auth)
    return HelmRepoChart(spec.url.rstrip("/"), "", auth=auth)


def _oci_repository(parsed: OciRepositoryManifest, namespace: str) -> ChartRef:
    spec, ref = parsed.spec, parsed.spec.ref or OciRef()
    if not (ref.digest or ref.semver or ref.tag):
        ref = DEFAULT_TAG
    return OciChart(
        url=spec.url.rstrip("/"),
        version=ref.semver or "",
        tag=ref.tag or "",
        digest=ref.digest or "",
        insecure=spec.insecure,
        auth=secret(spec.secret_ref, parsed.metadata.namespace or namespace),
    )


def chart_of(spec: Spec, namespace: str, sources: Sources) -> ChartRef:
    """The chart of a HelmRelease. ValueError when its source is not there or not supported."""
    if spec.chart is not None:
        return _of_template(spec.chart.spec, namespace, sources)
    if spec.chart_ref is None:
        raise ValueError("give exactly one of chart and chartRef")
    return _of_ref(spec.chart_ref, spec.chart_ref.namespace or namespace, sources)


def _of_ref(ref: FluxChartRef, namespace: str, sources: Sources) -> ChartRef:
    if ref.kind == "ExternalArtifact":
        raise ValueError("ExternalArtifact is not supported yet")
    found = sources.find(ref.kind, namespace, ref.name)
    if isinstance(found, ChartTemplateSpec):
        return _of_template(found, namespace, sources)
    if isinstance(found, OciChart):
        return found
    raise Bug(f"{ref.kind} is no chart")


def _of_template(template: ChartTemplateSpec, namespace: str, sources: Sources) -> ChartRef:
    ref = template.source_ref
    if ref.kind == "Bucket":
        raise ValueError("Bucket is not supported yet")
    version = "" if template.version == "*" else template.version
    match sources.find(ref.kind, ref.namespace or namespace, ref.name):
        case HelmRepoChart() as source:
            return replace(source, name=template.chart, version=version)
        case OciChart() as source:
            return replace(source, url=f"{source.url}/{template.chart}", version=version)
        case GitChart() as source:  # its version is what Chart.yaml says, as for Flux
            return replace(source, path=_folder(template.chart), strategy=template.reconcile_strategy)
    raise Bug(f"{ref.kind} holds no charts")


def _folder(path: str) -> str:
    return path.removeprefix("./").strip("/") or "."
