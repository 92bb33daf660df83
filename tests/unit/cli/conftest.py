"""A session on fakes: the command line from the first word to the last, without a cluster."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import yaml

from helmops.api.model import Access
from helmops.cli import passes
from helmops.cli.ask import Asker
from helmops.cli.flags import Flags
from helmops.cli.logs import Phases
from helmops.cli.output.paint import Paint
from helmops.cli.progress import Lines
from helmops.cli.session import Session
from helmops.engine.context import Ports
from helmops.ports import RenderRequest
from helmops.testing.charts import FakeCharts
from helmops.testing.checkouts import FakeCheckouts
from helmops.testing.clock import FakeClock
from helmops.testing.cluster import FakeCluster
from helmops.testing.files import FakeFiles
from helmops.testing.helm import FakeHelm
from helmops.testing.kubeconfigs import FakeKubeconfigs
from helmops.testing.memory import FakeMemory
from helmops.testing.recorder import FakeRecorder


class Answers(Asker):
    """Somebody at the terminal; nobody when there are no answers."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.asked: list[str] = []

    @property
    def possible(self) -> bool:
        return bool(self.answers)

    async def _answer(self, prompt: str) -> str:
        self.asked.append(prompt)
        return self.answers.pop(0)


def template(request: RenderRequest) -> list[Mapping[str, Any]]:
    """A ConfigMap, and a claim where the values want one."""
    name, values = request.name, request.values
    message = {"m": values.get("m", "")}
    objects: list[Mapping[str, Any]] = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": message}
    ]
    if values.get("claim"):
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        objects.append(
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": f"{name}-data"}, "spec": claim}
        )
    return objects


@dataclass
class World:
    """The fakes, and the session on them."""

    cluster: FakeCluster
    helm: FakeHelm
    files: FakeFiles
    charts: FakeCharts
    answers: Answers
    ports: Ports
    flags: Flags = field(default_factory=Flags)

    def release(self, name: str, namespace: str = "default", **spec: Any) -> None:
        """Write a Release."""
        document = {
            "apiVersion": "helmops.dev/v1alpha1",
            "kind": "Release",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"chart": {"path": "chart"}, **spec},
        }
        self.files.write(f"{namespace}-{name}.yaml", yaml.safe_dump(document))

    def session(self, *, machine: bool = False) -> Session:
        """A session that writes to where pytest catches it."""
        board = Lines(sys.stderr if machine else sys.stdout)
        ports = replace(self.ports, recorder=board)
        return Session(self.flags, ports, FakeCheckouts(), Access(), board, self.answers, Paint(), Phases(), machine)

    async def sync(self, *, machine: bool = False, **asked: Any) -> int:
        """``sync .``."""
        return await passes.sync(self.session(machine=machine), passes.Asked((".",), **asked))

    async def plan(self, *, machine: bool = False, **asked: Any) -> int:
        """``plan .``."""
        return await passes.plan(self.session(machine=machine), passes.Asked((".",), **asked))


@pytest.fixture
def world() -> World:
    cluster, files, charts, clock = FakeCluster(), FakeFiles(), FakeCharts(), FakeClock()
    helm = FakeHelm(cluster, template)
    helm.knows(charts.place("/input/chart", "chart", "1.0.0", values={"m": "", "claim": False, "keep": {"a": 1}}))
    ports = Ports(
        cluster, cluster, cluster, helm, charts, files, FakeMemory(), clock, FakeRecorder(), FakeKubeconfigs()
    )
    return World(cluster, helm, files, charts, Answers(), ports)
