"""The port Locks: one writer of a release at a time, also when writers die."""

from __future__ import annotations

import asyncio
import datetime as dt
import time

import pytest

from helmops.adapters.kube.locks import KubeLocks, Timing
from helmops.errors import Locked, NotFound, Rejected
from tests.contract.kube import FAST, HOLDER, RealWorld, World

OTHER = "that-host_boot_9_9_9"
HOUR = dt.timedelta(hours=1)


async def test_held_then_gone(world: World) -> None:
    assert await world.locks.look(world.access, world.namespace, "web") is None
    before = world.now()
    async with world.locks.hold(world.access, world.namespace, "web", deadline=60) as lock:
        assert lock.holder == HOLDER
        view = await world.locks.look(world.access, world.namespace, "web")
        assert view is not None
        assert (view.holder, view.live, view.writers_gone) == (HOLDER, True, False)
        assert dt.timedelta(seconds=59) <= view.deadline - before <= dt.timedelta(seconds=70)
    assert await world.locks.look(world.access, world.namespace, "web") is None


async def test_the_same_process_does_not_hold_twice(world: World) -> None:
    async with world.locks.hold(world.access, world.namespace, "web", deadline=60):
        with pytest.raises(Locked):
            async with world.locks.hold(world.access, world.namespace, "web", deadline=60):
                pytest.fail("held twice")
        async with world.locks.hold(world.access, world.namespace, "other", deadline=60):
            pass
    async with world.locks.hold(world.access, world.namespace, "web", deadline=60):
        pass


async def test_an_error_of_the_body_passes_unchanged(world: World) -> None:
    cause = KeyError("cause")
    with pytest.raises(ValueError, match="mine") as caught:
        async with world.locks.hold(world.access, world.namespace, "web", deadline=60):
            raise ValueError("mine") from cause
    assert caught.value.__cause__ is cause
    assert await world.locks.look(world.access, world.namespace, "web") is None


async def test_cancelled_bodies_give_it_back(world: World) -> None:
    held = asyncio.Event()

    async def body() -> None:
        async with world.locks.hold(world.access, world.namespace, "web", deadline=60):
            held.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(body())
    await held.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await world.locks.look(world.access, world.namespace, "web") is None


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("gone", [None, False])
async def test_somebody_who_may_still_write_is_respected_until_the_deadline(
    world: World, live: bool, gone: bool | None
) -> None:
    if gone is not None:
        world.gone[OTHER] = gone
    await world.leave_lease("web", OTHER, live=live, deadline=world.now() + HOUR)
    with pytest.raises(Locked, match=OTHER) as caught:
        async with world.locks.hold(world.access, world.namespace, "web", deadline=60):
            pytest.fail("taken from a writer")
    assert caught.value.holder == OTHER
    view = await world.locks.look(world.access, world.namespace, "web")
    assert view is not None
    assert (view.holder, view.live, view.writers_gone) == (OTHER, live, gone)


@pytest.mark.parametrize("live", [True, False])
async def test_taken_at_once_from_who_is_known_to_be_gone(world: World, live: bool) -> None:
    world.gone[OTHER] = True
    await world.leave_lease("web", OTHER, live=live, deadline=world.now() + HOUR)
    async with world.locks.hold(world.access, world.namespace, "web", deadline=60):
        view = await world.locks.look(world.access, world.namespace, "web")
        assert view is not None
        assert view.holder == HOLDER
    assert await world.locks.look(world.access, world.namespace, "web") is None


async def test_what_the_dead_left_behind_also_where_their_helm_lives_on(world: World) -> None:
    for name, holder in (("dead", OTHER), ("orphan", "orphaned"), ("unknown", "nobody-knows"), ("unasked", OTHER)):
        await world.leave_lease(name, holder, live=True, deadline=world.now() + HOUR)
    world.gone[OTHER] = True
    world.orphans.add("orphaned")
    asked = {(world.namespace, name) for name in ("dead", "orphan", "unknown", "none")} | {("kube-system", "dead")}
    found = await world.locks.left_behind(world.access, asked)
    assert found == {(world.namespace, "dead"), (world.namespace, "orphan")}
    view = await world.locks.look(world.access, world.namespace, "orphan")
    assert view is not None
    assert (view.orphaned, view.writers_gone) == (True, False)
    await world.locks.sweep(world.access, found)
    assert await world.locks.left_behind(world.access, asked) == {(world.namespace, "orphan")}


async def test_swept_where_everybody_is_gone_and_only_there(world: World) -> None:
    for name, holder in (("dead", OTHER), ("unasked", OTHER), ("unknown", "nobody-knows")):
        await world.leave_lease(name, holder, live=True, deadline=world.now() + HOUR)
    world.gone[OTHER] = True
    await world.locks.sweep(world.access, {(world.namespace, "dead"), (world.namespace, "unknown")})
    found = [await world.locks.look(world.access, world.namespace, name) for name in ("dead", "unasked", "unknown")]
    assert [view is None for view in found] == [True, False, False]
    async with world.locks.hold(world.access, world.namespace, "mine", deadline=60):
        await world.locks.sweep(world.access, {(world.namespace, "mine"), ("elsewhere", "mine")})
        assert await world.locks.look(world.access, world.namespace, "mine") is not None


async def test_taken_from_the_silent_after_the_deadline(world: World) -> None:
    await world.leave_lease("web", OTHER, live=False, deadline=world.now() - dt.timedelta(seconds=1))
    async with world.locks.hold(world.access, world.namespace, "web", deadline=60):
        view = await world.locks.look(world.access, world.namespace, "web")
        assert view is not None
        assert view.holder == HOLDER


