"""``Release`` → the internal model."""

from __future__ import annotations

from helmops.api import release_kind as manifest
from helmops.api.chart_form import Chart, GitForm
from helmops.api.document import Document
from helmops.api.model import (
    Access,
    ChartRef,
    FileValues,
    GitChart,
    HelmRepoChart,
    InlineValues,
    ObjectRef,
    ObjectValues,
    OciChart,
    PathChart,
    Release,
    ValuesSource,
)
from helmops.api.parts import action_options, kube_config, kustomizations, prunes
from helmops.api.sources import Sources, chart_of_source, git_ref


def release(
    parsed: manifest.ReleaseManifest, document: Document, namespace: str, access: Access, sources: Sources
) -> Release:
    """ValueError when the chart's source is not there, or is of another type than what stands beside it."""
    spec, metadata = parsed.spec, parsed.metadata
    own = metadata.namespace or namespace
    storage = spec.storage_namespace or own
    timeout = spec.timeout
    return Release(
        ref=ObjectRef(manifest.API_VERSION, manifest.KIND, own, metadata.name, document.where()),
        name=spec.release_name or metadata.name,
        namespace=storage,
        target_namespace=spec.target_namespace or storage,
        chart=_chart(spec.chart, document, own, sources),
        values=_values(spec, document, own),
        depends_on=tuple((dep.namespace or own, dep.name) for dep in spec.depends_on),
        install=action_options(spec.install, timeout, skip_crds=spec.install.crds == "Skip"),
        upgrade=action_options(spec.upgrade, timeout),
        rollback=action_options(spec.rollback, timeout),
        uninstall=action_options(spec.uninstall, timeout),
        remediate=spec.upgrade.remediation.remediate_last_failure,
        drift=spec.drift_detection.mode,
        max_history=spec.max_history,
        suspend=spec.suspend,
        prune=prunes(metadata.annotations),
        post_renderers=kustomizations(spec.post_renderers),
        service_account=spec.service_account_name or "",
        kube_config=kube_config(spec.kube_config, own),
        interval=spec.interval or 0.0,
        access=access,
    )


def _chart(chart: Chart, document: Document, namespace: str, sources: Sources) -> ChartRef:
    if chart.source is not None:
        found = sources.find("ChartSource", chart.source.namespace or namespace, chart.source.name)
        return chart_of_source(chart, found)
    if chart.git is not None:
        return _git(chart.git)
    if chart.oci is not None:
        insecure = bool(chart.insecure)
        return OciChart(chart.oci.rstrip("/"), chart.version or "", chart.tag or "", chart.digest or "", insecure)
    if chart.path is not None:
        return PathChart(_join(document.folder, chart.path), document.root)
    return HelmRepoChart((chart.repo or "").rstrip("/"), chart.name or "", chart.version or "")


def _git(git: GitForm) -> GitChart:
    return GitChart(git.url, git.path, git_ref(git.ref), git.reconcile_strategy)


def _values(spec: manifest.Spec, document: Document, namespace: str) -> tuple[ValuesSource, ...]:
    given: list[ValuesSource] = [_source(one, document, namespace, index) for index, one in enumerate(spec.values_from)]
    if spec.values:
        given.append(InlineValues(spec.values, document.origin, document.below(("spec", "values"))))
    return tuple(given)


def _source(given: manifest.ValuesFrom, document: Document, namespace: str, index: int) -> ValuesSource:
    where = document.where(("spec", "valuesFrom", index, *(("file",) if given.file else ())))
    if given.file is not None:
        path, shown = _join(document.folder, given.file), _shown(document, given.file)
        return FileValues(path, document.root, shown, where, given.optional)
    return ObjectValues(
        kind=given.kind or "ConfigMap",
        namespace=namespace,
        name=given.name or "",
        key=given.values_key or "values.yaml",
        target_path=given.target_path or "",
        literal=bool(given.literal),
        optional=given.optional,
        where=where,
    )


def _join(folder: str, path: str) -> str:
    return path if path.startswith("/") else f"{folder}/{path}"


def _shown(document: Document, path: str) -> str:
    folder = document.shown if document.built else document.shown.rpartition("/")[0]
    return path if path.startswith("/") or not folder else f"{folder}/{path}"
