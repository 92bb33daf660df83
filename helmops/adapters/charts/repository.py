"""Helm repositories over HTTP: an index, and archives beside it or elsewhere."""

from __future__ import annotations

import hashlib
import logging
from urllib.parse import urlsplit

from helmops.adapters.charts.archives import Archive, Archives
from helmops.adapters.charts.cache import Entry
from helmops.adapters.charts.choice import nearest, newest
from helmops.adapters.charts.index import Index, IndexEntry
from helmops.adapters.charts.indexes import Indexes
from helmops.adapters.charts.limits import CHART_SETTING, Limits
from helmops.adapters.charts.once import Once
from helmops.adapters.http import Cap, Http, same_origin, shown_url, with_credentials_of
from helmops.api.model import Credentials, HelmRepoChart
from helmops.core import versions
from helmops.errors import InputError, NotFound, Transient
from helmops.ports import Artifact

_log = logging.getLogger(__name__)


class Repositories:
    """Resolves charts of Helm repositories.

    One conditional request for the index a process and repository; none for a chart whose archive is in the cache,
    because the index names archives by digest.
    """

    def __init__(self, http: Http, indexes: Indexes, archives: Archives, limits: Limits) -> None:
        self._http = http
        self._indexes = indexes
        self._archives = archives
        self._limits = limits
        self._downloads: Once[Entry] = Once()

    async def resolve(self, ref: HelmRepoChart, credentials: Credentials | None = None) -> Artifact:
        """InputError (no such chart, no version in range), Transient, Forbidden."""
        index = await self._indexes.get(ref.repo, credentials)
        version = _choose(index, ref)
        archive = _archive_key(ref, version)
        provenance = f"{ref.name} {version.version} from {shown_url(ref.repo)}"
        entry = self._archives.find(archive)
        if index.age is not None:
            entry = _without_repository(ref, version, entry, index.age)
            provenance += f", as it was {_ago(index.age)} ago"
        if entry is None:
            key = (ref.repo, archive, credentials)
            entry = await self._downloads.get(key, lambda: self._fetch(ref, version, archive, credentials))
        return Artifact(entry.name, entry.version, entry.digest, entry.path, provenance)

    async def _fetch(
        self, ref: HelmRepoChart, version: IndexEntry, archive: str, credentials: Credentials | None
    ) -> Entry:
        url = chart_url(ref.repo, version.url)
        about = Archive(archive, version.digest, shown_url(url), "index")
        # Elsewhere nobody is told who asks.
        who = credentials if same_origin(url, ref.repo) else None
        return await self._archives.fetch(about, lambda: self._download(url, who))

    async def _download(self, url: str, credentials: Credentials | None) -> bytes:
        # No encoding: a server that "unpacks" a .tgz on its way would change its digest.
        headers = {"Accept-Encoding": "identity"}
        cap = Cap(self._limits.archive, CHART_SETTING)
        try:
            return (await self._http.get(url, cap=cap, headers=headers, credentials=credentials)).body
        except NotFound as error:
            raise InputError(f"{error.message}, though the repository's index names it") from error


def chart_url(repo: str, url: str) -> str:
    """Where an archive is. Relative to the repository, whose query and credentials it shares; credentials go to no
    other server."""
    if "://" not in url:
        base = urlsplit(repo)
        path, _, query = url.partition("?")
        joined = path if path.startswith("/") else f"{base.path.rstrip('/')}/{path}"
        return base._replace(path=joined, query=query or base.query, fragment="").geturl()
    if url.startswith("oci://"):
        hint = "name the registry itself as the chart's source: what it holds is not the repository's to say"
        raise InputError(f"the index leads to {shown_url(url)}", hint=hint)
    return with_credentials_of(url, repo)


def _choose(index: Index, ref: HelmRepoChart) -> IndexEntry:
    entries = index.versions(ref.name)
    if not entries:
        raise InputError(f"{shown_url(ref.repo)} has no chart {ref.name!r}{nearest(ref.name, index.names())}")
    # The first of several entries for one version counts, as with Helm.
    known = {entry.version: entry for entry in reversed(entries)}
    best = versions.best(ref.version, [entry.version for entry in entries])
    if best is None:
        there = ", ".join(newest(known))
        raise InputError(f"{shown_url(ref.repo)} has no version {ref.version!r} of {ref.name}; newest: {there}")
    return known[best]


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


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
