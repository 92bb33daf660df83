"""Each contract runs on the fake and on the real thing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.git import GitBench
from tests.contract.kube import FakeWorld, RealWorld, World
from tests.servers.gitserver import GitServer


@pytest.fixture(params=["fake", "real"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A cluster; only the real one starts a control plane."""
    if request.param == "fake":
        yield FakeWorld()
        return
    async for real in _real(request):
        yield real


@pytest.fixture
async def real(request: pytest.FixtureRequest) -> AsyncIterator[RealWorld]:
    """The real one alone, for what a fake has no business with."""
    async for world in _real(request):
        yield world


async def _real(request: pytest.FixtureRequest) -> AsyncIterator[RealWorld]:
    world = RealWorld(request.getfixturevalue("kubeconfig"), request.getfixturevalue("namespace"))
    yield world
    await world.connections.close()


@pytest.fixture
async def git_bench(git_server: GitServer, tmp_path: Path) -> AsyncIterator[GitBench]:
    """A git server with a chart in it."""
    bench = GitBench(tmp_path, git_server)
    yield bench
    await bench.charts.close()
    await bench.http.close()
