"""The one seam to the API server: JSON in, JSON out, retries, and our errors for everything that can go wrong."""

from __future__ import annotations

import asyncio
import gc
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import ClientConnectorCertificateError, ClientError, ClientResponse, ClientSSLError, ClientTimeout

from helmops.adapters.kube.connection import Connection, Connections
from helmops.adapters.kube.failures import Answer
from helmops.api.model import Access
from helmops.errors import HelmopsError, Unreachable

APPLY = "application/apply-patch+yaml"
JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"

_PATIENCE = 10.0
"""Seconds that all tries of one request may take together, the last one's own time apart."""
_FIRST_PAUSE = 0.1
_LONG = 100_000
_BUSY = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Request:
    """One question. ``where`` names the object to people; ``body`` is never told.

    ``idempotent``: asking twice does no harm, so a lost answer may be asked for again. Reading always is.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = field(default=None, repr=False)
    content_type: str = JSON
    accept: str = JSON
    where: str = ""
    idempotent: bool = False
    timeout: float = 60.0

    @property
    def repeatable(self) -> bool:
        """Whether it may be asked again although the first may have been heard."""
        return self.idempotent or self.method == "GET"


class Client:
    """Asks API servers as somebody."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def request(self, access: Access, request: Request) -> Any:
        """The decoded answer. Errors: see ``failures`` and, when nothing answers, Unreachable."""
        connection = await self._connections.get(access)
        deadline = time.monotonic() + _PATIENCE
        pause = _FIRST_PAUSE
        renewed = False
        while True:
            headers = await self._headers(connection, request)
            outcome = await _attempt(connection, request, headers)
            if outcome.error is None:
                return outcome.value
            if outcome.status == 401 and not renewed and connection.distrust(headers):
                renewed = True
                continue
            wait = max(pause, outcome.retry_after or 0.0)
            if not _again(outcome, request, connection) or time.monotonic() + wait > deadline:
                raise outcome.error
            await asyncio.sleep(wait)
            pause *= 2

    async def _headers(self, connection: Connection, request: Request) -> Mapping[str, str]:
        headers = await connection.headers()
        headers["Accept"] = request.accept
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        return headers


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one try brought. ``status`` 0: no answer; ``hopeless``: nor will there be one."""

    value: Any = None
    status: int = 0
    error: HelmopsError | None = None
    retry_after: float | None = None
    hopeless: bool = False


async def _attempt(connection: Connection, request: Request, headers: Mapping[str, str]) -> _Outcome:
    body = None if request.body is None else orjson.dumps(request.body)
    try:
        async with (
            connection.slots,
            connection.session.request(
                request.method,
                connection.server + request.path,
                params=request.params,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=ClientTimeout(total=request.timeout, sock_connect=10),
            ) as response,
        ):
            raw = await response.read()
    except (ClientConnectorCertificateError, ClientSSLError, ssl.SSLError) as error:
        return _Outcome(error=_untrusted(connection, error), hopeless=True)
    except (ClientError, TimeoutError, OSError) as error:
        return _Outcome(error=_silent(connection, request, error))
    connection.mark_answered()
    return _outcome(response, raw, connection, request)


def _outcome(response: ClientResponse, raw: bytes, connection: Connection, request: Request) -> _Outcome:
    if 200 <= response.status < 300:
        try:
            return _Outcome(_decoded(raw) if raw else None, response.status)
        except orjson.JSONDecodeError:
            return _Outcome(error=_no_api(connection), hopeless=True)
    if 300 <= response.status < 400:
        return _Outcome(error=_no_api(connection), hopeless=True)
    answer = Answer(response.status, raw, request.path, response.headers.get("Retry-After", ""))
    return _Outcome(None, response.status, answer.error(request.where), answer.retry_after)


def _decoded(raw: bytes) -> Any:
    """A long list is a hundred thousand small dicts, none of them garbage: looking for some trebles the time."""
    if len(raw) < _LONG or not gc.isenabled():
        return orjson.loads(raw)
    gc.disable()
    try:
        return orjson.loads(raw)
    finally:
        gc.enable()


def _again(outcome: _Outcome, request: Request, connection: Connection) -> bool:
    """Whether another try may go better and does no harm. 429 was not heard at all, whatever the method."""
    if outcome.hopeless or outcome.status == 429:
        return not outcome.hopeless
    if outcome.status == 0:
        return request.repeatable and connection.answered
    if outcome.status == 500:
        return request.repeatable and outcome.retry_after is not None
    return request.repeatable and outcome.status in _BUSY


def _silent(connection: Connection, request: Request, error: Exception) -> Unreachable:
    said = _reason(error) or f"nothing within {request.timeout:.0f} s"
    message = f"the API server {connection.server} does not answer: {said}"
    return Unreachable(message, where=request.where, hint=f"is context {connection.context!r} the right one?")


def _reason(error: Exception) -> str:
    cause = getattr(error, "os_error", None) or error
    if type(cause) is TimeoutError:
        return ""
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def _untrusted(connection: Connection, error: Exception) -> Unreachable:
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    said = getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or type(cause).__name__
    message = f"no trusted connection to the API server {connection.server}: {said}"
    return Unreachable(message, hint=f"check certificate-authority of context {connection.context!r}")


def _no_api(connection: Connection) -> Unreachable:
    message = f"what answers at {connection.server} is no Kubernetes API server"
    return Unreachable(message, hint=f"check the server of context {connection.context!r}; a login page or a proxy?")
