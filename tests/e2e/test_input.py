"""Mistakes are told all at once, with file, line and path, before anything is touched; wrong clusters are refused."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.controlplane.cluster import Cluster
from tests.e2e.helpers import CountedHelm, HelmOps, Live

BROKEN = """\
apiVersion: helmops.dev/v1alpha1
kind: Release
metadata:
  name: web
spec:
  chart:
    path: charts/app
    versoin: 1.0.0
  timeout: soon
  valuesFrom:
    - file: values/missing.yaml
  maxHistory: many
---
apiVersion: helmops.dev/v1alpha1
kind: Relaese
metadata:
  name: other
"""
ALSO_BROKEN = """\
apiVersion: helmops.dev/v1alpha1
kind: Release
metadata: {name: db}
spec:
  chart: {repo: "https://charts.example.org"}
"""


def test_every_mistake_is_told_at_once_and_nothing_is_touched(
    ops: HelmOps, live: Live, counted_helm: CountedHelm
) -> None:
    ops.write("good.yaml", ops.release("good", ops.app()))
    ops.write("apps/web.yaml", BROKEN)
    ops.write("db.yaml", ALSO_BROKEN)
    ops.write("torn.yaml", "a: [1, 2\nb: 3\n")

    told = ops.using(HELM_BIN=str(counted_helm.path)).sync(code=1).err

    assert "apps/web.yaml:8: spec.chart.versoin: unknown field; did you mean version?" in told
    assert "apps/web.yaml:9: spec.timeout: must be a duration like 5m, 1h30m or 90s" in told
    assert "apps/web.yaml:12: spec.maxHistory: must be" in told
    assert "apps/web.yaml:15: kind: Relaese is not known; did you mean Release?" in told
    assert "db.yaml:5: spec.chart: a chart of a repository needs a name" in told
    assert "torn.yaml:" in told
    assert "6 problems in the input; nothing was touched" in told
    assert live.statuses() == {}
    assert counted_helm.runs() == []


def test_a_chart_a_version_or_a_values_file_that_is_not_there(ops: HelmOps, live: Live) -> None:
    ops.write("good.yaml", ops.release("good", ops.app()))
    ops.write("a.yaml", ops.release("a", "charts/none"))
    ops.write("b.yaml", ops.release("b", "charts/app", valuesFrom=[{"file": "values/none.yaml"}]))
    told = ops.sync(code=1).err
    assert "b.yaml:" in told
    assert "no such file: " in told
    assert "values/none.yaml" in told

    (ops.folder / "b.yaml").unlink()
    assert "a.yaml:1: spec.chart: " in ops.sync(code=1).err
    assert live.statuses() == {}


def test_two_documents_of_one_release_and_unknown_dependencies(ops: HelmOps, live: Live) -> None:
    app = ops.app()
    ops.write("a.yaml", ops.release("web", app), ops.release("db", app, dependsOn=[{"name": "nobody"}]))
    ops.write("b.yaml", ops.release("second", app, releaseName="web"))
    told = ops.sync(code=1).err
    assert f"release {ops.namespace}/web is described twice; first at a.yaml:1" in told
    assert f"no Release {ops.namespace}/nobody in the input" in told

    ops.write(
        "b.yaml", ops.release("x", app, dependsOn=[{"name": "y"}]), ops.release("y", app, dependsOn=[{"name": "x"}])
    )
    ops.write("a.yaml", ops.release("web", app))
    assert "spec.dependsOn" in ops.sync(code=1).err
    assert live.statuses() == {}


def test_input_is_a_folder_several_files_or_stdin(ops: HelmOps, live: Live) -> None:
    (ops.folder / ".git").mkdir()
    app = ops.app()
    one = ops.write("one.yaml", ops.release("one", app))
    two = ops.write("more/two.yaml", ops.release("two", f"../{app}"))
    ops.write("more/three.yaml", ops.release("three", f"../{app}"))
    ops("sync", str(one), str(two), "--yes")
    assert live.statuses() == {"one": "deployed", "two": "deployed"}
    ops("sync", "-", "--yes", stdin=yaml.safe_dump(ops.release("four", app)))
    assert live.statuses() == {"one": "deployed", "two": "deployed", "four": "deployed"}


def test_name_selects_releases(ops: HelmOps, live: Live) -> None:
    app = ops.app()
    ops.write("all.yaml", *(ops.release(name, app) for name in ("one", "two", "three")))
    ops.sync("--name", "one", "--name", "three")
    assert live.statuses() == {"one": "deployed", "three": "deployed"}
    assert "no release named four in the input" in ops.sync("--name", "four", code=1).err


def test_a_file_outside_the_repository_is_not_read(ops: HelmOps, live: Live, tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text("message: stolen\n")
    (ops.folder / "values.yml").symlink_to(tmp_path / "outside.yaml")
    ops.write("web.yaml", ops.release("web", ops.app(), valuesFrom=[{"file": "../outside.yaml"}]))
    told = ops.sync(code=1).err
    assert "leads out of" in told
    assert "stolen" not in told
    assert live.statuses() == {}


def test_another_context_or_another_cluster_than_the_declared_one_is_refused(ops: HelmOps, live: Live) -> None:
    ops.write("web.yaml", ops.release("web", ops.app()))
    ops.own("team/apps", context="prod")
    told = ops.sync(code=1).err
    assert "this input is for context prod, and the current one is helmops-test" in told
    assert "helmops.yaml:1" in told
    ops.own("team/apps", uid="11111111-2222-3333-4444-555555555555")
    assert "this input is for the cluster with uid 11111111-" in ops.plan(code=1).err
    assert live.statuses() == {}

    uid = live.api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    ops.own("team/apps", context="helmops-test", uid=uid)
    ops.sync()
    labels = live.records("web")[0]["metadata"]["labels"]
    assert labels["helmops.dev/owner"].startswith("team_apps.")
    assert labels["helmops.dev/desired"].startswith("1.")


def test_kubeconfig_and_context_are_honoured_before_and_after_the_subcommand(
    ops: HelmOps, controlplane: Cluster, tmp_path: Path
) -> None:
    ops.write("web.yaml", ops.release("web", ops.app()))
    config = yaml.safe_load(controlplane.kubeconfig.read_text())
    here = config["contexts"][0]
    config["contexts"] = [{**here, "name": "second"}]
    config["current-context"] = "none"
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(config))

    words = ("--kubeconfig", str(other), "--kube-context", "second")
    assert ops(*words, "plan", ".", "-o", "json").json["cluster"]["context"] == "second"
    assert ops("plan", ".", "-o", "json", *words).json["cluster"]["context"] == "second"
    by_helm = ops.using(KUBECONFIG=str(other), HELM_KUBECONTEXT="second")
    assert by_helm("plan", ".", "-o", "json").json["cluster"]["context"] == "second"
    assert "helmops-test" in by_helm("plan", ".", "--kube-context", "helmops-test", code=1).err
    assert "--kube-token" in ops.using(HELM_KUBETOKEN="x").plan(code=1).err


def test_n_fills_in_a_missing_namespace_and_never_overrides_one(ops: HelmOps, live: Live) -> None:
    app = ops.app()
    without = ops.release("without", app)
    del without["metadata"]["namespace"]
    ops.write("all.yaml", ops.release("with", app), without)
    ops.sync("-n", ops.namespace)
    assert live.statuses() == {"with": "deployed", "without": "deployed"}
    ops.write("all.yaml", ops.release("with", app))
    done = ops.sync("-n", "kube-system")
    assert "1 unchanged" in done.out
    without["metadata"]["name"] = "from-helm"
    ops.write("all.yaml", without)
    ops.using(HELM_NAMESPACE=ops.namespace).sync()
    assert live.statuses()["from-helm"] == "deployed"


def test_a_cluster_that_does_not_answer(ops: HelmOps, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere.yaml"
    config = yaml.safe_load(Path(ops.environment["KUBECONFIG"]).read_text())
    config["clusters"][0]["cluster"] = {"server": "https://127.0.0.1:1"}
    nowhere.write_text(yaml.safe_dump(config))
    ops.write("web.yaml", ops.release("web", ops.app()))
    told = ops("plan", ".", "--kubeconfig", str(nowhere), code=1).err
    assert "https://127.0.0.1:1" in told
    assert "Traceback" not in told


def test_lint_needs_no_cluster_and_no_helm(ops: HelmOps) -> None:
    ops.write("web.yaml", BROKEN)
    told = ops.using(KUBECONFIG="/nowhere", PATH="/nowhere", HELM_BIN="")("lint", ".", code=1).text
    assert "web.yaml:8: spec.chart.versoin: unknown field; did you mean version?" in told
