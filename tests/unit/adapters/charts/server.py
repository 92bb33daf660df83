"""A Helm repository in memory, which can lie."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tests.servers.http import Handler, Server
from tests.unit.adapters.charts.packing import chart, pack


class _Handler(Handler):
    server: RepositoryServer

    def respond(self, body: bytes) -> None:
        """The file, or what ``failing`` says."""
        self.server.headers.append(dict(self.headers.items()))
        content = self.server.files.get(self.path.partition("?")[0])
        if self.server.failing or content is None:
            self.answer(self.server.failing or 404, {"Retry-After": "0"})
            return
        tag = f'"{hashlib.sha256(content).hexdigest()}"' if self.server.tags else ""
        if tag and self.headers.get("If-None-Match") == tag:
            self.answer(304, {"ETag": tag})
        else:
            self.answer(200, {"ETag": tag} if tag else {}, content)


class RepositoryServer(Server):
    """Serves ``files`` (path → bytes). ``failing``: the status of every answer; ``tags``: whether it knows ETags."""

    def __init__(self, credentials: tuple[str, str] | None = None) -> None:
        super().__init__(_Handler, credentials)
        self.files: dict[str, bytes] = {}
        self.entries: dict[str, Any] = {}
        self.headers: list[dict[str, str]] = []
        self.failing = 0
        self.tags = True
        self.serve_index({"apiVersion": "v1", "entries": self.entries})

    def publish(self, name: str, version: str, **entry: Any) -> dict[str, Any]:
        """A chart with its entry in the index; ``entry`` overrides what stands there."""
        return self.serve_chart(name, version, pack(chart(name, version), name), **entry)

    def serve_chart(self, name: str, version: str, archive: bytes, **entry: Any) -> dict[str, Any]:
        """Any archive as a chart."""
        self.files[f"/{name}-{version}.tgz"] = archive
        made = {
            "apiVersion": "v2",
            "name": name,
            "version": version,
            "digest": hashlib.sha256(archive).hexdigest(),
            "urls": [f"{name}-{version}.tgz"],
            **entry,
        }
        self.entries.setdefault(name, []).insert(0, made)
        self.serve_index({"apiVersion": "v1", "entries": self.entries})
        return made

    def serve_index(self, index: object) -> None:
        """Any index. JSON is YAML too."""
        self.files["/index.yaml"] = index if isinstance(index, bytes) else json.dumps(index, indent=1).encode()
