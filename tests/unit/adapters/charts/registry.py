"""An OCI registry in memory, which can lie, a server of tokens, and those who ask."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from helmops.adapters.charts import ChartSources, Limits
from helmops.adapters.charts.oci_manifest import CHART, CONFIG, MANIFEST
from helmops.adapters.http import Http
from helmops.api.model import Credentials, OciChart
from helmops.errors import HelmopsError
from helmops.ports import Artifact
from helmops.testing.memory import FakeMemory
from tests.servers.http import Handler, Server
from tests.unit.adapters.charts.packing import chart, pack


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    question: dict[str, list[str]]
    authorization: str


class _Recording(Handler):
    server: RegistryServer | TokenServer

    def respond(self, body: bytes) -> None:
        url = urlsplit(self.path)
        asked = Asked(self.command, url.path, parse_qs(url.query), self.headers.get("Authorization", ""))
        self.server.asked.append(asked)
        self.answer(*self.server.reply(asked))


Reply = tuple[int, dict[str, str], bytes]


class RegistryServer(Server):
    """``answers``: path → what is answered in place of the truth. ``challenge``: what who sends no ``token`` is told.

    ``page``: how many tags are told at once, in the way of ``next_link``.
    """

    def __init__(self) -> None:
        super().__init__(_Recording)
        self.asked: list[Asked] = []
        self.answers: dict[str, Reply] = {}
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], bytes] = {}
        self.tags: dict[str, list[str]] = {}
        self.challenge = ""
        self.authorization_wanted = ""
        self.failing = 0
        self.page = 0
        self.next_link = '</v2/{repository}/tags/list?n=1&last={last}>; rel="next"'
        self.says_digest = True

    @property
    def host(self) -> str:
        """``host:port``."""
        return self.url.removeprefix("http://")

    def push(self, repository: str, version: str, name: str = "", tag: str = "", **files: str) -> str:
        """A chart; its manifest's digest."""
        name = name or repository.rpartition("/")[2]
        return self.push_archive(
            repository, tag or version.replace("+", "_"), pack(chart(name, version, **files), name)
        )

    def push_archive(self, repository: str, tag: str, archive: bytes, **manifest: Any) -> str:
        """Any archive as a chart; ``manifest`` overrides what stands in its manifest."""
        layer = {"mediaType": CHART, "digest": self.blob(archive), "size": len(archive)}
        config = {"mediaType": CONFIG, "digest": self.blob(b"{}"), "size": 2}
        return self.push_manifest(repository, tag, {"config": config, "layers": [layer], **manifest})

    def push_manifest(self, repository: str, tag: str, manifest: object) -> str:
        """Any manifest."""
        body = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        self.manifests[repository, tag] = self.manifests[repository, digest] = body
        if tag not in self.tags.setdefault(repository, []):
            self.tags[repository].append(tag)
        return digest

    def blob(self, content: bytes) -> str:
        """Keep it; its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.blobs[digest] = content
        return digest

    def paths(self) -> list[str]:
        """What was asked for since this was asked last, by its last two words."""
        told = [f"{asked.method} {'/'.join(asked.path.split('/')[-2:])[:30]}" for asked in self.asked]
        self.asked.clear()
        return told

    def reply(self, asked: Asked) -> Reply:
        """The truth, unless told otherwise."""
        if self.failing:
            return self.failing, {"Retry-After": "0"}, b""
        if self.challenge and asked.authorization != self.authorization_wanted:
            return 401, {"WWW-Authenticate": self.challenge}, b""
        if asked.path in self.answers:
            return self.answers[asked.path]
        repository, kind, reference = asked.path.removeprefix("/v2/").rsplit("/", 2)
        if kind == "tags":
            return self._tags(repository, asked.question.get("last", [""])[0])
        if kind == "blobs":
            return (200, {}, self.blobs[reference]) if reference in self.blobs else (404, {}, b"")
        return self._manifest(self.manifests.get((repository, reference)))

    def _manifest(self, body: bytes | None) -> Reply:
        if body is None:
            return 404, {}, b""
        digest = {"Docker-Content-Digest": f"sha256:{hashlib.sha256(body).hexdigest()}"} if self.says_digest else {}
        return 200, {"Content-Type": MANIFEST, **digest}, body

    def _tags(self, repository: str, last: str) -> Reply:
        tags: Sequence[str] = self.tags.get(repository, [])
        if not tags:
            return 404, {}, b""
        if last:
            tags = tags[tags.index(last) + 1 :]
        page = tags[: self.page or len(tags)]
        more = len(page) < len(tags)
        link = {"Link": self.next_link.format(repository=repository, last=page[-1])} if more else {}
        return 200, link, json.dumps({"name": repository, "tags": page}).encode()


class TokenServer(Server):
    """Gives ``token`` to everybody, or to who knows the password."""

    def __init__(self, credentials: tuple[str, str] | None = None, token: str = "t0ken") -> None:
        super().__init__(_Recording, credentials)
        self.asked: list[Asked] = []
        self.given: Reply = (200, {}, json.dumps({"token": token}).encode())

    def reply(self, asked: Asked) -> Reply:
        """What it gives."""
        return self.given


class RegistryBench:
    """A registry, and processes that resolve charts of it with one cache and memory between them."""

    def __init__(self, folder: Path, server: RegistryServer) -> None:
        self.cache = folder / "cache"
        self.server = server
        self.memory = FakeMemory()
        self.limits = Limits()
        self.who: Credentials | None = None
        self._https: list[Http] = []

    def process(self) -> ChartSources:
        """A new one."""

        async def no_wait(seconds: float) -> None:
            await asyncio.sleep(0)

        http = Http(sleep=no_wait)
        self._https.append(http)
        return ChartSources(str(self.cache), http, self.memory, self.limits)

    def ref(self, path: str = "charts/web", *, version: str = "", tag: str = "", digest: str = "") -> OciChart:
        return OciChart(f"oci://{self.server.host}/{path}", version, tag, digest, insecure=True)

    async def resolve(self, **asked: str) -> Artifact:
        return await self.process().resolve(self.ref(**asked), self.who)

    async def refusal(self, **asked: str) -> HelmopsError:
        with pytest.raises(HelmopsError) as refused:
            await self.resolve(**asked)
        return refused.value

    def unpacked(self) -> list[Path]:
        return list(self.cache.glob("charts/*"))

    async def close(self) -> None:
        for http in self._https:
            await http.close()
