"""``python -m tests.controlplane up|down|status|build [--dir DIR]``."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from .build import build
from .cache import say
from .cluster import Cluster, ClusterError, cluster_of_person


def main() -> int:
    """Do one of the four; the exit code is 0 if it worked (for status: if a healthy cluster runs)."""
    parser = argparse.ArgumentParser(prog="python -m tests.controlplane", description=__doc__)
    parser.add_argument("action", choices=("up", "down", "status", "build"))
    parser.add_argument("--dir", type=Path, help="the cluster's folder (default: in the cache)")
    options = parser.parse_args()
    cluster = Cluster(options.dir) if options.dir else cluster_of_person()
    try:
        return ACTIONS[options.action](cluster)
    except (ClusterError, RuntimeError) as error:
        say(f"error: {error}")
        return 1


def _up(cluster: Cluster) -> int:
    kubeconfig = cluster.up()
    say("Use the cluster in this shell with the line below, end it with: make cluster-down")
    print(f"export KUBECONFIG={shlex.quote(str(kubeconfig))}")
    return 0


def _down(cluster: Cluster) -> int:
    say("control plane stopped" if cluster.down() else "no control plane was running")
    return 0


def _status(cluster: Cluster) -> int:
    status = cluster.status()
    state = "healthy" if status.healthy else "broken" if status.running else "not running"
    print(f"{cluster.root}: {state}")
    if status.server:
        print(f"  {status.server}, kubeconfig {cluster.kubeconfig}")
    for process in status.running:
        print(f"  {process.name} (process {process.pid})")
    return 0 if status.healthy else 1


def _build(_: Cluster) -> int:
    print(build().folder)
    return 0


ACTIONS = {"up": _up, "down": _down, "status": _status, "build": _build}

if __name__ == "__main__":
    sys.exit(main())
