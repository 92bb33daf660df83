"""The seam to HTTP servers: patience, caps and credentials."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from email.utils import format_datetime
from pathlib import Path

import pytest

from helmops.adapters.http import ATTEMPTS, Cap, Http, Response, same_origin, shown_url, with_credentials_of
from helmops.api.model import Credentials
from helmops.errors import Forbidden, HelmopsError, InputError, NotFound, Transient, Unreachable
from tests.servers.http import Handler, Server

CAP = Cap(1000, "HELMOPS_MAX_X_BYTES")

Answer = Callable[["Scripted"], tuple[int, dict[str, str], bytes]]


class Scripted(Handler):
    """Answers as the test says; remembers what it was sent."""

    server: ScriptedServer

    def respond(self, body: bytes) -> None:
        """Keep the headers, give the answer."""
        self.server.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.answer(*self.server.script(self))


class ScriptedServer(Server):
    """One script, any path."""

    def __init__(self) -> None:
        super().__init__(Scripted)
        self.seen: list[dict[str, str]] = []
        self.script: Answer = lambda _: (200, {}, b"hello")


class Naps:
    """Stands for sleep, so that nobody waits."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def other() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
async def http(naps: Naps) -> AsyncIterator[Http]:
    client = Http(timeout=5.0, sleep=naps)
    yield client
    await client.close()


def answers(*statuses: int, **headers: str) -> Answer:
    left = list(statuses)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: (left.pop(0) if len(left) > 1 else left[0], named, b"" if statuses == (304,) else b"x")


async def get(http: Http, url: str) -> Response:
    return await http.get(url, cap=CAP)


async def failure(http: Http, url: str) -> HelmopsError:
    with pytest.raises(HelmopsError) as failed:
        await get(http, url)
    return failed.value


def with_password(url: str) -> str:
    return url.replace("http://", "http://user:s3cret%21@")


async def test_an_answer(http: Http, server: ScriptedServer) -> None:
    server.script = lambda _: (200, {"ETag": '"1"'}, b"body")
    response = await http.get(f"{server.url}/x", cap=CAP, headers={"If-None-Match": '"0"'})
    assert (response.status, response.body, response.headers["etag"]) == (200, b"body", '"1"')
    assert server.seen[0]["if-none-match"] == '"0"'
    assert server.seen[0]["user-agent"].startswith("helmops/")


async def test_not_modified_is_an_answer(http: Http, server: ScriptedServer) -> None:
    server.script = answers(304)
    assert (await get(http, server.url)).status == 304


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, Forbidden), (403, Forbidden), (404, NotFound), (410, NotFound), (400, InputError), (500, Transient)],
)
async def test_errors_by_what_can_be_done(
    http: Http, server: ScriptedServer, status: int, error: type[HelmopsError]
) -> None:
    server.script = answers(status)
    assert type(await failure(http, server.url)) is error
    assert len(server.seen) == (ATTEMPTS if error is Transient else 1)


async def test_what_may_pass_is_asked_again(http: Http, server: ScriptedServer, naps: Naps) -> None:
    server.script = answers(503, 429, 200)
    assert (await get(http, server.url)).status == 200
    assert naps.taken == [0.5, 1.0]


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_the_server_says_when(http: Http, server: ScriptedServer, naps: Naps, form: str) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=7)
    server.script = answers(503, 200, Retry_After="7" if form == "seconds" else format_datetime(soon, usegmt=True))
    await get(http, server.url)
    assert 5 <= naps.taken[0] <= 7


async def test_a_long_wait_is_for_the_caller_to_decide(http: Http, server: ScriptedServer, naps: Naps) -> None:
    server.script = answers(503, Retry_After="3600")
    error = await failure(http, server.url)
    assert isinstance(error, Transient)
    assert (error.retry_after, naps.taken) == (3600, [])


@pytest.mark.parametrize("text", ["soon", "-1", "", "Mon, 99 Foo"])
async def test_a_wait_that_cannot_be_read_does_not_count(
    http: Http, server: ScriptedServer, naps: Naps, text: str
) -> None:
    server.script = answers(503, 200, Retry_After=text)
    await get(http, server.url)
    assert naps.taken == [0.5]


async def test_nobody_there(http: Http) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert isinstance(await failure(http, f"http://127.0.0.1:{port}"), Unreachable)


async def test_a_server_that_says_nothing(naps: Naps) -> None:
    http = Http(timeout=0.05, sleep=naps)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = await failure(http, f"http://127.0.0.1:{silent.getsockname()[1]}")
    await http.close()
    assert isinstance(error, Unreachable)
    assert "0.05 s" in str(error)


