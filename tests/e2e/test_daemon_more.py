"""The daemon on a folder, in another cluster's name, and cut short; and its example."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.helpers import HelmOps, Live, Running, slowly, until
from tests.e2e.test_daemon import condition, put, reasons, release, settled, webapp
from tests.e2e.test_daemon import daemon as daemon
from tests.e2e.test_daemon import objects as objects
from tests.runners import Helm, Kubectl
from tests.servers.helmrepo import HelmRepository

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/08-daemon/release.yaml"
SOURCE = {"repo: https://stefanprodan.github.io/podinfo": "repo: {}", "podinfo": "webapp", "6.x": "1.x"}


@pytest.fixture
def folder_daemon(ops: HelmOps) -> Iterator[Running]:
    """It follows the test's folder."""
    with ops.running("daemon", "--path", ".", "--poll", "500ms") as running:
        yield running
        running.signal(signal.SIGTERM)
        ran = running.end()
        assert ran.code == 0, ran.text


def test_a_folder_is_followed(ops: HelmOps, live: Live, kubectl: Kubectl, folder_daemon: Running) -> None:
    ops.write("web.yaml", ops.release("web", ops.app(), {"message": "one"}))
    until(lambda: live.find("ConfigMap", "web"), "installed")
    ops.write("web.yaml", ops.release("web", "charts/app", {"message": "two"}))
    until(lambda: live.message("web") == "two", "upgraded")
    until(lambda: live.history("web") == ["superseded", "deployed"], "its record")
    kubectl("patch", "configmap", "web", "--type=merge", "-p", '{"data": {"message": "by hand"}}')
    until(lambda: live.message("web") == "two", "corrected")
    assert live.history("web") == ["superseded", "deployed"]


def test_sync_finds_nothing_to_do_after_the_daemon(
    ops: HelmOps, live: Live, kubectl: Kubectl, folder_daemon: Running
) -> None:
    """And the other way round: what one of them decided, the other would have."""
    ops.write("web.yaml", ops.release("web", ops.app(), {"message": "one"}))
    until(lambda: live.history("web") == ["deployed"], "installed")
    assert "Nothing to do." in ops.sync().out
    assert live.history("web") == ["deployed"]


def test_an_end_in_the_middle_leaves_nothing_pending(ops: HelmOps, live: Live) -> None:
    chart = ops.app()
    slow = ops.release("web", chart, {"pods": slowly(30)}, quick=False, timeout="60s")
    ops.write("web.yaml", slow)
    with ops.running("daemon", "--path", ".") as running:
        until(lambda: live.history("web") == ["pending-install"], "helm at work")
        running.signal(signal.SIGTERM)
        ran = running.end()
    assert ran.code == 0, ran.text
    assert live.history("web") == ["failed"]
    assert live.leases() == []


def test_a_service_account_without_rights_is_told(
    daemon: Running, ops: HelmOps, objects: Kubectl, live: Live, helm_repo: HelmRepository
) -> None:
    tenant = webapp(ops, helm_repo)
    tenant["spec"]["serviceAccountName"] = "tenant"
    objects("create", "serviceaccount", "tenant")
    put(objects, tenant)
    assert condition(settled(objects, ready="False"), "Ready")["reason"] == "AccessDenied"
    objects("create", "rolebinding", "tenant", "--clusterrole=admin", f"--serviceaccount={ops.namespace}:tenant")
    objects(
        "create", "role", "leases", "--verb=*", "--resource=leases.coordination.k8s.io,configmaps,secrets,deployments"
    )
    objects("create", "rolebinding", "leases", "--role=leases", f"--serviceaccount={ops.namespace}:tenant")
    until(lambda: condition(release(objects), "Ready").get("status") == "True", "the tenant may now", 60.0)
    assert live.history("web") == ["deployed"]


def test_what_helm_does_by_hand_is_seen_at_once(
    daemon: Running, ops: HelmOps, objects: Kubectl, live: Live, helm: Helm, helm_repo: HelmRepository
) -> None:
    put(objects, webapp(ops, helm_repo))
    settled(objects)
    helm("uninstall", "web", "--no-hooks")
    until(lambda: live.history("web") == ["deployed"] and live.find("Deployment", "web-webapp"), "installed anew")
    assert condition(settled(objects), "Ready")["status"] == "True"


def test_another_cluster_by_a_kubeconfig_in_a_secret(
    daemon: Running, ops: HelmOps, objects: Kubectl, live: Live, helm_repo: HelmRepository, kubeconfig: Path
) -> None:
    remote = webapp(ops, helm_repo)
    remote["spec"]["kubeConfig"] = {"secretRef": {"name": "remote"}}
    objects("create", "secret", "generic", "remote", f"--from-file=value={kubeconfig}")
    put(objects, remote)
    settled(objects)
    objects("delete", "service", "web-webapp")
    until(lambda: live.find("Service", "web-webapp"), "corrected there, too")


def test_the_example(daemon: Running, ops: HelmOps, objects: Kubectl, live: Live, helm_repo: HelmRepository) -> None:
    text = EXAMPLE.read_text()
    for old, new in SOURCE.items():
        text = text.replace(old, new.format(helm_repo.url))
    objects("apply", "-f", "-", stdin=text.replace("replicaCount", "replicas"))
    settled(objects, "hello")
    assert live.get("Deployment", "hello-webapp")["spec"]["replicas"] == 2
    changed = {"data": {"values.yaml": "replicas: 1\n"}}
    objects("patch", "configmap", "hello-values", "--type=merge", "-p", json.dumps(changed))
    until(lambda: live.get("Deployment", "hello-webapp")["spec"]["replicas"] == 1, "an upgrade, at once")
    until(lambda: {"InstallSucceeded", "UpgradeSucceeded"} <= set(reasons(objects, "hello")), "told in Events")
