"""What a helmops that is gone left behind: its Leases, and helm processes that outlive it and still write."""

from __future__ import annotations

from contextlib import suppress

from helmops.api.model import Access
from helmops.engine.fleet import Fleet
from helmops.engine.plan import Plan, Planned
from helmops.engine.world import Id
from helmops.errors import HelmopsError
from helmops.ports import Progress

POLL_SECONDS = 0.5
"""How often a helm without its helmops is looked after."""


class Remains:
    """Of one pass. A Lease of the dead says that its release may have moved after it was planned, without a witness."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._ports = fleet.ports
        self._left: dict[Access, frozenset[Id]] = {}

    async def find(self, plan: Plan) -> None:
        """One list for each place. Who may not list Leases learns nothing here, and is told when he takes one."""
        releases: dict[Access, set[Id]] = {}
        for one in plan.releases:
            if one.resolved is not None:
                releases.setdefault(self._access(one), set()).add(one.id)
        for access, ids in releases.items():
            with suppress(HelmopsError):
                self._left[access] = await self._ports.locks.left_behind(access, ids)

    async def after(self, planned: Planned) -> Planned:
        """The release planned anew, once no helm of the dead runs any more; as it was planned where nothing is left."""
        if planned.resolved is None or planned.id not in self._left.get(self._access(planned), ()):
            return planned
        await self._end(planned)
        return await self._fleet.planner(planned.release).again(planned)

    async def sweep(self, done: list[Planned]) -> None:
        """Take away the Leases of what is as it should be; those of the pending tell that they can be recovered."""
        for access, left in self._left.items():
            if ids := left & {one.id for one in done if one.resolved is not None and self._access(one) == access}:
                with suppress(HelmopsError):  # litter does no harm
                    await self._ports.locks.sweep(access, ids)

    async def _end(self, planned: Planned) -> None:
        """Waits for a helm that lives on, for its hard deadline at most."""
        told = False
        while lease := await self._ports.locks.look(self._access(planned), *planned.id):
            if not lease.orphaned or self._ports.clock.now() >= lease.deadline:
                return
            if not told:
                text = f"for the helm that {lease.holder} left behind"
                self._ports.recorder.record(Progress("/".join(planned.id), "waiting", text))
            told = True
            await self._ports.clock.sleep(POLL_SECONDS)

    def _access(self, planned: Planned) -> Access:
        return self._fleet.planner(planned.release).scope.access
