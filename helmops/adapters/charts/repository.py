"""Helm repositories over HTTP: an index, and archives beside it or elsewhere."""

from __future__ import annotations

import asyncio
import difflib
import hashlib
import logging
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from helmops.adapters.charts import tree
from helmops.adapters.charts.archive import read_archive
from helmops.adapters.charts.cache import ChartCache, Entry
from helmops.adapters.charts.index import Index, IndexEntry
from helmops.adapters.charts.indexes import Indexes
from helmops.adapters.charts.limits import CHART_SETTING, Budget, Limits
from helmops.adapters.charts.once import Once
from helmops.adapters.http import Cap, Http, shown_url, with_credentials_of
from helmops.api.model import HelmRepoChart
from helmops.core import versions
from helmops.errors import InputError, NotFound, Transient
from helmops.ports import Artifact, Memory

_log = logging.getLogger(__name__)


class Repositories:
    """Resolves charts of Helm repositories.

    One conditional request for the index a process and repository; none for a chart whose archive is in the cache,
    because the index names archives by digest.
    """

    def __init__(self, http: Http, indexes: Indexes, cache: ChartCache, memory: Memory, limits: Limits) -> None:
        self._http = http
        self._indexes = indexes
        self._cache = cache
        self._memory = memory
        self._limits = limits
        self._downloads: Once[Entry] = Once()

    async def resolve(self, ref: HelmRepoChart) -> Artifact:
        """InputError (no such chart, no version in range), Transient, Forbidden."""
        index = await self._indexes.get(ref.repo)
        version = _choose(index, ref)
        archive = _archive_key(ref, version)
        provenance = f"{ref.name} {version.version} from {shown_url(ref.repo)}"
        entry = self._cached(archive)
        if index.age is not None:
            entry = _without_repository(ref, version, entry, index.age)
            provenance += f", as it was {_ago(index.age)} ago"
        if entry is None:
            entry = await self._downloads.get(archive, lambda: self._download(ref, version, archive))
        return Artifact(entry.name, entry.version, entry.digest, entry.path, provenance)

    def _cached(self, archive: str) -> Entry | None:
        digest = self._memory.load(_scope(archive)).get("digest")
        return self._cache.find(digest) if isinstance(digest, str) else None

    async def _download(self, ref: HelmRepoChart, version: IndexEntry, archive: str) -> Entry:
        url = chart_url(ref.repo, version.url)
        where = shown_url(url)
        # No encoding: a server that "unpacks" a .tgz on its way would change its digest.
        headers = {"Accept-Encoding": "identity"}
        try:
            body = (await self._http.get(url, cap=Cap(self._limits.archive, CHART_SETTING), headers=headers)).body
        except NotFound as error:
            raise InputError(f"{error.message}, though the repository's index names it") from error
        entry = await asyncio.to_thread(self._unpack, body, version.digest, where)
        self._memory.save(_scope(archive), {"digest": entry.digest})
        return entry

    def _unpack(self, body: bytes, digest: str, where: str) -> Entry:
        actual = hashlib.sha256(body).hexdigest()
        if digest and actual != digest:
            raise InputError(
                f"is not the chart that the index names: its sha256 is {actual}, not {digest}",
                where=where,
                hint="if the index lies behind a cache, let that expire; else treat the repository as tampered with",
            )
        budget = Budget(self._limits, where)
        return self._cache.store(tree.build(read_archive(body, where, budget), where, budget))


def chart_url(repo: str, url: str) -> str:
    """Where an archive is. Relative to the repository, whose query and credentials it shares; credentials go to no
    other server."""
    if "://" not in url:
        base = urlsplit(repo)
        path, _, query = url.partition("?")
        joined = path if path.startswith("/") else f"{base.path.rstrip('/')}/{path}"
        return base._replace(path=joined, query=query or base.query, fragment="").geturl()
    if url.startswith("oci://"):
        raise InputError(f"the index leads to {url.partition('?')[0]}: OCI registries are not supported yet")
    return with_credentials_of(url, repo)


def _choose(index: Index, ref: HelmRepoChart) -> IndexEntry:
    entries = index.versions(ref.name)
    if not entries:
        nearest = ", ".join(difflib.get_close_matches(ref.name, index.names(), n=3))
        raise InputError(
            f"{shown_url(ref.repo)} has no chart {ref.name!r}" + (f"; nearest: {nearest}" if nearest else "")
        )
    # The first of several entries for one version counts, as with Helm.
    known = {entry.version: entry for entry in reversed(entries)}
    best = versions.best(ref.version, [entry.version for entry in entries])
    if best is None:
        newest = ", ".join(_newest(known))
        raise InputError(f"{shown_url(ref.repo)} has no version {ref.version!r} of {ref.name}; newest: {newest}")
    return known[best]


def _newest(known: Iterable[str], count: int = 5) -> Iterator[str]:
    left = list(known)
    while count and (best := versions.best(">=0.0.0-0", left)):
        yield best
        left.remove(best)
        count -= 1


def _without_repository(ref: HelmRepoChart, version: IndexEntry, entry: Entry | None, age: float) -> Entry:
    """What can be known while the repository does not answer: a pinned version that was fetched before."""
    where, old = shown_url(ref.repo), f"the copy of its index is {_ago(age)} old"
    if ref.version != version.version:
        raise Transient(f"{where} does not answer; {old}, too old to choose a version in {ref.version or '*'!r}")
    if entry is None:
        raise Transient(f"{where} does not answer; {old}, and {ref.name} {ref.version} is not in the cache")
    _log.warning("%s does not answer; %s %s comes from the cache", where, ref.name, ref.version)
    return entry


def _archive_key(ref: HelmRepoChart, version: IndexEntry) -> str:
    """What tells one archive from another: its digest; without one, where it is and when it was made."""
    if version.digest:
        return version.digest
    return hashlib.sha256("\0".join((ref.repo, version.url, version.version, version.created)).encode()).hexdigest()


def _scope(archive: str) -> str:
    return f"{tree.FORMAT} of archive {archive}"


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
