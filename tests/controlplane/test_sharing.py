"""Who may take the shared cluster down."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.controlplane import sharing
from tests.controlplane.cluster import Cluster
from tests.controlplane.processes import Process

ME = Process.of("run", os.getpid())
MINE = f"{ME.pid}-{ME.started}"
LIVING = "{0.pid}-{0.started}".format(Process.of("init", 1))
DEAD = f"{ME.pid}-{ME.started - 1}"


class Recorder(Cluster):
    """A cluster that only notes what it is told."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.calls: list[str] = []

    def up(self) -> Path:
        self.calls.append("up")
        return self.kubeconfig

    def down(self, unless: Callable[[], bool] = lambda: False) -> bool:
        ended = not unless()
        self.calls.append("down" if ended else "kept")
        return ended


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    monkeypatch.setenv(sharing.RUN, MINE)
    monkeypatch.delenv(sharing.KEEP, raising=False)
    return Recorder(tmp_path)


def note(cluster: Cluster, run: str) -> Path:
    path = cluster.root / "runs" / run
    path.parent.mkdir(exist_ok=True)
    path.touch()
    return path


def test_the_only_run_ends_it(cluster: Recorder) -> None:
    sharing.join(cluster)
    sharing.leave(cluster)
    assert cluster.calls == ["up", "down"]


def test_a_run_that_never_used_it_leaves_it_alone(cluster: Recorder) -> None:
    sharing.leave(cluster)
    assert cluster.calls == []


def test_another_living_run_keeps_it(cluster: Recorder) -> None:
    other = note(cluster, LIVING)
    sharing.join(cluster)
    sharing.leave(cluster)
    assert cluster.calls == ["up", "kept"]
    assert other.exists()


def test_a_crashed_run_does_not_keep_it(cluster: Recorder) -> None:
    other = note(cluster, DEAD)
    sharing.join(cluster)
    sharing.leave(cluster)
    assert cluster.calls == ["up", "down"]
    assert not other.exists()


def test_a_person_can_keep_it(cluster: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sharing.KEEP, "1")
    sharing.join(cluster)
    sharing.leave(cluster)
    assert cluster.calls == ["up"]
