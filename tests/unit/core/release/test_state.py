"""``determine``, row by row. A release's story is written as its revisions: ``number status label``."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helmops.core.drift.compare import missing_report
from helmops.core.objects import ObjectId
from helmops.core.release.observation import Foreign, LeaseView, Record
from helmops.core.release.state import (
    Absent,
    Drifted,
    Failed,
    InSync,
    Managed,
    Observed,
    OutOfSync,
    Pending,
    RolledBack,
    Unmanaged,
    Wanted,
    determine,
    good_revision,
    recovered_description,
)

A, B = "a" * 40, "b" * 40
WANTED = Wanted(A)
NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
LEASE = LeaseView("host_1", live=True, writers_gone=None, deadline=NOW)


def record(revision: int, status: str, label: str = "", **labels: str) -> Record:
    marks = {"helmops.dev/desired": label} if label else {}
    uid = f"uid-{revision}"
    return Record("apps", "web", revision, status, uid, "1", "2026-11-22T00:00:00Z", marks | labels)


def story(*lines: str, said: dict[int, str] | None = None) -> Observed:
    """``"5 failed 5.a"``: revision 5 failed, labelled as made for digest a."""
    records = []
    for line in lines:
        revision, status, *label = line.split()
        digest = {"a": A, "b": B}
        text = "".join(f"{n}.{digest[d]}" for n, d in (part.split(".") for part in label))
        records.append(record(int(revision), status, text))
    return Observed(tuple(records), said or {})


FAILED = 'Upgrade "web" failed: timed out'
SLOW = 'Release "web" failed: context deadline exceeded'
BOOM = 'Rollback "web" failed: boom'
STOPPED = 'Upgrade "web" failed: context canceled'


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(story(), Absent, id="nothing there"),
        pytest.param(story("1 uninstalled 1.a"), Absent, id="only a kept history"),
        pytest.param(story("1 deployed 1.a"), InSync, id="deployed for this input"),
        pytest.param(story("1 deployed 1.b"), OutOfSync, id="deployed for another input"),
        pytest.param(story("1 deployed"), Unmanaged, id="made by hand"),
        pytest.param(story("1 superseded 1.a", "2 deployed 1.a"), OutOfSync, id="upgraded by hand: label carried over"),
        pytest.param(story("1 deployed 1.b", "2 failed 2.a", said={2: FAILED}), Failed, id="this input failed"),
        pytest.param(story("1 failed 1.a", said={1: FAILED}), Failed, id="the first install failed"),
        pytest.param(story("1 deployed 1.a", "2 failed 2.b", said={2: FAILED}), OutOfSync, id="another input failed"),
        pytest.param(
            story("1 deployed 1.b", "2 failed 2.a", said={2: STOPPED}), OutOfSync, id="interrupted, not failed"
        ),
        pytest.param(
            story("1 superseded 1.b", "2 failed 2.a", "3 deployed 1.b", said={2: FAILED, 3: "Rollback to 1"}),
            RolledBack,
            id="this input failed and was rolled back",
        ),
        pytest.param(
            story("1 superseded 1.b", "2 superseded 2.a", "3 deployed 1.b", said={3: "Rollback to 1"}),
            RolledBack,
            id="this input was rolled back by hand",
        ),
        pytest.param(
            story("1 superseded 1.a", "2 failed 2.b", "3 deployed 1.a", said={2: FAILED, 3: "Rollback to 1"}),
            InSync,
            id="rolled back to what is wanted",
        ),
        pytest.param(
            story("1 superseded 1.b", "2 superseded 2.b", "3 deployed 1.b", said={3: "Rollback to 1"}),
            OutOfSync,
            id="rolled back, and the input has changed since",
        ),
        pytest.param(
            story("1 deployed 1.b", "2 superseded 2.a", "3 failed 1.b", said={2: FAILED, 3: BOOM}),
            Failed,
            id="the rollback was refused",
        ),
        pytest.param(
            story("1 deployed 1.b", "2 failed 2.a", "3 failed 1.b", said={2: FAILED, 3: SLOW}),
            Failed,
            id="the rollback did not get ready in time",
        ),
        pytest.param(
            story("1 superseded 1.b", "2 failed 2.a", "3 superseded 1.b", "4 deployed 1.b", said={4: "Rollback to 3"}),
            RolledBack,
            id="rolled back twice",
        ),
        pytest.param(story("1 pending-install 1.a"), Pending, id="an install under way"),
        pytest.param(story("1 deployed 1.a", "2 pending-upgrade"), Pending, id="somebody's upgrade under way"),
        pytest.param(story("1 uninstalling 1.a"), Pending, id="an uninstallation under way"),
    ],
)
def test_state(seen: Observed, expected: type) -> None:
    assert type(determine(WANTED, seen)) is expected


def test_only_the_highest_revision_decides() -> None:
    seen = story("1 deployed 1.a", "2 deployed 2.b")
    assert isinstance(determine(WANTED, seen), OutOfSync)


def test_a_failure_keeps_its_cause_and_what_may_be_rolled_back_to() -> None:
    seen = story("1 deployed 1.b", "2 failed 2.a", said={2: FAILED})
    assert determine(WANTED, seen) == Failed(seen.records[1], 2, FAILED, 1)


def test_superseded_proves_nothing_good() -> None:
    seen = story("1 superseded 1.b", "2 superseded 2.b", "3 failed 3.a", said={1: "Install complete", 2: FAILED})
    assert good_revision(seen, 3) == 1


def test_a_rollback_by_hand_has_no_cause() -> None:
    seen = story("1 superseded 1.b", "2 superseded 2.a", "3 deployed 1.b", said={2: "helmops: why", 3: "Rollback to 1"})
    assert determine(WANTED, seen) == RolledBack(seen.records[2], 2, 1, "")


@pytest.mark.parametrize(
    ("label", "wanted", "managed"),
    [
        ("platform", "platform", False),
        ("platform", "other", True),
        ("platform", "", True),
        ("", "platform", False),
    ],
)
def test_another_owner_is_left_alone(label: str, wanted: str, managed: bool) -> None:
    labels = {"helmops.dev/owner": label} if label else {}
    seen = Observed((record(1, "deployed", f"1.{A}", **labels),))
    assert isinstance(determine(Wanted(A, wanted), seen), Managed) is managed


def test_what_something_else_manages_is_left_alone_whatever_its_state() -> None:
    foreign = Foreign("Flux HelmRelease apps/web", "flux suspend helmrelease web -n apps")
    assert determine(WANTED, Observed(foreign=foreign)) == Managed(foreign)


@pytest.mark.parametrize(
    ("labels", "wanted", "mislabelled"),
    [
        ({}, Wanted(A), False),
        ({}, Wanted(A, "me"), True),
        ({"helmops.dev/owner": "me"}, Wanted(A, "me"), False),
        ({"helmops.dev/prune": "disabled"}, Wanted(A, prune=False), False),
        ({"helmops.dev/prune": "disabled"}, Wanted(A), True),
        ({}, Wanted(A, prune=False), True),
    ],
)
def test_labels_that_differ_are_seen(labels: dict[str, str], wanted: Wanted, mislabelled: bool) -> None:
    top = record(1, "deployed", f"1.{A}", **labels)
    assert determine(wanted, Observed((top,))) == InSync(top, mislabelled)


def test_drift_is_a_state_only_of_what_is_in_sync() -> None:
    report = missing_report(ObjectId("apps/v1", "Deployment", "apps", "web"))
    clean = story("1 deployed 1.a")
    assert determine(WANTED, Observed(clean.records, drift=(report,))) == Drifted(clean.records[0], (report,))
    other = story("1 deployed 1.b")
    assert isinstance(determine(WANTED, Observed(other.records, drift=(report,))), OutOfSync)


@pytest.mark.parametrize(
    ("line", "lease", "ours"),
    [
        ("1 pending-install 1.a", None, True),
        ("2 pending-rollback 1.a", None, False),
        ("2 pending-rollback 1.a", LEASE, True),
        ("1 pending-install", None, False),
    ],
)
def test_whose_a_pending_release_is(line: str, lease: LeaseView | None, ours: bool) -> None:
    seen = story(line)
    state = determine(WANTED, Observed(seen.records, lease=lease))
    assert isinstance(state, Pending)
    assert state.ours is ours


def test_a_recovered_rollback_is_still_known_as_one() -> None:
    cut = story("1 deployed 1.b", "2 failed 2.a", "3 pending-rollback 1.b", said={2: FAILED})
    said = {2: FAILED, 3: recovered_description(cut.records[2])}
    seen = story("1 deployed 1.b", "2 failed 2.a", "3 failed 1.b", said=said)
    assert determine(WANTED, seen) == Failed(seen.records[2], 2, FAILED, 1)


statuses = st.sampled_from(["deployed", "superseded", "failed", "uninstalled", "pending-upgrade", "unknown"])
labels = st.sampled_from(["", f"1.{A}", f"2.{B}", f"3.{A}", "junk", "9.", ".x"])
said = st.sampled_from(["", FAILED, STOPPED, BOOM, "Rollback to 1", "Install complete"])


@given(st.lists(st.tuples(statuses, labels, said), max_size=5))
def test_every_story_has_a_state(revisions: list[tuple[str, str, str]]) -> None:
    records = tuple(record(n, status, label) for n, (status, label, _) in enumerate(revisions, 1))
    words = {n: text for n, (_, _, text) in enumerate(revisions, 1)}
    state = determine(WANTED, Observed(records, words))
    if isinstance(state, InSync):
        assert records[-1].status == "deployed"
        assert (records[-1].desired or (0, ""))[1] == A
