"""The examples of sources, values and clusters, with their hosts and namespaces changed and nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.helpers import HelmOps, Live
from tests.runners import Helm, Kubectl
from tests.servers.gitserver import GitServer, git

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CHART = EXAMPLES / "01-first-release/charts/hello"


def copied(ops: HelmOps, name: str, changes: dict[str, str]) -> None:
    """An example in the test's folder."""
    shutil.rmtree(ops.folder)
    shutil.copytree(EXAMPLES / name, ops.folder)
    for file in ops.folder.glob("*.yaml"):
        text = file.read_text()
        for old, new in changes.items():
            text = text.replace(old, new)
        file.write_text(text)


@pytest.mark.helm3
def test_sources(
    ops: HelmOps, live: Live, helm: Helm, kubectl: Kubectl, oci_registry: str, git_server: GitServer, tmp_path: Path
) -> None:
    """From a registry the newest of a range; from git the chart of a commit."""
    helm("package", CHART, "--destination", tmp_path)
    helm("push", tmp_path / "hello-1.0.0.tgz", f"oci://{oci_registry}/{live.namespace}", "--plain-http")
    files = {f"hello/{one.relative_to(CHART)}": one.read_text() for one in CHART.rglob("*") if one.is_file()}
    url = git_server.create(live.namespace, files)
    commit = git(git_server.folder / f"{live.namespace}.git", "rev-parse", "main").strip()
    changes = {
        "namespace: sources": f"namespace: {live.namespace}",
        "name: sources": f"name: {live.namespace}",
        "examples/sources": live.namespace,
        "oci://registry.example.org/charts": f"oci://{oci_registry}/{live.namespace}",
        "https://git.example.org/charts.git": url,
    }
    copied(ops, "03-sources", changes)
    kubectl("create", "secret", "generic", "git-credentials", "--from-literal=username=a", "--from-literal=password=b")
    assert "Done: 2 installed" in ops.sync().out
    charts = {one["name"]: one["chart"] for one in helm.json("ls", "-n", live.namespace, "-o", "json")}
    assert charts == {"from-registry": "hello-1.0.0", "from-git": f"hello-1.0.0+{commit[:12]}"}
    assert "Nothing to do." in ops.sync().out


def test_values(ops: HelmOps, live: Live, kubectl: Kubectl) -> None:
    """Every layer has its place, and the Secret's content none in the output."""
    copied(ops, "04-values", {"namespace: values": f"namespace: {live.namespace}", "examples/values": live.namespace})
    (ops.folder / "namespace.yaml").unlink()
    kubectl("create", "secret", "generic", "greeting", "--from-literal=text=hush-hush")
    ran = [ops("values", "layered"), ops.plan(), ops.sync()]
    assert "Done: 1 installed" in ran[-1].out
    assert all("hush-hush" not in one.text for one in ran)
    assert "ConfigMap" in ran[0].out
    assert live.get("ConfigMap", "layered")["data"]["index.html"] == "hush-hush"
    deployment = live.get("Deployment", "layered")
    assert deployment["spec"]["replicas"] == 2
    kubectl("patch", "secret", "greeting", "--type=merge", '--patch={"stringData":{"text":"and-hush-again"}}')
    changed = ops.sync()
    assert "Done: 1 upgraded" in changed.out
    assert "hush" not in changed.text


def test_two_clusters(
    ops: HelmOps, live: Live, kubectl: Kubectl, kubeconfig: Path, other_namespace: Callable[[], str]
) -> None:
    """The same control plane by another road is the other cluster; a service account has its rights and no more."""
    changes = {"namespace: fleet": f"namespace: {live.namespace}", "examples/two-clusters": live.namespace}
    copied(ops, "07-two-clusters", changes)
    kubectl("create", "secret", "generic", "staging", f"--from-file=value={kubeconfig}")
    kubectl("create", "serviceaccount", "deployer")
    refused = ops.sync(code=4)
    assert f"system:serviceaccount:{live.namespace}:deployer" in refused.text
    assert live.get("ConfigMap", "far")["data"]["index.html"] == "Hello"
    who = f"--serviceaccount={live.namespace}:deployer"
    kubectl("create", "rolebinding", "deployer", "--clusterrole=admin", who)
    kubectl("create", "role", "leases", "--verb=*", "--resource=leases.coordination.k8s.io")
    kubectl("create", "rolebinding", "leases", "--role=leases", who)
    assert "Done: 1 installed, 1 unchanged" in ops.sync().out
    assert "Nothing to do." in ops.sync().out
