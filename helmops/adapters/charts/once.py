"""The same question is asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Asked(Generic[Answer]):
    task: asyncio.Task[Answer]
    waiting: int = 0


class Once(Generic[Answer]):
    """Answers by key, failures included. Those who ask at the same time wait for one task.

    Who is cancelled stops waiting; only when nobody waits any more is the task cancelled, and the question open again.
    """

    def __init__(self) -> None:
        self._asked: dict[Hashable, _Asked[Answer]] = {}

    async def get(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """The answer to ``key``, by ``ask`` unless somebody asked before."""
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = _Asked(asyncio.ensure_future(ask()))
        asked.waiting += 1
        try:
            return await asyncio.shield(asked.task)
        finally:
            asked.waiting -= 1
            self._abandon(key, asked)

    def _abandon(self, key: Hashable, asked: _Asked[Answer]) -> None:
        if asked.waiting or (asked.task.done() and not asked.task.cancelled()):
            return
        asked.task.cancel()
        if self._asked.get(key) is asked:
            del self._asked[key]
