"""The command line of each part of the control plane."""

from __future__ import annotations

import random
import socket
from dataclasses import dataclass
from pathlib import Path

from .build import Binaries

HERE = Path(__file__).resolve().parent
# below the range from which the kernel takes the ports of outgoing connections
PORTS = range(16384, 30000)


def free_port() -> int:
    """A loopback port that nobody listens on."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port on loopback")


@dataclass(frozen=True)
class Layout:
    """Where the files of one cluster lie and where its parts listen."""

    root: Path
    etcd: int
    etcd_peer: int
    api: int
    controllers: int
    scheduler: int
    kwok: int

    @classmethod
    def new(cls, root: Path) -> Layout:
        """Six ports, each its own."""
        ports: set[int] = set()
        while len(ports) < 6:
            ports.add(free_port())
        return cls(root, *ports)

    @property
    def server(self) -> str:
        """The API server's address."""
        return f"https://127.0.0.1:{self.api}"

    @property
    def etcd_url(self) -> str:
        """Where etcd answers clients."""
        return f"http://127.0.0.1:{self.etcd}"

    @property
    def pki(self) -> Path:
        """The certificates."""
        return self.root / "pki"

    def kubeconfig(self, client: str) -> Path:
        """The kubeconfig of one client."""
        return self.root / f"{client}.kubeconfig"


def etcd(layout: Layout, programs: Binaries) -> list[str | Path]:
    """One member, which never syncs to disk: nothing here needs to survive a power cut."""
    return [
        programs.control_plane,
        "etcd",
        f"--data-dir={layout.root / 'etcd'}",
        f"--listen-client-url={layout.etcd_url}",
        f"--listen-peer-url=http://127.0.0.1:{layout.etcd_peer}",
        "--unsafe-no-fsync",
    ]


def apiserver(layout: Layout, programs: Binaries) -> list[str | Path]:
    """RBAC is on, so that tests of missing rights mean something."""
    pki = layout.pki
    return [
        programs.control_plane,
        "kube-apiserver",
        f"--etcd-servers={layout.etcd_url}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={layout.api}",
        "--endpoint-reconciler-type=none",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt",
        f"--requestheader-client-ca-file={pki}/ca.crt",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={pki}/front-proxy.crt",
        f"--proxy-client-key-file={pki}/front-proxy.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki}/sa.pub",
        f"--service-account-signing-key-file={pki}/sa.key",
        "--service-cluster-ip-range=10.0.0.0/16",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        "--profiling=false",
        "--max-requests-inflight=2000",
        "--max-mutating-requests-inflight=1000",
    ]


def controllers(layout: Layout, programs: Binaries) -> list[str | Path]:
    """Short periods where the defaults would make a test wait."""
    pki = layout.pki
    kubeconfig = layout.kubeconfig("kube-controller-manager")
    return [
        programs.control_plane,
        "kube-controller-manager",
        *_kubeconfigs(kubeconfig),
        "--bind-address=127.0.0.1",
        f"--secure-port={layout.controllers}",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt",
        f"--requestheader-client-ca-file={pki}/ca.crt",
        f"--root-ca-file={pki}/ca.crt",
        f"--service-account-private-key-file={pki}/sa.key",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--allocate-node-cidrs=false",
        "--node-monitor-grace-period=120s",
        "--concurrent-namespace-syncs=10",
        "--concurrent-gc-syncs=20",
        "--terminated-pod-gc-threshold=0",
        "--horizontal-pod-autoscaler-sync-period=5s",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--profiling=false",
    ]


def scheduler(layout: Layout, programs: Binaries) -> list[str | Path]:
    """Without it no pod ever gets a node."""
    return [
        programs.control_plane,
        "kube-scheduler",
        *_kubeconfigs(layout.kubeconfig("kube-scheduler")),
        "--bind-address=127.0.0.1",
        f"--secure-port={layout.scheduler}",
        f"--tls-cert-file={layout.pki}/apiserver.crt",
        f"--tls-private-key-file={layout.pki}/apiserver.key",
        "--leader-elect=false",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--profiling=false",
    ]


def kwok(layout: Layout, programs: Binaries) -> list[str | Path]:
    """Plays the kubelet of every node, by the rules of stages.yaml."""
    return [
        programs.kwok,
        f"--kubeconfig={layout.kubeconfig('kwok')}",
        "--manage-all-nodes=true",
        f"--config={HERE / 'stages.yaml'}",
        "--cidr=10.128.0.0/16",
        "--node-ip=127.0.0.1",
        "--node-lease-duration-seconds=40",
        f"--server-address=127.0.0.1:{layout.kwok}",
    ]


def _kubeconfigs(path: Path) -> list[str]:
    return [f"--{prefix}kubeconfig={path}" for prefix in ("", "authentication-", "authorization-")]
