"""One pass over several clusters and identities: every release is planned where it lives, as whom it is deployed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from helmops.api.model import Access, Release
from helmops.core.release.plan import Done
from helmops.core.release.state import Absent
from helmops.engine.context import Ports, Scope
from helmops.engine.credentials import completed
from helmops.engine.load import Loaded
from helmops.engine.plan import Key, NewNamespace, Options, Part, Plan, Planned, Planner
from helmops.engine.prune import Removal, removals
from helmops.engine.scope import place
from helmops.engine.world import World
from helmops.errors import HelmopsError, InputError, InputErrors, Problem


class Fleet:
    """``scope`` is where the pass starts: the cluster and the identity of whoever runs it."""

    def __init__(self, ports: Ports, scope: Scope, options: Options) -> None:
        self.ports = ports
        self.scope = scope
        self._options = options
        self._planners: dict[Access, Planner] = {scope.access: Planner(ports, scope, options)}

    def planner(self, release: Release) -> Planner:
        """Who plans (and remembers) for the place a release lives in."""
        return self._planners[release.access]

    async def plan(self, loaded: Loaded) -> Plan:
        """InputErrors when anything in the input is wrong. A place that cannot be entered fails only its releases."""
        loaded = _selected(loaded, self._options.names)
        loaded = await completed(self.ports.cluster, self.scope.access, loaded)
        loaded, lost = await self._placed(loaded)
        parts = await self._parts(loaded)
        planned = {one.key: one for part in parts.values() for one in part.planned} | lost
        return Plan(
            scope=self.scope,
            loaded=loaded,
            releases=tuple(planned[_key(release)] for release in loaded.desired.releases),
            removals=await self._removals(loaded, parts) if self._options.prune else (),
            namespaces=_once(name for part in parts.values() for name in part.namespaces),
            warnings=(*loaded.desired.warnings, *dict.fromkeys(w for part in parts.values() for w in part.warnings)),
        )

    async def _placed(self, loaded: Loaded) -> tuple[Loaded, dict[Key, Planned]]:
        """Every release with the access it is deployed by; those whose cluster cannot be entered apart."""
        releases = loaded.desired.releases
        found = await asyncio.gather(*(self._enter(release) for release in releases))
        lost = {
            _key(release): Planned(release, Absent(), Done(), error=access)
            for release, access in zip(releases, found, strict=True)
            if isinstance(access, HelmopsError)
        }
        there = tuple(
            release if isinstance(access, HelmopsError) else replace(release, access=access)
            for release, access in zip(releases, found, strict=True)
        )
        _check_identities(self._uids(there, lost))
        return replace(loaded, desired=replace(loaded.desired, releases=there)), lost

    async def _enter(self, release: Release) -> Access | HelmopsError:
        try:
            scope = await place(self.ports, self.scope, release)
        except HelmopsError as error:
            return error
        if scope.access not in self._planners:
            self._planners[scope.access] = Planner(self.ports, scope, self._options)
        return scope.access

    def _uids(self, releases: Sequence[Release], lost: Collection[Key]) -> list[tuple[str, Release]]:
        return [(self.planner(one).scope.uid, one) for one in releases if _key(one) not in lost]

    async def _parts(self, loaded: Loaded) -> Mapping[Access, Part]:
        """Side by side; the namespaces of the input belong to the place where the pass starts."""
        by_access: dict[Access, list[Release]] = {self.scope.access: []}
        for release in loaded.desired.releases:
            if release.access in self._planners:
                by_access.setdefault(release.access, []).append(release)
        parts = await asyncio.gather(*(self._part(loaded, access, own) for access, own in by_access.items()))
        return dict(zip(by_access, parts, strict=True))

    async def _part(self, loaded: Loaded, access: Access, own: Sequence[Release]) -> Part:
        """What one cluster or identity is refused fails its own releases; where the pass starts, the whole pass."""
        try:
            return await self._planners[access].plan(self._subset(loaded, access, own))
        except HelmopsError as error:
            if access == self.scope.access or isinstance(error, InputError):
                raise
            lost = tuple(Planned(release, Absent(), Done(), error=error) for release in own)
            return Part(lost, World({}, {}, complete=False))

    def _subset(self, loaded: Loaded, access: Access, releases: Sequence[Release]) -> Loaded:
        namespaces = loaded.desired.namespaces if access == self.scope.access else ()
        return replace(loaded, desired=replace(loaded.desired, releases=tuple(releases), namespaces=namespaces))

    async def _removals(self, loaded: Loaded, parts: Mapping[Access, Part]) -> tuple[Removal, ...]:
        """Once a cluster, however many identities work there: by the first that does, the starting one before all."""
        named: dict[str, set[tuple[str, str]]] = {}
        for release in loaded.desired.releases:
            if release.access in self._planners:
                named.setdefault(self.planner(release).scope.uid, set()).add((release.namespace, release.name))
        found: list[Removal] = []
        seen: set[str] = set()
        for access, part in parts.items():
            planner = self._planners[access]
            if planner.scope.uid not in seen:
                seen.add(planner.scope.uid)
                keep = named.get(planner.scope.uid, set())
                found += await removals(self.ports, planner.scope, planner.contents, keep, part.world)
        return tuple(found)


def _key(release: Release) -> Key:
    return release.ref.namespace, release.ref.name


def _once(names: Iterable[NewNamespace]) -> tuple[NewNamespace, ...]:
    """Two identities in one cluster may miss the same namespace."""
    found: dict[tuple[str, str], NewNamespace] = {}
    for one in names:
        found.setdefault((one.scope.uid, one.name), one)
    return tuple(found.values())


def _check_identities(releases: Sequence[tuple[str, Release]]) -> None:
    """Two objects that name one release of one cluster are an error, by whatever roads they lead there."""
    seen: dict[tuple[str, str, str], Release] = {}
    problems = []
    for uid, release in releases:
        first = seen.setdefault((uid, release.namespace, release.name), release)
        if first is not release:
            text = f"release {release.namespace}/{release.name} is described twice; first at {first.ref.where}"
            problems.append(Problem(release.ref.where, "metadata.name", text))
    if problems:
        raise InputErrors(problems)


def _selected(loaded: Loaded, names: Collection[str]) -> Loaded:
    """Only the named releases. InputError for a name that is not in the input."""
    if not names:
        return loaded
    releases = loaded.desired.releases
    if unknown := sorted(set(names) - {release.name for release in releases}):
        known = ", ".join(sorted(release.name for release in releases))
        raise InputError(f"no release named {', '.join(unknown)} in the input", hint=f"there are: {known}")
    chosen = tuple(release for release in releases if release.name in names)
    return replace(loaded, desired=replace(loaded.desired, releases=chosen))
