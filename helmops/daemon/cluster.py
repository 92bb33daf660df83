"""The source ``Release`` objects: watched, read one by one, and told in their status and in Events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from helmops.api.chart_kind import KIND as CHART_SOURCE
from helmops.api.model import Access, Desired
from helmops.api.release_kind import API_VERSION, KIND
from helmops.core.objects import ObjectId
from helmops.core.release.status import Status, record
from helmops.daemon.events import Events
from helmops.daemon.item import Item, Report, Unreadable, Wake
from helmops.daemon.log import Log
from helmops.daemon.objects import load_objects
from helmops.daemon.status import read_status, written
from helmops.engine.context import Ports
from helmops.engine.load import Loaded
from helmops.engine.plan import Key
from helmops.errors import InputError, NotFound, Refused
from helmops.ports import Change

NOTHING = Loaded(Desired(()), {})


class ClusterSource:
    """All ``Release`` objects of a cluster, or those of one namespace."""

    def __init__(self, ports: Ports, access: Access, log: Log, *, namespace: str = "") -> None:
        self._ports = ports
        self._access = access
        self._namespace = namespace or None
        self._events = Events(ports.cluster, ports.clock, log)
        self._generations: dict[Key, tuple[str, int | None]] = {}

    def knows(self, key: Key) -> bool:
        """Whether the watch has shown it."""
        return key in self._generations

    async def watch(self, wake: Wake) -> None:
        """A new generation wakes; our own status writes make none."""
        changes = self._ports.cluster.watch_metadata(self._access, API_VERSION, KIND, self._namespace)
        try:
            async for change in changes:
                if change:
                    self._seen(change, wake)
        except NotFound as error:
            raise Refused(error.message, hint="helmops crds | kubectl apply -f -") from error

    def _seen(self, change: Change, wake: Wake) -> None:
        key = change.meta.id.namespace, change.meta.id.name
        if change.gone or change.meta.deleting:
            if self._generations.pop(key, None):
                wake(key, "deleted")
            return
        now = change.meta.uid, change.meta.generation
        if self._generations.get(key) != now:
            self._generations[key] = now
            wake(key, "changed")

    async def read(self, key: Key) -> Item | None:
        """The object as it is now."""
        live = await self._ports.cluster.get(self._access, ObjectId(API_VERSION, KIND, *key))
        if live is None or "deletionTimestamp" in live["metadata"]:
            return None
        item = Item(key, NOTHING, int(live["metadata"].get("generation") or 0), read_status(live), dict(live))
        named = _chart_source(live, key[0])
        try:
            objects = [live, *await self._object(named)]
            loaded = await load_objects(self._ports.files, objects, access=self._access)
        except (InputError, NotFound) as error:
            raise Unreadable(item, error.message) from error
        return replace(item, loaded=loaded, chart_source=named)

    async def _object(self, named: Key | None) -> list[Mapping[str, Any]]:
        """The ChartSource. One that is not there is the loader's to tell."""
        if named is None:
            return []
        found = await self._ports.cluster.get(self._access, ObjectId(API_VERSION, CHART_SOURCE, *named))
        return [found] if found else []

    async def tell(self, item: Item, report: Report) -> None:
        """The status where it says something new, and an Event for everything that was done or went wrong."""
        new = written(item, report, self._ports.clock.now())
        if new is not None:
            try:
                await self._ports.cluster.patch_status(self._access, ObjectId(API_VERSION, KIND, *item.key), new)
            except NotFound:
                return
            item.live["status"] = {**(item.live.get("status") or {}), **new}
        await self._tell_steps(item, report)
        status = report.status
        if _news(item, report):
            await self._events.tell(self._access, item.live, "Warning", status.reason, status.message)

    async def _tell_steps(self, item: Item, report: Report) -> None:
        if report.result is None:
            return
        for step in report.result.steps:
            status = record(Status(), step.action, step.outcome, self._ports.clock.now())
            kind = "Normal" if step.outcome.ok else "Warning"
            message = status.message or f"revision {report.result.revision}"
            await self._events.tell(self._access, item.live, kind, status.reason, message)


def _chart_source(live: Mapping[str, Any], namespace: str) -> Key | None:
    """The ChartSource that the release names."""
    chart = (live.get("spec") or {}).get("chart") or {}
    named = chart.get("source") if isinstance(chart, Mapping) else None
    return (str(named.get("namespace") or namespace), str(named.get("name"))) if isinstance(named, Mapping) else None


def _news(item: Item, report: Report) -> bool:
    """Whether something is wrong that neither a step nor the status before told."""
    if report.status.ready != "False" or (report.result and any(not one.outcome.ok for one in report.result.steps)):
        return False
    return (report.status.reason, report.status.message) != (item.before.reason, item.before.message)
