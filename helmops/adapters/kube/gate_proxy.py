"""The proxy behind the gate: forwards what one helm child asks, in the user's name, without the guarded fields.

What it asks of the records of a split release is led to where they are.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import unquote

from aiohttp import ClientError, ClientResponse, ClientTimeout
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response, StreamResponse
from aiohttp.web_server import Server
from multidict import CIMultiDict
from yarl import URL

from helmops.adapters.kube.connection import Connection
from helmops.adapters.kube.gate_storage import Records
from helmops.core.pointer import without

Guards = Mapping[str, Sequence[str]]
"""Path of an object at the API server → JSON pointers of its guarded fields."""

_BODY_LIMIT = 16 * 1024 * 1024  # the API server itself takes 3 MiB
_FAREWELL = 0.05  # seconds; to aiohttp 0 means for ever, and a watch has no end
_PATCHES = frozenset(
    {"application/apply-patch+yaml", "application/merge-patch+json", "application/strategic-merge-patch+json"}
)
_JSON_PATCH = "application/json-patch+json"
_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding"}
)
_NOT_THE_CHILDS = frozenset({"host", "content-length", "authorization", "expect", "cookie"})
_REASONS = {401: "Unauthorized", 403: "Forbidden", 413: "RequestEntityTooLarge", 422: "Invalid", 502: "InternalError"}


class _Refused(Exception):
    """The gate's own no. ``code`` is the HTTP status."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Proxy:
    """Forwards what one child asks."""

    def __init__(self, connection: Connection, guards: Guards, token: str, records: Records | None = None) -> None:
        self._connection = connection
        self._guards = guards
        self._token = token
        self._records = records

    async def handle(self, request: BaseRequest) -> StreamResponse:
        """One request of the child."""
        try:
            path = self._admit(request)
            body = _guard(request, unquote(path.partition("?")[0]), await _read(request), self._guards)
            if self._records:
                path = self._records.lead(request.method, path, body)
            upstream = await self._ask(request, path, body)
        except _Refused as no:
            return _status(no.code, str(no))
        except (ClientError, OSError, TimeoutError) as error:
            return _status(502, f"the API server does not answer: {str(error) or type(error).__name__}")
        async with upstream:
            return await _pass_on(request, upstream)

    def _admit(self, request: BaseRequest) -> str:
        """The path that is meant, with its query."""
        _, _, rest = request.raw_path.partition("/")
        token, slash, path = rest.partition("/")
        if not slash or not hmac.compare_digest(token.encode(), self._token.encode()):
            raise _Refused(401, "this is no way to the API server")
        if "upgrade" in request.headers:
            raise _Refused(403, "helm needs no protocol upgrade")
        return f"/{path}"

    async def _ask(self, request: BaseRequest, path: str, body: bytes) -> ClientResponse:
        """The API server's answer, its body unread. Credentials that have run out are renewed once."""
        response, headers = await self._send(request, path, body)
        if response.status == 401 and self._connection.distrust(headers):
            response.release()
            response, _ = await self._send(request, path, body)
        return response

    async def _send(self, request: BaseRequest, path: str, body: bytes) -> tuple[ClientResponse, CIMultiDict[str]]:
        headers = _forwarded(request.headers.items())
        headers.setdefault("Accept-Encoding", "identity")  # else the session would ask for what the child cannot read
        headers.extend(await self._connection.headers())
        response = await self._connection.session.request(
            request.method,
            URL(self._connection.server + path, encoded=True),
            data=body or None,
            headers=headers,
            allow_redirects=False,
            auto_decompress=False,
            timeout=ClientTimeout(total=None, sock_connect=10),
        )
        return response, headers


def strip(body: bytes, pointers: Sequence[str]) -> bytes:
    """A patch without the fields that the pointers lead to. ValueError when it is not a JSON object."""
    patch = json.loads(body)
    if not isinstance(patch, dict):
        raise ValueError("a patch that is no object")
    return json.dumps(without(patch, pointers), ensure_ascii=False).encode()


def spares(body: bytes, pointers: Sequence[str]) -> bool:
    """Whether a JSON patch keeps clear of what the pointers lead to: above, there and below."""
    touched = (f"{operation['path']}/" for operation in json.loads(body))
    return not any(
        path.startswith(f"{pointer}/") or f"{pointer}/".startswith(path) for path in touched for pointer in pointers
    )


def _guard(request: BaseRequest, path: str, body: bytes, guards: Guards) -> bytes:
    """The body that may be sent. What cannot be done without writing a guarded field is refused."""
    pointers = guards.get(path)
    if not pointers or request.method not in {"PATCH", "PUT"}:
        return body
    content_type = request.headers.get("Content-Type", "").partition(";")[0].strip()
    with suppress(ValueError, TypeError, KeyError):
        if request.method == "PATCH" and content_type in _PATCHES:
            return strip(body, pointers)
        # Helm 4 patches managedFields this way when it takes over what Helm 3 wrote.
        if request.method == "PATCH" and content_type == _JSON_PATCH and spares(body, pointers):
            return body
    # Replacing an object resets what is left out, so there is no way to leave a field to its owner.
    raise _Refused(422, f"helmops leaves {', '.join(pointers)} of {path} to another: this cannot be written")


async def _read(request: BaseRequest) -> bytes:
    """The whole body: small, and sent again when credentials have run out."""
    kept, size = [], 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > _BODY_LIMIT:
            raise _Refused(413, f"more than {_BODY_LIMIT} bytes")
        kept.append(chunk)
    return b"".join(kept)


async def _pass_on(request: BaseRequest, upstream: ClientResponse) -> StreamResponse:
    """Answer as the API server did, piece by piece: a watch never ends."""
    headers = CIMultiDict((name, value) for name, value in upstream.headers.items() if name.lower() not in _BY_HOP)
    if upstream.status in {204, 304}:
        headers.popall("Content-Length", None)
    response = StreamResponse(status=upstream.status, reason=upstream.reason, headers=headers)
    await response.prepare(request)
    try:
        async for chunk in upstream.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except (ClientError, OSError, TimeoutError):
        if request.transport is not None:
            request.transport.abort()  # a clean end would make a part look like the whole
    return response


def _forwarded(headers: Iterable[tuple[str, str]]) -> CIMultiDict[str]:
    """The child's headers but those that say who asks: that is ours to say."""
    return CIMultiDict(
        (name, value)
        for name, value in headers
        if (lower := name.lower()) not in _BY_HOP | _NOT_THE_CHILDS and not lower.startswith("impersonate-")
    )


def _status(code: int, message: str) -> Response:
    """A refusal as the API server would word it, so that helm tells it."""
    status: dict[str, Any] = {"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure"}
    status |= {"message": message, "reason": _REASONS[code], "code": code}
    return Response(status=code, body=json.dumps(status).encode(), content_type="application/json")


@asynccontextmanager
async def listening(proxy: Proxy) -> AsyncIterator[int]:
    """The port on which the proxy listens. At the end open requests are cut off: nothing more gets through."""
    # A watch that the child has dropped ends here, too, instead of at its next event.
    server = Server(proxy.handle, handler_cancellation=True, access_log=None)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        await server.shutdown(_FAREWELL)
