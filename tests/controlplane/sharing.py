"""One cluster for all workers of a test run, and for test runs of one clone at the same time."""

from __future__ import annotations

import os
from pathlib import Path

from .cluster import Cluster
from .processes import Process

RUN = "HELMOPS_TEST_RUN"
KEEP = "HELMOPS_KEEP_CLUSTER"


def begin_run() -> None:
    """Name this process the head of a test run; its workers inherit the environment."""
    run = Process.of("run", os.getpid())
    os.environ[RUN] = f"{run.pid}-{run.started}"


def join(cluster: Cluster) -> None:
    """Note that this run uses the cluster, then make sure that it is up."""
    # noted first: whoever leaves meanwhile either sees the note or is done before up() looks
    runs = _runs(cluster)
    runs.mkdir(parents=True, exist_ok=True)
    (runs / os.environ[RUN]).touch()
    cluster.up()


def leave(cluster: Cluster) -> None:
    """Take the cluster down if this run used it and no living run does."""
    mine = _runs(cluster) / os.environ[RUN]
    if mine.exists():
        mine.unlink()
        if not os.environ.get(KEEP):
            cluster.down(unless=lambda: _others(cluster))


def _others(cluster: Cluster) -> bool:
    """Whether another run lives; what dead ones left is removed."""
    living = False
    for note in _runs(cluster).iterdir():
        pid, started = (int(part) for part in note.name.split("-"))
        if Process("run", pid, started).alive():
            living = True
        else:
            note.unlink(missing_ok=True)
    return living


def _runs(cluster: Cluster) -> Path:
    return cluster.root / "runs"
