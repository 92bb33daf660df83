"""A Helm repository over HTTP, with ETags, optional Basic authentication and request counts."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .http import Handler, Server

INDEX = "/index.yaml"
TYPES = {".yaml": "application/yaml", ".tgz": "application/gzip"}


class HelmRepository(Server):
    """Serves the packages in one folder."""

    def __init__(self, folder: Path, helm: Path, credentials: tuple[str, str] | None = None) -> None:
        super().__init__(_Handler, credentials)
        self.folder = folder.resolve()
        self._helm = helm

    def add(self, charts: Iterable[Path]) -> None:
        """Package chart folders and write the index anew."""
        self._run("package", *charts, "--destination", self.folder)
        self.reindex()

    def reindex(self) -> None:
        """Write the index of what lies in the folder."""
        self._run("repo", "index", self.folder)

    def package(self, name: str, version: str) -> Path:
        """The archive of one version."""
        return self.folder / f"{name}-{version}.tgz"

    def index_requests(self) -> int:
        """How often the index was asked for, 304 included."""
        return self.requests(INDEX)

    def _run(self, *words: str | Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        argv = [str(word) for word in (self._helm, *words)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(argv)} failed: {done.stderr}")


class _Handler(Handler):
    server: HelmRepository

    def respond(self, body: bytes) -> None:
        file = (self.server.folder / unquote(urlsplit(self.path).path).lstrip("/")).resolve()
        if not file.is_file() or not file.is_relative_to(self.server.folder):
            self.answer(HTTPStatus.NOT_FOUND)
            return
        content = file.read_bytes()
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        if self.headers.get("If-None-Match") == tag:
            self.answer(HTTPStatus.NOT_MODIFIED, {"ETag": tag})
            return
        kind = TYPES.get(file.suffix, "application/octet-stream")
        self.answer(HTTPStatus.OK, {"ETag": tag, "Content-Type": kind}, content)
