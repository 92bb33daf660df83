"""The queue: a burst is one piece of work, and nothing is worked on twice at once."""

from __future__ import annotations

import asyncio

import pytest

from helmops.daemon.pace import BURST, LONGEST_RETRY, Calm, Pace
from helmops.daemon.queue import Queue
from helmops.testing.clock import START, FakeClock, PatientClock


@pytest.fixture
def clock() -> PatientClock:
    return PatientClock()


async def test_a_burst_is_one_piece_of_work(clock: PatientClock) -> None:
    queue: Queue[str] = Queue(clock)
    for _ in range(5):
        queue.add("web")
    assert await queue.take() == "web"
    queue.done("web")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.take(), 0.01)


async def test_what_comes_during_the_work_is_done_after_it(clock: PatientClock) -> None:
    queue: Queue[str] = Queue(clock)
    queue.add("web")
    await queue.take()
    queue.add("web")
    queue.add("api")
    assert await queue.take() == "api"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.take(), 0.01)
    queue.done("web")
    assert await queue.take() == "web"


async def test_the_earliest_time_counts() -> None:
    clock = FakeClock()
    queue: Queue[str] = Queue(clock)
    queue.add("web", 300.0)
    queue.add("api", 60.0)
    queue.add("web", 5.0)
    queue.add("web", 900.0)
    assert [await queue.take(), await queue.take()] == ["web", "api"]
    assert (clock.now() - START).total_seconds() == 60.0


async def test_somebody_who_waits_is_woken_by_what_is_sooner(clock: PatientClock) -> None:
    queue: Queue[str] = Queue(clock)
    queue.add("web", 300.0)
    taking = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    queue.add("api")
    assert await asyncio.wait_for(taking, 1) == "api"


async def test_what_is_dropped_is_not_done(clock: PatientClock) -> None:
    queue: Queue[str] = Queue(clock)
    queue.add("web")
    queue.drop("web")
    queue.drop("never-there")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.take(), 0.01)


def test_errors_are_tried_again_later_and_later_and_never_in_step() -> None:
    waits = [Pace(300.0, lambda: 0.5).retry(failures) for failures in range(1, 12)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (1.0, LONGEST_RETRY)
    assert Pace(300.0, lambda: 0.0).again() < Pace(300.0, lambda: 1.0).again()
    assert Pace(300.0, lambda: 0.5).again(60.0) == 60.0


def test_what_never_rests_is_answered_more_and_more_slowly() -> None:
    calm, clock = Calm(), FakeClock()
    delays = [calm.delay("web", clock.now()) for _ in range(BURST + 3)]
    assert delays == [0.0] * BURST + [1.0, 2.0, 4.0]
    clock.advance(61)
    assert calm.delay("web", clock.now()) == 0.0
