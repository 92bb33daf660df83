"""The objects of a revision that Helm has stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helmops.core.objects import ObjectId
from helmops.core.release.observation import StoredRelease
from helmops.core.render.manifest import read
from helmops.core.render.place import place
from helmops.engine.context import Ports, Scope


async def stored_objects(
    ports: Ports, scope: Scope, body: StoredRelease | None
) -> Mapping[ObjectId, Mapping[str, Any]]:
    """Each with its namespace, but without Helm's marks (see ``core.render.helmify``); hooks are not among them."""
    if body is None:
        return {}
    kinds = await ports.cluster.kinds(scope.access)
    placed = place(read(body.manifest).objects, kinds, body.namespace, stored=True)
    return {one.id: one.obj for one in placed.objects}
