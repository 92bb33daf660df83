"""Packed charts on their way from a server into the cache."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from helmops.adapters.charts import tree
from helmops.adapters.charts.archive import read_archive
from helmops.adapters.charts.cache import ChartCache, Entry
from helmops.adapters.charts.limits import Budget, Limits
from helmops.errors import InputError
from helmops.ports import Memory


@dataclass(frozen=True, slots=True)
class Archive:
    """``key`` tells it from all others; ``sha256`` is what ``named_by`` says of it, or empty; ``where`` for people."""

    key: str
    sha256: str
    where: str
    named_by: str


class Archives:
    """Remembers which archive holds which chart, so that none is fetched twice."""

    def __init__(self, cache: ChartCache, memory: Memory, limits: Limits) -> None:
        self._cache = cache
        self._memory = memory
        self._limits = limits

    def find(self, key: str) -> Entry | None:
        """The chart of an archive, if it is in the cache."""
        digest = self._memory.load(_scope(key)).get("digest")
        return self._cache.find(digest) if isinstance(digest, str) else None

    async def fetch(self, archive: Archive, download: Callable[[], Awaitable[bytes]]) -> Entry:
        """The chart, unpacked only if the archive is the one that was named. InputError."""
        body = await download()
        entry = await asyncio.to_thread(self._unpack, body, archive)
        self._memory.save(_scope(archive.key), {"digest": entry.digest})
        return entry

    def _unpack(self, body: bytes, archive: Archive) -> Entry:
        actual = hashlib.sha256(body).hexdigest()
        if archive.sha256 and actual != archive.sha256:
            raise InputError(
                f"is not the chart that the {archive.named_by} names: its sha256 is {actual}, not {archive.sha256}",
                where=archive.where,
                hint="if there is a cache in between, let that expire; else treat the source as tampered with",
            )
        budget = Budget(self._limits, archive.where)
        return self._cache.store(tree.build(read_archive(body, archive.where, budget), archive.where, budget))


def _scope(key: str) -> str:
    return f"{tree.FORMAT} of archive {key}"
