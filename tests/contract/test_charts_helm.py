"""Charts as helm itself packs and lists them."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from helmops.adapters.charts import ChartSources
from helmops.adapters.http import Http
from helmops.api.model import HelmRepoChart, PathChart
from helmops.testing.memory import FakeMemory
from tests.charts import NAMES, chart
from tests.servers.helmrepo import INDEX, HelmRepository
from tests.unit.adapters.charts.packing import chart as small_chart
from tests.unit.adapters.charts.packing import pack, write


@pytest.fixture
async def sources(tmp_path: Path) -> AsyncIterator[ChartSources]:
    http = Http()
    yield ChartSources(str(tmp_path / "cache"), http, FakeMemory())
    await http.close()


@pytest.mark.parametrize("name", NAMES)
async def test_a_folder_and_what_helm_packs_of_it_are_one_chart(
    name: str, sources: ChartSources, helm_repo: HelmRepository
) -> None:
    folder = chart(name)
    local = await sources.resolve(PathChart(str(folder), str(folder.parent)))
    packed = await sources.resolve(HelmRepoChart(helm_repo.url, local.name, local.version))
    assert packed.digest == local.digest


@pytest.mark.helm3
async def test_helm_packs_a_strange_chart_and_its_digest_stays(
    tmp_path: Path, sources: ChartSources, helm_path: Path, helm_environment: dict[str, str]
) -> None:
    files = small_chart()
    files["Chart.yaml"] = (
        "# ours\nversion: 1.0.0\nname: demo\napiVersion: v2\nicon: ''\nkeywords: []\ndeprecated: false\n"
        "appVersion: 1.10\ndependencies: [{name: lib, version: 1.x, repository: ''}]\n"
    )
    files |= {
        ".helmignore": "# no\n*.bak\n/top.txt\nci/\ndocs/*.md\n[ab].txt\n",
        "README.md": "read",
        "x.bak": "",
        "top.txt": "",
        "deep/top.txt": "",
        "ci/values.yaml": "",
        "docs/a.md": "",
        "docs/deep/b.md": "",
        "a.txt": "",
        "c.txt": "",
        "templates/.swp": "",
        "templates/sub/.hidden.yaml": "",
    }
    folder = write(tmp_path / "demo", {**files, "charts/lib-1.0.0.tgz": pack(small_chart("lib"), "lib")})
    argv = [str(helm_path), "package", str(folder), "--destination", str(tmp_path)]
    subprocess.run(argv, check=True, capture_output=True, env=helm_environment)
    local = await sources.resolve(PathChart(str(folder), str(tmp_path)))
    packed = await sources.resolve(PathChart(str(tmp_path / "demo-1.0.0.tgz"), str(tmp_path)))
    assert packed.digest == local.digest


@pytest.mark.helm3
async def test_helm_renders_the_copy_as_it_renders_the_original(
    tmp_path: Path, sources: ChartSources, helm_path: Path, helm_environment: dict[str, str]
) -> None:
    files = small_chart()
    files["Chart.yaml"] += "dependencies: [{name: lib, version: 1.x}]\n"
    files["templates/files.yaml"] = '# {{ range $path, $_ := .Files.Glob "**" }}{{ $path }} {{ end }}\na: b\n'
    packed = pack(small_chart("lib"), "lib")
    folder = write(tmp_path / "demo", {**files, ".helmignore": "*.bak\n", "x.bak": "", "charts/lib-1.0.0.tgz": packed})
    copy = (await sources.resolve(PathChart(str(folder), str(tmp_path)))).path
    assert _template(helm_path, copy, helm_environment) == _template(helm_path, str(folder), helm_environment).replace(
        ".helmignore ", ""
    )


async def test_a_second_process_asks_once_whether_the_index_changed(tmp_path: Path, helm_repo: HelmRepository) -> None:
    memory = FakeMemory()

    async def process() -> list[str]:
        http = Http()
        sources = ChartSources(str(tmp_path / "cache"), http, memory)
        refs = [HelmRepoChart(helm_repo.url, name) for name in NAMES]
        digests = [(await sources.resolve(ref)).digest for ref in refs]
        await http.close()
        return digests

    first = await process()
    helm_repo.forget_requests()
    assert await process() == first
    assert helm_repo.requests(INDEX) == 1
    assert all(helm_repo.requests(f"/{file.name}") == 0 for file in helm_repo.folder.glob("*.tgz"))


def _template(helm: Path, folder: str, environment: dict[str, str]) -> str:
    argv = [str(helm), "template", "x", folder]
    return subprocess.run(argv, check=True, capture_output=True, text=True, env=environment).stdout
