"""What a plan looks like."""

from __future__ import annotations

from helmops.api.model import ObjectRef
from helmops.cli.output.diff import value_text
from helmops.cli.output.paint import Paint
from helmops.cli.output.plan import closing, plan_lines
from helmops.cli.output.plan_document import plan_content
from helmops.core.drift.changes import change_of, deletion_of
from helmops.core.drift.fields import Added
from helmops.core.objects import ObjectId
from helmops.core.redact import Redactor
from helmops.core.release.plan import Done, Install, Upgrade
from helmops.core.release.state import Drifted
from helmops.core.values import Layer, merge_layers
from helmops.engine.drift import Checked
from helmops.engine.preview import Preview
from helmops.engine.resolve import Resolved
from helmops.errors import Refused
from helmops.ports import Artifact
from tests.unit.cli.builders import (
    CORRECTION,
    DRIFT,
    EVERY,
    FOREIGN,
    LOCKED,
    STALLED,
    WEB,
    plan,
    planned,
    record,
    release,
    removal,
)

PLAIN = Paint()


def test_the_closing_line_counts_what_is_always_counted() -> None:
    releases = [planned("new", Install()), planned("a", Upgrade("x")), planned("b", Upgrade("x"))]
    releases += [planned("c", CORRECTION), *(planned(f"same-{number}", Done()) for number in range(97))]
    assert closing(plan(*releases)) == "Plan: 1 to install, 2 to upgrade, 1 to correct, 0 to remove, 97 unchanged"


def test_the_closing_line_counts_the_rest_where_there_is_some() -> None:
    releases = [planned(name.lower(), decision) for name, decision in EVERY.items()]
    suspended = planned("suspended", Done("suspended"))
    releases += [FOREIGN, type(suspended)(release("s", suspend=True), suspended.state, suspended.decision)]
    assert closing(plan(*releases, removals=[removal("gone")])) == (
        "Plan: 1 to install, 1 to upgrade, 1 to correct, 1 to remove, 1 unchanged, 1 to roll back, 1 to recover, "
        "1 to label, 1 suspended, 1 managed elsewhere, 1 locked, 1 with problems"
    )


def test_a_release_in_one_line() -> None:
    why = ("chart 6.5.0 → 6.6.0", "values changed at `replicaCount` by values/prod.yaml:3")
    lines = plan_lines(plan(planned("web", Upgrade("x"), why=why), planned("same", Done())), PLAIN)
    assert lines[0] == (
        "~ apps/web  upgrade  chart 6.5.0 → 6.6.0; values changed at `replicaCount` by values/prod.yaml:3"
    )
    assert len(lines) == 3  # an empty one and the closing line


def test_drift_is_told_field_by_field() -> None:
    lines = plan_lines(plan(planned("web", CORRECTION)), PLAIN)
    assert lines[:3] == [
        "= apps/web  correct  drift on Deployment/web, ConfigMap/web",
        "    Deployment/web spec.replicas: 5 → 2 (kubectl, 2026-11-22T11:00:00Z)",
        "    ConfigMap/web is missing",
    ]


def test_drift_that_is_left_alone_and_fields_of_others_are_told() -> None:
    added = tuple(Added(f"metadata.annotations.a{number}", "kubectl") for number in range(7))
    left = planned("web", Done("drift is left alone"), Drifted(record(), (DRIFT,)))
    noted = planned("api", Done(), checked=Checked((), {WEB: added}, ("Secret/x: forbidden",)))
    lines = plan_lines(plan(left, noted), PLAIN)
    assert "    drift is left alone" in lines
    assert "    Deployment/web metadata.annotations.a0 (added by kubectl)" in lines
    assert "    … and 2 more fields added by others" in lines
    assert "    not checked for drift: Secret/x: forbidden" in lines
    assert lines[-1].endswith("2 unchanged")


def test_problems_say_what_to_do() -> None:
    error = Refused("namespace apps does not exist", hint="add a Namespace document")
    lines = plan_lines(plan(planned("web", Install(), error=error), planned("old", STALLED), FOREIGN), PLAIN)
    assert lines[:6] == [
        "! apps/web   problem  namespace apps does not exist",
        "    hint: add a Namespace document",
        "! apps/old   problem  this very input failed before (revision 3): timed out",
        "    hint: change the input, or use --retry",
        "! apps/flux  foreign  managed by Flux HelmRelease apps/flux",
        "    hint: flux suspend",
    ]


