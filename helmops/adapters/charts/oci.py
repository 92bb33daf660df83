"""Charts in OCI registries: a tag or a digest leads to a manifest, and that to the packed chart."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from helmops.adapters.charts.archives import Archive, Archives
from helmops.adapters.charts.cache import Entry
from helmops.adapters.charts.choice import nearest, newest
from helmops.adapters.charts.limits import Limits
from helmops.adapters.charts.oci_auth import Authorizations
from helmops.adapters.charts.oci_manifest import Manifest
from helmops.adapters.charts.oci_place import Place, is_digest, is_tag, named
from helmops.adapters.charts.oci_registry import Registry
from helmops.adapters.charts.once import Once
from helmops.adapters.http import Http
from helmops.api.model import Credentials, OciChart
from helmops.core import versions
from helmops.errors import InputError, NotFound, Transient
from helmops.ports import Artifact, Memory

FORMAT = "helmops-oci/1"

# What Helm takes for a version among tags: ``1`` and ``20240101`` are none.
_WHOLE = r"v?[0-9]+\.[0-9]+\.[0-9]+(?:[-+].*)?"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Found:
    """A chart in the cache and the digest of its manifest. ``stale``: the registry could not be asked."""

    entry: Entry
    digest: str
    stale: bool = False


class Registries:
    """Resolves charts of registries.

    One request for a tag that has not moved, none for a digest whose chart is in the cache. What is remembered is kept
    apart by credentials: who may see what is the registry's to say.
    """

    def __init__(self, http: Http, archives: Archives, memory: Memory, limits: Limits) -> None:
        self._http = http
        self._archives = archives
        self._memory = memory
        self._limits = limits
        self._authorizations = Authorizations(http, limits)
        self._tags: Once[Sequence[str]] = Once()
        self._found: Once[_Found] = Once()
        self._downloads: Once[Entry] = Once()

    async def resolve(self, ref: OciChart, credentials: Credentials | None = None) -> Artifact:
        """InputError (no such repository, tag or version), Transient, Forbidden."""
        place = Place.of(ref.url, insecure=ref.insecure)
        visit = _Visit(place, Registry(self._http, self._authorizations, self._limits, credentials), credentials)
        try:
            tag, found = await self._resolve(visit, ref)
        except NotFound as error:
            raise InputError(error.message) from error
        return _artifact(place, tag, found)

    async def _resolve(self, visit: _Visit, ref: OciChart) -> tuple[str, _Found]:
        if ref.digest:
            return "", await self._at_digest(visit, ref.digest)
        if ref.tag and not ref.version:
            return ref.tag, await self._at_tag(visit, ref.tag)
        return await self._at_version(visit, ref.version)

    async def _at_digest(self, visit: _Visit, digest: str) -> _Found:
        if not is_digest(digest):
            raise InputError(f"{digest[:100]!r} is no digest such as sha256:<64 hexadecimal digits>")
        return await self._once(visit, digest)

    async def _at_tag(self, visit: _Visit, tag: str) -> _Found:
        if not is_tag(tag):
            raise InputError(f"{tag[:200]!r} is no tag")
        try:
            return await self._once(visit, tag)
        except NotFound as error:
            known = await self._tags_of(visit)
            raise InputError(f"{visit.place} has no tag {tag!r}{nearest(tag, known)}") from error

    async def _at_version(self, visit: _Visit, version: str) -> tuple[str, _Found]:
        versions.Range.parse(version or "*")  # before anybody is asked
        exact = _tag_of(version)
        if re.fullmatch(_WHOLE, version) and is_tag(exact):
            # As Helm does: one that is there needs no list. 1.2.3 may still be there as v1.2.3.
            try:
                return exact, await self._once(visit, exact)
            except NotFound:
                pass
        tag = _choose(visit.place, version, await self._tags_of(visit))
        return tag, await self._once(visit, tag)

    async def _tags_of(self, visit: _Visit) -> Sequence[str]:
        try:
            return await self._tags.get(visit.key, lambda: visit.registry.tags(visit.place))
        except NotFound as error:
            raise InputError(f"{visit.place} is no chart: the registry has no such repository") from error

    async def _once(self, visit: _Visit, reference: str) -> _Found:
        return await self._found.get((*visit.key, reference), lambda: self._find(visit, reference))

    async def _find(self, visit: _Visit, reference: str) -> _Found:
        scope = visit.scope(reference)
        known = self._remembered(self._memory.load(scope))
        if known and reference == known.digest:
            return known
        try:
            if known and await visit.registry.digest(visit.place, reference) == known.digest:
                return known
            manifest = await visit.registry.manifest(visit.place, reference)
            entry = self._archives.find(manifest.archive) or await self._fetch(visit, manifest, reference)
        except Transient:
            # A tag that is a version is not meant to move.
            if known is None or not re.fullmatch(_WHOLE, reference):
                raise
            _log.warning("%s does not answer; %s comes from the cache", visit.place.host, named(visit.place, reference))
            return _Found(known.entry, known.digest, stale=True)
        self._memory.save(scope, {"manifest": manifest.digest, "archive": manifest.archive})
        return _Found(entry, manifest.digest)

    def _remembered(self, record: Mapping[str, object]) -> _Found | None:
        digest, archive = record.get("manifest"), record.get("archive")
        if not isinstance(digest, str) or not isinstance(archive, str):
            return None
        entry = self._archives.find(archive)
        return _Found(entry, digest) if entry else None

    async def _fetch(self, visit: _Visit, manifest: Manifest, reference: str) -> Entry:
        about = Archive(manifest.archive, manifest.archive, named(visit.place, reference), "manifest")
        key = (*visit.key, manifest.archive)
        return await self._downloads.get(
            key, lambda: self._archives.fetch(about, lambda: visit.registry.archive(visit.place, manifest))
        )


@dataclass(frozen=True, slots=True)
class _Visit:
    """Who asks where."""

    place: Place
    registry: Registry
    credentials: Credentials | None

    @property
    def key(self) -> tuple[Place, Credentials | None]:
        """What tells one visit from another."""
        return self.place, self.credentials

    def scope(self, reference: str) -> str:
        """Under what the answer is remembered. Of the password there is a hash in it."""
        who = [self.credentials.username, self.credentials.password] if self.credentials else []
        told = orjson.dumps([str(self.place), self.place.insecure, reference, who])
        return f"{FORMAT} {hashlib.sha256(told).hexdigest()}"


def _choose(place: Place, version: str, tags: Sequence[str]) -> str:
    known = {tag.replace("_", "+"): tag for tag in tags}
    whole = [text for text in known if re.fullmatch(_WHOLE, text)]
    best = versions.best(version, whole)
    if best is None:
        there = ", ".join(newest(whole)) or "none at all"
        raise InputError(f"{place} has no version {version or '*'!r}; newest: {there}")
    return known[best]


def _tag_of(version: str) -> str:
    """Tags cannot hold a plus; Helm writes it so."""
    return version.replace("+", "_")


def _artifact(place: Place, tag: str, found: _Found) -> Artifact:
    """Its version is the chart's own; the provenance can be pulled as it stands."""
    entry = found.entry
    provenance = f"{entry.name} {entry.version} from {place}{':' if tag else ''}{tag}@{found.digest}"
    provenance += ", as it was when the registry answered last" if found.stale else ""
    return Artifact(entry.name, entry.version, entry.digest, entry.path, provenance)
