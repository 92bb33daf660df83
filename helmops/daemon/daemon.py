"""The loop: what is woken is queued, what is due is worked on, and what comes of it says when to look again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Hashable
from dataclasses import dataclass

from helmops.api.model import Access
from helmops.daemon import passes
from helmops.daemon.beside import HELM, Beside
from helmops.daemon.dependencies import Dependencies
from helmops.daemon.drift import DriftWatch
from helmops.daemon.item import Item, Report, Source, Unreadable
from helmops.daemon.log import Log
from helmops.daemon.pace import Calm, Pace, Spread
from helmops.daemon.queue import Queue
from helmops.daemon.standing import OUTCOMES
from helmops.daemon.tell import Teller
from helmops.engine.context import Ports
from helmops.engine.plan import Key
from helmops.errors import Bug, HelmopsError, InputError

PEOPLE = frozenset({"changed", "deleted"})
WAITING = OUTCOMES["blocked"]


@dataclass(frozen=True, slots=True)
class Settings:
    """``interval``: seconds between looks that nobody asked for; ``sources``: between questions to chart sources."""

    interval: float = 300.0
    sources: float = 60.0
    workers: int = 8
    namespace: str = ""


class Daemon:
    """One source of releases, without end."""

    def __init__(
        self,
        ports: Ports,
        access: Access,
        source: Source,
        log: Log,
        settings: Settings = Settings(),
        spread: Spread = random.random,
    ) -> None:
        self._ports = ports
        self._access = access
        self._source = source
        self._log = log
        self._settings = settings
        self._queue: Queue[Key] = Queue(ports.clock)
        self._pace = Pace(settings.interval, spread)
        self._calm = Calm()
        self._dependencies = Dependencies()
        self._beside = Beside(ports.cluster, access, log, self.wake, namespace=settings.namespace)
        self._teller = Teller(source, log, ports.clock)
        self._claims: dict[Hashable, Key] = {}
        self._failures: dict[Key, int] = {}
        self._stirred: set[Key] = set()
        self._drift: DriftWatch | None = None

    async def run(self) -> None:
        """Until it is cancelled: then nothing new is begun, and helm processes finish their records."""
        try:
            async with asyncio.TaskGroup() as group:
                self._drift = DriftWatch(self._ports.cluster, group, self._log, self._broken)
                group.create_task(self._source.watch(self.wake))
                group.create_task(self._beside.watch())
                group.create_task(self._forgetful())
                for _ in range(self._settings.workers):
                    group.create_task(self._work())
        except* HelmopsError as errors:
            raise _first(errors) from None

    # ------------------------------------------------------------ what wakes
    def wake(self, key: Key, why: str) -> None:
        """Something about the release has changed: what failed before may go well now."""
        if why in PEOPLE:
            self._dependencies.doubt(key)
            self._failures.pop(key, None)
            self._queue.add(key)
        elif why != HELM:
            self._failures.pop(key, None)
            self._broken(key)
        else:
            self._broken(key)

    def _broken(self, key: Key) -> None:
        """It may not be as it should be. What comes during the work, our own writes above all, is one look after it."""
        if self._queue.working(key):
            self._stirred.add(key)
        elif not self._queue.waiting(key):
            self._queue.add(key, self._calm.delay(key, self._ports.clock.now()))

    async def _forgetful(self) -> None:
        """What chart sources answered is true for a while only."""
        while True:
            await self._ports.clock.sleep(self._settings.sources)
            self._ports.charts.forget()

    # ------------------------------------------------------------ work
    async def _work(self) -> None:
        while True:
            key = await self._queue.take()
            try:
                await self._one(key)
            except HelmopsError as error:
                self._log.error("/".join(key), str(error))
                self._queue.add(key, self._retry(key))
            except Exception as error:  # noqa: BLE001  one release that we fail on must not stop all the others
                self._log.error("/".join(key), f"a bug of helmops: {type(error).__name__}")
                self._queue.add(key, self._retry(key))
            finally:
                self._queue.done(key)

    async def _one(self, key: Key) -> None:
        self._stirred.discard(key)
        try:
            item = await self._source.read(key)
        except Unreadable as error:
            report = passes.refused(error.item, InputError(error.message))
            await self._settle(error.item, report)
            return
        if item is None:
            self._forget(key)
            return
        try:
            self._claim(item)
            await self._pass(item)
        except HelmopsError as error:
            await self._settle(item, passes.refused(item, error))

    async def _pass(self, item: Item) -> None:
        self._learn(item)
        prepared = await passes.prepare(self._ports, self._access, item)
        if prepared.planned.acts and (needed := self._dependencies.missing(item.key)):
            await self._hold(item, prepared, needed)
            return
        if report := passes.begun(item, prepared.planned):
            await self._teller.tell(item, report)
        report = await passes.apply(prepared, item)
        if not (report.result and report.result.steps):
            found = await passes.contained(prepared, self._access.identity)
            self._watched.learn(item.key, found.access, found.objects, found.proofs or {})
        await self._settle(item, report)

    async def _hold(self, item: Item, prepared: passes.Prepared, needed: Key) -> None:
        """What has not been looked at yet may be ready: nothing is told before that is known."""
        self._dependencies.check(item.key)
        if self._source.knows(needed) and self._dependencies.undecided(needed):
            self._queue.add(item.key, self._pace.again(item.release.interval))
            return
        await self._settle(item, passes.held(item, prepared.planned, f"waits for {'/'.join(needed)}"))

    async def _settle(self, item: Item, report: Report) -> None:
        """Tell it, wake who waits for it, and say when to look again."""
        status = report.status
        again = self._again(item, report)
        if not self._passing(item.key, report):
            await self._teller.tell(item, report)
        for other in self._dependencies.settle(item.key, ready=status.ready == "True"):
            self._queue.add(other)
        self._queue.add(item.key, again)

    def _passing(self, key: Key, report: Report) -> bool:
        """A first failure that nobody need hear of: the next try comes in a second."""
        known = report.status.ready == "True" or report.status.stalled or report.status.reason == WAITING
        return not known and not _acted(report) and self._failures.get(key, 0) <= 1

    def _again(self, item: Item, report: Report) -> float:
        """What was done is looked at at once: it is proved then, and its drift seen."""
        release = item.loaded.desired.releases
        interval = self._pace.again(release[0].interval if release else 0.0)
        if report.status.ready == "True":
            self._failures.pop(item.key, None)
        elif not (report.status.stalled or report.status.reason == WAITING):
            return self._retry(item.key)
        if _acted(report) or item.key in self._stirred:
            return self._calm.delay(item.key, self._ports.clock.now())
        return interval

    def _retry(self, key: Key) -> float:
        self._failures[key] = self._failures.get(key, 0) + 1
        return self._pace.retry(self._failures[key])

    # ------------------------------------------------------------ what is remembered
    def _claim(self, item: Item) -> None:
        """Two objects that name one release are an error, whichever comes first."""
        release = item.release
        claim = (release.kube_config, release.namespace, release.name)
        first = self._claims.setdefault(claim, item.key)
        if first != item.key and self._source.knows(first):
            text = f"release {release.namespace}/{release.name} is described by {'/'.join(first)}, too"
            raise InputError(text, where="metadata.name")
        self._claims[claim] = item.key

    def _learn(self, item: Item) -> None:
        self._dependencies.learn(item.key, item.release.depends_on)
        self._beside.learn(item.key, item.release, item.chart_source)

    def _forget(self, key: Key) -> None:
        """The release itself stays deployed: a description that is gone is no order to uninstall."""
        for part in (self._dependencies, self._beside, self._watched, self._calm, self._teller):
            part.forget(key)
        self._claims = {claim: other for claim, other in self._claims.items() if other != key}
        self._failures.pop(key, None)
        self._queue.drop(key)
        self._log.info("/".join(key), "not described any more; the release is left as it is")

    @property
    def _watched(self) -> DriftWatch:
        if self._drift is None:
            raise Bug("the daemon is not running")
        return self._drift


def _acted(report: Report) -> bool:
    return bool(report.result and report.result.steps)


def _first(errors: BaseExceptionGroup[HelmopsError]) -> HelmopsError:
    """The reason why the daemon cannot go on."""
    found = errors.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found
