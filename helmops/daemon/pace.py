"""How soon again: after errors, after a while, and when others never leave an object alone."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

FIRST_RETRY = 1.0
LONGEST_RETRY = 300.0
WINDOW = dt.timedelta(seconds=60)
BURST = 10
LONGEST_CALM = 60.0

Spread = Callable[[], float]
"""A number from 0.0 to 1.0."""


@dataclass(frozen=True, slots=True)
class Pace:
    """``interval``: seconds between looks that nobody asked for. ``spread`` keeps releases from moving in step."""

    interval: float
    spread: Spread

    def again(self, interval: float = 0.0) -> float:
        """Seconds until the next look; Flux's 5 % to either side."""
        return (interval or self.interval) * (0.95 + 0.1 * self.spread())

    def retry(self, failures: int) -> float:
        """Seconds after the n-th failure in a row."""
        return min(FIRST_RETRY * 2.0 ** min(failures - 1, 20), LONGEST_RETRY) * (0.9 + 0.2 * self.spread())


@dataclass(slots=True)
class Calm:
    """Drift comes at the event. Who keeps writing an object (or fights with us) is answered more and more slowly."""

    _seen: dict[Hashable, deque[dt.datetime]] = field(default_factory=dict)

    def delay(self, key: Hashable, now: dt.datetime) -> float:
        """Seconds to let pass, given how often this key was woken lately."""
        seen = self._seen.setdefault(key, deque(maxlen=64))
        while seen and now - seen[0] > WINDOW:
            seen.popleft()
        seen.append(now)
        over = len(seen) - BURST
        return 0.0 if over <= 0 else min(0.5 * 2.0**over, LONGEST_CALM)

    def forget(self, key: Hashable) -> None:
        """It is not there any more."""
        self._seen.pop(key, None)
