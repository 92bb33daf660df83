"""--prune uninstalls what this owner deployed and no longer names, behind every guard there is."""

from __future__ import annotations

import pytest
import yaml

from tests.e2e.helpers import HelmOps, Live
from tests.runners import Helm, Kubectl


@pytest.fixture
def owned(ops: HelmOps) -> HelmOps:
    """Four releases of an owner that no other test has."""
    ops.own(f"team/{ops.namespace}")
    app = ops.app()
    for name in ("one", "two", "three"):
        ops.write(f"{name}.yaml", ops.release(name, app))
    ops.write("kept.yaml", ops.release("kept", app, annotations={"helmops.dev/prune": "disabled"}))
    ops.sync()
    return ops


def forget(ops: HelmOps, *names: str) -> None:
    """The input no longer names these."""
    for name in names:
        (ops.folder / f"{name}.yaml").unlink()


def test_what_is_no_longer_named_goes_only_with_prune(owned: HelmOps, live: Live) -> None:
    forget(owned, "one", "kept")
    owned.sync()
    assert set(live.statuses()) == {"one", "two", "three", "kept"}
    planned = owned.plan("--prune", "--detailed-exitcode", code=2).out
    assert f"- {owned.namespace}/one  remove  app 1.0.0" in planned
    assert "Plan: 0 to install, 0 to upgrade, 0 to correct, 1 to remove, 2 unchanged" in planned
    assert "kept" not in planned
    done = owned.sync("--prune").out
    assert f"{owned.namespace}/one  uninstalling" in done
    assert "1 removed" in done
    assert set(live.statuses()) == {"two", "three", "kept"}
    assert live.find("ConfigMap", "one") is None
    assert live.leases() == []


def test_at_most_one_goes_without_a_second_yes(owned: HelmOps, live: Live) -> None:
    forget(owned, "one", "two")
    refused = owned.sync("--prune", code=1)
    assert "2 releases would be uninstalled" in refused.err
    assert "--prune-max 2" in refused.err
    question = "2 releases would be uninstalled. Type their number to go on:"
    words = ("sync", ".", "--prune")
    assert "Nothing was done." in owned.on_a_terminal(*words, answers={"Apply? [y/N]": "y", question: "y"}, code=1)
    assert set(live.statuses()) == {"one", "two", "three", "kept"}
    owned.on_a_terminal(*words, answers={"Apply? [y/N]": "y", question: "2"})
    assert set(live.statuses()) == {"three", "kept"}
    forget(owned, "three")
    (owned.folder / "kept.yaml").unlink()
    owned.sync("--prune", "--prune-max", "5")
    assert set(live.statuses()) == {"kept"}


def test_a_part_of_the_input_prunes_nothing(owned: HelmOps, live: Live) -> None:
    """No owner, a selection, stdin, a document that does not load: all may be less than the whole."""
    text = (owned.folder / "two.yaml").read_text()
    forget(owned, "one")
    assert "--prune does not go with a selection" in owned.sync("--prune", "--name", "two", code=1).err
    assert "stdin" in owned("sync", "-", "--yes", "--prune", stdin=text, code=1).err
    owned.write("broken.yaml", "apiVersion: helmops.dev/v1alpha1\nkind: Release\nmetadata: {name: three}\n")
    assert "broken.yaml:1: spec: is required" in owned.sync("--prune", code=1).err
    owned.write("broken.yaml", owned.release("lost", "charts/none"))
    owned.sync("--prune", code=1)
    forget(owned, "broken")
    (owned.folder / "helmops.yaml").unlink()
    assert "--prune needs an owner id" in owned.sync("--prune", code=1).err
    assert set(live.statuses()) == {"one", "two", "three", "kept"}


def test_what_another_owner_or_nobody_deployed_stays(owned: HelmOps, live: Live, helm: Helm) -> None:
    helm("install", "by-hand", owned.folder / "charts/app")
    owned.own(f"other/{owned.namespace}")
    owned.write("others.yaml", owned.release("others", "charts/app"))
    owned.sync("--name", "others")
    owned.own(f"team/{owned.namespace}")
    forget(owned, "others")
    assert "0 to remove" in owned.plan("--prune").out
    owned.sync("--prune")
    assert set(live.statuses()) == {"one", "two", "three", "kept", "others", "by-hand"}


def test_nothing_goes_after_a_failure(owned: HelmOps, live: Live) -> None:
    """A release that was renamed must not be gone before the new one is there."""
    forget(owned, "one")
    bad = {"timeout": "1s", "quick": False}
    owned.write(
        "renamed.yaml", owned.release("renamed", "charts/app", {"pods": {"helmops.test/sim": "never-ready"}}, **bad)
    )
    told = owned.sync("--prune", code=4).out
    assert f"not removed, because not everything went well: {owned.namespace}/one" in told
    assert live.statuses()["one"] == "deployed"


def test_the_plan_lists_claims_and_custom_resources_that_would_go(owned: HelmOps, live: Live, kubectl: Kubectl) -> None:
    group = f"g{owned.namespace[-8:]}.helmops.test"
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things", "singular": "thing", "listKind": "ThingList"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
            ],
        },
    }
    operator = owned.folder / "charts" / "operator" / "templates"
    operator.mkdir(parents=True)
    (operator.parent / "Chart.yaml").write_text("apiVersion: v2\nname: operator\nversion: 1.0.0\n")
    (operator / "crd.yaml").write_text(yaml.safe_dump(crd))
    owned.write("operator.yaml", owned.release("operator", "charts/operator"))
    owned.write("data.yaml", owned.release("data", owned.chart("database")))
    owned.sync()
    thing = {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "mine", "namespace": owned.namespace}}
    kubectl("wait", "--for=condition=Established", f"crd/things.{group}")
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump(thing))

    forget(owned, "operator", "data")
    text = owned.plan("--prune").out
    assert "PersistentVolumeClaim data-database-backup and its data would go" in text
    assert f"Thing/mine in {owned.namespace} would go" in text
    shown = owned("uninstall", f"{owned.namespace}/data", code=1)
    assert "data-database-backup" in shown.out
    assert "--yes" in shown.err
    owned.sync("--prune", "--prune-max", "2")
    assert live.find("PersistentVolumeClaim", "data-database-backup") is None or live.get(
        "PersistentVolumeClaim", "data-database-backup"
    )["metadata"].get("deletionTimestamp")
    assert "things" not in kubectl("get", "crd", "-o", "name")
