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


class PatientClock(FakeClock):
    """Whoever sleeps sleeps until a test has let that much time pass: for what works without end."""

    def __init__(self, start: dt.datetime = START) -> None:
        super().__init__(start)
        self._sleeping: list[tuple[dt.datetime, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        """Until ``advance`` has come that far."""
        self.slept.append(seconds)
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleeping.append((self.now() + dt.timedelta(seconds=seconds), woken))
        await woken

    def advance(self, seconds: float) -> None:
        """Let time pass, and wake whose time has come."""
        super().advance(seconds)
        due = [(time, woken) for time, woken in self._sleeping if time <= self.now()]
        self._sleeping = [one for one in self._sleeping if one not in due]
        for _, woken in due:
            if not woken.done():
                woken.set_result(None)
