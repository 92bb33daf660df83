"""What Helm 3 and Helm 4 make of charts, and what others add to it: facts that drift and plans rest on."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from helmops.core.drift.compare import changes, comparable
from helmops.core.drift.correction import json_patch
from helmops.core.drift.fields import added_fields
from helmops.core.drift.threeway import three_way
from tests.controlplane.cluster import Cluster
from tests.e2e.facts import CONTAINER, PLURALS, Release, own_chart, until
from tests.runners import Helm


@pytest.fixture
def release(controlplane: Cluster, helm: Helm, namespace: str) -> Release:
    """No release yet."""
    return Release(controlplane.api(), helm, namespace)


CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own, labels: %s}\ndata: {x: %s}\n"


@pytest.mark.helm3
def test_helm_overwrites_a_charts_own_managed_by(release: Release, tmp_path: Path) -> None:
    release.install(own_chart(tmp_path / "own", a=CONFIG_MAP % ("{app.kubernetes.io/managed-by: me}", "a")))
    assert release.live("ConfigMap")["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "Helm"}
    assert release.drift("ConfigMap") == []


def test_of_two_objects_by_one_name_helm_4_keeps_one_and_every_upgrade_the_last(
    release: Release, tmp_path: Path
) -> None:
    folder = own_chart(tmp_path / "own", a=CONFIG_MAP % ("{}", "first"), b=CONFIG_MAP % ("{}", "last"))
    release.install(folder)  # both at once: chance decides
    assert release.live("ConfigMap")["data"]["x"] in {"first", "last"}
    release.helm("upgrade", "web", folder)
    assert release.live("ConfigMap")["data"] == release.manifests["ConfigMap"]["data"] == {"x": "last"}
    assert release.drift("ConfigMap") == []


OLD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: own, labels: {keep: a, drop: b}}
spec:
  strategy: {type: RollingUpdate}
  replicas: 2
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      nodeSelector: {disk: ssd}
      containers:
        - name: web
          image: one
          env: [{name: A, value: a}, {name: B, value: b}, {name: C, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
          ports: [{containerPort: 8080}, {containerPort: 9090, name: m}]
          volumeMounts: [{name: v, mountPath: /v}, {name: v, mountPath: /w}]
        - {name: side, image: two}
      volumes: [{name: v, emptyDir: {}}]
"""
NEW = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: own, labels: {keep: a}}
spec:
  strategy: {type: Recreate}
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec:
      containers:
        - name: web
          image: three
          env: [{name: A, value: a2}, {name: C, value: plain}]
          ports: [{containerPort: 8081}, {containerPort: 9090, name: m}]
          volumeMounts: [{name: v, mountPath: /v}]
      volumes: [{name: v, configMap: {name: c}}]
"""


@pytest.fixture
def meddled(release: Release, tmp_path: Path) -> Release:
    """The old chart, installed, and changed by others."""
    release.install(own_chart(tmp_path / "old", a=OLD))
    release.scale(5)
    release.change("Deployment", {"metadata": {"labels": {"mine": "x", "keep": None}}})
    release.change("Deployment", [{"op": "add", "path": f"{CONTAINER}/env/0", "value": {"name": "X", "value": "1"}}])
    return release


class TestAnUpgradeIsForetold:
    def test_of_helm_4_by_a_dry_run_apply(self, meddled: Release, tmp_path: Path) -> None:
        new = NEW.replace("Recreate", "RollingUpdate")
        meddled.manifests.update(meddled.objects(new))
        foretold = meddled.ask("Deployment")
        meddled.helm("upgrade", "web", own_chart(tmp_path / "new", a=new), "--force-conflicts")
        assert list(changes(comparable(foretold), comparable(meddled.live("Deployment")))) == []

    def test_even_where_the_server_refuses_it(self, meddled: Release, tmp_path: Path) -> None:
        """Nobody owns what the server has filled in for RollingUpdate, so no apply of Recreate removes it."""
        meddled.manifests.update(meddled.objects(NEW))
        with pytest.raises(urllib.error.HTTPError, match="422"):
            meddled.ask("Deployment")
        done = meddled.helm.run("upgrade", "web", own_chart(tmp_path / "new", a=NEW), "--force-conflicts")
        assert "spec.strategy.rollingUpdate: Forbidden" in done.stderr

    @pytest.mark.helm3
    def test_of_helm_3_by_the_three_way_merge_asked_as_a_patch(self, meddled: Release, tmp_path: Path) -> None:
        """A dry-run apply would be refused, for it leaves in what Helm 3 takes out."""
        if not meddled.is_helm3:
            pytest.skip("Helm 4 applies")
        old, new = meddled.manifests["Deployment"], meddled.objects(NEW)["Deployment"]
        meddled.manifests["Deployment"] = new
        with pytest.raises(urllib.error.HTTPError, match="422"):
            meddled.ask("Deployment")
        live = meddled.live("Deployment")
        foretold = meddled.operate("Deployment", json_patch(live, three_way(live, old, new)), dry_run=True)
        meddled.helm("upgrade", "web", own_chart(tmp_path / "new", a=NEW))
        assert list(changes(comparable(foretold), comparable(meddled.live("Deployment")))) == []

    @pytest.mark.helm3
    def test_and_an_unknown_field_is_refused_both_ways(self, meddled: Release) -> None:
        manifest = meddled.manifests["Deployment"]
        live, wrong = meddled.live("Deployment"), {**manifest, "spec": {**manifest["spec"], "replica": 2}}
        meddled.manifests["Deployment"] = wrong
        merged = json_patch(live, three_way(live, manifest, wrong))
        asked = (partial(meddled.ask, "Deployment"), partial(meddled.operate, "Deployment", merged, dry_run=True))
        for ask in asked:
            with pytest.raises(urllib.error.HTTPError) as caught:
                ask()
            assert "spec.replica" in json.loads(caught.value.read())["message"]


INJECTED = """Object{metadata: Object.metadata{annotations: {"injected": "yes"}}}"""


@pytest.fixture
def webhook(release: Release) -> Iterator[None]:
    """A policy of the API server that, like a mutating webhook, annotates the namespace's ConfigMaps."""
    base, name = "/apis/admissionregistration.k8s.io/v1", release.namespace
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}
    here = {"matchLabels": {"kubernetes.io/metadata.name": release.namespace}}
    mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": INJECTED}}
    match = {"namespaceSelector": here, "resourceRules": [rule]}
    policy = {"reinvocationPolicy": "Never", "matchConstraints": match, "mutations": [mutation]}
    kinds = {"mutatingadmissionpolicies": policy, "mutatingadmissionpolicybindings": {"policyName": name}}
    for plural, spec in kinds.items():
        release.api.call("POST", f"{base}/{plural}", {"metadata": {"name": name}, "spec": spec})
    probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe"}}
    path = PLURALS["ConfigMap"].format(release.namespace)
    until(lambda: "annotations" in json.loads(release.api.call("POST", f"{path}?dryRun=All", probe))["metadata"], 30.0)
    yield
    for plural in kinds:
        release.api.call("DELETE", f"{base}/{plural}/{name}")


@pytest.mark.helm3
@pytest.mark.usefixtures("webhook")
def test_what_webhooks_write_is_nobodys_addition(release: Release, tmp_path: Path) -> None:
    release.install(own_chart(tmp_path / "own", a=CONFIG_MAP % ("{}", "a")))
    assert release.live("ConfigMap")["metadata"]["annotations"]["injected"] == "yes"
    assert release.drift("ConfigMap") == []
    assert added_fields(release.ask("ConfigMap")) == ()
