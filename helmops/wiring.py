"""The only place where adapters are made and handed to the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from helmops.adapters.charts import ChartSources, Limits
from helmops.adapters.clock import SystemClock
from helmops.adapters.files import DiskFiles
from helmops.adapters.git_checkouts import GitCheckouts
from helmops.adapters.helm.runner import HelmRunner
from helmops.adapters.http import Http
from helmops.adapters.kube.client import Client
from helmops.adapters.kube.connection import Connections
from helmops.adapters.kube.discovery import Discovery
from helmops.adapters.kube.gate import ApiGate
from helmops.adapters.kube.locks import KubeLocks
from helmops.adapters.kube.objects import KubeCluster
from helmops.adapters.kube.secret_config import SecretKubeconfigs
from helmops.adapters.kube.storage import KubeStorage
from helmops.adapters.kustomize import KustomizePrograms
from helmops.adapters.process import Processes, holder_gone, holder_identity, writers_gone
from helmops.adapters.state import DiskMemory, cache_root
from helmops.api.model import Access, ClusterRef
from helmops.cli.flags import Flags
from helmops.core.redact import Redactor
from helmops.engine.context import Ports
from helmops.ports import Recorder

if TYPE_CHECKING:
    from helmops.adapters.git import Git


@dataclass(frozen=True, slots=True)
class Wired:
    """Ports on real adapters. ``processes`` counts what was started."""

    ports: Ports
    checkouts: GitCheckouts
    access: Access
    processes: Processes
    connections: Connections
    http: Http
    charts: ChartSources

    async def close(self) -> None:
        """Close every connection."""
        await self.checkouts.close()
        await self.charts.close()
        await self.http.close()
        await self.connections.close()


def wire(flags: Flags, recorder: Recorder, *, parallel: int) -> Wired:
    """Make everything; nothing is asked of anyone yet. ``parallel`` helm processes run at a time."""
    environ, root = flags.environ, cache_root(flags.environ)
    memory, processes, http = DiskMemory(root), Processes(), Http()
    connections = Connections(environ)
    client = Client(connections)
    cluster = KubeCluster(connections, client)
    git = _git(root, processes, environ)
    charts = ChartSources(root, http, memory, Limits.of(environ), git)
    ports = Ports(
        cluster=cluster,
        storage=KubeStorage(client),
        locks=KubeLocks(client, holder_identity(), writers_gone, holder_gone=holder_gone),
        helm=HelmRunner(
            environ=environ,
            home=f"{root}/helm",
            memory=memory,
            processes=processes,
            gate=ApiGate(connections, Discovery(client)),
            scrubber=_scrubber,
            parallel=parallel,
        ),
        charts=charts,
        files=DiskFiles.of(environ, KustomizePrograms(processes, environ)),
        memory=memory,
        clock=SystemClock(),
        recorder=recorder,
        kubeconfigs=SecretKubeconfigs(root),
    )
    access = Access(ClusterRef(flags.kubeconfig, flags.kube_context))
    return Wired(ports, GitCheckouts(git, root, environ), access, processes, connections, http, charts)


def _git(root: str, processes: Processes, environ: Mapping[str, str]) -> Callable[[], Git]:
    def make() -> Git:
        from helmops.adapters.git import Git  # milliseconds that only what lies in git is worth

        return Git(root, processes, environ)

    return make


def _scrubber(values: Mapping[str, Any]) -> Callable[[str], str]:
    """Every string among the values may be a secret: none of them is ever repeated by an error."""
    return Redactor.of_values(values).scrub
