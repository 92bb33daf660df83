"""The bed of the benchmarks: a cluster of their own, one Helm repository, and N releases described twice."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.charts import copy_webapp
from tests.controlplane import tools
from tests.controlplane.cache import cache_root
from tests.controlplane.cluster import Cluster
from tests.runners import clean_environment
from tests.servers.helmrepo import HelmRepository

NAMESPACES = 10
CHART_VERSION = "1.0.0"

# No pods and no hooks: what is measured is the deploying, not kwok. The same values on both sides.
VALUES = {"replicas": 0, "hooks": {"enabled": False}, "ingress": {"host": "bench.example.org"}}


@dataclass(frozen=True)
class Bed:
    """Where the benchmarks run."""

    folder: Path
    kubeconfig: Path
    helm: Path
    kubectl: Path
    repository: HelmRepository
    chart: Path
    count: int

    def environment(self, cache: str) -> dict[str, str]:
        """Of a child: nothing of the user's own Helm or kubectl."""
        home = self.folder / "home"
        helm = {f"HELM_{part}_HOME": str(home / part.lower()) for part in ("CACHE", "CONFIG", "DATA")}
        ours = {"HELM_BIN": str(self.helm), "HELMOPS_CACHE_HOME": str(self.folder / cache)}
        return {**clean_environment(), **helm, **ours, "KUBECONFIG": str(self.kubeconfig)}

    def names(self, side: str) -> list[tuple[str, str]]:
        """(namespace, release) of every release on a side."""
        return [(f"{side}-{index % NAMESPACES}", f"web-{index}") for index in range(self.count)]

    def values(self, greeting: str) -> dict[str, object]:
        """The values of every release; another greeting changes ConfigMap and Deployment."""
        return {**VALUES, "config": {"greeting": greeting}}

    def manifests(self, side: str, greeting: str) -> Path:
        """A folder of Release documents, one file each."""
        folder = self.folder / side
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "helmops.yaml").write_text("owner: bench\n")
        for namespace, name in self.names(side):
            release = {
                "apiVersion": "helmops.dev/v1alpha1",
                "kind": "Release",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {
                    "chart": {"repo": self.repository.url, "name": "webapp", "version": CHART_VERSION},
                    "values": self.values(greeting),
                    "install": {"disableWait": True},
                    "upgrade": {"disableWait": True},
                },
            }
            (folder / f"{namespace}-{name}.yaml").write_text(yaml.safe_dump(release, sort_keys=False))
        return folder

    def kubernetes(self, *words: str) -> str:
        """Run kubectl; its output."""
        argv = [str(self.kubectl), "--kubeconfig", str(self.kubeconfig), *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@contextmanager
def bed(count: int) -> Iterator[Bed]:
    """Bring everything up, and down again."""
    cluster = Cluster(cache_root() / "bench-cluster")
    folder = Path(tempfile.mkdtemp(prefix="helmops-bench-"))
    helm = tools.helm4()
    repository = HelmRepository(folder / "repository", helm)
    try:
        cluster.up()
        chart = copy_webapp(folder / "charts", CHART_VERSION)
        repository.add([chart])
        with repository:
            found = Bed(folder, cluster.kubeconfig, helm, tools.kubectl(), repository, chart, count)
            for side in ("loop4", "loop8", "ours"):
                for index in range(NAMESPACES):
                    found.kubernetes("create", "namespace", f"{side}-{index}")
            yield found
    finally:
        cluster.down()
        shutil.rmtree(folder, ignore_errors=True)
