"""Drift at the event: one metadata watch a kind that releases contain. A proof that breaks wakes its release."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from helmops.api.model import Access
from helmops.core.drift.proof import Proof, holds
from helmops.core.objects import ObjectId
from helmops.daemon.log import Log
from helmops.engine.plan import Key
from helmops.errors import Forbidden, HelmopsError
from helmops.ports import Change, Cluster

Place = tuple[Access, str, str]  # (access, apiVersion, kind)


@dataclass(slots=True)
class _Watched:
    """Who contains an object, and what proves it clean."""

    key: Key
    proof: Proof | None


@dataclass(slots=True)
class _Kind:
    """The objects of one kind; ``namespaces`` are watched one by one where the cluster may not be."""

    objects: dict[ObjectId, _Watched] = field(default_factory=dict)
    tasks: dict[str | None, asyncio.Task[None]] = field(default_factory=dict)
    whole: bool = True


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
            for gone in [one for one, watched in known.items() if watched.key == key and one not in found]:
                del known[gone]
            known |= found
            self._follow(place)
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
                self._seen(place, change)
        except Forbidden as error:
            if namespace is None:
                self._kinds[place].whole = False
                self._follow(place)
            else:
                self._log.error(place[2], f"drift is seen at intervals only: {error.message}")
        except HelmopsError as error:
            self._log.error(place[2], f"drift is seen at intervals only: {error!s}")

    def _seen(self, place: Place, change: Change) -> None:
        watched = self._kinds[place].objects.get(change.meta.id)
        if watched is None:
            return
        proof = watched.proof
        if change.gone or proof is None or not holds(proof, change.meta, proof.manifest):
            watched.proof = None
            self._broken(watched.key)
