"""What every ``Charts`` keeps to: the fake, and the real one over a repository and folders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from helmops.adapters.charts import ChartSources
from helmops.adapters.http import Http
from helmops.api.model import ChartRef, HelmRepoChart, OciChart, PathChart
from helmops.errors import InputError
from helmops.ports import Charts
from helmops.testing.charts import FakeCharts
from helmops.testing.memory import FakeMemory
from tests.unit.adapters.charts.packing import chart, pack, write
from tests.unit.adapters.charts.registry import RegistryServer
from tests.unit.adapters.charts.server import RepositoryServer


class Bench(Protocol):
    """A world with charts in it."""

    charts: Charts
    repo: str

    def publish(self, name: str, version: str) -> None:
        """A chart in the repository, before anything is resolved."""

    def push(self, name: str, version: str, tag: str = "") -> OciChart:
        """A chart in the registry, before anything is resolved, by its digest."""

    def place(self, name: str, **files: str) -> PathChart:
        """A chart on disk."""


class FakeBench:
    """All in memory."""

    def __init__(self) -> None:
        self.charts = FakeCharts()
        self.repo = "https://charts.example.org"

    def publish(self, name: str, version: str) -> None:
        self.charts.publish(self.repo, name, version, values={"replicas": 1})

    def push(self, name: str, version: str, tag: str = "") -> OciChart:
        url = f"oci://registry.example.org/{name}"
        return OciChart(url, digest=self.charts.push(url, version, tag, values={"replicas": 1}))

    def place(self, name: str, **files: str) -> PathChart:
        self.charts.place(f"/input/{name}", name, "1.0.0", values={"replicas": 1}, text=str(files))
        return PathChart(f"/input/{name}", "/input")


class RealBench:
    """A repository and a registry on loopback, and folders."""

    def __init__(self, folder: Path, server: RepositoryServer, registry: RegistryServer, http: Http) -> None:
        self.charts = ChartSources(str(folder / "cache"), http, FakeMemory())
        self.repo = server.url
        self._server = server
        self._registry = registry
        self._root = folder / "input"
        self._root.mkdir()

    def publish(self, name: str, version: str) -> None:
        self._server.publish(name, version)

    def push(self, name: str, version: str, tag: str = "") -> OciChart:
        digest = self._registry.push(name, version, tag=tag)
        return OciChart(f"oci://{self._registry.host}/{name}", digest=digest, insecure=True)

    def place(self, name: str, **files: str) -> PathChart:
        write(self._root / name, chart(name, **files))
        return PathChart(str(self._root / name), str(self._root))


@pytest.fixture(params=["fake", "real"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    if request.param == "fake":
        yield FakeBench()
        return
    http = Http()
    with RepositoryServer() as server, RegistryServer() as registry:
        yield RealBench(tmp_path, server, registry, http)
    await http.close()


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("1.0.0", "1.0.0"),
        ("1.x", "1.10.0"),
        ("~1.0", "1.0.0"),
        ("", "2.0.0"),
        ("*", "2.0.0"),
        (">=1, <2", "1.10.0"),
        ("3.0.0-rc.1", "3.0.0-rc.1"),
        (">=3.0.0-0", "3.0.0-rc.1"),
    ],
)
async def test_versions_are_chosen_as_helm_does(bench: Bench, version: str, found: str) -> None:
    for each in ("1.0.0", "1.9.0", "1.10.0", "2.0.0", "3.0.0-rc.1"):
        bench.publish("web", each)
    artifact = await bench.charts.resolve(HelmRepoChart(bench.repo, "web", version))
    assert (artifact.name, artifact.version) == ("web", found)
    assert found in artifact.provenance
    assert len(artifact.digest) == 64


async def test_no_such_chart_names_the_nearest(bench: Bench) -> None:
    bench.publish("postgresql", "1.0.0")
    bench.publish("redis", "1.0.0")
    with pytest.raises(InputError) as refusal:
        await bench.charts.resolve(HelmRepoChart(bench.repo, "postgres"))
    assert "postgresql" in refusal.value.message
    assert "redis" not in refusal.value.message


async def test_no_version_in_range_names_what_there_is(bench: Bench) -> None:
    bench.publish("web", "1.2.3")
    with pytest.raises(InputError) as refusal:
        await bench.charts.resolve(HelmRepoChart(bench.repo, "web", "2.x"))
    assert "2.x" in refusal.value.message
    assert "1.2.3" in refusal.value.message


@pytest.mark.parametrize("version", ["not a range", ">=", "1.2.3.4.5 ||| x"])
async def test_a_bad_range_is_the_users(bench: Bench, version: str) -> None:
    bench.publish("web", "1.2.3")
    with pytest.raises(InputError):
        await bench.charts.resolve(HelmRepoChart(bench.repo, "web", version))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"version": "1.0.0"}, "1.0.0"),
        ({"version": "1.x"}, "1.10.0"),
        ({"version": "1.2.0+build.5"}, "1.2.0+build.5"),
        ({"version": "~1.2.0"}, "1.2.0+build.5"),
        ({}, "2.0.0"),
        ({"version": ">=3.0.0-0"}, "3.0.0-rc.1"),
        ({"tag": "stable"}, "1.9.0"),
        ({"tag": "stable", "version": "1.0.0"}, "1.0.0"),
    ],
)
async def test_a_chart_of_a_registry(bench: Bench, asked: dict[str, Any], found: str) -> None:
    for each in ("1.0.0", "1.9.0", "1.10.0", "1.2.0+build.5", "2.0.0", "3.0.0-rc.1"):
        pinned = bench.push("web", each)
    bench.push("web", "1.9.0", tag="stable")
    artifact = await bench.charts.resolve(replace(pinned, digest="", **asked))
    assert (artifact.name, artifact.version) == ("web", found)
    assert artifact.provenance.startswith(f"web {found} from {pinned.url}:")


async def test_a_digest_of_a_registry_goes_before_everything(bench: Bench) -> None:
    pinned = bench.push("web", "1.0.0")
    bench.push("web", "2.0.0")
    assert (await bench.charts.resolve(replace(pinned, version="2.0.0", tag="2.0.0"))).version == "1.0.0"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"version": "3.x"}, "no version '3.x'; newest: 1.0.0"),
        ({"version": "3.0.0"}, "no version '3.0.0'; newest: 1.0.0"),
        ({"tag": "1.0.1"}, "no tag '1.0.1'; nearest: 1.0.0"),
        ({"digest": f"sha256:{'0' * 64}"}, ""),
        ({"url": "other"}, "no such repository"),
    ],
)
async def test_what_a_registry_does_not_have(bench: Bench, asked: dict[str, Any], said: str) -> None:
    there = replace(bench.push("web", "1.0.0"), digest="")
    if "url" in asked:  # the host is known only here
        asked = {"url": there.url.replace("/web", "/other")}
    with pytest.raises(InputError) as refusal:
        await bench.charts.resolve(replace(there, **asked))
    assert said in refusal.value.message


async def test_a_chart_on_disk(bench: Bench) -> None:
    ref = bench.place("web")
    artifact = await bench.charts.resolve(ref)
    assert (artifact.name, artifact.version) == ("web", "1.0.0")
    assert "web" in artifact.provenance


async def test_no_chart_on_disk(bench: Bench) -> None:
    ref = bench.place("web")
    with pytest.raises(InputError, match="absent"):
        await bench.charts.resolve(PathChart(ref.path.replace("web", "absent"), ref.root))


async def test_digests_tell_charts_apart(bench: Bench) -> None:
    bench.publish("web", "1.0.0")
    bench.publish("web", "1.0.1")
    refs: list[ChartRef] = [
        HelmRepoChart(bench.repo, "web", "1.0.0"),
        HelmRepoChart(bench.repo, "web", "1.0.1"),
        bench.place("one"),
        bench.place("two"),
        bench.push("api", "1.0.0"),
        bench.push("api", "1.0.1"),
    ]
    assert len({(await bench.charts.resolve(ref)).digest for ref in refs}) == 6


async def test_the_same_question_has_one_answer(bench: Bench) -> None:
    bench.publish("web", "1.0.0")
    ref = HelmRepoChart(bench.repo, "web", "1.x")
    found = await asyncio.gather(*(bench.charts.resolve(ref) for _ in range(10)))
    assert len(set(found)) == 1


async def test_who_is_cancelled_does_not_cancel_the_others(bench: Bench) -> None:
    bench.publish("web", "1.0.0")
    ref = HelmRepoChart(bench.repo, "web")
    first, second = (asyncio.ensure_future(bench.charts.resolve(ref)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).version == "1.0.0"
    assert (await bench.charts.resolve(ref)).version == "1.0.0"


async def test_content(bench: Bench) -> None:
    bench.publish("web", "1.0.0")
    for ref in (HelmRepoChart(bench.repo, "web"), bench.place("web"), bench.push("web", "1.0.0")):
        content = await bench.charts.content(await bench.charts.resolve(ref))
        assert (content.metadata["name"], content.default_values) == ("web", {"replicas": 1})
        assert not content.uses_lookup
        assert content.crds == ()


async def test_every_source_gives_one_artifact_for_one_chart(tmp_path: Path) -> None:
    """Of the real one only: the fake's sources know nothing of each other."""
    http = Http()
    with RepositoryServer() as server, RegistryServer() as registry:
        server.serve_chart("web", "1.0.0", pack(chart("web"), "web"))
        real = RealBench(tmp_path, server, registry, http)
        refs: list[ChartRef] = [HelmRepoChart(server.url, "web"), real.place("web"), real.push("web", "1.0.0")]
        assert len({(await real.charts.resolve(ref)).digest for ref in refs}) == 1
    await http.close()
