"""Charts in registries: what is asked for, and what is found."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from helmops.api.model import OciChart
from helmops.errors import InputError, Transient, Unreachable
from tests.unit.adapters.charts.registry import RegistryBench as Bench
from tests.unit.adapters.charts.registry import RegistryServer


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with RegistryServer() as running:
        yield running


@pytest.fixture
async def bench(tmp_path: Path, server: RegistryServer) -> AsyncIterator[Bench]:
    made = Bench(tmp_path, server)
    yield made
    await made.close()


# ---------------------------------------------------------------- requests
async def test_a_new_chart_costs_its_manifest_and_its_archive(bench: Bench) -> None:
    bench.server.push("charts/web", "1.0.0")
    await bench.resolve(version="1.0.0")
    kinds = [path.partition(":")[0] for path in bench.server.paths()]
    assert kinds == ["GET manifests/1.0.0", "GET blobs/sha256"]


async def test_a_tag_that_has_not_moved_costs_one_head(bench: Bench) -> None:
    bench.server.push("charts/web", "1.0.0")
    first = await bench.resolve(tag="1.0.0")
    bench.server.paths()
    assert await bench.resolve(tag="1.0.0") == first
    assert await bench.resolve(version="1.0.0") == first
    assert bench.server.paths() == ["HEAD manifests/1.0.0"] * 2


async def test_without_a_digest_in_the_head_the_manifest_is_fetched_and_no_more(bench: Bench) -> None:
    bench.server.says_digest = False
    bench.server.push("charts/web", "1.0.0")
    first = await bench.resolve(tag="1.0.0")
    bench.server.paths()
    assert await bench.resolve(tag="1.0.0") == first
    assert bench.server.paths() == ["HEAD manifests/1.0.0", "GET manifests/1.0.0"]


async def test_a_range_costs_the_list_of_tags_as_well(bench: Bench) -> None:
    bench.server.push("charts/web", "1.0.0")
    await bench.resolve(version="1.x")
    bench.server.paths()
    await bench.resolve(version="1.x")
    assert bench.server.paths() == ["GET tags/list", "HEAD manifests/1.0.0"]


async def test_a_digest_whose_chart_is_here_costs_nothing(bench: Bench) -> None:
    digest = bench.server.push("charts/web", "1.0.0")
    first = await bench.resolve(digest=digest)
    bench.server.paths()
    assert await bench.resolve(digest=digest) == first
    assert bench.server.paths() == []


async def test_one_process_asks_everything_once(bench: Bench) -> None:
    digest = bench.server.push("charts/web", "1.0.0")
    process = bench.process()
    asked = [{"version": "1.x"}, {"version": "1.0.0"}, {"tag": "1.0.0"}, {}, {"version": ">=1"}, {"digest": digest}]
    await asyncio.gather(*(process.resolve(bench.ref(**each)) for each in asked * 3))
    kinds = sorted(path.partition(":")[0] for path in bench.server.paths())
    assert kinds == ["GET blobs/sha256", "GET manifests/1.0.0", "GET manifests/sha256", "GET tags/list"]


async def test_a_moved_tag_is_fetched_anew(bench: Bench) -> None:
    bench.server.push("charts/web", "1.0.0", tag="stable")
    first = await bench.resolve(tag="stable")
    bench.server.push("charts/web", "1.1.0", tag="stable")
    second = await bench.resolve(tag="stable")
    assert (first.version, second.version) == ("1.0.0", "1.1.0")


async def test_a_lost_cache_is_fetched_anew(bench: Bench) -> None:
    digest = bench.server.push("charts/web", "1.0.0")
    await bench.resolve(digest=digest)
    shutil.rmtree(bench.cache / "charts")
    assert Path((await bench.resolve(digest=digest)).path).is_dir()


async def test_what_was_remembered_wrongly_is_not_believed(bench: Bench) -> None:
    bench.server.push("charts/web", "1.0.0")
    first = await bench.resolve(tag="1.0.0")
    for text in ("{", "[]", '{"manifest": 5, "archive": "x"}', '{"manifest": "sha256:0", "archive": "../../etc"}'):
        for scope in bench.memory.scopes():
            bench.memory.forge(scope, text)
        assert await bench.resolve(tag="1.0.0") == first


async def test_the_same_archive_in_two_repositories_is_fetched_once(bench: Bench) -> None:
    bench.server.push("charts/web", "1.0.0")
    bench.server.push("mirror/web", "1.0.0")
    first = await bench.resolve(version="1.0.0")
    bench.server.paths()
    assert (await bench.resolve(path="mirror/web", version="1.0.0")).digest == first.digest
    assert bench.server.paths() == ["GET manifests/1.0.0"]


# ---------------------------------------------------------------- what is found
@pytest.mark.parametrize(
    ("version", "tag"),
    [
        ("1.0.0", "1.0.0"),
        ("1.x", "1.10.0"),
        ("", "v2.0.0"),
        ("2.0.0", "v2.0.0"),
        ("~1.2.0", "1.2.0_build.5"),
        ("1.2.0+build.5", "1.2.0_build.5"),
        (">=3.0.0-0", "3.0.0-rc.1"),
        ("3.0.0-rc.1", "3.0.0-rc.1"),
    ],
)
async def test_versions_are_found_among_tags(bench: Bench, version: str, tag: str) -> None:
    for each in ("1.0.0", "1.9.0", "1.10.0", "1.2.0_build.5", "v2.0.0", "3.0.0-rc.1", "latest", "20240101", "9", "9.9"):
        bench.server.push("charts/web", "7.7.7", tag=each)
    artifact = await bench.resolve(version=version)
    assert f"/charts/web:{tag}@sha256:" in artifact.provenance


async def test_the_version_is_the_charts_own_and_the_provenance_names_tag_and_digest(bench: Bench) -> None:
    digest = bench.server.push("charts/web", "1.2.0+build.5")
    place = f"oci://{bench.server.host}/charts/web"
    by_tag = await bench.resolve(version="1.2.x")
    assert (by_tag.name, by_tag.version) == ("web", "1.2.0+build.5")
    assert by_tag.provenance == f"web 1.2.0+build.5 from {place}:1.2.0_build.5@{digest}"
    assert (await bench.resolve(digest=digest)).provenance == f"web 1.2.0+build.5 from {place}@{digest}"


async def test_digest_goes_before_version_and_version_before_tag(bench: Bench) -> None:
    digest = bench.server.push("charts/web", "1.0.0")
    bench.server.push("charts/web", "2.0.0")
    bench.server.push("charts/web", "3.0.0")
    assert (await bench.resolve(digest=digest, version="2.x", tag="3.0.0")).version == "1.0.0"
    assert (await bench.resolve(version="2.x", tag="3.0.0")).version == "2.0.0"


@pytest.mark.parametrize("page", [1, 2, 3])
async def test_all_pages_of_tags_are_read(bench: Bench, page: int) -> None:
    bench.server.page = page
    for minor in range(5):
        bench.server.push("charts/web", f"1.{minor}.0")
    assert (await bench.resolve(version="1.x")).version == "1.4.0"


async def test_a_list_that_is_cut_short_without_a_word_is_read_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helmops.adapters.charts.oci_registry.PAGE", 2)
    bench.server.page, bench.server.next_link = 2, ""
    for minor in range(5):
        bench.server.push("charts/web", f"1.{minor}.0")
    assert (await bench.resolve()).version == "1.4.0"


async def test_a_full_page_of_who_knows_no_pages_is_all_there_is(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helmops.adapters.charts.oci_registry.PAGE", 1)
    bench.server.push("charts/web", "1.0.0")
    bench.server.answers["/v2/charts/web/tags/list"] = (200, {}, b'{"tags": ["1.0.0"]}')
    assert (await bench.resolve()).version == "1.0.0"
    assert bench.server.paths()[:3] == ["GET tags/list", "GET tags/list", "GET manifests/1.0.0"]


# ---------------------------------------------------------------- what is not there
async def test_no_such_tag_names_the_nearest(bench: Bench) -> None:
    bench.server.push("charts/web", "1.0.0", tag="stable")
    refusal = await bench.refusal(tag="stabel")
    assert isinstance(refusal, InputError)
    assert "no tag 'stabel'; nearest: stable" in refusal.message


@pytest.mark.parametrize("version", ["2.x", "2.0.0"])
async def test_no_such_version_names_the_newest(bench: Bench, version: str) -> None:
    bench.server.push("charts/web", "1.0.0+a")
    refusal = await bench.refusal(version=version)
    assert isinstance(refusal, InputError)
    assert refusal.message.endswith(f"has no version {version!r}; newest: 1.0.0+a")


@pytest.mark.parametrize("asked", [{"version": "1.0.0"}, {"version": "1.x"}, {"tag": "x"}, {}])
async def test_no_such_repository(bench: Bench, asked: dict[str, str]) -> None:
    refusal = await bench.refusal(**asked)
    assert isinstance(refusal, InputError)
    assert "no such repository" in refusal.message


async def test_no_such_digest(bench: Bench) -> None:
    bench.server.push("charts/web", "1.0.0")
    assert isinstance(await bench.refusal(digest="sha256:" + "0" * 64), InputError)


async def test_a_tag_of_the_list_that_is_gone(bench: Bench) -> None:
    bench.server.push("charts/web", "1.0.0")
    bench.server.manifests.clear()
    assert isinstance(await bench.refusal(version="1.x"), InputError)


@pytest.mark.parametrize("asked", [{"version": ">="}, {"tag": "a/b"}, {"tag": "../x"}, {"digest": "sha512:00"}])
async def test_what_can_be_no_tag_or_version_is_not_asked_for(bench: Bench, asked: dict[str, str]) -> None:
    assert isinstance(await bench.refusal(**asked), InputError)
    assert bench.server.paths() == []


# ---------------------------------------------------------------- a registry that does not answer
@pytest.mark.parametrize("asked", [{"version": "1.0.0"}, {"tag": "1.0.0"}])
async def test_a_pinned_chart_that_is_here_does_without_its_registry(
    bench: Bench, asked: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    bench.server.push("charts/web", "1.0.0")
    first = await bench.resolve(**asked)
    bench.server.failing = 503
    with caplog.at_level(logging.WARNING):
        offline = await bench.resolve(**asked)
    assert offline.digest == first.digest
    assert "as it was" in offline.provenance
    assert "comes from the cache" in caplog.text


@pytest.mark.parametrize("asked", [{"version": "1.x"}, {"tag": "stable"}, {}])
async def test_what_may_have_moved_cannot_be_answered_without_the_registry(bench: Bench, asked: dict[str, str]) -> None:
    for tag in ("1.0.0", "stable"):
        bench.server.push("charts/web", "1.0.0", tag=tag)
    await bench.resolve(**asked)
    bench.server.failing = 503
    assert isinstance(await bench.refusal(**asked), Transient)


async def test_nobody_there(bench: Bench) -> None:
    with pytest.raises(Unreachable):
        await bench.process().resolve(OciChart("oci://127.0.0.1:1/charts/web", insecure=True))


async def test_plain_http_is_asked_for_by_name(bench: Bench) -> None:
    bench.server.push("charts/web", "1.0.0")
    with pytest.raises(InputError) as refused:
        await bench.process().resolve(OciChart(f"oci://{bench.server.host}/charts/web"))
    assert "does not speak TLS" in refused.value.message
    assert "insecure: true" in refused.value.hint
    assert bench.server.paths() == []
