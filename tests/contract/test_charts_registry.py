"""Charts as helm itself pushes them to a real registry."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from helmops.adapters.charts import ChartSources
from helmops.adapters.http import Http
from helmops.api.model import HelmRepoChart, OciChart
from helmops.errors import InputError
from helmops.testing.memory import FakeMemory
from tests.charts import WEBAPP_VERSIONS
from tests.controlplane import tools
from tests.runners import clean_environment
from tests.servers.helmrepo import HelmRepository
from tests.unit.adapters.charts.packing import chart, write

PLAIN = "--plain-http"


@pytest.fixture
async def sources(tmp_path: Path) -> AsyncIterator[ChartSources]:
    http = Http()
    yield ChartSources(str(tmp_path / "cache"), http, FakeMemory())
    await http.close()


@pytest.fixture(scope="session")
def webapp(oci_registry: str, helm_repo: HelmRepository, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The webapp of the repository, in all its versions, in the registry."""
    homes = {f"HELM_{kind}_HOME": str(tmp_path_factory.mktemp(kind)) for kind in ("CACHE", "CONFIG", "DATA")}
    for version in WEBAPP_VERSIONS:
        package = helm_repo.package("webapp", version)
        _helm(tools.helm4(), clean_environment(**homes), "push", package, f"oci://{oci_registry}/contract", PLAIN)
    return f"oci://{oci_registry}/contract/webapp"


@pytest.mark.parametrize("version", ["", "1.0.0", "~1.1", "1.x", "*", ">=1, <1.2"])
async def test_a_registry_and_a_repository_with_the_same_charts_give_the_same(
    version: str, sources: ChartSources, webapp: str, helm_repo: HelmRepository
) -> None:
    pulled = await sources.resolve(OciChart(webapp, version, insecure=True))
    listed = await sources.resolve(HelmRepoChart(helm_repo.url, "webapp", version))
    assert (pulled.version, pulled.digest) == (listed.version, listed.digest)


async def test_all_pages_of_the_tags_are_read(
    sources: ChartSources, webapp: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helmops.adapters.charts.oci_registry.PAGE", 2)
    assert len(WEBAPP_VERSIONS) > 2
    for version in WEBAPP_VERSIONS:
        found = await sources.resolve(OciChart(webapp, f"={version}", insecure=True))
        assert found.version == version


async def test_the_provenance_pins_the_chart(sources: ChartSources, webapp: str) -> None:
    found = await sources.resolve(OciChart(webapp, "1.0.0", insecure=True))
    digest = found.provenance.rpartition("@")[2]
    pinned = await sources.resolve(OciChart(webapp, digest=digest, insecure=True))
    assert pinned.digest == found.digest
    assert (await sources.content(pinned)).metadata["name"] == "webapp"


@pytest.mark.parametrize("asked", [{"version": "9.x"}, {"version": "9.9.9"}, {"tag": "absent"}])
async def test_what_is_not_there(sources: ChartSources, webapp: str, asked: dict[str, str]) -> None:
    with pytest.raises(InputError) as refused:
        await sources.resolve(OciChart(webapp, asked.get("version", ""), asked.get("tag", ""), insecure=True))
    assert "webapp has no" in refused.value.message


async def test_no_such_repository(sources: ChartSources, oci_registry: str) -> None:
    with pytest.raises(InputError, match="no such repository"):
        await sources.resolve(OciChart(f"oci://{oci_registry}/contract/absent", insecure=True))


@pytest.mark.helm3
async def test_a_version_with_build_metadata_comes_back_as_it_was(
    sources: ChartSources, oci_registry: str, tmp_path: Path, helm_path: Path, helm_environment: dict[str, str]
) -> None:
    folder = write(tmp_path / "built", chart("built", "1.0.0+build.5"))
    package = tmp_path / "built-1.0.0+build.5.tgz"
    _helm(helm_path, helm_environment, "package", folder, "--destination", tmp_path)
    _helm(helm_path, helm_environment, "push", package, f"oci://{oci_registry}/contract", PLAIN)
    for version in ("1.0.0+build.5", "1.x", ""):
        found = await sources.resolve(OciChart(f"oci://{oci_registry}/contract/built", version, insecure=True))
        assert found.version == "1.0.0+build.5"
        assert ":1.0.0_build.5@" in found.provenance


def _helm(helm: Path, environment: dict[str, str], *words: str | Path) -> None:
    subprocess.run([str(helm), *map(str, words)], check=True, capture_output=True, env=environment)
