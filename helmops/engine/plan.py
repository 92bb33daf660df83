"""The plan: what a sync would do to every release, and why. Nothing is written here."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from helmops.api.model import Release
from helmops.core.objects import ObjectId
from helmops.core.redact import Redactor
from helmops.core.release.observation import StoredRelease
from helmops.core.release.plan import Decision, Done, Install, Policy, Recover, Relabel, Stalled, Upgrade, decide
from helmops.core.release.state import Absent, Drifted, InSync, Observed, ReleaseState, Unmanaged, Wanted, determine
from helmops.core.values import SECRET_ORIGIN, at
from helmops.engine.contents import Contents
from helmops.engine.context import Ports, Scope
from helmops.engine.drift import Checked, Drift, Subject, Targets
from helmops.engine.load import Loaded
from helmops.engine.metadata import Metadata
from helmops.engine.preview import Preview, Previews
from helmops.engine.prune import Removal
from helmops.engine.reasons import reasons
from helmops.engine.resolve import Resolved, Unresolved, resolve_all
from helmops.engine.world import Id, World, look, observe, observe_again
from helmops.errors import Bug, Forbidden, HelmopsError, Refused

T = TypeVar("T")

Key = tuple[str, str]  # (namespace, name) of the object that describes a release


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked of this pass. ``names``: only these releases; ``detail``: with the difference by object."""

    retry: bool = False
    prune: bool = False
    detail: bool = True
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Planned:
    """One release of the input. ``error`` is set when it could not be planned; it is not touched then."""

    release: Release
    state: ReleaseState
    decision: Decision
    resolved: Resolved | None = None
    why: tuple[str, ...] = ()
    preview: Preview | None = None
    checked: Checked = field(default_factory=Checked)
    error: HelmopsError | None = None
    deployed: Redactor = field(default_factory=Redactor, repr=False)  # of the values that are deployed now

    @property
    def secrets(self) -> Redactor:
        """Takes the secrets of this release, those that are deployed and those that will be, out of what is shown."""
        wanted = self.resolved.secrets.secrets if self.resolved else ()
        return Redactor.of((*self.deployed.secrets, *wanted))

    @property
    def id(self) -> Id:
        """(storage namespace, name)."""
        return self.release.namespace, self.release.name

    @property
    def key(self) -> Key:
        """Who it is in this pass: the same release name may live in two clusters."""
        return self.release.ref.namespace, self.release.ref.name

    @property
    def exact(self) -> Resolved:
        """The release as resolved; whatever gets an action has been."""
        if self.resolved is None:
            raise Bug(f"{self.id} is acted on without having been resolved")
        return self.resolved

    @property
    def acts(self) -> bool:
        """Whether sync would do something about it."""
        return self.error is None and not isinstance(self.decision, Done | Stalled)


