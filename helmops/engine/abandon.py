"""Handing a release back: our labels go, the release stays as it is."""

from __future__ import annotations

from helmops.core.release.observation import DESIRED_LABEL, OWNER_LABEL, PRUNE_LABEL
from helmops.engine.context import Ports, Scope
from helmops.engine.world import Id
from helmops.errors import Refused

SECONDS = 60.0
"""No helm is started: the labels are written in a moment."""

OURS = (DESIRED_LABEL, OWNER_LABEL, PRUNE_LABEL)


async def abandon(ports: Ports, scope: Scope, release: Id) -> int:
    """Take our labels off every revision; how many had any. Refused where there is nothing of ours."""
    async with ports.locks.hold(scope.access, *release, deadline=SECONDS):
        records = await ports.storage.records_of(scope.access, *release)
        marked = [one for one in records if any(label in one.labels for label in OURS)]
        if not marked:
            raise Refused("is not managed by helmops", where="/".join(release))
        for record in marked:
            await ports.storage.label(scope.access, record, dict.fromkeys(OURS))
    return len(marked)