async def test_tls_where_there_is_none_is_not_tried_again(http: Http, server: ScriptedServer, naps: Naps) -> None:
    error = await failure(http, server.url.replace("http:", "https:"))
    assert isinstance(error, InputError)
    assert "does not speak TLS" in error.message
    assert "http://" in error.hint
    assert "insecure: true" in error.hint
    assert naps.taken == []


@pytest.mark.parametrize(
    "url", ["ftp://x/y", "file:///etc/passwd", "oci://x/y", "/etc/passwd", "", "http://", "http://[", "http://x:y"]
)
async def test_only_http(http: Http, url: str) -> None:
    assert isinstance(await failure(http, url), InputError)


# ---------------------------------------------------------------- caps
async def test_a_big_body_is_refused_with_the_setting(http: Http, server: ScriptedServer) -> None:
    server.script = lambda _: (200, {}, b"x" * 1001)
    error = await failure(http, server.url)
    assert "1,000 bytes" in error.message
    assert CAP.setting in error.hint


async def test_a_body_is_counted_unpacked(http: Http, server: ScriptedServer) -> None:
    server.script = lambda _: (200, {"Content-Encoding": "gzip"}, gzip.compress(b"x" * 100_000))
    assert "1,000 bytes" in (await failure(http, server.url)).message


async def test_who_wants_it_as_it_is_gets_it_as_it_is(http: Http, server: ScriptedServer) -> None:
    packed = gzip.compress(b"x")
    server.script = lambda _: (200, {"Content-Encoding": "gzip"}, packed)
    assert (await get(http, server.url)).body == b"x"
    raw = await http.get(server.url, cap=CAP, headers={"Accept-Encoding": "identity"})
    assert raw.body == packed


# ---------------------------------------------------------------- redirects and credentials
def leads_to(url: str) -> Answer:
    return lambda request: (302, {"Location": url}, b"") if request.path.startswith("/old") else (200, {}, b"new")


async def test_redirects_are_followed(http: Http, server: ScriptedServer) -> None:
    server.script = leads_to("/new")
    assert (await get(http, f"{server.url}/old")).body == b"new"


async def test_circles_end(http: Http, server: ScriptedServer) -> None:
    server.script = leads_to("/old")
    assert "redirects more than" in (await failure(http, f"{server.url}/old")).message
    assert len(server.seen) == 6


@pytest.mark.parametrize("location", ["", "file:///etc/passwd", "ftp://x", "http://["])
async def test_redirects_lead_to_http_only(http: Http, server: ScriptedServer, location: str) -> None:
    server.script = leads_to(location)
    assert isinstance(await failure(http, f"{server.url}/old"), InputError)


async def test_credentials_of_the_url_are_sent(http: Http, server: ScriptedServer) -> None:
    await get(http, with_password(server.url))
    assert server.seen[0]["authorization"] == "Basic dXNlcjpzM2NyZXQh"


async def test_credentials_stay_with_their_server(http: Http, server: ScriptedServer, other: ScriptedServer) -> None:
    server.script = leads_to("/new")
    await get(http, with_password(f"{server.url}/old"))
    assert "authorization" in server.seen[1]

    server.script = leads_to(f"{other.url}/new")
    secrets = {"Cookie": "s3cret", "X-Plain": "1"}
    await http.get(with_password(f"{server.url}/old"), cap=CAP, headers=secrets)
    assert "authorization" not in other.seen[0]
    assert "cookie" not in other.seen[0]
    assert other.seen[0]["x-plain"] == "1"


async def test_credentials_do_not_come_back_from_a_detour(
    http: Http, server: ScriptedServer, other: ScriptedServer
) -> None:
    server.script = leads_to(f"{other.url}/old")
    other.script = leads_to(f"{server.url}/new")
    await get(http, with_password(f"{server.url}/old"))
    assert "authorization" not in server.seen[1]


async def test_credentials_apart_from_the_url_are_kept_as_well(
    http: Http, server: ScriptedServer, other: ScriptedServer
) -> None:
    mine = Credentials("user", "s3cret!")
    server.script = leads_to(f"{other.url}/new")
    await http.get(f"{server.url}/old".replace("://", "://else:where@"), cap=CAP, credentials=mine)
    assert server.seen[0]["authorization"] == "Basic dXNlcjpzM2NyZXQh"
    assert "authorization" not in other.seen[0]
    server.script = answers(403)
    with pytest.raises(Forbidden) as refused:
        await http.get(server.url, cap=CAP, credentials=mine)
    assert "s3cret" not in f"{refused.value!r} {refused.value.hint}"


