"""Time that passes only when somebody sleeps or a test says so."""

from __future__ import annotations

import asyncio
import datetime as dt

START = dt.datetime(2026, 1, 1, 12, 0, tzinfo=dt.UTC)


class FakeClock:
    """Port ``Clock``. ``slept`` lists every wait, in order."""

    def __init__(self, start: dt.datetime = START) -> None:
        self._now = start
        self.slept: list[float] = []

    def now(self) -> dt.datetime:
        """The time it is here."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Time jumps on; others get their turn, as they would."""
        self.slept.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += dt.timedelta(seconds=seconds)
