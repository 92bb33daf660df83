"""Helm repositories that are slow, gone, mistaken or hostile."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from helmops.adapters.charts import ChartSources, Limits
from helmops.adapters.charts.limits import CHART_SETTING, INDEX_SETTING
from helmops.adapters.charts.repository import chart_url
from helmops.adapters.http import Http
from helmops.api.model import Credentials, HelmRepoChart
from helmops.errors import Forbidden, HelmopsError, InputError, Transient
from helmops.ports import Artifact
from helmops.testing.memory import FakeMemory
from tests.unit.adapters.charts.packing import chart, member, pack, pack_members
from tests.unit.adapters.charts.server import RepositoryServer


class Bench:
    """A repository, and processes that resolve charts of it with one cache and memory between them."""

    def __init__(self, folder: Path, server: RepositoryServer) -> None:
        self.cache = folder / "cache"
        self.server = server
        self.memory = FakeMemory()
        self.limits = Limits()
        self._https: list[Http] = []

    def process(self) -> ChartSources:
        """A new one."""

        async def no_wait(seconds: float) -> None:
            await asyncio.sleep(0)

        http = Http(sleep=no_wait)
        self._https.append(http)
        return ChartSources(str(self.cache), http, self.memory, self.limits)

    async def resolve(self, name: str = "web", version: str = "", repo: str = "") -> Artifact:
        return await self.process().resolve(HelmRepoChart(repo or self.server.url, name, version))

    async def refusal(self, name: str = "web", version: str = "", repo: str = "") -> HelmopsError:
        with pytest.raises(HelmopsError) as refused:
            await self.resolve(name, version, repo)
        return refused.value

    def requests(self) -> int:
        """Requests since this was asked last."""
        count = len(self.server.headers)
        self.server.headers.clear()
        return count

    def aged(self, seconds: float) -> None:
        """Let the copies of indexes grow old."""
        for path in (self.cache / "indexes").iterdir():
            os.utime(path, (time.time() - seconds,) * 2)

    def unpacked(self) -> list[Path]:
        return list(self.cache.glob("charts/*"))

    async def close(self) -> None:
        for http in self._https:
            await http.close()


@pytest.fixture
def server() -> Iterator[RepositoryServer]:
    with RepositoryServer() as running:
        yield running


@pytest.fixture
async def bench(tmp_path: Path, server: RepositoryServer) -> AsyncIterator[Bench]:
    made = Bench(tmp_path, server)
    yield made
    await made.close()


# ---------------------------------------------------------------- requests
async def test_one_process_asks_for_the_index_once_and_for_each_chart_once(bench: Bench) -> None:
    bench.server.publish("web", "1.0.0")
    bench.server.publish("api", "1.0.0")
    process = bench.process()
    refs = [
        HelmRepoChart(bench.server.url, name, version) for name in ("web", "api") for version in ("", "1.0.0", "1.x")
    ]
    await asyncio.gather(*(process.resolve(ref) for ref in refs * 5))
    assert bench.requests() == 3


async def test_the_next_process_asks_once_whether_the_index_changed(bench: Bench) -> None:
    bench.server.publish("web", "1.0.0")
    first = await bench.resolve()
    bench.requests()
    assert await bench.resolve() == first
    assert bench.requests() == 1
    assert bench.server.requests("/index.yaml") == 2


async def test_a_new_version_is_seen_by_the_next_process(bench: Bench) -> None:
    bench.server.publish("web", "1.0.0")
    await bench.resolve()
    bench.server.publish("web", "1.1.0")
    assert (await bench.resolve()).version == "1.1.0"


async def test_a_server_without_etags_is_understood_too(bench: Bench) -> None:
    bench.server.tags = False
    bench.server.publish("web", "1.0.0")
    first = await bench.resolve()
    bench.aged(1000)
    assert await bench.resolve() == first
    (kept,) = (bench.cache / "indexes").iterdir()
    assert time.time() - kept.stat().st_mtime < 100


async def test_a_version_published_anew_is_fetched_anew(bench: Bench) -> None:
    bench.server.publish("web", "1.0.0")
    first = await bench.resolve(version="1.0.0")
    bench.server.serve_chart("web", "1.0.0", pack(chart("web", "1.0.0", more_txt="x"), "web"))
    assert (await bench.resolve(version="1.0.0")).digest != first.digest


@pytest.mark.parametrize("damage", ["", "{", "\n", '{"format": "helmops-index/1"}\n', '{"format":"helmops-index/0"}\n'])
async def test_a_damaged_copy_of_the_index_is_fetched_anew(bench: Bench, damage: str) -> None:
    bench.server.publish("web", "1.0.0")
    await bench.resolve()
    (kept,) = (bench.cache / "indexes").iterdir()
    for text in (damage, kept.read_text()[:-5]):
        kept.write_text(text)
        assert (await bench.resolve()).version == "1.0.0"


async def test_without_a_disk_it_works_all_the_same(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    bench.cache = tmp_path / "file" / "cache"
    bench.memory.full = True
    bench.server.publish("web", "1.0.0")
    process = bench.process()
    artifact = await process.resolve(HelmRepoChart(bench.server.url, "web"))
    assert (await process.content(artifact)).metadata["name"] == "web"
    await process.close()
    assert not Path(artifact.path).exists()


async def test_a_lost_cache_is_fetched_anew(bench: Bench) -> None:
    bench.server.publish("web", "1.0.0")
    await bench.resolve()
    shutil.rmtree(bench.cache / "charts")
    assert Path((await bench.resolve()).path).is_dir()


# ---------------------------------------------------------------- offline
async def test_a_pinned_chart_that_is_here_does_without_its_repository(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.server.publish("web", "1.0.0")
    first = await bench.resolve(version="1.0.0")
    bench.server.failing = 503
    bench.aged(3 * 3600 + 60)
    with caplog.at_level(logging.WARNING):
        offline = await bench.resolve(version="1.0.0")
    assert offline.digest == first.digest
    assert "3 h" in offline.provenance
    assert "web 1.0.0 comes from the cache" in caplog.text


@pytest.mark.parametrize("version", ["", "1.x", "*"])
async def test_a_range_cannot_be_answered_without_the_repository(bench: Bench, version: str) -> None:
    bench.server.publish("web", "1.0.0")
    await bench.resolve()
    bench.server.failing = 503
    bench.aged(2 * 86400 + 60)
    refusal = await bench.refusal(version=version)
    assert type(refusal) is Transient
    assert "2 d old" in refusal.message


async def test_a_pinned_chart_that_is_not_here_cannot_be_had(bench: Bench) -> None:
    bench.server.publish("web", "1.0.0")
    bench.server.publish("web", "1.1.0")
    await bench.resolve(version="1.1.0")
    bench.server.failing = 503
    assert type(await bench.refusal(version="1.0.0")) is Transient


async def test_nothing_here_and_nobody_there(bench: Bench) -> None:
    bench.server.failing = 503
    assert type(await bench.refusal()) is Transient


async def test_a_failure_is_asked_for_once_a_process(bench: Bench) -> None:
    bench.server.failing = 500
    process = bench.process()
    for version in ("1", "2", "3"):
        with pytest.raises(Transient):
            await process.resolve(HelmRepoChart(bench.server.url, "web", version))
    assert bench.requests() == 3  # three attempts, once


async def test_who_may_not_see_the_index_any_more_gets_nothing_of_the_copy(bench: Bench) -> None:
    bench.server.publish("web", "1.0.0")
    await bench.resolve(version="1.0.0")
    bench.server.failing = 403
    assert isinstance(await bench.refusal(version="1.0.0"), Forbidden)


# ---------------------------------------------------------------- addresses and credentials
@pytest.mark.parametrize(
    ("repo", "url", "found"),
    [
        ("https://a/charts", "web.tgz", "https://a/charts/web.tgz"),
        ("https://a/charts/", "web.tgz", "https://a/charts/web.tgz"),
        ("https://a", "charts/web.tgz", "https://a/charts/web.tgz"),
        ("https://a/charts", "/web.tgz", "https://a/web.tgz"),
        ("https://a/charts?sig=1", "web.tgz", "https://a/charts/web.tgz?sig=1"),
        ("https://a/charts?sig=1", "web.tgz?x=2", "https://a/charts/web.tgz?x=2"),
        ("https://u:p@a/charts", "web.tgz", "https://u:p@a/charts/web.tgz"),
        ("https://u:p@a/charts", "https://a/web.tgz", "https://u:p@a/web.tgz"),
        ("https://u:p@a/charts", "https://b/web.tgz", "https://b/web.tgz"),
        ("https://u:p@a/charts", "http://a/web.tgz", "http://a/web.tgz"),
        ("https://u:p@a/charts", "//b/web.tgz", "https://u:p@a//b/web.tgz"),
        ("https://a/x%2fy", "web.tgz", "https://a/x%2fy/web.tgz"),
    ],
)
def test_where_a_chart_is(repo: str, url: str, found: str) -> None:
    assert chart_url(repo, url) == found


@pytest.mark.parametrize("url", ["oci://r/web", "file:///etc/passwd", "ftp://x/web.tgz", "gopher://x"])
async def test_other_schemes_are_refused(bench: Bench, url: str) -> None:
    bench.server.publish("web", "1.0.0", urls=[url])
    assert isinstance(await bench.refusal(), InputError)


async def test_an_index_that_leads_to_a_registry_says_so(bench: Bench) -> None:
    bench.server.publish("web", "1.0.0", urls=["oci://user:s3cret@r/charts/web:1.0.0"])
    refusal = await bench.refusal()
    assert refusal.message == "the index leads to oci://r/charts/web:1.0.0"
    assert "registry" in refusal.hint


async def test_credentials_go_to_the_repository_and_to_nobody_else(tmp_path: Path) -> None:
    with RepositoryServer(("user", "s3cret")) as private, RepositoryServer() as other:
        bench = Bench(tmp_path, private)
        repo = private.url.replace("://", "://user:s3cret@")
        private.publish("web", "1.0.0")
        private.publish("api", "1.0.0", urls=[f"{other.url}/api-1.0.0.tgz"])
        other.files["/api-1.0.0.tgz"] = private.files["/api-1.0.0.tgz"]
        artifact = await bench.resolve("web", repo=repo)
        await bench.resolve("api", repo=repo)
        assert isinstance(await bench.refusal("web"), Forbidden)
        await bench.close()
    assert all("Authorization" in headers for headers in private.headers)
    assert not any("Authorization" in headers for headers in other.headers)
    assert "s3cret" not in artifact.provenance
    stored = [str(path) + path.read_bytes().decode(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert not any("s3cret" in text for text in stored)
    assert not any("s3cret" in scope for scope in bench.memory.scopes())


async def test_credentials_apart_from_the_address_go_no_further_either(tmp_path: Path) -> None:
    me = Credentials("user", "s3cret")
    with RepositoryServer(("user", "s3cret")) as private, RepositoryServer() as other:
        bench = Bench(tmp_path, private)
        private.publish("web", "1.0.0")
        private.publish("api", "1.0.0", urls=[f"{other.url}/api-1.0.0.tgz"])
        other.files["/api-1.0.0.tgz"] = private.files["/api-1.0.0.tgz"]
        process = bench.process()
        for name in ("web", "api"):
            assert (await process.resolve(HelmRepoChart(private.url, name), me)).name == name
        for stranger in (None, Credentials("user", "guess")):
            with pytest.raises(Forbidden):
                await process.resolve(HelmRepoChart(private.url, "web"), stranger)
        await bench.close()
    assert len(private.headers) == 2
    assert not any("Authorization" in headers for headers in other.headers)
    stored = [str(path) + path.read_bytes().decode(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert not any("s3cret" in text for text in stored)


async def test_what_one_user_saw_is_not_shown_to_another_while_the_repository_is_gone(bench: Bench) -> None:
    ref = HelmRepoChart(bench.server.url, "web", "1.0.0")
    bench.server.publish("web", "1.0.0")
    await bench.process().resolve(ref, Credentials("user", "s3cret"))
    bench.server.failing = 503
    assert (await bench.process().resolve(ref, Credentials("user", "s3cret"))).version == "1.0.0"
    with pytest.raises(Transient):
        await bench.process().resolve(ref, Credentials("user", "guess"))


async def test_no_error_holds_the_credentials(bench: Bench) -> None:
    repo = bench.server.url.replace("://", "://user:s3cret@") + "?token=s3cret"
    bench.server.publish("web", "1.0.0")
    errors = [await bench.refusal("nothing", repo=repo), await bench.refusal(version="9", repo=repo)]
    indexes: list[object] = [[], {"apiVersion": "v1", "entries": []}]
    for broken in indexes:
        bench.server.serve_index(broken)
        errors.append(await bench.refusal(repo=repo))
    for status in (403, 404, 500):
        bench.server.failing = status
        errors.append(await bench.refusal(repo=repo))
    assert not any("s3cret" in f"{error!r} {error} {error.hint}" for error in errors)


# ---------------------------------------------------------------- charts that are not what the index says
async def test_an_archive_that_is_not_the_one_of_the_index_is_never_unpacked(bench: Bench) -> None:
    bench.server.publish("web", "1.0.0", digest="0" * 64)
    refusal = await bench.refusal()
    assert isinstance(refusal, InputError)
    assert "not the chart that the index names" in refusal.message
    assert bench.unpacked() == []


@pytest.mark.parametrize("prefix", ["", "sha256:"])
async def test_digests_are_read_in_both_forms(bench: Bench, prefix: str) -> None:
    entry = bench.server.publish("web", "1.0.0")
    entry["digest"] = prefix + entry["digest"].upper()
    bench.server.serve_index({"apiVersion": "v1", "entries": bench.server.entries})
    await bench.resolve()


async def test_without_a_digest_the_address_and_the_time_tell_charts_apart(bench: Bench) -> None:
    bench.server.publish("web", "1.0.0", digest="", created="2026-01-01")
    first = await bench.resolve()
    bench.requests()
    assert await bench.resolve() == first
    assert bench.requests() == 1
    bench.server.entries.clear()
    again = pack(chart("web", "1.0.0", more_txt="x"), "web")
    bench.server.serve_chart("web", "1.0.0", again, digest="", created="2026-01-02")
    assert (await bench.resolve()).digest != first.digest


async def test_a_chart_that_the_index_names_and_that_is_not_there(bench: Bench) -> None:
    bench.server.publish("web", "1.0.0", urls=["elsewhere.tgz"])
    assert "the repository's index names it" in (await bench.refusal()).message


@pytest.mark.parametrize(
    "archive",
    [
        b"<html>",
        pack({"values.yaml": ""}),
        pack({"Chart.yaml": "name: web"}),
        pack_members([("web/Chart.yaml", chart()["Chart.yaml"]), ("../../evil", "x")]),
        pack_members([("web/Chart.yaml", chart()["Chart.yaml"]), (member("web/x", b"2", "/etc/passwd"), "")]),
    ],
)
async def test_a_bad_archive_is_never_unpacked(bench: Bench, archive: bytes) -> None:
    bench.server.serve_chart("web", "1.0.0", archive)
    refusal = await bench.refusal()
    assert isinstance(refusal, InputError)
    assert "web-1.0.0.tgz" in str(refusal)
    assert bench.unpacked() == []


async def test_a_chart_too_big_is_not_downloaded(bench: Bench) -> None:
    bench.limits = Limits(chart=1000)
    bench.server.publish("web", "1.0.0")
    assert CHART_SETTING in (await bench.refusal()).hint


# ---------------------------------------------------------------- hostile indexes
async def test_an_index_too_big_is_refused(bench: Bench) -> None:
    bench.limits = Limits(index=1000)
    for number in range(20):
        bench.server.publish("web", f"1.0.{number}")
    assert INDEX_SETTING in (await bench.refusal()).hint


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 10)}]\n" for n in range(12)
)


@pytest.mark.parametrize(
    "index",
    [
        b"",
        b"<html><body>Login</body></html>",
        b"- a\n",
        b"42",
        b"null",
        b"entries: {}",
        b"apiVersion: v1\nentries: []",
        b"apiVersion: v1\nentries: {web: 5}\n",
        b"\xff\xfe\x00",
        b"a: [\n",
        b"{" * 100_000,
        b"[" * 100_000,
        b'{"a":' * 5000,
        b"apiVersion: v1\nentries: " + b"{a: " * 5000,
        (BOMB + "apiVersion: v1\nentries: *m\n").encode(),
        (BOMB + "apiVersion: v1\nentries: {web: *m}\n").encode(),
        b"apiVersion: v1\nentries: &e {web: *e}\n",
        b"!!python/object/apply:os.system ['true']",
    ],
    ids=lambda index: repr(index[:24]),
)
async def test_what_is_no_index_is_told_at_once(bench: Bench, index: bytes) -> None:
    bench.server.serve_index(index)
    began = time.monotonic()
    refusal = await bench.refusal()
    assert isinstance(refusal, InputError)
    assert time.monotonic() - began < 5


def entry(**other: Any) -> dict[str, Any]:
    return {"name": "web", "version": "1.0.0", "urls": ["web-1.0.0.tgz"], **other}


@pytest.mark.parametrize(
    "bad",
    [
        None,
        5,
        [],
        {},
        entry(version=None),
        entry(version=1.5),
        entry(version=["1.0.0"]),
        entry(urls=None),
        entry(urls=[]),
        entry(urls=[{"a": 1}]),
        entry(urls="web.tgz"),
        entry(digest="short"),
        entry(digest=5),
        entry(digest="../" * 21 + "x"),
    ],
)
async def test_entries_that_cannot_be_read_are_skipped(
    bench: Bench, bad: Any, caplog: pytest.LogCaptureFixture
) -> None:
    bench.server.publish("web", "0.9.0")
    bench.server.entries["web"].insert(0, bad)
    bench.server.entries["broken"] = bad
    bench.server.serve_index({"apiVersion": "v1", "entries": bench.server.entries})
    with caplog.at_level(logging.WARNING):
        assert (await bench.resolve()).version == "0.9.0"
    assert re.search(r"\d entries cannot be read", caplog.text)


async def test_names_are_names_whatever_is_in_them(bench: Bench) -> None:
    names = ["../../etc/passwd", "a\tb", "a\nb", 'a"b', "\u2028", "ü", "a" * 5000, "x\\"]
    for name in names:
        bench.server.publish("web", "1.0.0")
        bench.server.entries[name] = bench.server.entries["web"]
    bench.server.serve_index({"apiVersion": "v1", "entries": bench.server.entries})
    for name in names:
        assert (await bench.resolve(name)).name == "web"
    assert isinstance(await bench.refusal("b"), InputError)


async def test_yaml_and_json_are_one_index(bench: Bench) -> None:
    bench.server.publish("web", "1.0.0")
    digest = (await bench.resolve()).digest
    plain = json.loads(bench.server.files["/index.yaml"])
    text = f"apiVersion: v1\nentries:\n  web:\n  - {json.dumps(plain['entries']['web'][0])}\n"
    for index in (text.encode(), b"\xef\xbb\xbf" + text.encode(), b"{apiVersion: v1, " + b"entries: {}}"):
        bench.server.serve_index(index)
        if b"web" in index:
            assert (await bench.resolve()).digest == digest
        else:
            assert "has no chart" in (await bench.refusal()).message
