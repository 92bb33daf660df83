"""Drift at the event: one metadata watch a kind that releases contain. A proof that breaks wakes its release."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from helmops.api.model import Access
from helmops.core.drift.proof import Proof, holds
from helmops.core.objects import ObjectId, ObjectMeta
from helmops.daemon.log import Log
from helmops.engine.plan import Key
from helmops.errors import Forbidden, HelmopsError
from helmops.ports import Change, Cluster

Place = tuple[Access, str, str]  # (access, apiVersion, kind)

GONE = "gone"


@dataclass(slots=True)
class _Watched:
    """Who contains an object, what proves it clean, and as what it was last found otherwise."""

    key: Key
    proof: Proof | None
    version: str = ""


@dataclass(slots=True)
class _Kind:
    """One kind: whose its objects are, and what the watches have shown of all that are there.

    Namespaces are watched one by one where the whole cluster (None) may not be; ``listed`` has told all.
    """

    objects: dict[ObjectId, _Watched] = field(default_factory=dict)
    shown: dict[ObjectId, ObjectMeta] = field(default_factory=dict)
    tasks: dict[str | None, asyncio.Task[None]] = field(default_factory=dict)
    listed: set[str | None] = field(default_factory=set)
    whole: bool = True

    def sees(self, one: ObjectId) -> bool:
        """Whether a watch would have shown it."""
        return None in self.listed or one.namespace in self.listed


class DriftWatch:
    """What deployed releases contain. ``broken`` is called with the release whose proof has broken."""

    def __init__(self, cluster: Cluster, group: asyncio.TaskGroup, log: Log, broken: Callable[[Key], None]) -> None:
        self._cluster = cluster
        self._group = group
        self._log = log
        self._broken = broken
        self._kinds: defaultdict[Place, _Kind] = defaultdict(_Kind)
        self._places: dict[Key, frozenset[Place]] = {}

    def learn(self, key: Key, access: Access, objects: Collection[ObjectId], proofs: dict[ObjectId, Proof]) -> None:
        """What a release contains now, and what is proved of it; this takes the place of what was known."""
        by_place: defaultdict[Place, dict[ObjectId, _Watched]] = defaultdict(dict)
        for one in objects:
            by_place[access, one.api_version, one.kind][one] = _Watched(key, proofs.get(one))
        self._clear(key, by_place.keys())
        for place, found in by_place.items():
            known = self._kinds[place].objects
            for one in known.keys() & found.keys():
                found[one].version = known[one].version
            for gone in [one for one, watched in known.items() if watched.key == key and one not in found]:
                del known[gone]
            known |= found
            self._follow(place)
            self._check(self._kinds[place], found)
        self._places[key] = frozenset(by_place)

    def forget(self, key: Key) -> None:
        """Nobody asks for this release any more."""
        self._clear(key, ())
        self._places.pop(key, None)

    def _clear(self, key: Key, kept: Collection[Place]) -> None:
        """Away with a release's objects of other kinds, and with watches that nobody needs now."""
        for place in self._places.get(key, frozenset()).difference(kept):
            kind = self._kinds[place]
            kind.objects = {one: watched for one, watched in kind.objects.items() if watched.key != key}
            if not kind.objects:
                for task in kind.tasks.values():
                    task.cancel()
                del self._kinds[place]

    def _follow(self, place: Place) -> None:
        kind = self._kinds[place]
        wanted: set[str | None] = {None} if kind.whole else {one.namespace for one in kind.objects}
        for namespace in wanted:
            task = kind.tasks.get(namespace)
            if task is None or task.done():
                kind.tasks[namespace] = self._group.create_task(self._watch(place, namespace))

    async def _watch(self, place: Place, namespace: str | None) -> None:
        """A kind that may not be watched is left to the interval; the next pass over it tries again."""
        try:
            async for change in self._cluster.watch_metadata(*place, namespace):
                self._seen(self._kinds[place], change, namespace)
        except Forbidden as error:
            if namespace is None:
                self._kinds[place].whole = False
                self._follow(place)
            else:
                self._log.error(place[2], f"drift is seen at intervals only: {error.message}")
        except HelmopsError as error:
            self._log.error(place[2], f"drift is seen at intervals only: {error!s}")

    def _seen(self, kind: _Kind, change: Change | None, namespace: str | None) -> None:
        if change is None:
            kind.listed.add(namespace)
            self._check(kind, kind.objects)
            return
        object_id = change.meta.id
        if change.gone:
            kind.shown.pop(object_id, None)
        else:
            kind.shown[object_id] = change.meta
        if object_id in kind.objects:
            self._check(kind, [object_id])

    def _check(self, kind: _Kind, objects: Iterable[ObjectId]) -> None:
        """What is not as it was proved, or not there. What came before the watch, or while a pass looked, counts."""
        for one in filter(kind.sees, objects):
            if _news(kind.objects[one], kind.shown.get(one)):
                self._broken(kind.objects[one].key)


def _news(watched: _Watched, meta: ObjectMeta | None) -> bool:
    """Whether it is neither as it was proved nor as it was last seen: what no pass can mend is looked at once."""
    if meta is not None and watched.proof is not None and holds(watched.proof, meta, watched.proof.manifest):
        return False
    before, watched.version = watched.version, meta.resource_version if meta else GONE
    return before != watched.version
