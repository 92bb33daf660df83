"""The one seam to HTTP servers that are not Kubernetes: capped, patient, and careful with credentials.

aiohttp is imported at the first request, because that costs more than a whole pass in which nothing is fetched.
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import helmops
from helmops.api.model import Credentials
from helmops.errors import Forbidden, HelmopsError, InputError, NotFound, Transient, Unreachable

if TYPE_CHECKING:
    import aiohttp

MAX_REDIRECTS = 5
ATTEMPTS = 3
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Cap:
    """The most bytes a body may have, and the setting that raises it."""

    bytes: int
    setting: str


@dataclass(frozen=True, slots=True)
class Response:
    """An answer of 2xx or 304; of 401 to who wants challenges. The names of ``headers`` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def shown_url(url: str) -> str:
    """A URL fit for people and logs: without user, password, query and fragment, any of which may be a secret."""
    parts = _split(url)
    query = "?…" if parts.query else ""
    return parts._replace(netloc=_host_and_port(parts), query="", fragment="").geturl() + query


def same_origin(first: str, second: str) -> bool:
    """Whether two URLs lead to one server: scheme, host and port are equal."""
    return _origin(_split(first)) == _origin(_split(second))


def with_credentials_of(url: str, source: str) -> str:
    """``url`` with user and password of ``source`` when both lead to the same server, else as it is."""
    parts = _split(url)
    if "@" in parts.netloc or not same_origin(url, source):
        return url
    return parts._replace(netloc=_split(source).netloc).geturl()


def basic(credentials: Credentials) -> str:
    """The value of ``Authorization`` that sends them as they are."""
    return "Basic " + base64.b64encode(f"{credentials.username}:{credentials.password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class _Request:
    """One question; ``url`` is without credentials, so that no error of aiohttp's can hold them."""

    url: str
    auth: Credentials | None
    headers: Mapping[str, str]
    cap: Cap
    timeout: float
    method: Literal["GET", "HEAD"]
    challenge: bool

    def follow(self, location: str) -> _Request:
        """The question to ask where the server points. Credentials stay with the server they were meant for, and only
        that server may ask for some."""
        _split(location)  # raises what urljoin would
        url, _ = _address(urljoin(self.url, location))
        if _split(self.url).scheme == "https" and _split(url).scheme == "http":
            raise InputError(f"{shown_url(self.url)} redirects to plain HTTP, which anybody on the way can change")
        if _may_keep_credentials(self.url, url):
            return replace(self, url=url)
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _SECRET_HEADERS}
        return replace(self, url=url, auth=None, headers=kept, challenge=False)

    @property
    def wants_raw(self) -> bool:
        """Who asks for ``identity`` gets the bytes as they came: a ``.tgz`` must not be unpacked on its way."""
        return any(name.lower() == "accept-encoding" and value == "identity" for name, value in self.headers.items())


