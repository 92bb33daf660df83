"""Each example does what its README says, in a namespace of the test's own; and so does ``make demo``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from examples.demo import Demo, copy_example, tour
from tests.e2e.helpers import CountedHelm, HelmOps, Live
from tests.runners import Kubectl

IMPORTED = """\
import sys
from helmops.cli.app import main
code = main(["sync", ".", "--yes"])
print(code, *({"kubernetes", "pyhelm3", "rich", "semver"} & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.helm3
def test_first_release(
    ops: HelmOps,
    live: Live,
    kubectl: Kubectl,
    counted_helm: CountedHelm,
    other_namespace: Callable[[], str],
) -> None:
    """Plan, sync, a second sync without helm, drift, prune."""
    namespace = other_namespace()
    shutil.rmtree(ops.folder)
    copy_example(ops.folder, namespace)
    ops = ops.using(HELM_BIN=str(counted_helm.path))
    assert "2 releases, no problems" in ops("lint", ".").out

    planned = ops.plan()
    assert f"+ namespace {namespace}" in planned.out
    assert "Plan: 2 to install," in planned.out

    done = ops.sync()
    assert "Done: 2 installed" in done.out
    assert done.out.index(f"{namespace}/hello  done") < done.out.index(f"{namespace}/goodbye  installing")
    page = live.get("ConfigMap", "hello", namespace)["data"]["index.html"]
    assert page == "Hello from Git"
    assert live.get("Deployment", "hello", namespace)["status"]["readyReplicas"] == 2

    counted_helm.forget()
    assert "Nothing to do." in ops.sync().out
    assert counted_helm.runs() == []

    kubectl("scale", "deployment", "hello", "--replicas", "5", f"--namespace={namespace}")
    kubectl("delete", "configmap", "goodbye", f"--namespace={namespace}")
    drifted = ops.plan("--detailed-exitcode", code=3)
    assert "Deployment/hello spec.replicas: 5 → 2" in drifted.out
    assert "ConfigMap/goodbye is missing" in drifted.out
    assert "Done: 2 corrected" in ops.sync().out
    assert counted_helm.runs() == []
    assert live.get("Deployment", "hello", namespace)["spec"]["replicas"] == 2
    assert live.find("ConfigMap", "goodbye", namespace)
    assert live.history("hello", namespace) == live.history("goodbye", namespace) == ["deployed"]

    hello = ops.folder / "hello.yaml"
    hello.write_text(hello.read_text().split("---\n")[0])
    assert "1 unchanged" in ops.sync().out
    assert "0 to remove" in ops.plan().out
    assert "Done: 1 removed, 1 unchanged" in ops.sync("--prune").out
    assert live.find("Deployment", "goodbye", namespace) is None
    assert live.history("hello", namespace) == ["deployed"]
    assert live.leases(namespace) == []


def test_a_sync_without_changes_imports_nothing_heavy(ops: HelmOps, other_namespace: Callable[[], str]) -> None:
    """What is not needed is not paid for (decisions 0001 and 0009)."""
    shutil.rmtree(ops.folder)
    copy_example(ops.folder, other_namespace())
    ops.sync()
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        cwd=ops.folder,
        env=ops.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert "Nothing to do." in done.stdout
    assert done.stderr.split() == ["0"]


def test_the_demo_tells_its_story_to_the_end(
    tmp_path: Path,
    kubeconfig: Path,
    other_namespace: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    helm_environment: dict[str, str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name in set(os.environ) - set(helm_environment):
        monkeypatch.delenv(name)
    for name, value in helm_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HELMOPS_CACHE_HOME", str(tmp_path / "cache"))
    namespace = other_namespace()
    tour(Demo(copy_example(tmp_path / "example", namespace), "", kubeconfig, namespace))
    told = capfd.readouterr().out
    assert "  0 helm processes, " in told
    assert "rolled back to revision 2" in told
    assert "this very input failed before" in told
    assert f"Done: {namespace}/hello is uninstalled" in told
