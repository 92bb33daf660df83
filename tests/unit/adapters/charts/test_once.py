"""The same question is asked once, whoever is cancelled."""

from __future__ import annotations

import asyncio

import pytest

from helmops.adapters.charts.once import Once


class Question:
    """Counts how often it is asked; answers when it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.cancelled = 0
        self.answer = asyncio.Event()

    async def ask(self) -> int:
        self.asked += 1
        try:
            await self.answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.asked


async def asking(once: Once[int], question: Question, count: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.ensure_future(once.get("key", question.ask)) for _ in range(count)]
    await asyncio.sleep(0.01)
    return tasks


async def test_many_who_ask_at_once_share_one_task() -> None:
    once, question = Once[int](), Question()
    tasks = await asking(once, question, 5)
    question.answer.set()
    assert await asyncio.gather(*tasks) == [1] * 5
    assert await once.get("key", question.ask) == 1
    assert await once.get("other", question.ask) == 2


async def test_who_is_cancelled_does_not_cancel_the_others() -> None:
    once, question = Once[int](), Question()
    first, second = await asking(once, question, 2)
    first.cancel()
    await asyncio.sleep(0.01)
    question.answer.set()
    assert await second == 1
    assert first.cancelled()


async def test_when_all_are_cancelled_so_is_the_task_and_the_question_is_open_again() -> None:
    once, question = Once[int](), Question()
    for task in await asking(once, question, 2):
        task.cancel()
    await asyncio.sleep(0.01)
    assert question.cancelled == 1
    question.answer.set()
    assert await once.get("key", question.ask) == 2


async def test_a_failure_is_an_answer() -> None:
    once, asked = Once[int](), []

    async def fail() -> int:
        asked.append(1)
        raise ValueError("no")

    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            await once.get("key", fail)
    assert len(asked) == 1
