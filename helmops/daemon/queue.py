"""What is to be worked on, and when. One key is never worked on twice at once; whatever comes meanwhile is kept."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

from helmops.ports import Clock

K = TypeVar("K", bound=Hashable)


class Queue(Generic[K]):
    """Keys by the time they are due. Of several times the earliest counts, so that a burst is one piece of work."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[K, dt.datetime] = {}
        self._working: set[K] = set()
        self._changed = asyncio.Event()

    def add(self, key: K, delay: float = 0.0) -> None:
        """Work on it, ``delay`` seconds from now at the latest."""
        due = self._clock.now() + dt.timedelta(seconds=delay)
        if key not in self._due or due < self._due[key]:
            self._due[key] = due
            self._changed.set()

    def drop(self, key: K) -> None:
        """It is not there any more."""
        self._due.pop(key, None)

    def waiting(self, key: K) -> bool:
        """Whether it is due already, perhaps while it is worked on."""
        return key in self._due and self._due[key] <= self._clock.now()

    def working(self, key: K) -> bool:
        """Whether somebody works on it now."""
        return key in self._working

    async def take(self) -> K:
        """The next that is due; ``done`` gives it free."""
        while (key := self._next()) is None or self._due[key] > self._clock.now():
            await self._wait(key)
        del self._due[key]
        self._working.add(key)
        return key

    def done(self, key: K) -> None:
        """Nobody works on it now."""
        self._working.discard(key)
        self._changed.set()

    def _next(self) -> K | None:
        free = (key for key in self._due if key not in self._working)
        return min(free, key=self._due.__getitem__, default=None)

    async def _wait(self, key: K | None) -> None:
        """Until something changes, or the key is due."""
        self._changed.clear()
        waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._changed.wait())]
        if key is not None:
            seconds = (self._due[key] - self._clock.now()).total_seconds()
            waiting.append(asyncio.ensure_future(self._clock.sleep(seconds)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
