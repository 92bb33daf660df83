"""What a rollback needs to know of the revision it goes to."""

from __future__ import annotations

from dataclasses import replace

from helmops.engine.context import Ports, Scope
from helmops.engine.drift import Targets, guards
from helmops.engine.stored import stored_objects
from helmops.errors import NotFound
from helmops.ports import HelmRevert


async def aimed(ports: Ports, scope: Scope, revert: HelmRevert) -> HelmRevert:
    """``revert`` with its target namespace, the fields that stay with their owner now, and force where Helm applies.

    Helm goes back by the method that made the revision; forcing it would turn a patch into an apply.
    """
    records = await ports.storage.records_of(scope.access, revert.namespace, revert.name)
    record = next((one for one in records if one.revision == revert.revision), None)
    if record is None:
        raise NotFound(f"revision {revert.revision} has gone", where=f"{revert.namespace}/{revert.name}")
    body = await ports.storage.body(scope.access, record)
    objects = await stored_objects(ports, scope, body)
    guarded = await guards(ports, scope, Targets(ports, scope), list(objects.values()))
    force = body.apply_method == "ssa"
    return replace(revert, target_namespace=body.namespace, force_conflicts=force, guarded=guarded)
