"""``HelmRelease`` → the internal model, with Flux's defaults."""

from __future__ import annotations

from pydantic import BaseModel

from helmops.api.collected import Loading
from helmops.api.document import Document
from helmops.api.flux.charts import chart_of
from helmops.api.flux.helm_release import HelmReleaseManifest, ObjectReference, Spec, Upgrade
from helmops.api.flux.names import release_name
from helmops.api.model import (
    Access,
    ActionOptions,
    DriftMode,
    InlineValues,
    KubeConfigRef,
    ObjectValues,
    Release,
    SecretRef,
    ValuesSource,
)
from helmops.api.parts import action_options, kustomizations, prunes
from helmops.api.sources import Sources
from helmops.errors import Bug


def add(parsed: BaseModel, document: Document, namespace: str, access: Access, found: Loading) -> None:
    """Map one that was read; a mistake in what it names is added to the problems."""
    if not isinstance(parsed, HelmReleaseManifest):
        raise Bug(f"{type(parsed).__name__} is no HelmRelease")
    try:
        found.releases.append(release(parsed, document, namespace, access, found.sources))
    except ValueError as error:
        path = ("spec", "chart", "spec", "sourceRef") if parsed.spec.chart else ("spec", "chartRef")
        found.problems.append(document.problem(path, str(error)))
    if parsed.spec.drift_detection.mode == "enabled" and drift_mode(parsed.spec) == "warn":
        told = "drift is told and not corrected, because spec.driftDetection.ignore is not followed yet"
        found.warnings.append(f"{document.where()}: {told}")


def release(
    parsed: HelmReleaseManifest, document: Document, namespace: str, access: Access, sources: Sources
) -> Release:
    """ValueError when the chart's source is not there or not supported."""
    spec, metadata = parsed.spec, parsed.metadata
    own = metadata.namespace or namespace
    install, upgrade, rollback, uninstall = _actions(spec)
    return Release(
        ref=document.ref(namespace),
        name=release_name(metadata.name, spec.release_name or "", spec.target_namespace or ""),
        namespace=spec.storage_namespace or own,
        target_namespace=spec.target_namespace or own,
        chart=chart_of(spec, own, sources),
        values=_values(spec, document, own),
        depends_on=tuple((dep.namespace or own, dep.name) for dep in spec.depends_on),
        install=install,
        upgrade=upgrade,
        rollback=rollback,
        uninstall=uninstall,
        remediate=remediates(spec.upgrade),
        drift=drift_mode(spec),
        max_history=spec.max_history,
        suspend=spec.suspend,
        prune=prunes(metadata.annotations),
        post_renderers=kustomizations(spec.post_renderers),
        service_account=spec.service_account_name or "",
        kube_config=_kube_config(spec, own),
        interval=spec.interval,
        access=access,
    )


def _actions(spec: Spec) -> tuple[ActionOptions, ActionOptions, ActionOptions, ActionOptions]:
    skip = spec.install.crds == "Skip" or spec.install.skip_crds
    return (
        action_options(spec.install, spec.timeout, skip_crds=skip),
        action_options(spec.upgrade, spec.timeout),
        action_options(spec.rollback, spec.timeout),
        action_options(spec.uninstall, spec.timeout),
    )


def remediates(upgrade: Upgrade) -> bool:
    """Whether a failed upgrade is rolled back. A pass tries once, so its failure is the last one; with endless
    retries Flux rolls back after each."""
    if upgrade.strategy and upgrade.strategy.name == "RetryOnFailure":
        return False
    remediation = upgrade.remediation
    if remediation.retries < 0 or remediation.remediate_last_failure is None:
        return remediation.retries != 0
    return remediation.remediate_last_failure


def drift_mode(spec: Spec) -> DriftMode:
    """Correcting what the rules say to ignore would do harm, so while these are not followed it is only told."""
    detection = spec.drift_detection
    return "warn" if detection.mode == "enabled" and detection.ignore else detection.mode


def _kube_config(spec: Spec, namespace: str) -> KubeConfigRef | None:
    found = spec.kube_config.secret_ref if spec.kube_config else None
    return KubeConfigRef(SecretRef(namespace, found.name), found.key or "") if found else None


def _values(spec: Spec, document: Document, namespace: str) -> tuple[ValuesSource, ...]:
    given: list[ValuesSource] = [
        _reference(one, namespace, document.where(("spec", "valuesFrom", index)))
        for index, one in enumerate(spec.values_from)
    ]
    if spec.values:
        given.append(InlineValues(spec.values, document.origin, document.below(("spec", "values"))))
    return tuple(given)


def _reference(one: ObjectReference, namespace: str, where: str) -> ObjectValues:
    return ObjectValues(
        one.kind, namespace, one.name, one.values_key, one.target_path or "", one.literal, one.optional, where
    )
