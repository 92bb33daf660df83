"""Documents → the internal model: what a user writes, and every mistake told with file, line and path."""

from __future__ import annotations

from typing import Any

import pytest

from helmops.api.collected import Loading
from helmops.api.document import Document, path_text
from helmops.api.fields import seconds
from helmops.api.loading import load, load_owner
from helmops.api.model import Access, FileValues, HelmRepoChart, InlineValues, PathChart, Release
from helmops.errors import Problem

CHART = {"repo": "https://charts.example.org/", "name": "podinfo", "version": "6.x"}


def document(
    value: Any, shown: str = "apps/web.yaml", lines: dict[tuple[str | int, ...], int] | None = None
) -> Document:
    return Document(shown, "/in/apps", "/in", value, lines or {(): 1})


def release(spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "helmops.dev/v1alpha1",
        "kind": "Release",
        "metadata": {"name": "web", **metadata},
        "spec": {"chart": CHART, **(spec or {})},
    }


def loaded(*values: Any) -> Loading:
    return load([document(value) for value in values], namespace="apps", access=Access())


def one(spec: dict[str, Any] | None = None, **metadata: Any) -> Release:
    found = loaded(release(spec, **metadata))
    assert found.problems == []
    return found.releases[0]


def problems(spec: dict[str, Any] | None = None, **metadata: Any) -> list[str]:
    return [f"{problem.path}: {problem.message}" for problem in loaded(release(spec, **metadata)).problems]


def test_a_release_needs_little() -> None:
    found = one()
    assert (found.name, found.namespace, found.target_namespace) == ("web", "apps", "apps")
    assert found.chart == HelmRepoChart("https://charts.example.org", "podinfo", "6.x")
    assert (found.drift, found.remediate, found.prune, found.max_history) == ("enabled", True, True, 10)


@pytest.mark.parametrize(("written", "expected"), [(None, "apps"), ("other", "other")])
def test_a_missing_namespace_is_filled_in_and_a_written_one_kept(written: str | None, expected: str) -> None:
    metadata: dict[str, Any] = {"namespace": written} if written else {}
    assert one(**metadata).namespace == expected


def test_the_release_may_have_another_name_than_its_object() -> None:
    found = one({"releaseName": "web-v2"})
    assert (found.ref.name, found.name) == ("web", "web-v2")


def test_a_chart_and_values_beside_the_file() -> None:
    found = one({"chart": {"path": "../charts/web"}, "valuesFrom": [{"file": "values/prod.yaml"}], "values": {"a": 1}})
    assert found.chart == PathChart("/in/apps/../charts/web", "/in")
    assert found.values == (
        FileValues("/in/apps/values/prod.yaml", "/in", "apps/values/prod.yaml", "apps/web.yaml:1"),
        InlineValues({"a": 1}, "apps/web.yaml"),
    )


def test_a_timeout_holds_for_every_action_that_names_none() -> None:
    found = one({"timeout": "2m", "upgrade": {"timeout": "1h"}})
    assert (found.install.timeout, found.upgrade.timeout, found.rollback.timeout) == (120, 3600, 120)


def test_prune_is_disabled_by_annotation() -> None:
    assert not one(annotations={"helmops.dev/prune": "disabled"}).prune


@pytest.mark.parametrize(
    ("text", "expected"), [("5m", 300), ("1h30m", 5400), ("90s", 90), ("500ms", 0.5), ("1m500ms", 60.5), ("1.5h", 5400)]
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5", "5 m", "m5", 5, None, "-5m", "5d"])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"valeus": {}}, "spec.valeus: unknown field; did you mean values?"),
        ({"dependsOn": [{"nam": "x", "name": "y"}]}, "spec.dependsOn[0].nam: unknown field; did you mean name?"),
        ({"upgrade": {"remediation": {"retries": 1}}}, "spec.upgrade.remediation.retries: unknown field; known are"),
        ({"chart": {"name": "x"}}, "spec.chart: give exactly one of repo, oci, git, source and path"),
        ({"chart": {"repo": "ftp://x", "name": "x"}}, "spec.chart: repo must be an http:// or https:// URL"),
        ({"chart": {"repo": "https://x"}}, "spec.chart: a chart of a repository needs a name"),
        ({"chart": {"path": "x", "version": "1"}}, "spec.chart: name and version stand in the chart at path"),
        ({"timeout": 300}, "spec.timeout: must be a duration"),
        ({"maxHistory": "3"}, "spec.maxHistory: must be a valid integer, not a string"),
        ({"install": {"crds": "Maybe"}}, "spec.install.crds: must be 'Create' or 'Skip'"),
        ({"values": [1]}, "spec.values: must be a valid dictionary, not a list"),
        ({"suspend": "yes"}, "spec.suspend: must be a valid boolean, not a string"),
        ({"releaseName": "Web"}, "spec.releaseName: must be a release name"),
    ],
)
def test_mistakes(spec: dict[str, Any], expected: str) -> None:
    found = problems(spec)
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    lines: dict[tuple[str | int, ...], int] = {(): 1, ("spec", "timeout"): 7, ("spec", "valeus"): 9}
    bad = document(release({"timeout": 1, "valeus": 2}), lines=lines)
    found = load([bad, document(release({"x": 1}), "b.yaml")], namespace="d", access=Access()).problems
    assert [problem.where for problem in found] == ["apps/web.yaml:7", "apps/web.yaml:9", "b.yaml:1"]


def test_a_wrong_value_is_never_repeated() -> None:
    assert "hunter2" not in str(problems({"values": "hunter2"}))


@pytest.mark.parametrize(
    ("api_version", "kind", "expected"),
    [
        ("helmops.dev/v1", "Release", "use helmops.dev/v1alpha1"),
        ("helmops.dev/v1alpha1", "Relase", "did you mean Release?"),
    ],
)
def test_kinds_of_ours_that_are_not_known(api_version: str, kind: str, expected: str) -> None:
    found = loaded({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}})
    assert expected in found.problems[0].message


def test_two_objects_that_name_one_release_are_an_error() -> None:
    found = loaded(release(), release({"releaseName": "web"}, name="other"))
    assert "described twice" in found.problems[0].message


def test_namespaces_are_kept_and_other_objects_named() -> None:
    found = loaded(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apps"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}},
    )
    assert [namespace.name for namespace in found.namespaces] == ["apps"]
    assert [(ref.kind, ref.name) for ref in found.ignored] == [("ConfigMap", "c")]


def test_a_values_file_among_the_manifests_is_no_mistake_if_a_release_names_it() -> None:
    using = document(release({"valuesFrom": [{"file": "./values/prod.yaml"}]}))
    values = document({"replicaCount": 2}, "apps/values/prod.yaml")
    stray = document({"replicaCount": 2}, "apps/stray.yaml")
    found = load([using, values, stray], namespace="apps", access=Access())
    assert [problem.where for problem in found.problems] == ["apps/stray.yaml:1"]


def test_the_owner_file() -> None:
    told: list[Problem] = []
    config = load_owner(document({"owner": "platform/apps", "cluster": {"context": "prod"}}, "helmops.yaml"), told)
    assert (config.owner, config.context, config.cluster_uid, told) == ("platform/apps", "prod", "", [])


def test_the_owner_file_is_strict() -> None:
    told: list[Problem] = []
    load_owner(document({"owner": "x", "clutser": {}}, "helmops.yaml"), told)
    assert told[0].message == "unknown field; did you mean cluster?"


def test_path_text() -> None:
    assert path_text(("spec", "dependsOn", 0, "name")) == "spec.dependsOn[0].name"
