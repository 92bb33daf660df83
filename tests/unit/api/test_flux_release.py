"""HelmRelease of Flux: every field, every default, and what is told of the rest."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from helmops.api.flux.names import release_name
from helmops.api.model import (
    ActionOptions,
    Image,
    InlineValues,
    KubeConfigRef,
    Kustomize,
    ObjectValues,
    Patch,
    Release,
    SecretRef,
)
from tests.unit.api.builders import REPOSITORY, flux, loaded, obj, one, ours, problems


def release(**spec: Any) -> Release:
    return one(REPOSITORY, flux(**spec))


# ---------------------------------------------------------------- defaults
def test_the_defaults_are_fluxs() -> None:
    found = release()
    assert (found.name, found.namespace, found.target_namespace) == ("web", "apps", "apps")
    assert (found.drift, found.remediate, found.max_history, found.suspend, found.prune) == (
        "disabled", False, 5, False, True
    )  # fmt: skip
    assert found.install == found.upgrade == found.rollback == found.uninstall == ActionOptions(timeout=300)
    assert (found.post_renderers, found.service_account, found.kube_config, found.interval) == ((), "", None, 600)
    assert (found.ref.api_version, found.ref.kind, found.ref.where) == (
        "helm.toolkit.fluxcd.io/v2", "HelmRelease", "apps/web.yaml:1"
    )  # fmt: skip


LONG = "a-name-that-has-far-more-than-fifty-three-characters-in-it"
CUT = f"{LONG[:40]}-{hashlib.sha256(LONG.encode()).hexdigest()[:12]}"


@pytest.mark.parametrize(
    ("name", "given", "target", "expected"),
    [
        ("web", "", "", "web"),
        ("web", "other", "", "other"),
        ("web", "other", "prod", "other"),
        ("web", "", "prod", "prod-web"),
        (LONG, "", "", CUT),
        ("x" * 53, "", "", "x" * 53),
        ("x" * 50, "", "prod", f"prod-{'x' * 35}-{hashlib.sha256(('prod-' + 'x' * 50).encode()).hexdigest()[:12]}"),
    ],
)
def test_names(name: str, given: str, target: str, expected: str) -> None:
    found = release_name(name, given, target)
    assert found == expected
    assert len(found) <= 53


@pytest.mark.parametrize(
    ("spec", "storage", "target"),
    [
        ({}, "apps", "apps"),
        ({"targetNamespace": "prod"}, "apps", "prod"),
        ({"storageNamespace": "flux"}, "flux", "apps"),
        ({"storageNamespace": "flux", "targetNamespace": "prod"}, "flux", "prod"),
    ],
)
def test_each_namespace_has_its_own_default(spec: dict[str, Any], storage: str, target: str) -> None:
    found = release(**spec)
    assert (found.namespace, found.target_namespace) == (storage, target)


@pytest.mark.parametrize(
    ("upgrade", "rolled_back"),
    [
        ({}, False),
        ({"remediation": {}}, False),
        ({"remediation": {"retries": 0}}, False),
        ({"remediation": {"retries": 3}}, True),
        ({"remediation": {"retries": -1}}, True),
        ({"remediation": {"retries": 3, "remediateLastFailure": False}}, False),
        ({"remediation": {"retries": -1, "remediateLastFailure": False}}, True),
        ({"remediation": {"remediateLastFailure": True}}, True),
        ({"remediation": {"retries": 3}, "strategy": {"name": "RetryOnFailure"}}, False),
        ({"remediation": {"retries": 3}, "strategy": {"name": "RemediateOnFailure"}}, True),
    ],
)
def test_when_a_failed_upgrade_is_rolled_back(upgrade: dict[str, Any], rolled_back: bool) -> None:
    assert release(upgrade=upgrade).remediate is rolled_back


@pytest.mark.parametrize(
    ("detection", "mode"),
    [
        ({}, "disabled"),
        ({"mode": "enabled"}, "enabled"),
        ({"mode": "warn"}, "warn"),
        ({"mode": "enabled", "ignore": [{"paths": ["/spec/replicas"], "target": {"kind": "Deployment"}}]}, "warn"),
        ({"mode": "disabled", "ignore": [{"paths": ["/a"]}]}, "disabled"),
    ],
)
def test_drift(detection: dict[str, Any], mode: str) -> None:
    assert release(driftDetection=detection).drift == mode


def test_drift_that_has_exceptions_is_said_to_be_told_only() -> None:
    detection = {"mode": "enabled", "ignore": [{"paths": ["/spec/replicas"]}]}
    warnings = loaded(REPOSITORY, flux(driftDetection=detection)).warnings
    assert warnings == [
        "apps/web.yaml:1: not followed yet in this HelmRelease: spec.driftDetection.ignore",
        "apps/web.yaml:1: drift is told and not corrected, because spec.driftDetection.ignore is not followed yet",
    ]


# ---------------------------------------------------------------- what is followed
def test_actions() -> None:
    found = release(
        timeout="2m",
        install={"createNamespace": True, "crds": "Skip", "disableWait": True, "timeout": "1h"},
        upgrade={"disableHooks": True, "cleanupOnFail": True, "disableSchemaValidation": True, "crds": "Skip"},
        rollback={"disableWaitForJobs": True, "cleanupOnFail": True},
        uninstall={"keepHistory": True, "disableWait": True},
    )
    assert found.install == ActionOptions(timeout=3600, create_namespace=True, skip_crds=True, disable_wait=True)
    assert found.upgrade == ActionOptions(
        timeout=120, disable_hooks=True, cleanup_on_fail=True, disable_schema_validation=True
    )
    assert found.rollback == ActionOptions(timeout=120, disable_wait_for_jobs=True, cleanup_on_fail=True)
    assert found.uninstall == ActionOptions(timeout=120, keep_history=True, disable_wait=True)
    assert release(install={"skipCRDs": True}).install.skip_crds


def test_the_rest_of_what_is_followed() -> None:
    found = release(
        suspend=True,
        maxHistory=0,
        serviceAccountName="deployer",
        persistentClient=False,
        kubeConfig={"secretRef": {"name": "prod", "key": "config"}},
        dependsOn=[{"name": "db"}, {"name": "ca", "namespace": "certs"}],
        postRenderers=[
            {
                "kustomize": {
                    "patches": [{"patch": "- op: remove", "target": {"kind": "Deployment", "labelSelector": "a=b"}}],
                    "images": [{"name": "nginx", "newName": "mirror/nginx", "newTag": "1", "digest": "sha256:0"}],
                }
            },
            {},
        ],
    )
    assert (found.suspend, found.max_history, found.service_account) == (True, 0, "deployer")
    assert found.kube_config == KubeConfigRef(SecretRef("apps", "prod"), "config")
    assert found.depends_on == (("apps", "db"), ("certs", "ca"))
    patch = Patch("- op: remove", {"kind": "Deployment", "labelSelector": "a=b"})
    assert found.post_renderers == (Kustomize((patch,), (Image("nginx", "mirror/nginx", "1", "sha256:0"),)),)


def test_values_come_in_the_order_of_their_references_and_inline_last() -> None:
    found = release(
        values={"a": 1},
        valuesFrom=[
            {"kind": "ConfigMap", "name": "base"},
            {
                "kind": "Secret",
                "name": "pw",
                "valuesKey": "p",
                "targetPath": "db.pass",
                "literal": True,
                "optional": True,
            },
        ],
        targetNamespace="prod",
    )
    where = "apps/web.yaml:1"
    assert found.values == (
        ObjectValues("ConfigMap", "apps", "base", where=where),
        ObjectValues("Secret", "apps", "pw", "p", "db.pass", True, True, where),
        InlineValues({"a": 1}, "apps/web.yaml"),
    )


@pytest.mark.parametrize("annotation", ["helmops.dev/prune", "kustomize.toolkit.fluxcd.io/prune"])
def test_what_is_never_pruned(annotation: str) -> None:
    document = flux()
    document["metadata"]["annotations"] = {annotation: "disabled"}
    assert not one(REPOSITORY, document).prune


def test_null_is_left_out_but_not_in_values() -> None:
    found = release(values={"a": None}, valuesFrom=None, timeout=None, install={"crds": None}, test=None)
    assert found.values == (InlineValues({"a": None}, "apps/web.yaml"),)


# ---------------------------------------------------------------- what is not
NOTHING: list[dict[str, Any]] = [
    {"install": {"remediation": {"retries": 0}, "serverSideApply": True, "strategy": {"name": "RemediateOnFailure"}}},
    {"upgrade": {"crds": "Skip", "force": False, "disableTakeOwnership": True, "preserveValues": False}},
    {"test": {"enable": False, "timeout": "1m"}, "postRenderStrategy": "combined"},
    {"uninstall": {"deletionPropagation": "background"}, "driftDetection": {"ignore": []}, "commonMetadata": {}},
    {"chart": {"metadata": {}, "spec": {"chart": "a", "valuesFiles": ["values.yaml"], "interval": "1m",
        "sourceRef": {"kind": "HelmRepository", "name": "charts"}}}},
]  # fmt: skip


@pytest.mark.parametrize("spec", NOTHING)
def test_nothing_is_told_of_what_happens_anyway(spec: dict[str, Any]) -> None:
    assert loaded(REPOSITORY, flux(**spec)).warnings == []


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"test": {"enable": True}}, "spec.test.enable"),
        ({"commonMetadata": {"labels": {"a": "b"}}}, "spec.commonMetadata"),
        ({"waitStrategy": {"name": "legacy"}}, "spec.waitStrategy"),
        ({"healthCheckExprs": [{"apiVersion": "v1"}]}, "spec.healthCheckExprs"),
        ({"postRenderStrategy": "nohooks"}, "spec.postRenderStrategy"),
        ({"dependsOn": [{"name": "db", "readyExpr": "true"}]}, "spec.dependsOn[0].readyExpr"),
        ({"install": {"crds": "CreateReplace", "replace": True}}, "spec.install.crds, spec.install.replace"),
        ({"install": {"remediation": {"retries": 3}}}, "spec.install.remediation.retries"),
        ({"install": {"disableOpenAPIValidation": True}}, "spec.install.disableOpenAPIValidation"),
        ({"install": {"disableTakeOwnership": False}}, "spec.install.disableTakeOwnership"),
        ({"install": {"strategy": {"name": "RetryOnFailure"}}}, "spec.install.strategy.name"),
        ({"upgrade": {"force": True, "crds": "Create"}}, "spec.upgrade.crds, spec.upgrade.force"),
        ({"upgrade": {"remediation": {"strategy": "uninstall"}}}, "spec.upgrade.remediation.strategy"),
        ({"upgrade": {"serverSideApply": "auto"}}, "spec.upgrade.serverSideApply"),
        ({"upgrade": {"chartNameChangeStrategy": "Reinstall"}}, "spec.upgrade.chartNameChangeStrategy"),
        ({"rollback": {"force": True, "recreate": True}}, "spec.rollback.force, spec.rollback.recreate"),
        ({"uninstall": {"deletionPropagation": "orphan"}}, "spec.uninstall.deletionPropagation"),
    ],
)
def test_what_is_not_followed_is_told_once_a_document(spec: dict[str, Any], told: str) -> None:
    found = loaded(REPOSITORY, flux(**spec), obj("v1", "ConfigMap"))
    assert found.warnings == [f"apps/web.yaml:1: not followed yet in this HelmRelease: {told}"]
    assert found.problems == []


CHART = {"chart": "a", "sourceRef": {"kind": "HelmRepository", "name": "charts"}}
BUCKET = {"chart": "a", "sourceRef": {"kind": "Bucket", "name": "b"}}


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"chart": {"spec": CHART | {"verify": {"provider": "cosign"}}}}, "spec.chart.spec.verify: is not"),
        ({"chart": {"spec": CHART | {"valuesFiles": ["a.yaml"]}}}, "spec.chart.spec.valuesFiles: is not supported yet"),
        ({"upgrade": {"preserveValues": True}}, "spec.upgrade.preserveValues: is not supported yet"),
        ({"kubeConfig": {"configMapRef": {"name": "a"}}}, "spec.kubeConfig.configMapRef: is not supported yet"),
        ({"kubeConfig": {}}, "spec.kubeConfig: give exactly one of secretRef and configMapRef"),
        ({"chart": {"spec": BUCKET}}, "spec.chart.spec.sourceRef: Bucket is not"),
        ({"chart": None}, "spec: give exactly one of chart and chartRef"),
        ({"chartRef": {"kind": "ExternalArtifact", "name": "x"}}, "spec.chartRef: ExternalArtifact is not"),
        ({"chartRef": {"kind": "OCIRepository", "name": "x"}}, "spec.chartRef: no OCIRepository apps/x in the input"),
        ({"interval": None}, "spec.interval: is required"),
        ({"intervall": "1m"}, "spec.intervall: unknown field; did you mean interval?"),
        ({"install": {"createNS": True}}, "spec.install.createNS: unknown field; did you mean createNamespace?"),
        ({"valuesFrom": [{"kind": "ConfigMap", "name": "a", "key": "b"}]}, "spec.valuesFrom[0].key: unknown field"),
        ({"valuesFrom": [{"kind": "Pod", "name": "a"}]}, "spec.valuesFrom[0].kind: must be 'ConfigMap' or 'Secret'"),
        ({"valuesFrom": [{"kind": "Secret", "name": "a", "targetPath": "a b"}]}, "spec.valuesFrom[0].targetPath: "),
        ({"timeout": "5 minutes"}, "spec.timeout: must be a duration"),
        ({"releaseName": "x" * 54}, "spec.releaseName: must be a release name"),
    ],
)  # fmt: skip
def test_mistakes(spec: dict[str, Any], told: str) -> None:
    found = problems(REPOSITORY, flux(**spec))
    assert len(found) == 1
    assert found[0].startswith(told)


def test_other_versions_and_kinds() -> None:
    old = obj("helm.toolkit.fluxcd.io/v2beta1", "HelmRelease", spec={})
    assert problems(old) == ["apiVersion: is not known for HelmRelease; use helm.toolkit.fluxcd.io/v2"]
    found = loaded(
        obj("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "apps", spec={}),
        obj("notification.toolkit.fluxcd.io/v1", "Receiver", spec={}),
        obj("kustomize.config.k8s.io/v1beta1", "Kustomization"),
    )
    assert found.problems == []
    assert found.warnings == ["apps/web.yaml:1: Kustomization apps is not followed yet: name its path instead"]
    assert [ref.kind for ref in found.ignored] == ["Receiver"]


# ---------------------------------------------------------------- identity
def test_one_release_under_two_kinds() -> None:
    mine = ours("Release", "mine", chart={"path": "x"}, releaseName="web")
    assert "release apps/web is described twice" in problems(REPOSITORY, flux(), mine)[0]


def test_two_kinds_under_one_name() -> None:
    mine = ours("Release", chart={"path": "x"}, releaseName="mine")
    assert problems(REPOSITORY, flux(), mine) == ["metadata.name: apps/web is also the HelmRelease at apps/web.yaml:1"]


def test_the_same_release_on_two_clusters_is_two() -> None:
    other = flux("other", releaseName="web", kubeConfig={"secretRef": {"name": "prod"}})
    found = loaded(REPOSITORY, flux(), other)
    assert found.problems == []
    assert [release.name for release in found.releases] == ["web", "web"]


# ---------------------------------------------------------------- variables
def test_variables_that_are_left_over_are_told_without_their_defaults() -> None:
    document = flux(
        releaseName="web", values={"host": "${HOST:=hunter2}.${ZONE}", "escaped": "$${KEEP}", "l": ["${A}"]}
    )
    warnings = loaded(REPOSITORY, document).warnings
    assert warnings == [
        "apps/web.yaml:1: spec.values.host: ${HOST}, ${ZONE} is left as it stands: nothing substitutes it",
        "apps/web.yaml:1: spec.values.l[0]: ${A} is left as it stands: nothing substitutes it",
    ]


# ---------------------------------------------------------------- out of kustomize
def test_what_was_built_is_named_by_folder_and_object() -> None:
    found = loaded(flux(), built=True)
    assert found.problems[0].where == "apps/web.yaml (HelmRelease apps/web)"
    assert loaded(REPOSITORY, flux(values={"a": 1}), built=True).releases[0].values == (
        InlineValues({"a": 1}, "apps/web.yaml (HelmRelease apps/web)"),
    )
