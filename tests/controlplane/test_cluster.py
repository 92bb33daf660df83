"""The cluster itself: up, reuse, down, and what a crash leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.build import build
from tests.controlplane.cluster import PARTS, Cluster, ClusterError
from tests.controlplane.processes import PidFile, Process

CLONE = Path(__file__).resolve().parents[2]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of the test's own, ended even if the test fails."""
    own = Cluster(tmp_path / "cluster")
    yield own
    own.down()


def command(cluster: Cluster, action: str) -> subprocess.Popen[str]:
    """Start ``python -m tests.controlplane`` for this cluster."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.controlplane", action, "--dir", str(cluster.root)],
        cwd=CLONE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_up_reuses_what_runs_and_down_ends_it(cluster: Cluster) -> None:
    kubeconfig = cluster.up()
    first = cluster.status()
    assert first.healthy
    assert {process.name for process in first.running} == set(PARTS)

    with command(cluster, "up") as again:
        out, _ = again.communicate()
    assert out == f"export KUBECONFIG={kubeconfig}\n"
    assert cluster.status().running == first.running

    assert cluster.down()
    assert not any(process.alive() for process in first.running)
    assert not kubeconfig.exists()
    assert not cluster.down()


def test_a_start_cleans_up_after_a_killed_one(cluster: Cluster) -> None:
    build()
    pids = PidFile(cluster.root / "pids.json")
    with command(cluster, "up") as starter:
        deadline = time.monotonic() + 30
        while len(pids.read()) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        starter.kill()
    left = pids.read()
    assert len(left) >= 2
    assert any(process.alive() for process in left)

    cluster.up()
    assert cluster.status().healthy
    assert not any(process.alive() for process in left)


def test_a_part_that_died_means_a_new_start(cluster: Cluster) -> None:
    cluster.up()
    first = cluster.status().running
    next(process for process in first if process.name == "kwok").send(signal.SIGKILL)

    cluster.up()
    assert cluster.status().healthy
    assert not any(process.alive() for process in first)


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(ClusterError, match="something else than a cluster"):
        Cluster(tmp_path).up()
    assert not Cluster(tmp_path).down()
    assert (tmp_path / "precious").exists()


def test_a_stranger_with_a_recorded_id_is_not_killed() -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        real = Process.of("etcd", stranger.pid)
        Process("etcd", real.pid, real.started - 1).send(signal.SIGKILL)
        assert real.alive()
        real.send(signal.SIGKILL)
        stranger.wait()
    assert not real.alive()


def test_a_process_is_told_from_its_zombie() -> None:
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(ProcessLookupError):
            Process.of("child", child.pid)
