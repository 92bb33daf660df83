"""What an install or upgrade would do, asked of the server before anything is written.

helm renders; every object that is new, changed or not proved goes through a server-side-apply dry-run with strict
field validation. That replaces helm's own validation, which costs more than the upgrade itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from helmops.api.model import Release
from helmops.core.drift.changes import ObjectChange, change_of, deletion_of
from helmops.core.drift.correction import applied, json_patch
from helmops.core.drift.fields import is_helms_alone
from helmops.core.drift.guard import guarded
from helmops.core.drift.threeway import three_way
from helmops.core.objects import HELM_MANAGER, Kinds, ObjectId, meta_of
from helmops.core.release.observation import StoredRelease
from helmops.core.render.helmify import helmify
from helmops.core.render.manifest import Hook, manifest_hash, read
from helmops.core.render.place import PlacedObject, place, with_crds
from helmops.engine.context import PARALLEL_DRY_RUNS, Ports, Scope
from helmops.engine.drift import Targets
from helmops.engine.metadata import Metadata
from helmops.engine.resolve import Resolved
from helmops.engine.stored import stored_objects
from helmops.errors import FieldConflicts, NotFound, Refused
from helmops.ports import ChartContent, RenderRequest

KEEP_ANNOTATION = "helm.sh/resource-policy"


@dataclass(frozen=True, slots=True)
class Preview:
    """``taken``: fields that the upgrade takes back from others; ``kept``: fields that stay with their owner.

    ``unchecked``: objects that could not be asked of the server, each with the reason: helm validates those itself.
    ``objects`` is all that helm will apply. ``client_side``: helm patches, as it did with the revision before.
    ``equal``: objects and hooks are those that are deployed now.
    """

    objects: tuple[PlacedObject, ...]
    changes: tuple[ObjectChange, ...] = ()
    taken: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    client_side: bool = False
    equal: bool = False

    @property
    def validated(self) -> bool:
        """Whether the server has accepted every object, so that helm need not validate again."""
        return not self.unchecked


@dataclass(frozen=True, slots=True)
class _Answer:
    change: ObjectChange | None = None
    taken: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    unchecked: str = ""


class Previews:
    """One pass of previews over one cluster. ``detail``: also read the live objects and tell the difference."""

    def __init__(
        self,
        ports: Ports,
        scope: Scope,
        targets: Targets,
        metadata: Metadata,
        namespaces: Collection[str],
        *,
        detail: bool,
    ) -> None:
        self._ports = ports
        self._scope = scope
        self._targets = targets
        self._metadata = metadata
        self._namespaces = frozenset(namespaces)
        self._detail = detail
        self._limit = asyncio.Semaphore(PARALLEL_DRY_RUNS)

    async def of(self, resolved: Resolved, current: StoredRelease | None) -> Preview:
        """Render and ask. Refused, Rejected, Forbidden or HelmError say what is wrong with it."""
        await self._check_target(resolved.release, current)
        chart = await self._ports.charts.content(resolved.artifact)
        kinds = await self._ports.cluster.kinds(self._scope.access)
        request = render_request(resolved, chart, kinds, current is not None)
        text = await self._ports.helm.render(self._scope.access, request)
        rendering = read(text)
        placed = place(rendering.objects, with_crds(kinds, chart.crds), resolved.release.target_namespace)
        old = await stored_objects(self._ports, self._scope, current)
        subject = _Subject(resolved.release, kinds, old, current is not None and current.apply_method == "csa")
        accepted = old if current is not None and current.status == "deployed" else {}
        asked = await self._doubtful(placed.objects, accepted)
        answers = await asyncio.gather(*(self._ask(subject, one) for one in asked))
        preview = _preview(placed.objects, answers, _deletions(old, placed.objects))
        equal = current is not None and _deployed(placed.objects, rendering.hooks, old, current)
        return replace(preview, client_side=subject.client_side, equal=equal)

    async def _check_target(self, release: Release, current: StoredRelease | None) -> None:
        """Refused where helm would do the wrong thing without a word."""
        where, target = f"{release.namespace}/{release.name}", release.target_namespace
        if current is not None and current.namespace != target:
            # helm would take the objects that name no namespace for moved already, and leave the old ones behind
            text = f"its objects are in namespace {current.namespace}, and helm cannot move them to {target}"
            raise Refused(text, where=where, hint="uninstall the release first, or leave targetNamespace as it was")
        if current is None and target != release.namespace:
            # Helm's marks of ownership name the target alone
            records = await self._ports.storage.records_of(self._scope.access, target, release.name)
            if records and records[-1].status != "uninstalled":
                text = f"{target} has a release {release.name} of its own: the objects of both would be one another's"
                raise Refused(text, where=where, hint="give one of them another name (spec.releaseName)")

    async def again(self, resolved: Resolved, preview: Preview) -> Preview:
        """Ask about what was rendered before, now that more is there: namespaces, kinds."""
        kinds = await self._ports.cluster.kinds(self._scope.access)
        subject = _Subject(resolved.release, kinds)
        answers = await asyncio.gather(*(self._ask(subject, one) for one in preview.objects))
        return _preview(preview.objects, answers, ())

    async def _doubtful(
        self, objects: Sequence[PlacedObject], accepted: Mapping[ObjectId, Mapping[str, Any]]
    ) -> list[PlacedObject]:
        """All but those whose very manifest the server has accepted, and that nobody else has a hand in."""
        same = {one.id for one in objects if _same(one.obj, accepted.get(one.id))}
        metas = await self._metadata.of(same)
        sure = {key for key, meta in metas.items() if is_helms_alone(meta)}
        return [one for one in objects if one.id not in sure]

    async def _ask(self, subject: _Subject, one: PlacedObject) -> _Answer:
        if subject.kinds.find(one.id.api_version, one.id.kind) is None:
            unserved = f"{one.id.api_version} {one.id.kind} is not served yet: helm validates it"
            return _Answer(change_of(one.id, None, one.obj), unchecked=f"{one.id}: {unserved}")
        if one.id.namespace and one.id.namespace not in self._namespaces:
            return _Answer(change_of(one.id, None, one.obj), unchecked=f"{one.id}: checked once its namespace is there")
        async with self._limit:
            return await self._asked(subject, one)

    async def _asked(self, subject: _Subject, one: PlacedObject) -> _Answer:
        targets = await self._targets.get(one.id.namespace)
        scaled = targets.has(one.id)
        patched = subject.client_side and one.id in subject.old
        read_live = self._detail or scaled or patched
        live = await self._ports.cluster.get(self._scope.access, one.id) if read_live else None
        pointers = guarded(live, targets) if scaled and live is not None else ()
        new = applied(subject.marked(one.obj), pointers)
        taken: tuple[str, ...] = ()
        try:
            if patched and live is not None:
                wanted = await self._patch(live, applied(subject.marked(subject.old[one.id]), pointers), new)
            else:
                wanted, taken = await self._apply(new)
        except NotFound as error:
            return _Answer(unchecked=f"{one.id}: {error.message}: helm validates it")
        change = change_of(one.id, live, wanted) if self._detail else None
        return _Answer(change, tuple(f"{one.id} {text}" for text in taken), tuple(f"{one.id} {p}" for p in pointers))

    async def _apply(self, obj: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """The server's answer, and the fields of others that only force takes."""
        access, cluster = self._scope.access, self._ports.cluster
        try:
            return await cluster.apply(access, obj, force=False, dry_run=True, strict=True), ()
        except FieldConflicts as conflicts:
            taken = (f"{path} (from {manager})" for manager, path in conflicts.fields if manager != HELM_MANAGER)
            return await cluster.apply(access, obj, force=True, dry_run=True, strict=True), tuple(taken)

    async def _patch(
        self, live: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """What Helm 3 makes of an object: not an apply, but a merge of live object, old and new manifest."""
        operations = json_patch(live, three_way(live, old, new))
        if not operations:
            return live
        access, object_id = self._scope.access, meta_of(live).id
        return await self._ports.cluster.patch(access, object_id, operations, dry_run=True, strict=True)


@dataclass(frozen=True, slots=True)
class _Subject:
    """A release that is asked about. ``client_side``: Helm 3 patches its objects instead of applying them."""

    release: Release
    kinds: Kinds
    old: Mapping[ObjectId, Mapping[str, Any]] = field(default_factory=dict)
    client_side: bool = False

    def marked(self, obj: Mapping[str, Any]) -> Mapping[str, Any]:
        """The object as Helm sends it."""
        return helmify(obj, self.release.name, self.release.target_namespace)


def _deletions(old: Mapping[ObjectId, Mapping[str, Any]], new: Sequence[PlacedObject]) -> list[ObjectChange]:
    kept = {one.id for one in new}
    return [deletion_of(key, obj) for key, obj in old.items() if key not in kept and not _keeps(obj)]


def render_request(resolved: Resolved, chart: ChartContent, kinds: Kinds, is_upgrade: bool) -> RenderRequest:
    """What helm is to render, with the capabilities of the cluster."""
    release = resolved.release
    options = release.upgrade if is_upgrade else release.install
    return RenderRequest(
        name=release.name,
        namespace=release.namespace,
        chart_path=resolved.artifact.path,
        values=resolved.values.value,
        is_upgrade=is_upgrade,
        kube_version=kinds.version,
        api_versions=kinds.api_versions(),
        live=chart.uses_lookup,
        skip_schema_validation=options.disable_schema_validation,
        target_namespace=release.target_namespace,
        post_renderers=release.post_renderers,
    )


def _deployed(
    objects: Sequence[PlacedObject],
    hooks: Sequence[Hook],
    old: Mapping[ObjectId, Mapping[str, Any]],
    current: StoredRelease,
) -> bool:
    """Whether a rendering is what Helm has stored, hooks and all."""
    stored = [hook.obj for one in current.hooks for hook in read(str(one.get("manifest", ""))).hooks]
    same_hooks = sorted(manifest_hash(one.obj) for one in hooks) == sorted(manifest_hash(obj) for obj in stored)
    return same_hooks and {one.id: one.obj for one in objects} == dict(old)


def _same(new: Mapping[str, Any], old: Mapping[str, Any] | None) -> bool:
    return old is not None and manifest_hash(old) == manifest_hash(new)


def _keeps(obj: Mapping[str, Any]) -> bool:
    return (obj["metadata"].get("annotations") or {}).get(KEEP_ANNOTATION) == "keep"


def _preview(
    objects: tuple[PlacedObject, ...], answers: Sequence[_Answer], deletions: Sequence[ObjectChange]
) -> Preview:
    changes = [answer.change for answer in answers if answer.change is not None and answer.change.action != "none"]
    return Preview(
        objects=objects,
        changes=(*changes, *deletions),
        taken=tuple(text for answer in answers for text in answer.taken),
        kept=tuple(text for answer in answers for text in answer.kept),
        unchecked=tuple(answer.unchecked for answer in answers if answer.unchecked),
    )
