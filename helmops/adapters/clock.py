"""The system's clock."""

from __future__ import annotations

import asyncio
import datetime as dt


class SystemClock:
    """Port ``Clock``."""

    def now(self) -> dt.datetime:
        """Aware, UTC."""
        return dt.datetime.now(dt.UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
