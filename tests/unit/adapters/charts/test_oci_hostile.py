"""Registries that lie."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from helmops.adapters.charts import Limits
from helmops.adapters.charts.limits import CHART_SETTING, INDEX_SETTING
from helmops.adapters.charts.oci_manifest import CHART, CONFIG, INDEXES, next_page
from helmops.adapters.charts.oci_place import Place
from helmops.errors import HelmopsError, InputError
from tests.unit.adapters.charts.packing import chart, member, pack, pack_members
from tests.unit.adapters.charts.registry import RegistryBench as Bench
from tests.unit.adapters.charts.registry import RegistryServer

DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with RegistryServer() as running:
        yield running


@pytest.fixture
async def bench(tmp_path: Path, server: RegistryServer) -> AsyncIterator[Bench]:
    made = Bench(tmp_path, server)
    server.push("charts/web", "1.0.0")
    yield made
    await made.close()


# ---------------------------------------------------------------- tags
@pytest.mark.parametrize("link", ['</v2/x?last=1.0.0>; rel="next"', '</?a=a&last=0>; rel="next"'])
async def test_pages_in_a_circle_end(bench: Bench, link: str) -> None:
    tags = "/v2/charts/web/tags/list"
    bench.server.answers[tags] = (200, {"Link": link}, b'{"tags": ["1.0.0"]}')
    assert "does not end" in (await bench.refusal()).message
    assert len(bench.server.asked) == 2


async def test_pages_without_end_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helmops.adapters.charts.oci_registry.MAX_PAGES", 5)
    bench.server.page = 1
    for patch in range(9):
        bench.server.push("charts/web", f"1.0.{patch}")
    assert "after 5 pages" in (await bench.refusal()).message


async def test_a_list_of_tags_too_big_is_refused(bench: Bench) -> None:
    bench.limits = Limits(index=20_000)
    bench.server.page = 30
    for patch in range(2000):
        bench.server.tags["charts/web"].append(f"1.0.{patch}")
    refusal = await bench.refusal()
    assert "20,000 bytes" in refusal.message
    assert INDEX_SETTING in refusal.hint
    bench.server.page = 0
    assert INDEX_SETTING in (await bench.refusal()).hint


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"<html>", b'{"tags": {}}', b'{"tags": "1.0.0"}', b"[" * 100_000, b"\xff", b'{"a":' * 5000],
)
async def test_what_is_no_list_of_tags(bench: Bench, body: bytes) -> None:
    bench.server.answers["/v2/charts/web/tags/list"] = (200, {}, body)
    assert isinstance(await bench.refusal(), InputError)


async def test_tags_that_can_be_none_are_left_out(bench: Bench) -> None:
    tags = ["1.0.0", 5, None, {}, "../../x", "9.9.9\r\nX: y", "8.8.8/x", "7" * 200]
    bench.server.answers["/v2/charts/web/tags/list"] = (200, {}, json.dumps({"tags": tags}).encode())
    assert (await bench.resolve()).version == "1.0.0"


async def test_a_list_of_no_tags(bench: Bench) -> None:
    bench.server.answers["/v2/charts/web/tags/list"] = (200, {}, b'{"tags": null}')
    assert "none at all" in (await bench.refusal()).message


# ---------------------------------------------------------------- manifests and archives
def manifest(**other: Any) -> dict[str, Any]:
    config, layer = {"mediaType": CONFIG}, {"mediaType": CHART, "digest": DIGEST, "size": 1}
    return {"schemaVersion": 2, "config": config, "layers": [layer], **other}


def layer(**other: Any) -> dict[str, Any]:
    return manifest(layers=[{"mediaType": CHART, "digest": DIGEST, "size": 1, **other}])


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (manifest(mediaType=INDEXES[0]), "index of several"),
        ({"schemaVersion": 2, "manifests": []}, "index of several"),
        (manifest(config={"mediaType": "application/vnd.oci.image.config.v1+json"}), "no Helm chart"),
        (manifest(config={"mediaType": "x" * 9999}), "no Helm chart"),
        (manifest(config=None), "no Helm chart"),
        (manifest(layers=[]), "0 layers"),
        (manifest(layers=None), "0 layers"),
        (manifest(layers={"a": 1}), "0 layers"),
        (manifest(layers=[5, None, "x"]), "0 layers"),
        (manifest(layers=layer()["layers"] * 2), "2 layers"),
        (layer(digest="sha256:0"), "sha256"),
        (layer(digest=f"../../{DIGEST}"), "sha256"),
        (layer(digest=None), "sha256"),
        (layer(size=-1), "sha256"),
        (layer(size=True), "sha256"),
        (layer(size="1"), "sha256"),
        (b"", "cannot be read"),
        (b"[1]", "no JSON object"),
        (b"\xff\xfe", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (layer(), "the manifest names it"),
    ],
    ids=repr,
)
async def test_what_is_no_charts_manifest(bench: Bench, document: object, said: str) -> None:
    bench.server.push_manifest("charts/web", "1.0.0", document)
    refusal = await bench.refusal(version="1.0.0")
    assert isinstance(refusal, InputError)
    assert said in str(refusal)
    assert len(str(refusal)) < 500


async def test_a_manifest_too_big_is_refused(bench: Bench) -> None:
    bench.limits = Limits(index=16 * 1000)
    bench.server.push_manifest("charts/web", "1.0.0", manifest(annotations={"a": "x" * 1000}))
    refusal = await bench.refusal(version="1.0.0")
    assert "1,000 bytes" in refusal.message
    assert INDEX_SETTING in refusal.hint


async def test_a_manifest_that_is_not_the_one_of_the_digest(bench: Bench) -> None:
    bench.server.manifests["charts/web", DIGEST] = bench.server.manifests["charts/web", "1.0.0"]
    refusal = await bench.refusal(digest=DIGEST)
    assert isinstance(refusal, InputError)
    assert "not the manifest that was asked for" in refusal.message
    assert bench.unpacked() == []


async def test_a_manifest_that_is_not_the_one_it_says(bench: Bench) -> None:
    body = bench.server.manifests["charts/web", "1.0.0"]
    bench.server.answers["/v2/charts/web/manifests/1.0.0"] = (200, {"Docker-Content-Digest": DIGEST}, body)
    assert "not the manifest" in (await bench.refusal(version="1.0.0")).message


async def test_a_head_that_lies_leads_to_nothing_but_another_question(bench: Bench) -> None:
    first = await bench.resolve(version="1.0.0")
    bench.server.push("charts/web", "1.0.0", more_txt="x")
    bench.server.says_digest = False
    assert (await bench.resolve(version="1.0.0")).digest != first.digest


async def test_an_archive_that_is_not_the_one_of_the_manifest_is_never_unpacked(bench: Bench) -> None:
    other = pack(chart("evil"), "web")
    for digest in bench.server.blobs:
        bench.server.blobs[digest] = other
    refusal = await bench.refusal(version="1.0.0")
    assert isinstance(refusal, InputError)
    assert "not the chart that the manifest names" in refusal.message
    assert bench.unpacked() == []


@pytest.mark.parametrize("size", [1, 10**9])
async def test_an_archive_too_big_is_not_downloaded(bench: Bench, size: int) -> None:
    bench.limits = Limits(chart=1000)
    content = b"x" * 10_000
    described = {"mediaType": CHART, "digest": bench.server.blob(content), "size": size}
    bench.server.push_archive("charts/web", "1.0.0", content, layers=[described])
    assert CHART_SETTING in (await bench.refusal(version="1.0.0")).hint
    fetched = [asked for asked in bench.server.asked if "/blobs/" in asked.path]
    assert len(fetched) == (1 if size == 1 else 0)


@pytest.mark.parametrize(
    "archive",
    [
        b"<html>",
        pack({"values.yaml": ""}),
        pack_members([("web/Chart.yaml", chart()["Chart.yaml"]), ("../../evil", "x")]),
        pack_members([("web/Chart.yaml", chart()["Chart.yaml"]), (member("web/x", b"2", "/etc/passwd"), "")]),
    ],
)
async def test_a_bad_archive_is_never_unpacked(bench: Bench, archive: bytes) -> None:
    bench.server.push_archive("charts/web", "1.0.0", archive)
    refusal = await bench.refusal(version="1.0.0")
    assert isinstance(refusal, InputError)
    assert "charts/web:1.0.0" in str(refusal)
    assert bench.unpacked() == []


# ---------------------------------------------------------------- names and headers
@pytest.mark.parametrize(
    "url",
    [
        "https://r/web",
        "oci://r",
        "oci://r/",
        "oci:///web",
        "oci://r/Web",
        "oci://r/../web",
        "oci://r/a//b",
        "oci://r/web:1.0.0",
        f"oci://r/web@{DIGEST}",
        "oci://user:s3cret@r/web",
        "oci://r/web?x=s3cret",
        "oci://r/web#x",
        "oci://r:port/web",
        "oci://r/%2e%2e/web",
        "oci://r/web\r\nX: y",
        "oci://-r/web",
        "oci://r/" + "a" * 1000,
        "",
    ],
)
def test_what_names_no_chart(url: str) -> None:
    with pytest.raises(HelmopsError) as refused:
        Place.of(url)
    assert isinstance(refused.value, InputError)
    assert "s3cret" not in str(refused.value)
    assert len(str(refused.value)) < 700


@pytest.mark.parametrize(
    ("url", "insecure", "asked"),
    [
        ("oci://r.example.org/charts/web", False, "https://r.example.org/v2/charts/web/x"),
        ("oci://R.example.org:5000/a__b/c-d.e/", True, "http://r.example.org:5000/v2/a__b/c-d.e/x"),
        ("oci://[::1]:5000/web", True, "http://[::1]:5000/v2/web/x"),
        ("oci://127.0.0.1:5000/web", False, "https://127.0.0.1:5000/v2/web/x"),
        ("oci://docker.io/charts/web", False, "https://registry-1.docker.io/v2/charts/web/x"),
    ],
)
def test_where_registries_are_asked(url: str, insecure: bool, asked: str) -> None:
    assert Place.of(url, insecure=insecure).url("x") == asked


@pytest.mark.parametrize(
    ("link", "question"),
    [
        ("", ""),
        ('</v2/a/tags/list?last=b&n=1>; rel="next"', "last=b&n=1"),
        ("<https://r/x?last=b>;rel=next", "last=b"),
        ('</p?a>; rel="prev", </n?b>; title="x"; rel="next"', "b"),
        ('</n?b>; rel="nextish"', ""),
        ("</n?b>", ""),
        ('<http://[?b>; rel="next"', ""),
        ("<" * 5000, ""),
    ],
)
def test_the_next_page(link: str, question: str) -> None:
    assert next_page(link) == question
