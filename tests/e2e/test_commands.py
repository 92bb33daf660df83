"""Looking at releases and at the input; going back and taking away by hand."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import yaml

from tests.e2e.helpers import NEVER_READY, HelmOps, Live
from tests.runners import Helm, Kubectl


@pytest.fixture
def web(ops: HelmOps) -> HelmOps:
    """A release in its second revision, with an owner."""
    ops.own("team")
    app = ops.app()
    for message in ("one", "two"):
        ops.write("web.yaml", ops.release("web", app, {"message": message}))
        ops.sync()
    return ops


def test_status_lists_what_helm_lists_with_owner_and_drift(
    web: HelmOps, helm: Helm, kubectl: Kubectl, other_namespace: Callable[[], str]
) -> None:
    helm("install", "by-hand", web.folder / "charts/app")
    elsewhere = other_namespace()
    options = {"createNamespace": True, "disableWait": True}
    web.write("other.yaml", web.release("other", "charts/app", namespace=elsewhere, install=options))
    web.sync()
    kubectl("patch", "configmap", "web", "-p", '{"data": {"message": "x"}}')

    lines = web("status", "-n", web.namespace).out.splitlines()
    rows = {line.split()[1]: line for line in lines[1:]}
    assert set(rows) == {one["name"] for one in helm.json("list", "--all" if helm.major == 3 else "--max=99")}
    assert "app-1.0.0" in rows["web"]
    assert "team" in rows["web"]
    assert "1 object" in rows["web"]
    assert "team" not in rows["by-hand"]
    assert "No releases." in web("status", "-n", "kube-public").out
    everywhere = web("status", "-A", "-o", "json").json
    assert (everywhere["apiVersion"], everywhere["kind"]) == ("helmops.dev/v1alpha1", "ReleaseList")
    found = {(one["namespace"], one["name"]): one for one in everywhere["releases"]}
    assert found[elsewhere, "other"]["drift"] == {"checked": True, "objects": []}
    assert found[web.namespace, "by-hand"]["drift"]["checked"] is False
    one = web("status", f"{web.namespace}/web")
    assert "ConfigMap/web data.message: x → two (kubectl-patch, " in one.out
    assert yaml.safe_load(web("status", f"{web.namespace}/web", "-o", "yaml").out)["releases"][0]["revision"] == 2


def test_a_name_that_two_namespaces_have_lists_the_candidates(
    web: HelmOps, live: Live, other_namespace: Callable[[], str]
) -> None:
    elsewhere = other_namespace()
    name = f"n{elsewhere[-8:]}"
    options = {"createNamespace": True, "disableWait": True}
    twice = [web.release(name, "charts/app", namespace=ns, install=options) for ns in (web.namespace, elsewhere)]
    web.write("web.yaml", *twice)
    web.sync()
    for command in ("status", "history", "rollback", "uninstall", "values", "template"):
        told = web(command, name, code=1).err
        assert f"{name} is ambiguous: " in told, command
        assert f"{web.namespace}/{name}" in told, command
        assert f"{elsewhere}/{name}" in told, command
    assert web("history", name, "-n", elsewhere, "-o", "json").json["namespace"] == elsewhere
    assert web("history", f"{elsewhere}/{name}", "-o", "json").json["namespace"] == elsewhere
    web("uninstall", name, "-n", elsewhere, "--yes")
    # unique by now: the namespace need not be named
    assert web("history", name, "-o", "json").json["namespace"] == web.namespace
    assert "did you mean" in web("history", f"{name}x", code=1).err


def test_history_tells_what_each_revision_was_made_for(web: HelmOps, helm: Helm) -> None:
    web.write("web.yaml", web.release("web", "charts/app", {"pods": NEVER_READY}, quick=False, timeout="1s"))
    web.sync(code=1)
    helm("upgrade", "web", web.folder / "charts/app", "--set", "message=outside")
    revisions = web("history", f"{web.namespace}/web", "-o", "json").json["revisions"]
    assert [one["revision"] for one in revisions] == [1, 2, 3, 4, 5]
    assert [one.get("note", "") for one in revisions] == [
        "",
        "",
        "this input failed",
        "rolled back to 2",
        "made outside helmops",
    ]
    assert revisions[1]["digest"] == revisions[3]["digest"] != revisions[0]["digest"]
    text = web("history", f"{web.namespace}/web").out
    assert len(text.splitlines()) == 6
    assert "values changed at `message` by web.yaml:" in text


@pytest.mark.helm3
def test_rollback_pins_until_the_input_changes(web: HelmOps, live: Live) -> None:
    name = f"{web.namespace}/web"
    assert "--yes" in web("rollback", name, code=1).err
    done = web("rollback", name, "--yes").out
    assert "revision 2 (deployed) → the content of revision 1" in done
    assert live.message("web") == "one"

    told = web.sync(code=1).out
    assert "this very input (revision 2) was rolled back to revision 1 by hand" in told
    assert live.message("web") == "one"
    assert live.history("web") == ["superseded", "superseded", "deployed"]

    web.write("web.yaml", web.release("web", "charts/app", {"message": "three"}))
    web.sync()
    assert live.message("web") == "three"
    web("rollback", name, "2", "--yes")
    assert live.message("web") == "two"
    # the input that is deployed now is in sync, whoever deployed it
    web.write("web.yaml", web.release("web", "charts/app", {"message": "two"}))
    assert "1 unchanged" in web.sync().out
    web.write("web.yaml", web.release("web", "charts/app", {"message": "three"}))
    web.sync(code=1)
    web.sync("--retry")
    assert live.message("web") == "three"
    assert live.leases() == []


def test_rollback_goes_only_to_what_was_good(web: HelmOps, live: Live) -> None:
    name = f"{web.namespace}/web"
    web.write("web.yaml", web.release("web", "charts/app", {"pods": NEVER_READY}, quick=False, timeout="1s"))
    web.sync(code=1)
    assert "revision 3 was never deployed well" in web("rollback", name, "3", "--yes", code=1).err
    assert "there is no revision 9" in web("rollback", name, "9", "--yes", code=1).err
    assert "is what is deployed now" in web("rollback", name, "4", "--yes", code=1).err
    assert live.history("web") == ["superseded", "superseded", "failed", "deployed"]


def test_uninstall_asks_and_then_takes_all_away(web: HelmOps, live: Live) -> None:
    name = f"{web.namespace}/web"
    assert "--yes" in web("uninstall", name, code=1).err
    web.on_a_terminal("uninstall", name, answers={"Uninstall? [y/N]": "n"}, code=1)
    assert live.history("web") == ["superseded", "deployed"]
    web.on_a_terminal("uninstall", name, answers={"Uninstall? [y/N]": "y"})
    assert live.history("web") == []
    assert live.find("ConfigMap", "web") is None
    assert "no release web" in web("uninstall", name, "--yes", code=1).err
    assert live.leases() == []


@pytest.mark.helm3
def test_template_renders_what_sync_would_deploy_with_secrets_masked(ops: HelmOps, helm: Helm) -> None:
    values = {"replicas": 4, "secret": {"token": "s3cret-token"}}
    ops.write("web.yaml", ops.release("web", ops.chart("webapp"), values))
    printed = ops("template", f"{ops.namespace}/web").out
    assert "s3cret-token" not in printed
    assert "czNjcmV0LXRva2Vu" not in printed
    ours = [one for one in yaml.safe_load_all(printed) if one]
    given = ops.write("values.json", json.dumps(values))
    theirs = [
        one for one in yaml.safe_load_all(helm("template", "web", ops.folder / "charts/webapp", "-f", given)) if one
    ]
    assert [(one["kind"], one["metadata"]["name"]) for one in ours] == [
        (one["kind"], one["metadata"]["name"]) for one in theirs
    ]
    assert next(one for one in ours if one["kind"] == "Deployment")["spec"]["replicas"] == 4


def test_values_are_told_with_the_layer_that_set_each(ops: HelmOps) -> None:
    app = ops.app()
    ops.write("values/prod.yaml", "# comment\nmessage: prod\nmap:\n  a: 1\n")
    ops.write("web.yaml", ops.release("web", app, {"map": {"b": 2}}, valuesFrom=[{"file": "values/prod.yaml"}]))
    text = ops("values", f"{ops.namespace}/web").out
    assert "message: prod  # values/prod.yaml:2" in text
    assert "pods: {}  # chart default" in text
    assert yaml.safe_load(text) == {"message": "prod", "map": {"a": 1, "b": 2}, "pods": {}}
    document = ops("values", f"{ops.namespace}/web", "-o", "json").json
    assert document["values"] == yaml.safe_load(text)
    assert document["origins"]["map.a"] == "values/prod.yaml:4"
    assert document["origins"]["map.b"].startswith("web.yaml:")


@pytest.mark.helm3
def test_version_names_helmops_helm_and_python(ops: HelmOps, helm: Helm) -> None:
    versions = ops("version", "-o", "json").json["versions"]
    assert versions["helm"].startswith(f"v{helm.major}.")
    assert versions["helmops"] in ops("version").out
    assert ops.using(HELM_BIN="", PATH="/nowhere")("version").out.startswith("helmops")


def test_schema_accepts_what_sync_accepts(ops: HelmOps) -> None:
    schema = json.loads(ops("schema").out)
    assert schema["properties"]["kind"]["const"] == "Release"
    assert schema["additionalProperties"] is False
    chart = schema["$defs"]["Chart"]["properties"]
    assert {"repo", "path", "name", "version"} <= set(chart)


def test_lint_checks_without_a_cluster(ops: HelmOps) -> None:
    offline = ops.using(KUBECONFIG="/nowhere", HELM_BIN="", PATH="/nowhere")
    ops.write("web.yaml", ops.release("web", ops.app()))
    assert "1 release, no problems" in offline("lint", ".").out
    ops.write("db.yaml", ops.release("db", "charts/none"))
    result = offline("lint", ".", "-o", "json", code=1).json
    assert result["problems"][0]["where"] == "db.yaml:1"
    assert result["problems"][0]["path"] == "spec.chart.path"


def test_helmops_without_words_tells_what_it_can_do(ops: HelmOps) -> None:
    for words in ((), ("--help",)):
        out = ops(*words).out
        assert all(f"  {command} " in out for command in ("plan", "sync", "status", "rollback"))
    assert "Error: No such command 'snyc'" in ops("snyc", code=1).err
