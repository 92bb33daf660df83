"""What plan shows: what would happen to each release and why, without touching anything; who is asked, and when."""

from __future__ import annotations

import pytest

from tests.e2e.helpers import CountedHelm, HelmOps, Live
from tests.runners import Kubectl


def test_a_plan_tells_what_will_happen_and_why(
    ops: HelmOps, live: Live, kubectl: Kubectl, counted_helm: CountedHelm
) -> None:
    app = ops.app("6.5.0")
    ops.write("values/prod.yaml", "# production\npods: {}\nmessage: one\n")
    files = [{"file": "values/prod.yaml"}]
    ops.write("web.yaml", ops.release("web", app, {"list": [1, 2]}, valuesFrom=files))
    ops.write("more.yaml", *(ops.release(name, app) for name in ("edited", "same", "also-same")))
    ops.sync()

    ops.app("6.6.0")
    ops.write("values/prod.yaml", "# production\npods: {}\nmessage: two\n")
    ops.write("new.yaml", ops.release("new", app))
    text = ops.plan("--name", "web").out
    assert (
        f"~ {ops.namespace}/web  upgrade  chart 6.5.0 → 6.6.0; values changed at `message` by values/prod.yaml:3"
        in text
    )
    assert "~ ConfigMap/web" in text
    assert "-  message: one" in text
    assert "+  message: two" in text
    assert "Plan: 0 to install, 1 to upgrade, 0 to correct, 0 to remove, 0 unchanged" in text

    ops.app("6.5.0")
    kubectl("patch", "configmap", "edited", "-p", '{"data": {"message": "by hand"}}')
    text = ops.plan().out
    assert f"+ {ops.namespace}/new " in text
    assert "chart app 6.5.0, not installed yet" in text
    assert f"= {ops.namespace}/edited " in text
    assert "drift on ConfigMap/edited" in text
    assert "ConfigMap/edited data.message: by hand → hello (kubectl-patch, " in text
    assert "Plan: 1 to install, 1 to upgrade, 1 to correct, 0 to remove, 2 unchanged" in text
    assert f"{ops.namespace}/same" not in text
    assert live.message("edited") == "by hand"
    assert live.history("web") == ["deployed"]


def test_dry_run_is_plan(ops: HelmOps, live: Live) -> None:
    ops.write("web.yaml", ops.release("web", ops.app()))
    assert ops("sync", ".", "--dry-run").out == ops.plan().out
    assert live.statuses() == {}


def test_a_plan_for_programs(ops: HelmOps) -> None:
    app = ops.app()
    ops.write("web.yaml", ops.release("web", app, {"message": "one"}))
    ops.sync()
    ops.write("web.yaml", ops.release("web", app, {"message": "two"}), ops.release("new", app))
    plan = ops.plan("-o", "json").json
    assert (plan["apiVersion"], plan["kind"]) == ("helmops.dev/v1alpha1", "Plan")
    assert plan["summary"] == {"install": 1, "upgrade": 1, "correct": 0, "remove": 0, "unchanged": 0}
    web = next(one for one in plan["releases"] if one["name"] == "web")
    assert (web["namespace"], web["action"], web["state"]) == (ops.namespace, "upgrade", "out-of-sync")
    assert web["objects"][0]["fields"][0]["path"] == "data.message"
    assert ops.plan("-o", "yaml").out.startswith("apiVersion: helmops.dev/v1alpha1")


def test_secrets_are_masked_in_a_difference(ops: HelmOps) -> None:
    webapp = ops.chart("webapp")
    ops.write("web.yaml", ops.release("web", webapp, {"secret": {"token": "first-7f3a"}}))
    ops.sync()
    ops.write("web.yaml", ops.release("web", webapp, {"secret": {"token": "second-9c1b"}}))
    text, document = ops.plan().out, ops.plan("-o", "json").out
    assert "~ Secret/web-webapp" in text
    assert "values changed at `secret.token` by web.yaml:" in text
    for secret in ("first-7f3a", "second-9c1b", "Zmlyc3QtN2YzY", "c2Vjb25kLTljMW"):  # as base64, too
        assert secret not in text
        assert secret not in document


def test_exit_codes_of_a_plan_tell_changes_from_drift(ops: HelmOps, kubectl: Kubectl) -> None:
    app = ops.app()
    ops.write("web.yaml", ops.release("web", app))
    ops.plan(code=0)
    ops.plan("--detailed-exitcode", code=2)
    ops.sync("--detailed-exitcode", code=2)
    ops.plan("--detailed-exitcode", code=0)
    ops.sync("--detailed-exitcode", code=0)
    kubectl("patch", "configmap", "web", "-p", '{"data": {"message": "by hand"}}')
    ops.plan("--detailed-exitcode", code=3)
    ops.write("more.yaml", ops.release("more", app))
    ops.plan("--detailed-exitcode", code=2)
    (ops.folder / "more.yaml").unlink()
    ops.sync("--detailed-exitcode", code=3)
    ops.plan("--detailed-exitcode", code=0)


def test_without_a_terminal_and_without_yes_sync_refuses_at_once(ops: HelmOps, live: Live) -> None:
    ops.write("web.yaml", ops.release("web", ops.app()))
    refused = ops("sync", ".", code=1)
    assert "there is no terminal to ask on" in refused.err
    assert "--yes" in refused.err
    assert "Plan: 1 to install" in refused.out
    assert live.statuses() == {}
    # nothing to ask for, nothing to refuse
    ops.sync()
    ops("sync", ".", code=0)


@pytest.mark.parametrize(("answer", "code", "found"), [("y", 0, {"web": "deployed"}), ("n", 1, {}), ("", 1, {})])
def test_on_a_terminal_sync_shows_the_difference_and_asks(
    ops: HelmOps, live: Live, answer: str, code: int, found: dict[str, str]
) -> None:
    ops.write("web.yaml", ops.release("web", ops.app()))
    shown = ops.on_a_terminal("sync", ".", answers={"Apply? [y/N]": answer}, code=code)
    assert "ConfigMap/web" in shown
    assert "Plan: 1 to install" in shown
    assert live.statuses() == found


def test_what_the_server_would_refuse_stands_in_the_plan(ops: HelmOps, live: Live) -> None:
    """Unknown fields, wrong values, unfit values: found before helm is asked to write."""
    faulty = ops.chart("faulty")
    for mode in ("unknown-field", "bad-value", "schema", "bad-template"):
        values = {"mode": mode, "replicas": "many"} if mode == "schema" else {"mode": mode}
        ops.write(f"{mode}.yaml", ops.release(mode, faulty, values))
    ops.write("good.yaml", ops.release("good", faulty))
    planned = ops.planned(code=1)
    assert {name: one["action"] for name, one in planned.items()} == {
        "unknown-field": "problem",
        "bad-value": "problem",
        "schema": "problem",
        "bad-template": "problem",
        "good": "install",
    }
    assert "replicsa" in planned["unknown-field"]["error"]
    assert "99999" in planned["bad-value"]["error"]
    assert "/replicas" in planned["schema"]["error"] or "replicas" in planned["schema"]["error"]
    assert "the mode bad-template asked for this" in planned["bad-template"]["error"]
    ops.sync(code=4)
    assert live.statuses() == {"good": "deployed"}
