"""Command lines of helm: nothing secret in them, and each flag only where this helm knows it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helmops.adapters.helm import arguments
from helmops.adapters.helm.capabilities import capabilities, parse_version
from helmops.api.model import ActionOptions
from helmops.errors import InputError
from helmops.ports import HelmChange, HelmRevert, RenderRequest

HELM4 = capabilities(parse_version("v4.2.3"))
HELM3 = capabilities(parse_version("v3.19.0+g3d8990f"))


def change(**more: Any) -> HelmChange:
    fields: dict[str, Any] = {
        "name": "web",
        "namespace": "apps",
        "chart_path": "/charts/web",
        "values": {"password": "s3cret"},
        "options": ActionOptions(timeout=90.5),
        "labels": {"helmops.dev/desired": "2." + "a" * 40, "helmops.dev/owner": "platform"},
        "description": "helmops: because",
        "max_history": 7,
    }
    return HelmChange(**(fields | more))


def test_upgrade_on_helm4() -> None:
    assert arguments.upgrade(change(force_conflicts=True), HELM4) == [
        *("upgrade", "web", "/charts/web", "--reset-values"),
        *("--namespace", "apps", "--values", "-", "--hide-notes", "--timeout", "91s"),
        *("--wait=watcher", "--wait-for-jobs"),
        *("--labels", f"helmops.dev/desired=2.{'a' * 40},helmops.dev/owner=platform"),
        *("--description", "helmops: because", "--disable-openapi-validation"),
        *("--server-side=true", "--force-conflicts", "--history-max", "7"),
    ]


def test_helm3_knows_neither_watchers_nor_conflicts() -> None:
    argv = arguments.upgrade(change(force_conflicts=True), HELM3)
    assert "--wait" in argv
    assert not {"--wait=watcher", "--force-conflicts", "--server-side=true"} & set(argv)


def test_each_option_has_its_flag() -> None:
    options = ActionOptions(
        disable_hooks=True,
        disable_wait=True,
        disable_schema_validation=True,
        create_namespace=True,
        skip_crds=True,
        cleanup_on_fail=True,
    )
    install = arguments.install(change(options=options, validate=True), HELM4)
    assert {"--no-hooks", "--skip-schema-validation", "--create-namespace", "--skip-crds"} <= set(install)
    assert not {"--wait=watcher", "--wait-for-jobs", "--disable-openapi-validation", "--history-max"} & set(install)
    upgrade = arguments.upgrade(change(options=options), HELM4)
    assert "--cleanup-on-fail" in upgrade
    assert not {"--create-namespace", "--skip-crds"} & set(upgrade)


def test_waiting_without_jobs() -> None:
    argv = arguments.install(change(options=ActionOptions(disable_wait_for_jobs=True)), HELM4)
    assert "--wait=watcher" in argv
    assert "--wait-for-jobs" not in argv


def test_rollback_flags() -> None:
    revert = HelmRevert("web", "apps", ActionOptions(), revision=3, force_conflicts=True)
    assert arguments.rollback_flags(revert, HELM3) == ("--wait", "--wait-for-jobs")
    assert arguments.rollback_flags(revert, HELM4)[2:] == ("--server-side=true", "--force-conflicts")


def test_template_asks_no_cluster() -> None:
    request = RenderRequest(
        "web", "apps", "/charts/web", {}, is_upgrade=True, kube_version="v1.36.3", api_versions=("v1", "apps/v1")
    )
    assert arguments.template(request)[3:] == [
        *("--namespace", "apps", "--values", "-", "--is-upgrade"),
        *("--kube-version", "v1.36.3", "--api-versions", "v1,apps/v1"),
    ]


def test_many_api_versions_fit_into_arguments() -> None:
    many = tuple(f"group{number}.example.org/v1/Kind{number}" for number in range(9_000))
    argv = arguments.template(RenderRequest("web", "apps", "/charts/web", {}, api_versions=many))
    given_words = [argv[at + 1] for at, word in enumerate(argv) if word == "--api-versions"]
    assert all(len(word) < 128 * 1024 for word in given_words)
    assert tuple(",".join(given_words).split(",")) == many


def test_values_are_never_arguments() -> None:
    assert "s3cret" not in " ".join(arguments.install(change(), HELM4) + arguments.upgrade(change(), HELM3))


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.booleans() | st.none() | st.lists(st.text())))
def test_encoded_values_are_json_of_the_same(values: dict[str, Any]) -> None:
    assert json.loads(arguments.encode_values(values)) == values


def test_characters_that_yaml_refuses_are_escaped_and_emoji_are_not() -> None:
    encoded = arguments.encode_values({"a": "\x7f\x85\u2028\ufeff\U0001f600"}).decode()
    assert encoded == '{"a":"\\u007f\\u0085\\u2028\\ufeff\U0001f600"}'


@pytest.mark.parametrize("text", ["v3.16.4", "v2.17.0", "v5.0.0"])
def test_versions_that_are_not_supported(text: str) -> None:
    with pytest.raises(InputError, match=r"is not supported: helmops works with Helm 3\.17 or 4\.0"):
        capabilities(parse_version(text))


@pytest.mark.parametrize("text", ["", "helm", "WARNING: 4.2.3", "v4"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(InputError):
        parse_version(text)


@pytest.mark.parametrize(("text", "minor"), [("v4.3.0-rc.1", 3), ("v3.19.0+g3d8990f", 19), (" v4.2.3\n", 2)])
def test_versions(text: str, minor: int) -> None:
    assert parse_version(text).minor == minor
