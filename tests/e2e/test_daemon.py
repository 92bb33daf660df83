"""The daemon on Release objects: install, change, drift, failure, and an end in order."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.helpers import NEVER_READY, HelmOps, Live, Running, until
from tests.runners import Kubectl
from tests.servers.helmrepo import HelmRepository


@pytest.fixture
def objects(ops: HelmOps, kubectl: Kubectl) -> Kubectl:
    """kubectl, where helmops' kinds are known."""
    definitions = ops("crds").out
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=definitions)
    kubectl("wait", "--for=condition=Established", "crd/releases.helmops.dev", "crd/chartsources.helmops.dev")
    return kubectl


@pytest.fixture
def daemon(ops: HelmOps, objects: Kubectl) -> Iterator[Running]:
    """It follows the test's namespace; at the end it must go in order."""
    with ops.running("daemon", "-n", ops.namespace, "--log-format", "json") as running:
        yield running
        running.signal(signal.SIGTERM)
        ran = running.end()
        assert ran.code == 0, ran.text
        assert all(json.loads(line) for line in ran.out.splitlines())


def webapp(ops: HelmOps, repo: HelmRepository, version: str = "1.0.0", **values: Any) -> dict[str, Any]:
    chart = {"repo": repo.url, "name": "webapp", "version": version}
    return ops.release("web", chart, {"replicas": 2, **values})


def put(kubectl: Kubectl, *documents: dict[str, Any]) -> None:
    kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(documents)}))


def release(kubectl: Kubectl, name: str = "web") -> dict[str, Any]:
    found: dict[str, Any] = kubectl("get", "releases.helmops.dev", name, "-o", "json")
    return found


def condition(found: dict[str, Any], kind: str) -> dict[str, Any]:
    status = found.get("status") or {}
    return next((one for one in status.get("conditions", ()) if one["type"] == kind), {})


def settled(kubectl: Kubectl, name: str = "web", ready: str = "True") -> dict[str, Any]:
    """The object, once it tells of its own generation that it is ready (or not)."""

    def look() -> dict[str, Any] | None:
        found = release(kubectl, name)
        ours = (found.get("status") or {}).get("observedGeneration") == found["metadata"]["generation"]
        return found if ours and condition(found, "Ready").get("status") == ready else None

    return until(look, f"{name} Ready={ready}, {release(kubectl, name).get('status')}") or {}


def reasons(kubectl: Kubectl, name: str = "web") -> list[str]:
    found = kubectl("get", "events", "-o", "json", f"--field-selector=involvedObject.name={name}")["items"]
    return [one["reason"] for one in found if one["involvedObject"]["kind"] == "Release"]


def test_a_release_is_installed_upgraded_and_kept(
    daemon: Running, ops: HelmOps, objects: Kubectl, live: Live, helm_repo: HelmRepository
) -> None:
    put(objects, webapp(ops, helm_repo))
    status = settled(objects)["status"]
    assert (status["revision"], status["chart"], status["lastAppliedRevision"]) == (1, "webapp 1.0.0", "1.0.0")
    assert [one["type"] for one in status["conditions"]] == ["Ready"]
    assert objects("get", "releases.helmops.dev", "web").split()[:5] == ["NAME", "READY", "REVISION", "CHART", "STATUS"]

    put(objects, webapp(ops, helm_repo, config={"greeting": "changed"}))
    assert settled(objects)["status"]["revision"] == 2
    assert live.get("ConfigMap", "web-webapp")["data"]["greeting"] == "changed"
    assert live.history("web") == ["superseded", "deployed"]

    time.sleep(1.0)  # the daemon has looked at what it did, and watches
    objects("scale", "deployment", "web-webapp", "--replicas=5")
    until(lambda: live.get("Deployment", "web-webapp")["spec"]["replicas"] == 2, "corrected")
    objects("delete", "service", "web-webapp")
    until(lambda: live.find("Service", "web-webapp"), "the service is back")
    assert live.history("web") == ["superseded", "deployed"]
    until(lambda: {"InstallSucceeded", "UpgradeSucceeded", "DriftCorrected"} <= set(reasons(objects)), "events")
    assert condition(settled(objects), "Ready")["status"] == "True"


