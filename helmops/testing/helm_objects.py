"""How helm writes the objects of a release, on a fake cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from helmops.api.model import Access
from helmops.core.objects import HELM_MANAGER, ObjectId
from helmops.core.pointer import without
from helmops.core.release.observation import StoredRelease
from helmops.core.render.helmify import helmify
from helmops.core.render.manifest import read
from helmops.core.render.place import place
from helmops.ports import HelmChange, HelmRevert
from helmops.testing.cluster import FakeCluster


class FakeObjectsOfHelm:
    """Helm 4 applies (``server_side``), Helm 3 merges old, live and new itself and writes the result."""

    def __init__(self, cluster: FakeCluster, *, server_side: bool) -> None:
        self.server_side = server_side
        self._cluster = cluster

    async def replace(self, old: StoredRelease | None, new: StoredRelease, request: HelmChange | HelmRevert) -> None:
        """Write the objects of ``new``, then remove those that only ``old`` had."""
        before = await self._placed(old) if old else {}
        after = await self._placed(new)
        guarded = {fields.id: fields.pointers for fields in request.guarded}
        for object_id, obj in after.items():
            pointers = guarded.get(object_id, ())
            wanted = without(obj, pointers)
            if self.server_side:
                await self._apply(wanted, force=request.force_conflicts)
            else:
                self._merge(object_id, without(before.get(object_id, {}), pointers), wanted)
        for object_id in before.keys() - after.keys():
            self._cluster.remove(object_id)

    async def delete(self, release: StoredRelease) -> None:
        """Remove what the release has."""
        for object_id in await self._placed(release):
            self._cluster.remove(object_id)

    async def _placed(self, release: StoredRelease) -> dict[ObjectId, Mapping[str, Any]]:
        with self._uncounted():
            kinds = await self._cluster.kinds(Access())
        found = place(read(release.manifest).objects, kinds, release.namespace, stored=True).objects
        return {one.id: helmify(one.obj, release.name, release.namespace) for one in found}

    async def _apply(self, obj: Mapping[str, Any], *, force: bool) -> None:
        with self._uncounted():
            await self._cluster.apply(Access(), obj, force=force, dry_run=False, manager=HELM_MANAGER)

    def _merge(self, object_id: ObjectId, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        live = self._cluster.find(object_id)
        self._cluster.write(_merged(old, live, new) if live else new, HELM_MANAGER)

    @contextmanager
    def _uncounted(self) -> Iterator[None]:
        """What helm asks is not what the engine asks: tests count the latter."""
        counted = self._cluster.calls.copy()
        try:
            yield
        finally:
            self._cluster.calls = counted


def _merged(old: Any, live: Any, new: Any) -> Any:
    """Three ways: what is new wins, what only ``old`` had goes, what others added stays."""
    if not (isinstance(live, Mapping) and isinstance(new, Mapping)):
        return new
    before = old if isinstance(old, Mapping) else {}
    kept = {key: value for key, value in live.items() if key in new or key not in before}
    return {**kept, **{key: _merged(before.get(key), kept.get(key), value) for key, value in new.items()}}
