"""Registries that want credentials, and registries that lie."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from helmops.adapters.charts import Limits
from helmops.adapters.charts.limits import CHART_SETTING, INDEX_SETTING
from helmops.adapters.charts.oci_auth import Challenge, challenges
from helmops.adapters.charts.oci_manifest import CHART, CONFIG, INDEXES, next_page
from helmops.adapters.charts.oci_place import Place
from helmops.adapters.http import basic
from helmops.api.model import Credentials
from helmops.errors import Forbidden, HelmopsError, InputError, Transient
from tests.unit.adapters.charts.packing import chart, member, pack, pack_members
from tests.unit.adapters.charts.registry import RegistryBench as Bench
from tests.unit.adapters.charts.registry import RegistryServer, TokenServer

ME = Credentials("user", "s3cret")
DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with RegistryServer() as running:
        yield running


@pytest.fixture
def realm() -> Iterator[TokenServer]:
    with TokenServer() as running:
        yield running


@pytest.fixture
async def bench(tmp_path: Path, server: RegistryServer) -> AsyncIterator[Bench]:
    made = Bench(tmp_path, server)
    server.push("charts/web", "1.0.0")
    yield made
    await made.close()


def wants_tokens(server: RegistryServer, realm: str, **more: str) -> None:
    parameters = {"realm": realm, "service": "registry", **more}
    server.challenge = "Bearer " + ",".join(f'{name}="{value}"' for name, value in parameters.items())
    server.authorization_wanted = "Bearer t0ken"


# ---------------------------------------------------------------- credentials
async def test_basic_is_sent_when_it_is_asked_for(bench: Bench) -> None:
    bench.server.challenge, bench.server.authorization_wanted = 'Basic realm="x"', basic(ME)
    bench.who = ME
    assert (await bench.resolve(version="1.x")).version == "1.0.0"
    assert [asked.authorization for asked in bench.server.asked] == ["", basic(ME), basic(ME), basic(ME)]


async def test_nobody_is_told_who_asks_unless_he_wants_to_know(bench: Bench) -> None:
    bench.who = ME
    await bench.resolve()
    assert not any(asked.authorization for asked in bench.server.asked)


@pytest.mark.parametrize("who", [None, ME])
async def test_a_token_is_asked_for_once_and_for_reading_only(
    bench: Bench, realm: TokenServer, who: Credentials | None
) -> None:
    wants_tokens(bench.server, f"{realm.url}/token?x=1", scope="repository:charts/web:pull,push repository:other:pull")
    bench.who = who
    await bench.resolve(version="1.x")
    (asked,) = realm.asked
    assert asked.question == {"x": ["1"], "service": ["registry"], "scope": ["repository:charts/web:pull"]}
    assert asked.authorization == (basic(ME) if who else "")
    assert {asked.authorization for asked in bench.server.asked} == {"", "Bearer t0ken"}
    assert len(bench.server.asked) == 4


async def test_azures_word_for_reading_the_tags_is_known(bench: Bench, realm: TokenServer) -> None:
    wants_tokens(bench.server, realm.url, scope="repository:charts/web:metadata_read")
    await bench.resolve(version="1.x")
    assert realm.asked[0].question["scope"] == ["repository:charts/web:metadata_read"]


async def test_a_token_that_has_run_out_is_replaced(bench: Bench, realm: TokenServer) -> None:
    wants_tokens(bench.server, realm.url)
    process = bench.process()
    await process.resolve(bench.ref(version="1.x"))
    realm.given = (200, {}, json.dumps({"access_token": "next"}).encode())
    bench.server.authorization_wanted = "Bearer next"
    bench.server.push("charts/web", "2.0.0")
    assert (await process.resolve(bench.ref(tag="2.0.0"))).version == "2.0.0"
    assert len(realm.asked) == 2


@pytest.mark.parametrize(
    "challenge", ["", "Basic", "Digest realm=x", "Bearer", "Bearer service=x", '=, =,,"', "Negotiate YQ=="]
)
async def test_a_challenge_that_cannot_be_met(bench: Bench, challenge: str) -> None:
    bench.server.challenge, bench.server.authorization_wanted = challenge or "-", "none that is known"
    refusal = await bench.refusal()
    assert isinstance(refusal, Forbidden)
    assert "was given none" in refusal.hint


@pytest.mark.parametrize("scheme", ["basic", "token", "realm"])
async def test_wrong_credentials_are_told_as_such(bench: Bench, realm: TokenServer, scheme: str) -> None:
    bench.who = ME
    bench.server.challenge = 'Basic realm="x"'
    if scheme != "basic":
        wants_tokens(bench.server, realm.url)
    if scheme == "realm":
        realm.given = (403, {}, b"")
    bench.server.authorization_wanted = "another"
    refusal = await bench.refusal()
    assert isinstance(refusal, Forbidden)
    assert "credentials do not do" in refusal.hint
    assert len(bench.server.asked) <= 2
    assert "s3cret" not in f"{refusal!r} {refusal.hint}"


async def test_a_missing_right_is_forbidden(bench: Bench) -> None:
    bench.server.failing = 403
    assert isinstance(await bench.refusal(), Forbidden)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"5", b'{"token": 5}', b'{"token": ""}', b'{"token": "a\\r\\nX-Evil: 1"}', b"<html>"]
)
async def test_an_answer_without_a_token(bench: Bench, realm: TokenServer, body: bytes) -> None:
    wants_tokens(bench.server, realm.url)
    realm.given = (200, {}, body)
    assert isinstance(await bench.refusal(), InputError)


async def test_a_realm_that_does_not_answer_may_the_next_time(bench: Bench, realm: TokenServer) -> None:
    wants_tokens(bench.server, realm.url)
    realm.given = (503, {"Retry-After": "0"}, b"")
    assert isinstance(await bench.refusal(), Transient)


async def test_what_the_realm_redirects_to_is_not_told_who_asks(bench: Bench, realm: TokenServer) -> None:
    bench.who = ME
    wants_tokens(bench.server, realm.url)
    with TokenServer() as other:
        realm.given = (307, {"Location": other.url}, b"")
        await bench.resolve()
    assert [asked.authorization for asked in other.asked] == [""]


@pytest.mark.parametrize("realm_url", ["http://localhost:1/token", "file:///etc/passwd", "token", "", "http://["])
async def test_no_password_goes_to_such_a_realm(bench: Bench, realm_url: str) -> None:
    bench.who = ME
    wants_tokens(bench.server, realm_url)
    refusal = await bench.refusal()
    assert isinstance(refusal, InputError)
    assert "s3cret" not in f"{refusal!r}"


async def test_who_has_other_credentials_gets_nothing_of_what_another_saw(bench: Bench) -> None:
    digest = bench.server.push("charts/web", "1.0.0")
    bench.server.challenge, bench.server.authorization_wanted = 'Basic realm="x"', basic(ME)
    bench.who = ME
    await bench.resolve(digest=digest)
    for other in (None, Credentials("user", "guess")):
        bench.who = other
        assert isinstance(await bench.refusal(digest=digest), Forbidden)
        assert isinstance(await bench.refusal(version="1.0.0"), Forbidden)


async def test_no_file_and_no_memory_holds_the_password(bench: Bench, realm: TokenServer) -> None:
    bench.who = ME
    wants_tokens(bench.server, realm.url)
    artifact = await bench.resolve(version="1.0.0")
    told = [str(path) + path.read_bytes().decode(errors="replace") for path in bench.cache.rglob("*") if path.is_file()]
    told += [artifact.provenance, *(f"{scope} {bench.memory.load(scope)}" for scope in bench.memory.scopes())]
    assert not any("s3cret" in text or "t0ken" in text for text in told)


# ---------------------------------------------------------------- other hosts
async def test_a_blob_on_another_host_is_fetched_without_credentials(bench: Bench) -> None:
    bench.who = ME
    bench.server.challenge, bench.server.authorization_wanted = 'Basic realm="x"', basic(ME)
    (path,) = (f"/v2/charts/web/blobs/{digest}" for digest, blob in bench.server.blobs.items() if blob != b"{}")
    with RegistryServer() as store:
        store.answers["/blob"] = (200, {}, bench.server.blobs[path.rpartition("/")[2]])
        bench.server.answers[path] = (307, {"Location": f"{store.url}/blob"}, b"")
        assert (await bench.resolve(version="1.0.0")).version == "1.0.0"
    assert [asked.authorization for asked in store.asked] == [""]


async def test_where_a_blob_is_redirected_to_nobody_may_ask_for_credentials(bench: Bench, realm: TokenServer) -> None:
    bench.who = ME
    with RegistryServer() as store:
        wants_tokens(store, realm.url)
        for digest in bench.server.blobs:
            bench.server.answers[f"/v2/charts/web/blobs/{digest}"] = (307, {"Location": f"{store.url}/blob"}, b"")
        assert isinstance(await bench.refusal(), Forbidden)
    assert realm.asked == []


async def test_the_next_page_is_asked_for_where_the_first_was(bench: Bench) -> None:
    bench.server.push("charts/web", "1.1.0")
    bench.server.page = 1
    with RegistryServer() as other:
        bench.server.next_link = f'<{other.url}/evil?last={{last}}>; rel="next"'
        assert (await bench.resolve()).version == "1.1.0"
        assert other.asked == []


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
    ("header", "found"),
    [
        ("", []),
        ("Basic", [Challenge("basic")]),
        (
            'Bearer realm="https://r/t",service=a,scope="repository:a:pull,push", BASIC realm="x \\" y"',
            [
                Challenge("bearer", {"realm": "https://r/t", "service": "a", "scope": "repository:a:pull,push"}),
                Challenge("basic", {"realm": 'x " y'}),
            ],
        ),
        ('realm="x"', []),
        ('Bearer Realm = "a" , realm="b"', [Challenge("bearer", {"realm": "a"})]),
    ],
)
def test_challenges(header: str, found: list[Challenge]) -> None:
    assert list(challenges(header)) == found


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
