"""helmops as a plugin of Helm 4 and of Helm 3: installed from a clone, called as ``helm helmops``."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.helpers import HelmOps, Live
from tests.runners import Helm

CLONE = Path(__file__).resolve().parents[2]
FOLDERS = ("bin", "libexec", "helmops")
FILES = ("plugin.yaml", "pyproject.toml", "README.md", "LICENSE")


@pytest.mark.helm3
def test_installed_from_a_clone_it_works_as_a_command_of_helm(
    ops: HelmOps, live: Live, helm: Helm, kubeconfig: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    for folder in FOLDERS:
        shutil.copytree(CLONE / folder, clone / folder, ignore=shutil.ignore_patterns("venv", "__pycache__"))
    for file in FILES:
        shutil.copy(CLONE / file, clone)

    def run(*words: str | Path, code: int = 0) -> str:
        done = subprocess.run(
            [str(helm.path), *map(str, words)],
            cwd=ops.folder,
            env={**helm.environment, "HELMOPS_CACHE_HOME": str(tmp_path / "cache"), "PIP_NO_COMPILE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    assert "is ready: helm helmops --help" in run("plugin", "install", clone)
    assert "helmops" in run("plugin", "list")
    assert f"helm     v{helm.major}." in run("helmops", "version")
    assert "Usage: " in run("helmops", "--help")

    # what lies in the current folder is not imported: it may be somebody's repository
    ops.write("helmops/__init__.py", "raise SystemExit('imported from the current folder')")
    release = ops.release("web", ops.app())
    del release["metadata"]["namespace"]
    ops.write("web.yaml", release)
    # Helm takes its own flags wherever they stand, and hands them over in the environment
    place = ("--namespace", ops.namespace, "--kubeconfig", kubeconfig, "--kube-context", "helmops-test")
    assert f"+ {ops.namespace}/web  install" in run("helmops", "plan", ".", "--detailed-exitcode", *place, code=2)
    assert "Done: 1 installed" in run(*place, "helmops", "sync", ".", "--yes")
    assert "1 unchanged" in run("helmops", "sync", ".", *place)
    assert live.message("web") == "hello"
    assert "web" in run("helmops", "status", "-n", ops.namespace)
    run("helmops", "history", f"{ops.namespace}/web")
    run("helmops", "uninstall", "web", "--yes", "-n", ops.namespace)
    assert live.statuses() == {}

    run("plugin", "uninstall", "helmops")
    assert (clone / "plugin.yaml").exists()