async def test_from_https_nobody_is_led_to_plain_http(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    async def moved(request: object) -> Response:
        return Response(302, {"location": "http://charts.invalid/x"}, b"")

    monkeypatch.setattr(http, "_once", moved)
    assert "plain HTTP" in (await failure(http, "https://charts.invalid/x")).message


# ---------------------------------------------------------------- heads and challenges
async def test_a_head_has_headers_only(http: Http, server: ScriptedServer) -> None:
    server.script = lambda request: (200, {"X-Method": request.command}, b"body")
    response = await http.ask(server.url, cap=CAP, method="HEAD")
    assert (response.headers["x-method"], response.body) == ("HEAD", b"")


async def test_a_challenge_is_an_answer_to_who_wants_it(http: Http, server: ScriptedServer) -> None:
    server.script = lambda _: (401, {"WWW-Authenticate": "Basic", "www-authenticate": "Bearer x"}, b"x" * 2000)
    response = await http.ask(server.url, cap=CAP, challenge=True)
    assert (response.status, response.headers["www-authenticate"], response.body) == (401, "Basic, Bearer x", b"")


async def test_only_who_was_asked_may_challenge(http: Http, server: ScriptedServer, other: ScriptedServer) -> None:
    server.script = leads_to(f"{other.url}/new")
    other.script = answers(401)
    with pytest.raises(Forbidden):
        await http.ask(f"{server.url}/old", cap=CAP, challenge=True)


async def test_cookies_are_not_kept(http: Http, server: ScriptedServer) -> None:
    server.script = answers(200, Set_Cookie="a=b")
    await get(http, server.url)
    await get(http, server.url)
    assert "cookie" not in server.seen[1]


@pytest.mark.parametrize("status", [401, 404, 400, 500])
async def test_no_error_holds_credentials(http: Http, server: ScriptedServer, status: int) -> None:
    server.script = answers(status)
    error = await failure(http, with_password(f"{server.url}/x") + "?token=s3cret#s3cret")
    text = f"{error!r} {error} {error.hint} {error.__cause__!r}"
    assert "s3cret" not in text
    assert f"{server.url}/x?…" in text


async def test_no_error_of_the_network_holds_credentials(http: Http) -> None:
    for url in ("http://user:s3cret@127.0.0.1:1/x", "http://user:s3cret@[/x", "ftp://user:s3cret@x/y"):
        error: BaseException | None = await failure(http, url)
        while error:
            assert "s3cret" not in f"{error!r}", url
            error = error.__cause__


async def test_no_answer_that_is_none_shows_the_query(http: Http) -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"nonsense\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(nonsense, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(http, f"http://user:s3cret@127.0.0.1:{port}/x?token=s3cret")
    assert isinstance(error, Unreachable)
    assert "s3cret" not in str(error)


async def test_proxies_come_from_the_environment(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, http: Http
) -> None:
    monkeypatch.setenv("http_proxy", with_password(server.url))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert (await get(http, "http://charts.invalid/x")).status == 200
    assert server.seen[0]["host"] == "charts.invalid"
    assert server.seen[0]["proxy-authorization"] == "Basic dXNlcjpzM2NyZXQh"
    await get(http, server.url)
    assert server.seen[1]["host"] == server.url.removeprefix("http://")


async def test_netrc_is_not_read(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, http: Http, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("default login user password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    await get(http, server.url)
    assert "authorization" not in server.seen[0]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@host:8443/a/b?x=1#f", "https://host:8443/a/b?…"),
        ("https://host/a", "https://host/a"),
        ("https://u@[::1]:8/a", "https://[::1]:8/a"),
    ],
)
def test_urls_for_people(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("https://a/x", "https://A:443/y", True),
        ("https://a", "http://a", False),
        ("https://a", "https://a:8443", False),
        ("https://a", "https://a.evil.org", False),
        ("https://u:p@a", "https://a", True),
    ],
)
def test_origins(first: str, second: str, same: bool) -> None:
    assert same_origin(first, second) is same


def test_credentials_are_lent_to_the_same_server_only() -> None:
    assert with_credentials_of("https://a/x.tgz", "https://u:p@a/charts") == "https://u:p@a/x.tgz"
    assert with_credentials_of("https://b/x.tgz", "https://u:p@a/charts") == "https://b/x.tgz"
    assert with_credentials_of("https://v:q@a/x.tgz", "https://u:p@a/charts") == "https://v:q@a/x.tgz"


async def test_closing_twice_is_fine() -> None:
    http = Http()
    await http.close()
    await http.close()
