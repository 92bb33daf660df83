"""Drift of many releases at once: one metadata list a kind proves most objects clean; the rest are asked for.

Losing the proofs costs dry-runs, never a wrong answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass, field
from typing import Any

from helmops.core.drift.compare import DriftReport, changed_report, missing_report
from helmops.core.drift.correction import applied, json_patch
from helmops.core.drift.displaced import displaced, mended
from helmops.core.drift.fields import Added, added_fields
from helmops.core.drift.guard import HpaTargets, guarded, hpa_targets
from helmops.core.drift.proof import Proof, holds, provable, prove
from helmops.core.objects import GuardedFields, ObjectId, ObjectMeta, meta_of
from helmops.core.release.observation import Record
from helmops.core.render.helmify import helmify
from helmops.engine.contents import Content
from helmops.engine.context import PARALLEL_DRY_RUNS, Ports, Scope
from helmops.engine.metadata import Metadata
from helmops.engine.stored import stored_objects
from helmops.errors import Forbidden, HelmopsError, NotFound, Rejected

HPA_KIND = ("autoscaling/v2", "HorizontalPodAutoscaler")


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one release. ``added``: fields others added, told and left. ``unknown``: could not be asked."""

    reports: tuple[DriftReport, ...] = ()
    added: Mapping[ObjectId, tuple[Added, ...]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """A deployed release to check."""

    record: Record
    content: Content


class Targets:
    """What HorizontalPodAutoscalers point at: asked for once, and only when somebody needs it."""

    def __init__(self, ports: Ports, scope: Scope) -> None:
        self._ports = ports
        self._scope = scope
        self._lock = asyncio.Lock()
        self._whole: HpaTargets | Forbidden | None = None
        self._by_namespace: dict[str, HpaTargets] = {}

    async def get(self, namespace: str) -> HpaTargets:
        """At least the targets in a namespace: those of the cluster, by one list, where that is allowed."""
        async with self._lock:
            if self._whole is None:
                self._whole = await self._listed()
            if isinstance(self._whole, HpaTargets):
                return self._whole
            if namespace not in self._by_namespace:
                self._by_namespace[namespace] = await self._ask(namespace)
            return self._by_namespace[namespace]

    async def _listed(self) -> HpaTargets | Forbidden:
        try:
            return await self._ask(None)
        except Forbidden as error:
            return error

    async def _ask(self, namespace: str | None) -> HpaTargets:
        """Empty where HPAs are not served."""
        try:
            return hpa_targets(await self._ports.cluster.list_objects(self._scope.access, *HPA_KIND, namespace))
        except NotFound:
            return hpa_targets(())


class Drift:
    """One pass of checks over one cluster."""

    def __init__(self, ports: Ports, scope: Scope, targets: Targets, metadata: Metadata) -> None:
        self._ports = ports
        self._scope = scope
        self._targets = targets
        self._metadata = metadata
        self._proofs: dict[str, Any] = dict(ports.memory.load(scope.cache("proofs")))
        self._loaded = dict(self._proofs)
        self._limit = asyncio.Semaphore(PARALLEL_DRY_RUNS)

    async def check(self, subjects: Collection[Subject]) -> Mapping[str, Checked]:
        """Every subject, by its record's uid."""
        seen = await self._metadata.of([object_id for one in subjects for object_id, _ in one.content.objects])
        found = await asyncio.gather(*(self._check(subject, seen) for subject in subjects))
        return {subject.record.uid: checked for subject, checked in zip(subjects, found, strict=True)}

    def save(self, alive: Collection[tuple[str, str]]) -> None:
        """Keep the proofs of releases that are there, whether this pass looked at them or not."""
        kept = {key: proof for key, proof in self._proofs.items() if tuple(key.split("|", 2)[:2]) in alive}
        if kept != self._loaded:
            self._ports.memory.save(self._scope.cache("proofs"), kept)

    async def _check(self, subject: Subject, seen: Mapping[ObjectId, ObjectMeta]) -> Checked:
        added: dict[ObjectId, tuple[Added, ...]] = {}
        doubtful: list[ObjectId] = []
        for object_id, digest in subject.content.objects:
            proof = self._proof(subject, object_id)
            meta = seen.get(object_id)
            if meta is None or proof is None or not holds(proof, meta, digest):
                doubtful.append(object_id)
            elif proof.added:
                added[object_id] = proof.added
        if not doubtful:
            return Checked((), added)
        return await self._ask_all(subject, doubtful, added)

    async def _ask_all(
        self, subject: Subject, doubtful: Collection[ObjectId], added: dict[ObjectId, tuple[Added, ...]]
    ) -> Checked:
        body = await self._ports.storage.body(self._scope.access, subject.record)
        objects = await stored_objects(self._ports, self._scope, body)
        digests = dict(subject.content.objects)
        answers = await asyncio.gather(
            *(self._ask(subject, object_id, objects[object_id], digests[object_id]) for object_id in doubtful)
        )
        told = zip(doubtful, answers, strict=True)
        added |= {object_id: answer for object_id, answer in told if isinstance(answer, tuple) and answer}
        reports = tuple(answer for answer in answers if isinstance(answer, DriftReport))
        return Checked(reports, added, tuple(answer for answer in answers if isinstance(answer, str)))

    async def _ask(
        self, subject: Subject, object_id: ObjectId, manifest: Mapping[str, Any], digest: str
    ) -> DriftReport | tuple[Added, ...] | str:
        """A report, or the fields others added to a clean object, or why it could not be asked."""
        async with self._limit:
            try:
                live = await self._ports.cluster.get(self._scope.access, object_id)
                if live is None:
                    return missing_report(object_id)
                wanted, refused = await self._wanted(live, await self._sent(subject, live, manifest))
            except HelmopsError as error:
                return f"{object_id}: {error.message}"
        if report := changed_report(object_id, live, wanted):
            return report
        if refused:
            return f"{object_id}: {refused}"
        return self._prove(subject, live, added_fields(wanted), digest)

    async def _wanted(self, live: Mapping[str, Any], sent: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
        """What it should be, and why the server does not let an apply make it that."""
        try:
            return await self._ports.cluster.apply(self._scope.access, sent, force=True, dry_run=True), ""
        except Rejected as error:
            wanted = mended(live, sent, displaced(live, sent))
            with suppress(HelmopsError):  # what cannot be mended otherwise is told as far as it is known here
                wanted = await patched(self._ports, self._scope, live, wanted, dry_run=True)
            return wanted, error.message

    async def _sent(self, subject: Subject, live: Mapping[str, Any], manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        marked = helmify(manifest, subject.record.name, subject.content.namespace)
        pointers = guarded(live, await self._targets.get(meta_of(live).id.namespace)) if _scalable(manifest) else ()
        return applied(marked, pointers)

    def _prove(
        self, subject: Subject, live: Mapping[str, Any], added: tuple[Added, ...], digest: str
    ) -> tuple[Added, ...]:
        meta = meta_of(live)
        if provable(meta):
            self._proofs[_key(subject, meta.id)] = prove(meta, digest, added).to_json()
        return added

    def _proof(self, subject: Subject, object_id: ObjectId) -> Proof | None:
        stored = self._proofs.get(_key(subject, object_id))
        return Proof.from_json(stored) if stored else None


def _key(subject: Subject, object_id: ObjectId) -> str:
    record = subject.record
    return "|".join((record.namespace, record.name, *astuple(object_id)))


def _scalable(manifest: Mapping[str, Any]) -> bool:
    return "replicas" in (manifest.get("spec") or {})


def proofs(ports: Ports, scope: Scope, record: Record) -> Mapping[ObjectId, Proof]:
    """What is proved of a release's objects now: as long as their metadata repeats it, nothing need be asked."""
    start = f"{record.namespace}|{record.name}|"
    stored = ports.memory.load(scope.cache("proofs")).items()
    found = {key.removeprefix(start): Proof.from_json(data) for key, data in stored if key.startswith(start)}
    return {ObjectId(*key.split("|", 3)): proof for key, proof in found.items() if proof is not None}


async def patched(
    ports: Ports, scope: Scope, live: Mapping[str, Any], wanted: Mapping[str, Any], *, dry_run: bool
) -> Mapping[str, Any]:
    """``live`` made what is wanted by a patch; as it is when there is nothing to patch."""
    operations = json_patch(live, wanted)
    if not operations:
        return live
    return await ports.cluster.patch(scope.access, meta_of(live).id, operations, dry_run=dry_run)


async def guards(
    ports: Ports, scope: Scope, targets: Targets, objects: Collection[Mapping[str, Any]]
) -> tuple[GuardedFields, ...]:
    """Which fields of the objects stay with their owner at this moment. Asks only for what an HPA points at."""
    found = []
    for obj in filter(_scalable, objects):
        object_id = meta_of(obj).id
        pointed = await targets.get(object_id.namespace)
        live = await ports.cluster.get(scope.access, object_id) if pointed.has(object_id) else None
        if live is not None and (pointers := guarded(live, pointed)):
            found.append(GuardedFields(object_id, pointers))
    return tuple(found)
