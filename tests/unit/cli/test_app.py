"""The program as a whole: what it costs to start, and what it says to mistakes on its command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from helmops.cli.app import COMMANDS, main, root

HEAVY = ("pydantic", "aiohttp", "rich", "yaml", "pyhelm3", "kubernetes", "helmops.engine", "helmops.api.loading")


def imported(*words: str) -> set[str]:
    """Modules that are there after a run."""
    code = (
        "import json, sys; from helmops.cli.app import main; code = main(sys.argv[1:]); "
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("words", [["--help"], []])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    modules = imported(*words)
    assert "asyncio" not in modules
    assert not modules & set(HEAVY)


def test_version_imports_little() -> None:
    modules = imported("version")
    assert "helmops.adapters.helm.runner" in modules
    assert not modules & set(HEAVY)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    told = capsys.readouterr().out
    assert f"helmops {name}" in told
    assert "--kube-context" in told


@pytest.mark.parametrize(
    "words",
    [["nonsense"], ["sync", "--nonsense"], ["sync", "--parallel", "0"], ["rollback"], ["rollback", "web", "x"]],
)
def test_a_mistake_on_the_command_line_is_exit_code_1(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 1
    told = capsys.readouterr().err
    assert "Usage:" in told
    assert "Error:" in told


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in COMMANDS)


def test_as_a_plugin_it_calls_itself_what_the_user_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HELM_PLUGIN_DIR", "/plugins/helmops")
    assert main(["sync", "--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: helm helmops sync")


def test_the_schema_is_a_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["properties"]["apiVersion"]["const"] == "helmops.dev/v1alpha1"
    assert "valuesFrom" in json.dumps(schema)
    assert "values_from" not in json.dumps(schema)


def test_refused_before_anything_is_imported_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HELM_KUBETOKEN", "hunter2")
    assert main(["status"]) == 1
    told = capsys.readouterr().err
    assert "Error: --kube-token (HELM_KUBETOKEN) is not supported" in told
    assert "hint: " in told
    assert "hunter2" not in told


def test_an_unexpected_error_tells_its_place_and_not_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("hunter2")

    monkeypatch.setattr(root, "main", broken)
    assert main(["status"]) == 1
    told = capsys.readouterr().err
    assert "unexpected KeyError at " in told
    assert "please report it" in told
    assert "hunter2" not in told
    assert "Traceback" not in told
    assert main(["status", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_the_reference_names_every_command_and_every_flag() -> None:
    text = (Path(__file__).parents[3] / "docs/reference/cli.md").read_text()
    with click.Context(root) as context:
        for name in COMMANDS:
            assert f"`{name}" in text
            command = root.get_command(context, name)
            assert command is not None
            flags = [flag for one in command.params for flag in one.opts if isinstance(one, click.Option)]
            assert [flag for flag in flags if flag.startswith("--") and flag not in text] == []