def test_nothing_is_written_while_nothing_changes(
    daemon: Running, ops: HelmOps, objects: Kubectl, live: Live, helm_repo: HelmRepository
) -> None:
    put(objects, webapp(ops, helm_repo))
    settled(objects)
    objects("annotate", "deployment", "web-webapp", "note=1")
    objects("annotate", "releases.helmops.dev", "web", "note=1")
    time.sleep(1.0)
    before = release(objects)
    time.sleep(2.0)
    assert release(objects) == before
    assert live.history("web") == ["deployed"]


def test_a_failed_upgrade_is_told_once_and_stays_told(
    daemon: Running, ops: HelmOps, objects: Kubectl, live: Live, helm_repo: HelmRepository
) -> None:
    """Rolled back, stalled, and not tried again: neither status nor events move after that."""
    put(objects, webapp(ops, helm_repo))
    settled(objects)
    broken = webapp(ops, helm_repo, podAnnotations=NEVER_READY)
    broken["spec"] |= {"upgrade": {"disableHooks": True}, "timeout": "5s"}
    put(objects, broken)
    found = settled(objects, ready="False")
    until(lambda: condition(release(objects), "Stalled"), "stalled")
    assert live.history("web")[-1] == "deployed"
    time.sleep(3.0)
    before = release(objects)
    time.sleep(3.0)
    assert release(objects)["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert "UpgradeFailed" in reasons(objects)
    assert len(live.history("web")) == 3
    assert found["metadata"]["generation"] == 2


@pytest.mark.parametrize("mistake", ["path", "version"])
def test_what_is_wrong_stands_in_the_status(
    daemon: Running, ops: HelmOps, objects: Kubectl, helm_repo: HelmRepository, mistake: str
) -> None:
    wrong = webapp(ops, helm_repo, "99.0.0")
    if mistake == "path":
        wrong["spec"]["chart"] = {"path": "charts/webapp"}
    put(objects, wrong)
    found = settled(objects, ready="False")
    assert condition(found, "Stalled")["reason"] == "InvalidInput"
    assert ("has no folder" if mistake == "path" else "99.0.0") in condition(found, "Ready")["message"]
    assert reasons(objects) == ["InvalidInput"]

    put(objects, webapp(ops, helm_repo))
    assert not condition(settled(objects), "Stalled")


def test_a_dependency_comes_first(
    daemon: Running, ops: HelmOps, objects: Kubectl, live: Live, helm_repo: HelmRepository
) -> None:
    second = webapp(ops, helm_repo)
    second["metadata"]["name"], second["spec"]["dependsOn"] = "after", [{"name": "web"}]
    put(objects, second)
    assert condition(settled(objects, "after", "False"), "Ready")["reason"] == "DependencyNotReady"
    assert live.records("after") == []
    put(objects, webapp(ops, helm_repo))
    settled(objects, "after")
    assert live.history("after") == ["deployed"]


def test_values_of_a_configmap_are_followed(
    daemon: Running, ops: HelmOps, objects: Kubectl, live: Live, helm_repo: HelmRepository
) -> None:
    def values(greeting: str) -> dict[str, Any]:
        data = {"values.yaml": f"config: {{greeting: {greeting}}}\n"}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine"}, "data": data}

    web = webapp(ops, helm_repo)
    web["spec"]["valuesFrom"] = [{"kind": "ConfigMap", "name": "mine"}]
    put(objects, values("first"), web)
    settled(objects)
    put(objects, values("second"))
    until(lambda: live.get("ConfigMap", "web-webapp")["data"]["greeting"] == "second", "the new value")
    until(lambda: live.history("web") == ["superseded", "deployed"], "its record")
