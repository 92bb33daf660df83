"""A sync of what is already so changes nothing, and starts no helm."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.helpers import CountedHelm, HelmOps, Live
from tests.runners import Helm


@pytest.mark.helm3
def test_a_second_sync_changes_nothing_and_starts_no_helm(
    ops: HelmOps, live: Live, counted_helm: CountedHelm, tmp_path: Path
) -> None:
    counted = ops.using(HELM_BIN=str(counted_helm.path))
    ops.own("team/apps")
    ops.write(
        "all.yaml",
        ops.release("web", ops.chart("webapp"), {"autoscaling": {"enabled": True}}),
        ops.release("data", ops.chart("database")),
        ops.release("gateway", ops.chart("parent"), dependsOn=[{"name": "data"}]),
    )
    counted.sync()
    assert counted_helm.runs() != []
    before = {kind: live.all(kind) for kind in ("Secret", "ConfigMap", "Service", "Ingress")}

    counted_helm.forget()
    done = counted.sync()
    assert "0 to install, 0 to upgrade, 0 to correct, 0 to remove, 3 unchanged" in done.out
    assert "Nothing to do." in done.out
    assert counted.plan().out.count("unchanged") == 1
    # what is remembered may be lost at any time: it costs questions to the server, no helm
    shutil.rmtree(tmp_path / "cache")
    counted.sync()

    assert counted_helm.runs() == []
    assert {kind: live.all(kind) for kind in before} == before
    assert live.leases() == []


def test_the_same_input_by_other_means_is_no_change(ops: HelmOps, live: Live) -> None:
    """Order of keys, comments, another file, another layer: what Helm would be given is the same."""
    app = ops.app()
    ops.write("web.yaml", ops.release("web", app, {"message": "x", "map": {"a": 1, "b": 2}}))
    ops.sync()
    (ops.folder / "web.yaml").unlink()
    ops.write("values.yml", "# by file now\nmap: {b: 2, a: 1}\nmessage: x\n")
    ops.write("renamed.yaml", ops.release("web", app, valuesFrom=[{"file": "values.yml"}], timeout="1m"))
    assert "1 unchanged" in ops.sync().out
    assert live.history("web") == ["deployed"]


def test_owner_and_prune_labels_change_without_a_revision(ops: HelmOps, live: Live, counted_helm: CountedHelm) -> None:
    app = ops.app()
    ops.write("web.yaml", ops.release("web", app))
    ops.sync()
    ops.own("team")
    ops.write("web.yaml", ops.release("web", app, annotations={"helmops.dev/prune": "disabled"}))
    assert "1 to label" in ops.using(HELM_BIN=str(counted_helm.path)).sync().out
    labels = live.records("web")[0]["metadata"]["labels"]
    assert (labels["helmops.dev/owner"], labels["helmops.dev/prune"]) == ("team", "disabled")
    assert live.history("web") == ["deployed"]
    assert counted_helm.runs() == []
    ops.write("web.yaml", ops.release("web", app))
    ops.sync()
    assert "helmops.dev/prune" not in live.records("web")[0]["metadata"]["labels"]


def test_suspended_and_unwatched_releases_are_left_alone(ops: HelmOps, live: Live) -> None:
    app = ops.app()
    ops.write("web.yaml", ops.release("web", app, {"message": "one"}))
    ops.sync()
    ops.write("web.yaml", ops.release("web", app, {"message": "two"}, suspend=True))
    assert "1 suspended" in ops.sync().out
    assert live.message("web") == "one"


@pytest.mark.helm3
def test_a_release_whose_history_was_kept_is_installed_anew(ops: HelmOps, live: Live, helm: Helm) -> None:
    ops.write("web.yaml", ops.release("web", ops.app(), {"message": "one"}))
    ops.sync()
    helm("uninstall", "web", "--keep-history")
    assert ops.planned()["web"]["action"] == "install"
    assert "Done: 1 installed" in ops.sync().out
    assert live.history("web")[-1] == "deployed"
    assert live.message("web") == "one"
    ops.plan("--detailed-exitcode", code=0)


def test_no_more_revisions_are_kept_than_asked_for(ops: HelmOps, live: Live) -> None:
    app = ops.app()
    for number in range(5):
        ops.write("web.yaml", ops.release("web", app, {"message": str(number)}, maxHistory=2))
        ops.sync()
    assert live.history("web") == ["superseded", "deployed"]
    assert live.records("web")[-1]["metadata"]["labels"]["version"] == "5"


def test_a_reader_that_goes_away_does_not_stop_the_work(ops: HelmOps, live: Live) -> None:
    ops.write("all.yaml", *(ops.release(f"app-{number}", ops.app()) for number in range(3)))
    with ops.running("sync", ".", "--yes") as run:
        assert run.process.stdout is not None
        run.process.stdout.close()
        run.process.wait(60)
    assert run.process.returncode == 0
    assert set(live.statuses().values()) == {"deployed"}