class Http:
    """A client with one shared pool of connections. Proxies come from the environment.

    ``timeout``: seconds for one attempt.
    """

    def __init__(self, *, timeout: float = 60.0, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._timeout = timeout
        self._sleep = sleep
        self._session: aiohttp.ClientSession | None = None

    async def get(
        self, url: str, *, cap: Cap, headers: Mapping[str, str] | None = None, credentials: Credentials | None = None
    ) -> Response:
        """The answer, 2xx or 304, after redirects and, for what may pass, after three attempts.

        ``credentials`` are sent to the server of ``url`` and to no other, in place of those that ``url`` may hold.

        Forbidden (401, 403), NotFound (404, 410), Transient, Unreachable; InputError for everything else, a body above
        ``cap`` included.
        """
        return await self.ask(url, cap=cap, headers=headers, credentials=credentials)

    async def ask(
        self,
        url: str,
        *,
        cap: Cap,
        headers: Mapping[str, str] | None = None,
        credentials: Credentials | None = None,
        method: Literal["GET", "HEAD"] = "GET",
        challenge: bool = False,
    ) -> Response:
        """As ``get``. With ``challenge``, 401 of the server of ``url`` is an answer, without its body."""
        plain, own = _address(url)
        request = _Request(plain, credentials or own, headers or {}, cap, self._timeout, method, challenge)
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._patiently(request)
            if response.status not in _REDIRECTS:
                return response
            request = request.follow(_location(request, response))
        raise InputError(f"{shown_url(url)} redirects more than {MAX_REDIRECTS} times")

    async def close(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _patiently(self, request: _Request) -> Response:
        for attempt in range(ATTEMPTS - 1):
            try:
                return await self._once(request)
            except Transient as error:
                pause = FIRST_PAUSE * 2**attempt if error.retry_after is None else error.retry_after
                if pause > LONGEST_PAUSE:
                    raise
                await self._sleep(pause)
        return await self._once(request)

    async def _once(self, request: _Request) -> Response:
        import aiohttp

        try:
            return await self._send(request)
        except (aiohttp.ClientSSLError, aiohttp.InvalidURL) as error:
            raise _hopeless(request, error) from error
        except TimeoutError as error:
            raise Unreachable(f"{shown_url(request.url)} did not answer in {request.timeout:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"{shown_url(request.url)} does not answer: {_reason(error)}") from error

    async def _send(self, request: _Request) -> Response:
        async with self._open().request(request.method, request.url, **_options(request)) as answer:
            headers = _headers(answer)
            if answer.status in _REDIRECTS or (answer.status == 401 and request.challenge):
                return Response(answer.status, headers, b"")
            _check(request, answer.status, headers)
            return Response(answer.status, headers, await _read(request, answer))

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(limit=16),
                headers={"User-Agent": f"helmops/{helmops.__version__}"},
            )
        return self._session


def _options(request: _Request) -> dict[str, Any]:
    import aiohttp

    return {
        "headers": {**request.headers, **({"Authorization": basic(request.auth)} if request.auth else {})},
        "allow_redirects": False,
        "auto_decompress": not request.wants_raw,
        "timeout": aiohttp.ClientTimeout(total=request.timeout, sock_connect=min(10.0, request.timeout)),
        "proxy": _proxy(request.url),
    }


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """By name in lower case; one that was sent several times is a list with commas."""
    headers: dict[str, str] = {}
    for name, value in answer.headers.items():
        known = headers.get(name.lower())
        headers[name.lower()] = value if known is None else f"{known}, {value}"
    return headers


def _proxy(url: str) -> str | None:
    """Not by aiohttp's ``trust_env``: that would read ``.netrc`` too and send passwords nobody spoke of."""
    from urllib.request import getproxies, proxy_bypass

    parts = _split(url)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)


async def _read(request: _Request, answer: aiohttp.ClientResponse) -> bytes:
    """The body, counted after decompression, so that a small answer cannot become a big one."""
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > request.cap.bytes:
            raise InputError(
                f"{shown_url(request.url)} is bigger than {request.cap.bytes:,} bytes",
                hint=f"if that is as it should be, raise {request.cap.setting}",
            )
    return bytes(body)


def _check(request: _Request, status: int, headers: Mapping[str, str]) -> None:
    if status == 304 or 200 <= status < 300:
        return
    raise _refusal(f"{shown_url(request.url)} answers {status}", status, headers)


def _refusal(text: str, status: int, headers: Mapping[str, str]) -> HelmopsError:
    if status in (401, 403, 407):
        return Forbidden(text, hint="it wants other credentials than it was given")
    if status in (404, 410):
        return NotFound(text)
    if status in _AGAIN:
        return Transient(text, retry_after=_retry_after(headers))
    return InputError(text)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from either form of the header; what cannot be read does not count."""
    from email.utils import parsedate_to_datetime

    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    # A date without zone is meant as UTC.
    when = when if when.tzinfo else when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - dt.datetime.now(dt.UTC)).total_seconds())


def _location(request: _Request, response: Response) -> str:
    location = response.headers.get("location", "")
    if not location:
        raise InputError(f"{shown_url(request.url)} redirects to nowhere")
    return location


def _hopeless(request: _Request, error: Exception) -> InputError:
    reason = getattr(getattr(error, "os_error", None), "reason", "")
    if reason in _NO_TLS:
        hint = "if plain HTTP is meant, say so: http:// for a repository, insecure: true for a registry"
        return InputError(f"{shown_url(request.url)} does not speak TLS", hint=hint)
    hint = "name the file with the authority's certificate in SSL_CERT_FILE"
    return InputError(f"{shown_url(request.url)}: {_reason(error)}", hint=hint)


def _reason(error: Exception) -> str:
    """Of aiohttp's own texts some hold the whole URL."""
    message = getattr(error, "os_error", None) or getattr(error, "message", None)
    return str(message or (error if isinstance(error, OSError) else "")) or type(error).__name__


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises what else would be raised later
    except ValueError as error:
        # The text is not repeated: it may hold a password.
        raise InputError("an address that cannot be read") from error
    return parts


def _address(url: str) -> tuple[str, Credentials | None]:
    """An address without credentials, and those. InputError unless it is one of http or https."""
    parts = _split(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise InputError(f"{shown_url(url)} is no http(s) address")
    own = Credentials(unquote(parts.username or ""), unquote(parts.password or "")) if "@" in parts.netloc else None
    return parts._replace(netloc=_host_and_port(parts)).geturl(), own


def _host_and_port(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _may_keep_credentials(old: str, new: str) -> bool:
    """The same server, or the step of one host from http to https."""
    before, after = _origin(_split(old)), _origin(_split(new))
    return before == after or (before == ("http", after[1], 80) and after == ("https", before[1], 443))
