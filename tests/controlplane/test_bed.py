"""The test bed as tests use it: the charts on the cluster, with both versions of Helm."""

from __future__ import annotations

import pytest

from tests.charts import chart
from tests.controlplane.cluster import Cluster
from tests.runners import CommandFailed, Helm, Kubectl

WAIT = ("--wait", "--timeout", "30s")
# for what never ends; what could end by itself gets more time, however busy the machine is
BRIEFLY = ("--wait", "--timeout", "3s")


def status(helm: Helm, name: str) -> str:
    """What helm says of a release."""
    found: str = helm.json("status", name)["info"]["status"]
    return found


def test_it_is_the_kubernetes_that_it_claims(controlplane: Cluster, kubectl: Kubectl) -> None:
    assert controlplane.status().healthy
    assert kubectl("version", "-o", "json")["serverVersion"]["gitVersion"] == "v1.36.3"
    assert kubectl("config", "current-context") == "helmops-test\n"


@pytest.mark.helm3
def test_webapp_lives_its_life(helm: Helm, kubectl: Kubectl) -> None:
    helm("install", "web", chart("webapp"), *WAIT)
    assert kubectl("get", "deployment", "web-webapp", "-o", "json")["status"]["readyReplicas"] == 2
    helm("upgrade", "web", chart("webapp"), "--set", "replicas=3", *WAIT)
    assert kubectl("get", "deployment", "web-webapp", "-o", "json")["status"]["readyReplicas"] == 3
    assert "Succeeded" in helm("test", "web", "--timeout", "30s")
    helm("rollback", "web", *WAIT)
    assert kubectl("get", "deployment", "web-webapp", "-o", "json")["spec"]["replicas"] == 2
    helm("uninstall", "web", *WAIT)
    assert kubectl("get", "deployments,services,jobs", "-o", "json")["items"] == []


def test_scaling_leaves_its_mark_on_the_field(helm: Helm, kubectl: Kubectl) -> None:
    helm("install", "web", chart("webapp"), *WAIT)
    kubectl("scale", "deployment/web-webapp", "--replicas=4")
    deployment = kubectl("get", "deployment", "web-webapp", "-o", "json", "--show-managed-fields")
    assert deployment["spec"]["replicas"] == 4
    assert "scale" in {entry.get("subresource") for entry in deployment["metadata"]["managedFields"]}


def test_the_autoscaler_scales(helm: Helm, kubectl: Kubectl) -> None:
    enabled = ("--set", "autoscaling.enabled=true,autoscaling.minReplicas=3")
    helm("install", "web", chart("webapp"), *enabled, *WAIT)
    kubectl("wait", "deployment/web-webapp", "--for=jsonpath={.status.readyReplicas}=3", "--timeout=30s")


@pytest.mark.helm3
@pytest.mark.parametrize("name", ["database", "crds", "parent"])
def test_the_other_charts_get_ready(helm: Helm, kubectl: Kubectl, name: str) -> None:
    helm("install", "it", chart(name), *WAIT)
    assert status(helm, "it") == "deployed"
    claims = kubectl("get", "persistentvolumeclaims", "-o", "json")["items"]
    assert {claim["status"]["phase"] for claim in claims} == ({"Bound"} if name == "database" else set())


@pytest.mark.helm3
@pytest.mark.parametrize(
    ("mode", "complaint"),
    [
        ("bad-template", "the mode bad-template asked for this"),
        ("schema", "missing property 'thisValueIsRequired'"),
        ("unknown-kind", 'no matches for kind "Unheard"'),
    ],
)
def test_what_cannot_be_built_leaves_no_release(helm: Helm, mode: str, complaint: str) -> None:
    done = helm.run("install", "f", chart("faulty"), "--set", f"mode={mode}")
    assert done.returncode == 1
    assert complaint in done.stderr
    assert helm.json("list") == []


@pytest.mark.helm3
@pytest.mark.parametrize(
    ("mode", "options", "complaint"),
    [
        ("bad-value", WAIT, "spec.ports[0].port: Invalid value: 99999"),
        ("hook-fails", WAIT, "failed pre-install"),
        ("hook-hangs", BRIEFLY, "failed pre-install"),
        ("never-ready", (*BRIEFLY, "--no-hooks"), "context deadline exceeded"),
        ("crash-loop", (*BRIEFLY, "--no-hooks"), "context deadline exceeded"),
        ("image-pull", (*BRIEFLY, "--no-hooks"), "context deadline exceeded"),
    ],
)
def test_what_the_cluster_refuses_leaves_a_failed_release(
    helm: Helm, mode: str, options: tuple[str, ...], complaint: str
) -> None:
    done = helm.run("install", "f", chart("faulty"), "--set", f"mode={mode}", *options)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert status(helm, "f") == "failed"


@pytest.mark.parametrize(("mode", "reason"), [("crash-loop", "CrashLoopBackOff"), ("image-pull", "ImagePullBackOff")])
def test_pods_say_why_they_are_not_ready(helm: Helm, kubectl: Kubectl, mode: str, reason: str) -> None:
    helm("install", "f", chart("faulty"), "--set", f"mode={mode}")
    waiting = "{.status.containerStatuses[0].state.waiting.reason}"
    kubectl("wait", "pod", "--all", f"--for=jsonpath={waiting}={reason}", "--timeout=20s")


@pytest.mark.helm3
def test_an_unknown_field_fails_on_helm_4_alone(helm: Helm) -> None:
    done = helm.run("install", "f", chart("faulty"), "--set", "mode=unknown-field")
    assert "replicsa" in done.stderr
    assert status(helm, "f") == ("failed" if helm.major == 4 else "deployed")


@pytest.mark.helm3
def test_an_immutable_field_fails_an_upgrade(helm: Helm) -> None:
    helm("install", "f", chart("faulty"), "--set", "mode=immutable", *WAIT)
    done = helm.run("upgrade", "f", chart("faulty"), "--set", "mode=immutable,track=canary", *WAIT)
    assert "field is immutable" in done.stderr
    assert status(helm, "f") == "failed"


@pytest.mark.helm3
def test_a_failing_test_fails(helm: Helm) -> None:
    helm("install", "f", chart("faulty"), "--set", "mode=test-fails", *WAIT)
    assert helm.run("test", "f", "--timeout", "20s").returncode == 1
    assert status(helm, "f") == "deployed"


@pytest.mark.helm3
def test_the_faulty_chart_can_also_work(helm: Helm) -> None:
    helm("install", "f", chart("faulty"), *WAIT)
    helm("test", "f", "--timeout", "20s")


def test_a_foreign_namespace_can_be_asked_for(kubectl: Kubectl) -> None:
    with pytest.raises(CommandFailed, match="NotFound"):
        kubectl("get", "deployment", "absent", "--namespace=default")