@dataclass(frozen=True, slots=True)
class NewNamespace:
    """A namespace to create first: as the input writes it, or bare."""

    scope: Scope
    name: str
    manifest: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """What one planner found, in the place that it plans for."""

    planned: tuple[Planned, ...]
    world: World
    namespaces: tuple[NewNamespace, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a sync would do. ``scope`` is where the pass started; ``namespaces``: to be created first."""

    scope: Scope
    loaded: Loaded
    releases: tuple[Planned, ...]
    removals: tuple[Removal, ...] = ()
    namespaces: tuple[NewNamespace, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether sync would write anything."""
        return bool(self.removals or self.namespaces) or any(one.acts for one in self.releases)


class Planner:
    """One pass over one cluster. What was learned (contents, proofs) is remembered."""

    def __init__(self, ports: Ports, scope: Scope, options: Options) -> None:
        self.ports = ports
        self.scope = scope
        self.options = options
        self.targets = Targets(ports, scope)
        self.contents = Contents(ports, scope)

    async def plan(self, loaded: Loaded) -> Part:
        """The releases of ``loaded``, all of which live here. InputErrors when anything in the input is wrong."""
        releases = loaded.desired.releases
        async with asyncio.TaskGroup() as group:
            resolving = group.create_task(_quiet(resolve_all(self.ports.charts, loaded)))
            looking = group.create_task(_quiet(look(self.ports, self.scope, {r.namespace for r in releases})))
        resolved, world = _value(resolving.result()), _value(looking.result())
        metadata = Metadata(self.ports, self.scope, {release.namespace for release in releases})
        drift = Drift(self.ports, self.scope, self.targets, metadata)
        planned = await self._states(resolved, world, drift)
        there = await self._namespaces(loaded, planned)
        planned = await self._previews([_placed(one, loaded, there) for one in planned], metadata, there)
        planned = await self._told_of_drift(planned, drift)
        self.contents.save([record for records in world.records.values() for record in records])
        drift.save(world.records)
        return Part(tuple(planned), world, self._missing(loaded, planned, there), _warnings(world))

    async def _told_of_drift(self, planned: Sequence[Planned], drift: Drift) -> list[Planned]:
        """The pass that takes a release over tells its drift and leaves it."""
        taken = [
            one.decision.record for one in planned if isinstance(one.decision, Relabel) and one.decision.takes_over
        ]
        contents = await self.contents.of_all(taken)
        checked = await drift.check([Subject(record, contents[record.uid]) for record in taken])
        uids = [one.state.record.uid if isinstance(one.state, Unmanaged) else "" for one in planned]
        return [
            replace(one, checked=checked[uid]) if uid in checked else one
            for one, uid in zip(planned, uids, strict=True)
        ]

    async def again(self, planned: Planned) -> Planned:
        """One release anew, because what was seen of it has passed."""
        observed = await observe_again(self.ports, self.scope, self.contents, planned.id, self.wanted(planned.exact))
        one = self._decided(Planned(planned.release, Absent(), Done(), planned.exact), observed)
        spaces = _spaces(one.release)
        metadata = Metadata(self.ports, self.scope, spaces)
        drift = Drift(self.ports, self.scope, self.targets, metadata)
        one = self._with_drift(one, await drift.check(await self._subjects([one])))
        return (await self._previews([one], metadata, spaces))[0]

    def wanted(self, resolved: Resolved) -> Wanted:
        """What the state of a release is held against."""
        return Wanted(resolved.digest, self.scope.owner, resolved.release.prune)

    def policy(self, release: Release) -> Policy:
        """What the release and the user allow."""
        longest = max(map(self.ports.helm.deadline, (release.install, release.upgrade, release.rollback)))
        return Policy(
            retry=self.options.retry,
            remediate=release.remediate,
            correct=release.drift == "enabled",
            suspended=release.suspend,
            deadline=dt.timedelta(seconds=longest),
        )

    async def _states(self, found: Sequence[Resolved | Unresolved], world: World, drift: Drift) -> list[Planned]:
        planned = await asyncio.gather(*(self._state(one, world) for one in found))
        checked = await drift.check(await self._subjects(planned))
        return [self._with_drift(one, checked) for one in planned]

    async def _state(self, found: Resolved | Unresolved, world: World) -> Planned:
        release = found.release
        if isinstance(found, Unresolved):
            return Planned(release, Absent(), Done(), error=found.error)
        wanted = self.wanted(found)
        seen = world.of((release.namespace, release.name))
        observed = await observe(self.ports, self.scope, self.contents, seen, wanted)
        return self._decided(Planned(release, Absent(), Done(), found), observed)

    def _decided(self, planned: Planned, observed: Observed) -> Planned:
        state = determine(self.wanted(planned.exact), observed)
        decision = decide(state, self.policy(planned.release), (), self.ports.clock.now())
        return replace(planned, state=state, decision=decision)

    async def _subjects(self, planned: Sequence[Planned]) -> list[Subject]:
        """Whatever is deployed as wanted, unless its drift is nobody's business."""
        records = [
            one.state.record
            for one in planned
            if isinstance(one.state, InSync) and one.release.drift != "disabled" and not one.release.suspend
        ]
        contents = await self.contents.of_all(records)
        return [Subject(record, contents[record.uid]) for record in records]

    def _with_drift(self, planned: Planned, checked: Mapping[str, Checked]) -> Planned:
        state = planned.state
        if not isinstance(state, InSync) or state.record.uid not in checked:
            return planned
        found = checked[state.record.uid]
        if found.reports:
            drifted = Drifted(state.record, found.reports)
            decision = decide(drifted, self.policy(planned.release), (), self.ports.clock.now())
            return replace(planned, state=drifted, decision=decision, checked=found)
        return replace(planned, checked=found)

    async def _previews(
        self, planned: Sequence[Planned], metadata: Metadata, namespaces: Collection[str]
    ) -> list[Planned]:
        detail = self.options.detail
        previews = Previews(self.ports, self.scope, self.targets, metadata, namespaces, detail=detail)
        return list(await asyncio.gather(*(self._preview(one, previews) for one in planned)))

    async def _preview(self, planned: Planned, previews: Previews) -> Planned:
        if not _writes(planned) or planned.resolved is None or planned.error:
            return planned
        try:
            current = await self._current(planned.state)
            planned = replace(planned, deployed=_deployed_secrets(planned.exact, current))
            preview = await previews.of(planned.exact, current)
        except HelmopsError as error:
            return replace(planned, error=error)
        planned = replace(planned, preview=preview, why=reasons(planned.decision, planned.exact, current))
        if preview.equal and isinstance(planned.state, Unmanaged):
            return self._taken_over(planned, replace(planned.state, equal=True))
        return planned

    def _taken_over(self, planned: Planned, state: Unmanaged) -> Planned:
        """What somebody else deployed is what the input would deploy: our labels are all it lacks."""
        decision = decide(state, self.policy(planned.release), (), self.ports.clock.now())
        return replace(planned, state=state, decision=decision, why=("what is deployed is what the input says",))

    async def _current(self, state: ReleaseState) -> StoredRelease | None:
        record = getattr(state, "record", None)
        return None if record is None else await self.ports.storage.body(self.scope.access, record)

    async def _namespaces(self, loaded: Loaded, planned: Sequence[Planned]) -> frozenset[str]:
        """Namespaces that are there; asked only when it matters."""
        if not loaded.desired.namespaces and not any(_writes(one) for one in planned):
            return frozenset()
        try:
            found = await self.ports.cluster.list_metadata(self.scope.access, "v1", "Namespace", None)
        except Forbidden:
            names = {name for one in planned for name in _spaces(one.release)}
            names |= {namespace.name for namespace in loaded.desired.namespaces}
            there = await asyncio.gather(*(self._there(name) for name in names))
            return frozenset(name for name, is_there in zip(names, there, strict=True) if is_there)
        return frozenset(meta.id.name for meta in found if not meta.deleting)

    async def _there(self, namespace: str) -> bool:
        """Who may not even look at a namespace works in it all the same: helm will tell if it is not there."""
        try:
            return (
                await self.ports.cluster.get(self.scope.access, ObjectId("v1", "Namespace", "", namespace)) is not None
            )
        except Forbidden:
            return True

    def _missing(self, loaded: Loaded, planned: Sequence[Planned], there: Collection[str]) -> tuple[NewNamespace, ...]:
        """Namespaces to create first."""
        written = {namespace.name: namespace.manifest for namespace in loaded.desired.namespaces}
        needed = {name for one in planned if _writes(one) and not one.error for name in _spaces(one.release)}
        return tuple(
            NewNamespace(self.scope, name, written.get(name) or _bare(name))
            for name in sorted({*written, *needed} - set(there))
        )


def _deployed_secrets(resolved: Resolved, current: StoredRelease | None) -> Redactor:
    """What sounds like a secret among the values that are deployed, and what stands where a Secret's value will be."""
    if current is None:
        return Redactor()
    merged = resolved.values
    hidden = [path for path, origin in merged.origins.items() if origin.startswith(SECRET_ORIGIN)]
    texts = [text for path in hidden if isinstance(text := at(current.config, path), str)]
    return Redactor.of((*Redactor.of_values(current.config).secrets, *texts))


def _bare(name: str) -> Mapping[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


async def _quiet(asked: Awaitable[T]) -> T | HelmopsError:
    """An error as a value, so that a TaskGroup does not wrap it."""
    try:
        return await asked
    except HelmopsError as error:
        return error


def _value(found: T | HelmopsError) -> T:
    if isinstance(found, HelmopsError):
        raise found
    return found


def _writes(planned: Planned) -> bool:
    return isinstance(planned.decision, Install | Upgrade | Recover)


def _spaces(release: Release) -> set[str]:
    return {release.namespace, release.target_namespace}


def _placed(planned: Planned, loaded: Loaded, there: Collection[str]) -> Planned:
    """A release whose namespace nobody creates cannot be installed."""
    written = {namespace.name for namespace in loaded.desired.namespaces}
    missing = sorted(_spaces(planned.release) - written - set(there))
    if not _writes(planned) or not missing or planned.release.install.create_namespace:
        return planned
    hint = "add a Namespace document to the input, or set spec.install.createNamespace: true"
    return replace(planned, error=Refused(f"namespace {missing[0]} does not exist", hint=hint))


def _warnings(world: World) -> tuple[str, ...]:
    if world.complete:
        return ()
    return ("release Secrets may not be listed in the whole cluster: only the namespaces of the input were looked at",)
