"""Whatever ends helmops, the next sync ends with everything as the input says; and nobody writes a release twice."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.helpers import CountedHelm, HelmOps, Live, helm_children, slowly, until
from tests.runners import Helm

TWENTY = [f"app-{number:02}" for number in range(20)]


def upgrading(ops: HelmOps, names: list[str], seconds: float) -> None:
    """Every release is deployed; the input now asks for pods that take a while to get ready."""
    app = ops.app()
    ops.write("all.yaml", *(ops.release(name, app, {"message": "old"}) for name in names))
    ops.sync()
    values = {"message": "new", "pods": slowly(seconds)}
    ops.write("all.yaml", *(ops.release(name, app, values, quick=False, timeout="60s") for name in names))


def pending(live: Live) -> int:
    """How many releases are being written."""
    return sum(status.startswith("pending-") for status in live.statuses().values())


@pytest.mark.helm3
def test_kill_9_in_the_middle_of_twenty_upgrades(ops: HelmOps, live: Live, helm_path: Path) -> None:
    upgrading(ops, TWENTY, 2)
    with ops.running("sync", ".", "--yes") as run:
        until(lambda: pending(live) >= 4, "some wait for their pods")
        run.signal(signal.SIGKILL)
        run.process.wait()
    assert live.leases() != []

    ops.sync()

    assert set(live.statuses().values()) == {"deployed"}
    assert {live.message(name) for name in TWENTY} == {"new"}
    assert live.leases() == []
    assert helm_children(helm_path, run.pid) == []
    assert "20 unchanged" in ops.plan("--detailed-exitcode", code=0).out


@pytest.fixture
def without_setpriv(ops: HelmOps, tmp_path: Path) -> HelmOps:
    """helmops on a machine that cannot tie a child's life to its parent's: orphaned helms live on."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("timeout", "sh"):
        (programs / name).symlink_to(str(shutil.which(name)))
    return ops.using(PATH=str(programs))


def test_kill_9_with_helm_processes_that_live_on(without_setpriv: HelmOps, live: Live, helm_path: Path) -> None:
    """They write what they were told to; the next sync waits for them rather than to fight them."""
    ops, names = without_setpriv, TWENTY[:6]
    upgrading(ops, names, 4)
    with ops.running("sync", ".", "--yes") as run:
        until(lambda: pending(live) >= 4, "some wait for their pods")
        run.signal(signal.SIGKILL)
        run.process.wait()
    assert len(helm_children(helm_path, run.pid)) >= 4
    ops.sync()
    assert set(live.statuses().values()) == {"deployed"}
    assert {live.message(name) for name in names} == {"new"}
    assert live.leases() == []
    assert all(live.history(name) == ["superseded", "deployed"] for name in names)


@pytest.mark.parametrize("status", ["pending-upgrade", "pending-install"])
def test_a_helm_that_was_killed_itself_leaves_a_pending_release_that_is_recovered(
    ops: HelmOps, live: Live, helm_path: Path, status: str
) -> None:
    app = ops.app()
    if status == "pending-upgrade":
        ops.write("web.yaml", ops.release("web", app, {"message": "old"}))
        ops.sync()
    ops.write("web.yaml", ops.release("web", app, {"message": "new", "pods": slowly(2)}, quick=False))
    with ops.running("sync", ".", "--yes") as run:
        until(lambda: live.statuses().get("web") == status, f"it is {status}")
        run.signal(signal.SIGSTOP)  # or it would tidy up
        (child,) = helm_children(helm_path, run.pid)
        os.kill(child.pid, signal.SIGKILL)
        run.signal(signal.SIGKILL)
        run.process.wait()
    assert live.statuses()["web"] == status
    planned = ops.planned()["web"]
    assert (planned["action"], planned["state"]) == ("recover", "pending")
    assert f"was cut off ({status}) and its writer is gone" in ops.sync().out
    assert live.history("web")[-1] == "deployed"
    assert live.message("web") == "new"
    assert live.leases() == []


def test_a_pending_release_that_never_was_ours_is_left_to_whoever_made_it(ops: HelmOps, live: Live, helm: Helm) -> None:
    app = ops.app()
    helm("install", "web", ops.folder / app)
    record = live.records("web")[0]["metadata"]
    path = f"/api/v1/namespaces/{ops.namespace}/secrets/{record['name']}"
    patch = {"metadata": {"labels": {"status": "pending-upgrade"}}}
    live.api.call("PATCH", path, patch, "application/merge-patch+json")
    ops.write("web.yaml", ops.release("web", app))
    told = ops.sync(code=5).out
    assert "pending-upgrade since" in told
    assert "someone outside helmops" in told
    assert live.history("web") == ["pending-upgrade"]


def test_two_syncs_at_once_never_run_two_helms_on_one_release(
    ops: HelmOps, live: Live, counted_helm: CountedHelm
) -> None:
    names = TWENTY[:4]
    upgrading(ops, names, 1)
    counted = ops.using(HELM_BIN=str(counted_helm.path))
    with counted.running("sync", ".", "--yes") as one, counted.running("sync", ".", "--yes") as two:
        ended = [one.end(), two.end()]
    assert {run.code for run in ended} in ({0}, {0, 5}), "".join(run.text for run in ended)
    assert all("is being written by" in run.text for run in ended if run.code == 5)
    assert all(live.history(name) == ["superseded", "deployed"] for name in names)
    assert {live.message(name) for name in names} == {"new"}
    assert list(overlaps(counted_helm.lines())) == []
    assert live.leases() == []


def overlaps(lines: list[str]) -> Iterator[str]:
    """Writes of a release that began before an earlier one of the same release had ended."""
    running: dict[str, str] = {}
    for line in lines:
        what, pid, words = line.split(" ", 2)
        write = re.match(r"(install|upgrade|rollback|uninstall) (\S+)", words)
        if not write or "--dry-run" in words:
            continue
        name = write[2]
        if what == "begin":
            if name in running:
                yield f"{name}: {words}"
            running[name] = pid
        elif running.get(name) == pid:
            del running[name]


def test_a_release_that_a_living_helmops_writes_is_locked(ops: HelmOps, live: Live, helm_path: Path) -> None:
    """The holder is told; stopped (Ctrl-Z, a sleeping machine) it keeps its Lease, and ends well when it wakes up."""
    upgrading(ops, TWENTY[:1], 1)
    with ops.running("sync", ".", "--yes") as run:
        until(lambda: pending(live) == 1, "an upgrade waits for its pods")
        (child,) = helm_children(helm_path, run.pid)
        for pid in (run.pid, child.pid):
            os.kill(pid, signal.SIGSTOP)
        locked = ops.sync(code=5).text
        assert f"_{run.pid}_" in locked
        assert "1 locked" in locked
        assert f"_{run.pid}_" in ops.plan(code=5).text
        for pid in (run.pid, child.pid):
            os.kill(pid, signal.SIGCONT)
        assert run.end().code == 0
    assert live.history(TWENTY[0]) == ["superseded", "deployed"]
    assert live.leases() == []
    ops.plan("--detailed-exitcode", code=0)
