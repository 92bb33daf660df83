"""Telling: to the source, and in the log where something has happened or changed."""

from __future__ import annotations

from helmops.core.release.status import Status, record
from helmops.daemon.item import Item, Report, Source
from helmops.daemon.log import Log
from helmops.engine.plan import Key
from helmops.ports import Clock


class Teller:
    """The log has one line for each step and for each change of how a release stands."""

    def __init__(self, source: Source, log: Log, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._log = log
        self._told: dict[Key, tuple[str, str, str]] = {}

    async def tell(self, item: Item, report: Report) -> None:
        """To both."""
        self._log_steps(item, report)
        self._log_standing(item, report)
        await self._source.tell(item, report)

    def forget(self, key: Key) -> None:
        """It is not there any more."""
        self._told.pop(key, None)

    def _log_steps(self, item: Item, report: Report) -> None:
        for step in report.result.steps if report.result else ():
            status = record(Status(), step.action, step.outcome, self._clock.now())
            tell = self._log.info if step.outcome.ok else self._log.error
            revision = report.result.revision if report.result else 0
            tell("/".join(item.key), status.message, reason=status.reason, revision=revision)

    def _log_standing(self, item: Item, report: Report) -> None:
        status = report.status
        now = status.ready, status.reason, status.message
        if self._told.get(item.key) == now:
            return
        self._told[item.key] = now
        tell = self._log.error if status.ready == "False" else self._log.info
        tell("/".join(item.key), status.message, ready=status.ready, reason=status.reason)
