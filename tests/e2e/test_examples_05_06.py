"""The examples of post-renderers and of records apart from objects, and how they fail."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.controlplane import tools
from tests.e2e.conftest import CLONE
from tests.e2e.helpers import CountedHelm, HelmOps, Live
from tests.runners import Helm, Kubectl


def copied(ops: HelmOps, name: str, renamed: Mapping[str, str]) -> HelmOps:
    """An example in the test's folder, with namespaces of the test's own; kubectl is its kustomize."""
    shutil.rmtree(ops.folder)
    shutil.copytree(CLONE / "examples" / name, ops.folder)
    for path in ops.folder.glob("*.yaml"):
        text = path.read_text()
        for old, new in renamed.items():
            for field in ("name", "namespace", "targetNamespace"):
                text = text.replace(f"{field}: {old}\n", f"{field}: {new}\n")
        path.write_text(text.replace("owner: examples", f"owner: {next(iter(renamed.values()))}"))
    return ops.using(PATH=os.pathsep.join((str(tools.kubectl().parent), ops.environment["PATH"])))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.helm3
def test_post_renderers(
    ops: HelmOps, live: Live, kubectl: Kubectl, counted_helm: CountedHelm, other_namespace: Callable[[], str]
) -> None:
    space = other_namespace()
    ops = copied(ops, "05-post-renderers", {"patched": space}).using(HELM_BIN=str(counted_helm.path))
    planned = ops.plan().out
    assert "Plan: 1 to install," in planned
    assert "Done: 1 installed" in ops.sync().out
    deployment = live.get("Deployment", "web", space)
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example.org/mirror/nginx:1.28"
    assert container["env"] == [{"name": "REGION", "value": "eu"}]
    assert deployment["metadata"]["labels"]["team"] == "platform"
    assert live.get("ConfigMap", "web", space)["metadata"]["labels"]["team"] == "platform"
    assert "team" not in live.get("ConfigMap", "web-installed", space)["metadata"]["labels"]

    counted_helm.forget()
    assert "Nothing to do." in ops.sync().out
    assert counted_helm.runs() == []
    kubectl("label", "deployment", "web", "team-", f"--namespace={space}")
    assert "Done: 1 corrected" in ops.sync().out
    assert live.get("Deployment", "web", space)["metadata"]["labels"]["team"] == "platform"

    edit(ops.folder / "web.yaml", "value: eu", "value: us")
    changed = ops.plan().out
    assert "1 to upgrade" in changed
    assert "the post-renderers or the content of the chart have changed" in changed
    assert "Done: 1 upgraded" in ops.sync().out
    assert live.history("web", space) == ["superseded", "deployed"]

    edit(ops.folder / "web.yaml", "                name: web\n", "                name: webb\n")
    for failed in (ops.plan(code=1), ops.sync(code=1)):
        assert "post-renderer: patch 1 (Deployment/webb) fails: " in failed.text
    assert live.history("web", space) == ["superseded", "deployed"]


@pytest.mark.helm3
def test_records_apart_from_objects(
    ops: HelmOps, live: Live, kubectl: Kubectl, helm: Helm, other_namespace: Callable[[], str]
) -> None:
    records, objects = other_namespace(), other_namespace()
    ops = copied(ops, "06-storage-apart", {"releases": records, "website": objects})
    planned = ops.plan().out
    assert f"+ namespace {objects}" in planned
    assert f"+ namespace {records}" in planned
    assert "Done: 1 installed" in ops.sync().out
    [listed] = helm.json("ls", "-n", records)
    assert (listed["name"], listed["namespace"]) == ("web", objects)
    assert live.get("ConfigMap", "web", objects)["data"] == {"index.html": "Hello", "namespace": objects}
    assert live.records("web", objects) == []
    assert live.find("ConfigMap", "web", records) is None
    assert "Nothing to do." in ops.sync().out

    kubectl("delete", "configmap", "web", f"--namespace={objects}")
    assert "ConfigMap/web is missing" in ops.plan().out
    assert "Done: 1 corrected" in ops.sync().out
    assert live.find("ConfigMap", "web", objects)

    edit(ops.folder / "web.yaml", "greeting: Hello", "greeting: Goodbye")
    assert "Done: 1 upgraded" in ops.sync().out
    ops("rollback", "-n", records, "web", "--yes")
    assert live.history("web", records) == ["superseded", "superseded", "deployed"]
    assert live.get("ConfigMap", "web", objects)["data"]["index.html"] == "Hello"

    edit(ops.folder / "web.yaml", f"targetNamespace: {objects}", f"targetNamespace: {records}")
    moved = ops.plan(code=1)
    assert f"its objects are in namespace {objects}, and helm cannot move them to {records}" in moved.text
    (ops.folder / "web.yaml").unlink()
    assert "Done: 1 removed" in ops.sync("--prune").out
    assert live.records("web", records) == []
    assert live.find("ConfigMap", "web", objects) is None
    assert live.leases(records) == []


@pytest.mark.helm3
def test_a_split_release_goes_by_hand_as_well(ops: HelmOps, live: Live, other_namespace: Callable[[], str]) -> None:
    """A failed upgrade is rolled back, and an uninstallation by hand finds the objects where they are."""
    objects = other_namespace()
    spec = {"targetNamespace": objects, "install": {"createNamespace": True}}
    chart = ops.app()
    ops.write("release.yaml", ops.release("web", chart, {"message": "one"}, quick=False, **spec))
    ops.sync()
    never_ready = {"message": "two", "pods": {"helmops.test/sim": "never-ready"}}
    ops.write("release.yaml", ops.release("web", chart, never_ready, quick=False, **spec | {"timeout": "3s"}))
    ops.sync(code=1)
    assert live.history("web") == ["superseded", "failed", "deployed"]
    assert live.message("web", objects) == "one"
    ops("uninstall", "-n", ops.namespace, "web", "--yes")
    assert live.records("web") == []
    assert live.find("ConfigMap", "web", objects) is None


def test_one_name_stored_twice_for_one_target(ops: HelmOps, live: Live, helm: Helm) -> None:
    """Helm's marks of ownership would not tell the two apart: it would seize what the other has."""
    chart = ops.folder / ops.app()
    helm("install", "web", chart, "--set", "message=mine")
    split = ops.release("web", "charts/app", namespace="default", targetNamespace=ops.namespace)
    ops.write("release.yaml", split)
    failed = ops.sync(code=1)
    assert f"{ops.namespace} has a release web of its own" in failed.text
    assert live.message("web") == "mine"


def test_a_namespace_that_nobody_makes(ops: HelmOps, live: Live) -> None:
    ops.write("release.yaml", ops.release("web", ops.app(), targetNamespace="nobody-makes-me"))
    assert "namespace nobody-makes-me does not exist" in ops.plan(code=1).text
    assert live.records("web") == []