async def test_not_taken_from_the_living_after_the_deadline(world: World) -> None:
    await world.leave_lease("web", OTHER, live=True, deadline=world.now() - dt.timedelta(seconds=1))
    with pytest.raises(Locked):
        async with world.locks.hold(world.access, world.namespace, "web", deadline=60):
            pytest.fail("taken from the living")


async def test_a_lost_lease_ends_the_body(world: World) -> None:
    ended = False
    with pytest.raises(Locked, match="lost"):
        async with world.locks.hold(world.access, world.namespace, "web", deadline=60):
            await world.steal_lease("web")
            try:
                await asyncio.sleep(30)
            finally:
                ended = True
    assert ended
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0
    view = await world.locks.look(world.access, world.namespace, "web")
    assert view is not None  # the thief's stays
    assert view.holder == "thief"


async def test_a_namespace_that_is_not_there(world: World) -> None:
    with pytest.raises(NotFound, match="no-such-namespace"):
        async with world.locks.hold(world.access, "no-such-namespace", "web", deadline=60):
            pytest.fail("held nowhere")


async def test_of_two_who_try_one_wins(real: RealWorld) -> None:
    rivals = [KubeLocks(real.client, f"rival_{index}", lambda _: None, timing=FAST) for index in range(8)]
    won: list[str] = []

    async def compete(locks: KubeLocks) -> None:
        async with locks.hold(real.access, real.namespace, "web", deadline=60) as lock:
            won.append(lock.holder)
            await asyncio.sleep(1.0)

    outcomes = await asyncio.gather(*map(compete, rivals), return_exceptions=True)
    assert len(won) == 1
    assert sum(isinstance(outcome, Locked) for outcome in outcomes) == 7


async def test_of_two_who_take_over_one_wins(real: RealWorld) -> None:
    await real.leave_lease("web", OTHER, live=False, deadline=real.now() - HOUR)
    rivals = [KubeLocks(real.client, f"rival_{index}", lambda _: None, timing=FAST) for index in range(8)]
    won: list[str] = []

    async def compete(locks: KubeLocks) -> None:
        async with locks.hold(real.access, real.namespace, "web", deadline=60) as lock:
            won.append(lock.holder)
            await asyncio.sleep(1.0)

    await asyncio.gather(*map(compete, rivals), return_exceptions=True)
    assert len(won) == 1


async def test_not_taken_from_the_living_whose_clock_is_slow(real: RealWorld) -> None:
    await real.leave_lease("web", OTHER, live=False, deadline=real.now() - HOUR)
    path = f"/apis/coordination.k8s.io/v1/namespaces/{real.namespace}/leases/helmops-web"

    async def renew() -> None:
        for tick in range(100):
            renewed = f"2020-01-01T00:00:00.{tick:06}Z"
            await real.ask("PATCH", path, {"spec": {"renewTime": renewed}}, "application/merge-patch+json")
            await asyncio.sleep(0.05)

    other = asyncio.create_task(renew())
    with pytest.raises(Locked, match=OTHER):
        async with real.locks.hold(real.access, real.namespace, "web", deadline=60):
            pytest.fail("taken from the living")
    other.cancel()


async def test_it_is_renewed(real: RealWorld) -> None:
    locks = KubeLocks(real.client, HOLDER, lambda _: None, timing=Timing(duration=1.0, renew=0.2))
    async with locks.hold(real.access, real.namespace, "web", deadline=1):
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            view = await locks.look(real.access, real.namespace, "web")
            assert view is not None
            assert view.live
            await asyncio.sleep(0.1)


async def test_a_bystanders_write_does_not_lose_it(real: RealWorld) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{real.namespace}/leases/helmops-web"
    async with real.locks.hold(real.access, real.namespace, "web", deadline=60):
        for index in range(3):
            note = {"metadata": {"annotations": {"note": str(index)}}}
            await real.ask("PATCH", path, note, "application/merge-patch+json")
            await asyncio.sleep(0.25)
    assert await real.locks.look(real.access, real.namespace, "web") is None


async def test_a_deleted_lease_is_lost(real: RealWorld) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{real.namespace}/leases/helmops-web"
    with pytest.raises(Locked, match="deleted"):
        async with real.locks.hold(real.access, real.namespace, "web", deadline=60):
            await real.ask("DELETE", path)
            await asyncio.sleep(30)


async def test_its_own_left_behind_is_taken_at_once(real: RealWorld) -> None:
    await real.leave_lease("web", HOLDER, live=True, deadline=real.now() + HOUR)
    async with real.locks.hold(real.access, real.namespace, "web", deadline=60):
        pass
    assert await real.locks.look(real.access, real.namespace, "web") is None


async def test_a_terminating_namespace_says_so(real: RealWorld) -> None:
    blocker = {
        "metadata": {"name": "blocker", "finalizers": ["helmops.test/hold"]},
    }
    path = f"/api/v1/namespaces/{real.namespace}"
    await real.ask("POST", f"{path}/configmaps", blocker)
    await real.ask("DELETE", path)
    try:
        with pytest.raises(Rejected, match="being terminated"):
            async with real.locks.hold(real.access, real.namespace, "web", deadline=60):
                pytest.fail("held in a terminating namespace")
    finally:
        free = {"metadata": {"finalizers": None}}
        await real.ask("PATCH", f"{path}/configmaps/blocker", free, "application/merge-patch+json")
