"""Registries that want credentials, and those who want to know them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from helmops.adapters.charts.oci_auth import Challenge, challenges
from helmops.adapters.http import basic
from helmops.api.model import Credentials
from helmops.errors import Forbidden, InputError, Transient
from tests.unit.adapters.charts.registry import RegistryBench as Bench
from tests.unit.adapters.charts.registry import RegistryServer, TokenServer

ME = Credentials("user", "s3cret")


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


# ---------------------------------------------------------------- headers
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
