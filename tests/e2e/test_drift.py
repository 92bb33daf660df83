"""What people change by hand is seen by plan and put right by sync, without a new revision of Helm's."""

from __future__ import annotations

import pytest

from tests.e2e.helpers import CountedHelm, HelmOps, Live
from tests.runners import Kubectl


@pytest.fixture
def web(ops: HelmOps, helm_path: object) -> HelmOps:
    """A web application with everything in it, deployed."""
    ops.write("web.yaml", ops.release("web", ops.chart("webapp"), {"replicas": 2}))
    ops.sync()
    return ops


@pytest.mark.helm3
def test_edit_scale_delete_and_a_lost_label_are_seen_and_put_right(
    web: HelmOps, live: Live, kubectl: Kubectl, counted_helm: CountedHelm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "sed -i s/greeting:.hello/greeting:\\ goodbye/")
    kubectl("edit", "configmap", "web-webapp")
    kubectl("scale", "deployment", "web-webapp", "--replicas=5")
    kubectl("set", "image", "deployment/web-webapp", "webapp=registry.example.org/webapp:debug")
    kubectl("delete", "service", "web-webapp")
    kubectl("label", "ingress", "web-webapp", "app.kubernetes.io/managed-by-")
    kubectl("patch", "secret", "web-webapp", "-p", '{"stringData": {"token": "by-hand-4711"}}')
    kubectl("annotate", "serviceaccount", "web-webapp", "meta.helm.sh/release-name-")
    drifted = web.using(HELM_BIN=str(counted_helm.path))

    text = drifted.plan("--detailed-exitcode", code=3).out
    for line in (
        "ConfigMap/web-webapp data.greeting: goodbye → hello (kubectl-edit, ",
        "Deployment/web-webapp spec.replicas: 5 → 2 (kubectl",
        "webapp:debug → registry.example.org/webapp:1.0.0 (kubectl-set, ",
        "Service/web-webapp is missing",
        'Ingress/web-webapp metadata.labels["app.kubernetes.io/managed-by"]: (none) → Helm',
        "Secret/web-webapp data.token: ",
        'ServiceAccount/web-webapp metadata.annotations["meta.helm.sh/release-name"]: (none) → web',
        "Plan: 0 to install, 0 to upgrade, 1 to correct, 0 to remove, 0 unchanged",
    ):
        assert line in text
    assert "by-hand-4711" not in text
    assert live.get("Deployment", "web-webapp")["spec"]["replicas"] == 5

    assert "Done: 1 corrected" in drifted.sync("--detailed-exitcode", code=3).out

    assert live.get("ConfigMap", "web-webapp")["data"]["greeting"] == "hello"
    deployment = live.get("Deployment", "web-webapp")
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example.org/webapp:1.0.0"
    service = live.get("Service", "web-webapp")
    assert service["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    assert service["metadata"]["annotations"]["meta.helm.sh/release-namespace"] == web.namespace
    assert live.get("Ingress", "web-webapp")["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    assert live.get("Secret", "web-webapp")["data"]["token"] == "bm90LWEtc2VjcmV0"
    assert live.history("web") == ["deployed"]
    assert counted_helm.runs() == []
    drifted.plan("--detailed-exitcode", code=0)


@pytest.mark.helm3
def test_helm_can_upgrade_what_was_corrected_and_take_fields_away(web: HelmOps, live: Live, kubectl: Kubectl) -> None:
    """Whoever corrects must not leave a second owner behind, whose fields Helm could never remove again."""
    kubectl("patch", "configmap", "web-webapp", "-p", '{"data": {"cache": "off", "greeting": "by hand"}}')
    kubectl("delete", "service", "web-webapp")
    web.sync()
    values = {"replicas": 2, "config": {"cache": None}, "service": {"port": 8080}}
    web.write("web.yaml", web.release("web", "charts/webapp", values))
    web.sync()
    assert live.get("ConfigMap", "web-webapp")["data"] == {"greeting": "hello"}
    assert [port["port"] for port in live.get("Service", "web-webapp")["spec"]["ports"]] == [8080]
    assert live.history("web") == ["superseded", "deployed"]
    web.plan("--detailed-exitcode", code=0)


@pytest.mark.helm3
def test_fields_that_others_added_are_told_and_left(web: HelmOps, live: Live, kubectl: Kubectl) -> None:
    kubectl("label", "deployment", "web-webapp", "team=blue")
    kubectl("set", "env", "deployment/web-webapp", "DEBUG=1")
    kubectl("patch", "configmap", "web-webapp", "-p", '{"data": {"more": "x"}}')
    for _ in range(2):  # told again when the object is proved clean by metadata alone
        text = web.plan("--detailed-exitcode", code=0).out
        assert "Deployment/web-webapp metadata.labels.team (added by kubectl" in text
        assert "ConfigMap/web-webapp data.more (added by kubectl-patch)" in text
        assert "DEBUG" in text
        assert "1 unchanged" in text
    kubectl("patch", "configmap", "web-webapp", "-p", '{"data": {"greeting": "x"}}')
    web.sync()
    assert live.get("ConfigMap", "web-webapp")["data"] == {"cache": "on", "greeting": "hello", "more": "x"}
    assert live.get("Deployment", "web-webapp")["metadata"]["labels"]["team"] == "blue"


def test_drift_that_metadata_alone_would_not_show_is_found(web: HelmOps, live: Live, kubectl: Kubectl) -> None:
    """Scaled again after a correction; managedFields thrown away, and then changed."""
    for _ in range(2):
        kubectl("scale", "deployment", "web-webapp", "--replicas=7")
        assert "spec.replicas: 7 → 2" in web.sync().out
    kubectl("patch", "service", "web-webapp", "--type=merge", "-p", '{"metadata": {"managedFields": [{}]}}')
    web.plan("--detailed-exitcode", code=0)
    change = '[{"op": "replace", "path": "/spec/ports/0/targetPort", "value": 81}]'
    kubectl("patch", "service", "web-webapp", "--type=json", "-p", change)
    assert "Service/web-webapp spec.ports[name=http].targetPort: 81 → http" in web.sync().out
    assert live.get("Service", "web-webapp")["spec"]["ports"][0]["targetPort"] == "http"


@pytest.mark.helm3
def test_a_changed_key_of_a_list_item_is_drift_like_any_other(web: HelmOps, live: Live, kubectl: Kubectl) -> None:
    """To the server another port is another item, and two of one name are refused: an apply alone cannot mend it."""
    change = '[{"op": "replace", "path": "/spec/ports/0/port", "value": 81}]'
    kubectl("patch", "service", "web-webapp", "--type=json", "-p", change)
    told = web.plan("--detailed-exitcode", code=3).out
    assert "Service/web-webapp spec.ports[name=http].port: 81 → 80 (kubectl-patch, " in told
    web.sync()
    assert [port["port"] for port in live.get("Service", "web-webapp")["spec"]["ports"]] == [80]
    web.plan("--detailed-exitcode", code=0)
    # and it is Helm's alone again
    web.write("web.yaml", web.release("web", "charts/webapp", {"replicas": 2, "service": {"port": 8080}}))
    web.sync()
    assert [port["port"] for port in live.get("Service", "web-webapp")["spec"]["ports"]] == [8080]


@pytest.mark.parametrize(("mode", "told"), [("warn", True), ("disabled", False)])
def test_drift_is_left_alone_when_the_release_says_so(
    web: HelmOps, live: Live, kubectl: Kubectl, mode: str, told: bool
) -> None:
    web.write("web.yaml", web.release("web", "charts/webapp", {"replicas": 2}, driftDetection={"mode": mode}))
    kubectl("scale", "deployment", "web-webapp", "--replicas=5")
    done = web.sync("--detailed-exitcode", code=0)
    assert ("spec.replicas: 5 → 2" in done.out) == told
    assert live.get("Deployment", "web-webapp")["spec"]["replicas"] == 5


def test_a_correction_that_the_server_refuses_is_a_failure_told_with_its_object(
    web: HelmOps, live: Live, kubectl: Kubectl
) -> None:
    """An immutable field: the object was deleted and made anew by hand with another selector."""
    manifest = live.get("Deployment", "web-webapp")
    kubectl("delete", "deployment", "web-webapp", "--wait=true", "--cascade=foreground")
    for labels in (manifest["spec"]["selector"]["matchLabels"], manifest["spec"]["template"]["metadata"]["labels"]):
        labels["app.kubernetes.io/instance"] = "other"
    kept = {"name": "web-webapp", "labels": manifest["metadata"]["labels"]}
    document = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": kept, "spec": manifest["spec"]}
    web.write("by-hand.json", document)
    kubectl("apply", "-f", str(web.folder / "by-hand.json"))
    (web.folder / "by-hand.json").unlink()
    assert "drift on Deployment/web-webapp" in web.plan("--detailed-exitcode", code=3).out
    failed = web.sync(code=1).out
    assert "1 failed" in failed
    assert "field is immutable" in failed
