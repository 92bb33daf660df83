"""Charts in git repositories."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

import orjson

from helmops.adapters.charts import metadata, tree
from helmops.adapters.charts.cache import ChartCache, Entry
from helmops.adapters.charts.dependencies import check_dependencies
from helmops.adapters.charts.git_folder import clean_path, read_chart
from helmops.adapters.charts.git_refs import Point, choose, known_point, pinned
from helmops.adapters.charts.limits import Budget, Limits
from helmops.adapters.charts.metadata import read_metadata
from helmops.adapters.charts.once import Once
from helmops.adapters.git import Git, Refs
from helmops.adapters.git_objects import Objects
from helmops.adapters.git_remote import Remote
from helmops.api.model import Credentials, GitChart
from helmops.errors import Forbidden, InputError
from helmops.ports import Artifact, Memory

_FORMAT = "helmops-git/1"
_DAY = 86400


@dataclass(frozen=True, slots=True)
class _Built:
    """The chart at one commit. ``left_out``: submodules in its folder."""

    entry: Entry
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Source:
    """A chart folder in a repository; whose credentials opened it is part of what it is."""

    ref: GitChart
    remote: Remote
    path: str

    @property
    def where(self) -> str:
        return f"{self.remote.shown}//{self.path}" if self.path else self.remote.shown

    def scope(self, *more: object) -> str:
        auth = dataclasses.astuple(self.ref.auth) if self.ref.auth else None
        about = [self.remote.url, self.path, self.ref.strategy, auth, *more]
        return f"{_FORMAT} {orjson.dumps(about).decode()}"


class GitCharts:
    """Resolves charts of git repositories: one ``ls-remote`` a process and URL, none for a pinned commit that is in
    the cache; a fetch only for a commit that is not.

    With ``ChartVersion``, what is deployed changes only with Chart.yaml's version: of each version, the commit that was
    seen first stands, as long as the ref in the manifest is the same. That is remembered on this machine alone. Where
    the memory was lost, or on another machine, the version means what the ref holds now; so two machines may deploy
    different contents of a version that was changed without a bump. ``Revision`` knows no such doubt.
    """

    def __init__(self, git: Git, cache: ChartCache, memory: Memory, limits: Limits) -> None:
        self._git = git
        self._cache = cache
        self._memory = memory
        self._limits = limits
        self.forget()

    def forget(self) -> None:
        """Ask the servers anew from now on."""
        self._refs: Once[Refs] = Once()
        self._builds: Once[_Built] = Once()

    async def resolve(self, ref: GitChart, credentials: Credentials | None) -> Artifact:
        """InputError (no such repository, ref, path, chart: lists the nearest), Forbidden, Transient."""
        source = _Source(ref, self._git.remote(ref.url, credentials), clean_path(ref.path))
        point = pinned(ref.ref)
        built = self._remembered(source, point) if point else None
        if built is None or point is None:
            # Also for a pinned commit: that it is on this disk is no proof that these credentials may read it.
            refs = await self._listed(source.remote)
            point = point or choose(refs, ref.ref, source.remote.shown)
            built = await self._at(source, point)
        if ref.strategy == "ChartVersion" and point.name:
            return await self._first(source, point, built)
        return _artifact(source, point, built)

    async def close(self) -> None:
        """Remove what could not be cached."""
        await self._git.close()

    async def _listed(self, remote: Remote) -> Refs:
        return await self._refs.get(remote, lambda: self._git.refs(remote))

    async def _at(self, source: _Source, point: Point) -> _Built:
        known = self._remembered(source, point)
        return known or await self._builds.get(source.scope(point.commit), lambda: self._build(source, point))

    async def _build(self, source: _Source, point: Point) -> _Built:
        async with self._git.repository(source.remote) as repository:
            built = await repository.read(point.commit, lambda objects: self._read(objects, source, point))
        about = {"digest": built.entry.digest, "left_out": built.left_out}
        self._memory.save(source.scope(point.commit), about)
        return built

    def _read(self, objects: Objects, source: _Source, point: Point) -> _Built:
        where = source.where
        budget = Budget(self._limits, where)
        contents = read_chart(objects, point.commit, source.path, where, budget)
        files = contents.files
        if source.ref.strategy == "Revision" and metadata.FILE in files:
            files = {**files, metadata.FILE: _at_revision(files[metadata.FILE], point, where)}
        chart = tree.build(files, where, budget)
        check_dependencies(chart, where, hint="commit what helm dependency build puts into charts/")
        return _Built(self._cache.store(chart), contents.submodules)

    def _remembered(self, source: _Source, point: Point) -> _Built | None:
        known = self._memory.load(source.scope(point.commit))
        entry = self._cache.find(str(known.get("digest")))
        return _Built(entry, tuple(known.get("left_out") or ())) if entry else None

    async def _first(self, source: _Source, point: Point, now: _Built) -> Artifact:
        """What the version was when it was first seen."""
        scope = source.scope(now.entry.name, now.entry.version, dataclasses.astuple(source.ref.ref))
        known = self._memory.load(scope)
        first = known_point(known)
        if first is None:
            self._keep(scope, point, now)
            return _artifact(source, point, now, f" ({now.entry.version} is first seen)")
        if known.get("day") != _today():
            self._memory.save(scope, {**known, "day": _today()})  # what nobody writes is forgotten
        if known.get("digest") == now.entry.digest:
            return _artifact(source, point, now)
        return await self._earlier(source, scope, point, now, first)

    async def _earlier(self, source: _Source, scope: str, point: Point, now: _Built, first: Point) -> Artifact:
        try:
            built = await self._at(source, first)
        except (InputError, Forbidden):  # history was rewritten: the server gives it away no more
            self._keep(scope, point, now)
            return _artifact(source, point, now, f" (what {now.entry.version} was at {first} is gone)")
        return _artifact(source, first, built, f" ({point} has other content under the same version)")

    def _keep(self, scope: str, first: Point, built: _Built) -> None:
        about = {"commit": first.commit, "name": first.name, "digest": built.entry.digest, "day": _today()}
        self._memory.save(scope, about)


def _today() -> int:
    return int(time.time()) // _DAY


def _artifact(source: _Source, point: Point, built: _Built, note: str = "") -> Artifact:
    entry = built.entry
    provenance = f"{source.path or entry.name} of {source.remote.shown} at {point}{note}"
    if built.left_out:
        provenance += f", without the submodules {', '.join(built.left_out)}"
    return Artifact(entry.name, entry.version, entry.digest, entry.path, provenance)


def _at_revision(data: bytes, point: Point, where: str) -> bytes:
    """Chart.yaml with the commit in its version, in place of other build metadata: charts show it in their labels."""
    about = read_metadata(data, f"{where}/{metadata.FILE}")
    version = f"{about.version.partition('+')[0]}+{point.commit[:12]}"
    return orjson.dumps({**about.document, "version": version})
