"""Leases: what they say, and who may take one."""

from __future__ import annotations

import datetime as dt
from itertools import product
from typing import Any

import pytest

from helmops.adapters.kube import leases
from helmops.core.release.observation import LeaseView

NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


def served(**changes: Any) -> dict[str, Any]:
    """A Lease as the API server would return it."""
    made = leases.document("helmops-web", "me", NOW, seconds=15, deadline=600)
    made["metadata"] |= {"uid": "u", "resourceVersion": "7", "creationTimestamp": "2026-01-01T12:00:00Z"}
    made["spec"] |= changes
    return made


def test_written_and_read() -> None:
    lease = leases.read(served())
    assert (lease.name, lease.uid, lease.resource_version, lease.holder) == ("helmops-web", "u", "7", "me")
    assert lease.expires == NOW + 15 * SECOND
    assert lease.deadline == NOW + 600 * SECOND


@pytest.mark.parametrize(("after", "live"), [(0, True), (14.9, True), (15, False)])
def test_live_while_renewed(after: float, live: bool) -> None:
    view = leases.read(served()).view(NOW + after * SECOND, lambda _: None)
    assert view.live == live


@pytest.mark.parametrize(
    ("writers", "holder", "orphaned"),
    [(False, True, True), (False, False, False), (False, None, False), (True, True, False), (None, True, False)],
)
def test_orphaned_while_a_helm_outlives_its_helmops(writers: bool | None, holder: bool | None, orphaned: bool) -> None:
    assert leases.read(served()).view(NOW, lambda _: writers, lambda _: holder).orphaned is orphaned


@pytest.mark.parametrize(("gone", "live", "over"), list(product([True, False, None], [True, False], [True, False])))
def test_who_may_take_it(gone: bool | None, live: bool, over: bool) -> None:
    view = LeaseView("other", live, gone, NOW - SECOND if over else NOW + SECOND)
    assert leases.takeable(view, NOW) == (gone is True or (not live and over))


def test_a_lease_of_another_tool_has_no_deadline_but_its_own() -> None:
    foreign = served()
    del foreign["metadata"]["annotations"]
    assert leases.read(foreign).deadline == NOW + 15 * SECOND
    bare = {"metadata": foreign["metadata"], "spec": {}}
    lease = leases.read(bare)
    assert (lease.holder, lease.expires) == ("", NOW)


@pytest.mark.parametrize("text", ["soon", "", "2026-13-01T00:00:00Z"])
def test_a_deadline_that_cannot_be_read_never_comes(text: str) -> None:
    garbled = served()
    garbled["metadata"]["annotations"][leases.DEADLINE] = text or "-"
    assert leases.read(garbled).deadline.year == 9999


def test_times_are_kubernetes_micro_times() -> None:
    assert served()["spec"]["renewTime"] == "2026-01-01T12:00:00.000000Z"
    elsewhere = NOW.astimezone(dt.timezone(dt.timedelta(hours=5)))
    assert leases.stamp(elsewhere) == "2026-01-01T12:00:00.000000Z"


@pytest.mark.parametrize(
    ("live", "words"), [(True, "is being written by other"), (False, "until 2026-01-01T12:10:00Z by a helm process")]
)
def test_who_is_locked_out_is_told_by_whom_and_until_when(live: bool, words: str) -> None:
    error = leases.locked(LeaseView("other", live, None, NOW + 600 * SECOND), "apps/web")
    assert words in error.message
    assert "apps/web" in error.message
    assert error.holder == "other"
