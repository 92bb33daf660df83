"""``helm uninstall`` under the release's Lease."""

from __future__ import annotations

from helmops.api.model import ActionOptions
from helmops.core.release.observation import Record
from helmops.engine.context import Ports, Scope
from helmops.errors import Conflict
from helmops.ports import HelmRevert


async def uninstall(ports: Ports, scope: Scope, record: Record, options: ActionOptions) -> None:
    """``record`` is the highest revision that was shown to the user: Conflict when there is another by now."""
    deadline = ports.helm.deadline(options)
    async with ports.locks.hold(scope.access, record.namespace, record.name, deadline=deadline) as lock:
        records = await ports.storage.records_of(scope.access, record.namespace, record.name)
        if not records or records[-1].uid != record.uid:
            where = f"{record.namespace}/{record.name}"
            raise Conflict("has changed since it was looked at", where=where, hint="run the same command again")
        target = (await ports.storage.body(scope.access, record)).namespace
        revert = HelmRevert(record.name, record.namespace, options, holder=lock.holder, target_namespace=target)
        await ports.helm.uninstall(scope.access, revert)
