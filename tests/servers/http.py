"""What the servers inside this process share: a thread, a count of requests, a password."""

from __future__ import annotations

import base64
import secrets
import threading
from collections import Counter
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Handler(BaseHTTPRequestHandler):
    """Counts each request, asks for the password, keeps quiet."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Read the body, count the request, and let it through if it knows the password."""
        # read even when refused, or what is left would look like the next request
        body = self._read_body()
        self.server.count(self.command, urlsplit(self.path).path)
        given = self.headers.get("Authorization", "")
        wanted = self.server.authorization
        if wanted is None or secrets.compare_digest(given.encode(), wanted.encode()):
            self.respond(body)
        else:
            self.answer(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": 'Basic realm="test"'})

    do_HEAD = do_POST = do_GET  # noqa: N815

    def respond(self, body: bytes) -> None:
        """Answer a request that was let through."""
        raise NotImplementedError

    def answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        """Send a whole answer."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Say nothing; tests ask for the counts."""

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)


class Server(ThreadingHTTPServer):
    """An HTTP server in a thread of its own, on a port of its own."""

    daemon_threads = True

    def __init__(self, handler: type[Handler], credentials: tuple[str, str] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.credentials = credentials
        self.authorization = _basic(*credentials) if credentials else None
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def count(self, method: str, path: str) -> None:
        """Note one request."""
        with self._lock:
            self._counts[method, path] += 1

    def requests(self, path: str, method: str = "GET") -> int:
        """How many requests of this path came since the start or the last ``forget_requests``."""
        with self._lock:
            return self._counts[method, path]

    def forget_requests(self) -> None:
        """Count from zero again."""
        with self._lock:
            self._counts.clear()


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
