"""Global flags: where they may stand, and who goes before whom."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from helmops.cli.flags import Flags, resolve
from helmops.cli.options import global_options, pass_flags
from helmops.errors import Refused

FOUND: list[Flags] = []


@click.group()
@global_options
def group() -> None:
    """A program."""


@group.command("look")
@pass_flags
def look(flags: Flags) -> int:
    """A command."""
    FOUND.append(flags)
    return 0


def given(*words: str, **environ: str) -> Flags:
    runner = CliRunner(env=environ)
    ended = runner.invoke(group, list(words), standalone_mode=False)
    assert ended.exception is None, ended.exception
    return FOUND.pop()


WORDS = ["--kube-context", "prod", "--kubeconfig", "k.yaml", "-n", "apps", "--debug"]


@pytest.mark.parametrize("words", [[*WORDS, "look"], ["look", *WORDS], [*WORDS[:4], "look", *WORDS[4:]]])
def test_flags_may_stand_before_and_after_the_subcommand(words: list[str]) -> None:
    found = given(*words)
    assert (found.kube_context, found.kubeconfig, found.namespace, found.debug) == ("prod", "k.yaml", "apps", True)
    assert found.namespace_flag


def test_the_one_that_stands_later_wins() -> None:
    assert given("--kube-context", "one", "look", "--kube-context", "two").kube_context == "two"
    assert given("-n", "one", "look", "--namespace", "two").namespace == "two"


@pytest.mark.parametrize(
    ("words", "environ", "context", "namespace"),
    [
        ([], {}, "", ""),
        ([], {"HELM_KUBECONTEXT": "prod", "HELM_NAMESPACE": "apps"}, "prod", "apps"),
        (["--kube-context", "dev", "-n", "own"], {"HELM_KUBECONTEXT": "prod", "HELM_NAMESPACE": "apps"}, "dev", "own"),
    ],
)
def test_a_flag_goes_before_helms_environment(
    words: list[str], environ: dict[str, str], context: str, namespace: str
) -> None:
    found = given("look", *words, **environ)
    assert (found.kube_context, found.namespace) == (context, namespace)


def test_helms_namespace_is_not_the_users_word() -> None:
    assert not resolve({}, {"HELM_NAMESPACE": "default"}).namespace_flag


@pytest.mark.parametrize(("text", "debug"), [("", False), ("false", False), ("0", False), ("1", True), ("true", True)])
def test_debug_of_helm(text: str, *, debug: bool) -> None:
    assert resolve({}, {"HELM_DEBUG": text}).debug is debug


@pytest.mark.parametrize("variable", ["HELM_KUBEAPISERVER", "HELM_KUBETOKEN", "HELM_KUBEASUSER", "HELM_KUBECAFILE"])
def test_another_cluster_or_user_by_helms_flags_is_refused_and_not_silently_ignored(variable: str) -> None:
    with pytest.raises(Refused, match=variable) as refused:
        resolve({}, {variable: "secret-value"}).check()
    assert "secret-value" not in f"{refused.value} {refused.value.hint}"


def test_what_helm_always_hands_over_is_no_such_flag() -> None:
    resolve({}, {"HELM_KUBETOKEN": "", "HELM_KUBEASGROUPS": "", "HELM_KUBEINSECURE_SKIP_TLS_VERIFY": "false"}).check()


def test_hints_name_the_program_that_was_started() -> None:
    assert Flags(environ={"HELM_PLUGIN_DIR": "/plugins/helmops"}).program == "helm helmops"
    assert Flags().program == "helmops"