def test_a_lock_says_who_and_how_long() -> None:
    lines = plan_lines(plan(planned("web", LOCKED)), PLAIN)
    assert lines[0] == (
        "! apps/web  locked  pending-upgrade by someone; waited for until 2026-11-22 12:00:00 UTC at most"
    )


def test_objects_before_and_after() -> None:
    live = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"a": 1, "b": 1}}
    wanted = {**live, "spec": {"a": 1, "b": 2}}
    old = ObjectId("v1", "ConfigMap", "apps", "old")
    preview = Preview(
        (),
        (change_of(WEB, live, wanted), deletion_of(old, {"metadata": {}}), change_of(old, None, {"metadata": {}})),
        taken=("Deployment/web spec.b (from kubectl)",),
        kept=("Deployment/web /spec/replicas",),
        unchecked=("Gadget/a: not served", "Gadget/b: not served"),
    )
    lines = plan_lines(plan(planned("web", Upgrade("x"), preview=preview)), PLAIN)
    told = [line.strip() for line in lines]
    assert "~ Deployment/web" in told
    assert "-  b: 1" in told
    assert "+  b: 2" in told
    assert "- ConfigMap/old" in told
    assert "+ ConfigMap/old" in told
    assert "takes back Deployment/web spec.b (from kubectl)" in told
    assert "leaves to its owner: Deployment/web /spec/replicas" in told
    assert "not checked yet (not served): Gadget/a, Gadget/b" in told


def _resolved(**values: str) -> Resolved:
    artifact = Artifact("web", "1.0.0", "ab" * 32, "/cache", "from somewhere")
    return Resolved(release("web"), artifact, merge_layers([Layer("web.yaml", values)]), "d" * 40)


def test_no_secret_of_the_values_is_repeated_old_or_new() -> None:
    live = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"env": "the old-hunter2 one"}}
    wanted = {**live, "spec": {"env": "the new-hunter3 one"}}
    preview = Preview((), (change_of(WEB, live, wanted),))
    one = planned(
        "web",
        Upgrade("x"),
        resolved=_resolved(password="new-hunter3"),
        preview=preview,
        deployed=Redactor.of_values({"password": "old-hunter2"}),
    )
    refused = planned("no", Install(), resolved=_resolved(token="hunter-four"), error=Refused("bad: hunter-four"))
    whole = plan(one, refused)
    for text in ("\n".join(plan_lines(whole, PLAIN)), str(plan_content(whole))):
        assert "hunter" not in text
        assert "***" in text


def test_what_comes_first_and_what_would_go() -> None:
    ignored = (ObjectRef("v1", "ConfigMap", "apps", "settings", "all.yaml:9"),)
    one = plan(
        planned("web", Done()),
        removals=[removal("gone", "PersistentVolumeClaim/data")],
        namespaces=["apps"],
        ignored=ignored,
    )
    assert plan_lines(one, PLAIN) == [
        "Not applied by helmops yet: ConfigMap/settings (all.yaml:9)",
        "+ namespace apps",
        "- apps/gone  remove  web 1.0.0",
        "    PersistentVolumeClaim data and its data would go",
        "",
        "Plan: 0 to install, 0 to upgrade, 0 to correct, 1 to remove, 1 unchanged",
    ]


def test_colours_are_for_terminals_and_control_characters_for_nobody() -> None:
    one = plan(planned("web", Upgrade("x"), why=("chart \x1b[31mred\x07 → 2",)))
    assert "\x1b[33m~\x1b[0m" in plan_lines(one, Paint(on=True))[0]
    plain = plan_lines(one, PLAIN)[0]
    assert "\x1b" not in plain
    assert "\x07" not in plain


def test_for_programs() -> None:
    content = plan_content(plan(planned("web", CORRECTION), planned("old", STALLED)))
    web, old = content["releases"]
    assert content["cluster"] == {"context": "prod", "uid": "cluster-uid", "owner": "team"}
    assert (web["action"], web["state"]) == ("correct", "drifted")
    assert web["drift"][0]["fields"] == [
        {"path": "spec.replicas", "live": 5, "wanted": 2, "manager": "kubectl", "time": "2026-11-22T11:00:00Z"}
    ]
    assert web["drift"][1] == {
        "drift": "missing",
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "namespace": "apps",
        "name": "web",
    }
    assert (old["action"], old["hint"]) == ("problem", "change the input, or use --retry")
    assert old["where"] == "old.yaml:1"


def test_a_list_of_names_shows_them_all() -> None:
    assert value_text(["side", "web"]) == "[side, web]"
    assert value_text([{"name": "web", "image": "web:1"}]) == "- name: web …"
    assert value_text([]) == "[]"
