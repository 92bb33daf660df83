"""Indexes of repositories, kept on disk: asked for once a process, and then only whether they have changed."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from helmops.adapters.charts.index import Index, compact
from helmops.adapters.charts.limits import INDEX_SETTING, Limits
from helmops.adapters.charts.once import Once
from helmops.adapters.http import Cap, Http, Response, shown_url
from helmops.api.model import Credentials
from helmops.errors import InputError, NotFound, Transient

FORMAT = "helmops-index/1"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Kept:
    """An index on disk. ``age``: seconds since the repository last said that it is current."""

    sha256: str
    etag: str
    modified: str
    lines: bytes
    age: float


class Indexes:
    """The indexes below ``root``. Without a disk to write to they are fetched in each process."""

    def __init__(self, root: str, http: Http, limits: Limits) -> None:
        self._root = Path(root)
        self._folder = self._root / "indexes"
        self._http = http
        self._limits = limits
        self._asked: Once[Index] = Once()

    async def get(self, repo: str, credentials: Credentials | None = None) -> Index:
        """The index, confirmed by the repository; with its age when that does not answer and a copy is here."""
        return await self._asked.get((repo, credentials), lambda: self._ask(repo, credentials))

    async def _ask(self, repo: str, credentials: Credentials | None) -> Index:
        path = self._folder / f"{_name(repo, credentials)}.index"
        kept = await asyncio.to_thread(_load, path)
        try:
            response = await self._request(repo, kept, credentials)
        except Transient:
            if kept is None:
                raise
            return Index(kept.lines, kept.age)
        return await asyncio.to_thread(self._take, repo, path, kept, response)

    async def _request(self, repo: str, kept: _Kept | None, credentials: Credentials | None) -> Response:
        url = index_url(repo)
        headers = {"If-None-Match": kept.etag, "If-Modified-Since": kept.modified} if kept else {}
        sent = {name: value for name, value in headers.items() if value}
        try:
            cap = Cap(self._limits.index, INDEX_SETTING)
            return await self._http.get(url, cap=cap, headers=sent, credentials=credentials)
        except NotFound as error:
            raise InputError(f"{shown_url(repo)} is no Helm repository: {error.message}") from error

    def _take(self, repo: str, path: Path, kept: _Kept | None, response: Response) -> Index:
        sha256 = hashlib.sha256(response.body).hexdigest()
        # Some servers never say 304.
        if kept and (response.status == 304 or sha256 == kept.sha256):
            with contextlib.suppress(OSError):
                os.utime(path)
            return Index(kept.lines)
        parsed = compact(response.body, shown_url(index_url(repo)))
        if parsed.skipped:
            _log.warning("%s: %d entries cannot be read: %s", shown_url(repo), len(parsed.skipped), parsed.skipped[0])
        about = {
            "format": FORMAT,
            "sha256": sha256,
            "etag": response.headers.get("etag", ""),
            "modified": response.headers.get("last-modified", ""),
            "size": len(parsed.lines),
        }
        with contextlib.suppress(OSError):
            self._save(path, orjson.dumps(about) + parsed.lines)
        return Index(parsed.lines)

    def _save(self, path: Path, content: bytes) -> None:
        # One after the other: the mode does not count for parents made on the way.
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _name(repo: str, credentials: Credentials | None) -> str:
    """Of the file. Credentials are part of it: who may see what is the server's to say."""
    who = f" {credentials.username}\0{credentials.password}" if credentials else ""
    return hashlib.sha256(f"{FORMAT} {repo}{who}".encode()).hexdigest()[:40]


def index_url(repo: str) -> str:
    """Where a repository's index is."""
    parts = urlsplit(repo)
    return parts._replace(path=f"{parts.path.rstrip('/')}/index.yaml", fragment="").geturl()


def _load(path: Path) -> _Kept | None:
    """The file as it was written, or None. A first line of JSON describes the rest."""
    try:
        content = path.read_bytes()
        end = content.index(b"\n")
        about = orjson.loads(content[:end])
        if about["format"] != FORMAT or about["size"] != len(content) - end:
            return None
        age = max(0.0, time.time() - path.stat().st_mtime)
        return _Kept(str(about["sha256"]), str(about["etag"]), str(about["modified"]), content[end:], age)
    except (OSError, ValueError, KeyError, TypeError):
        return None
