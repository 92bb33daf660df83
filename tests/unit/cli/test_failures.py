"""How errors are told."""

from __future__ import annotations

import pytest

from helmops.cli.output.failures import lines, report
from helmops.cli.output.paint import Paint
from helmops.errors import Bug, InputErrors, Locked, Problem, Refused, Unreachable


def test_where_what_and_the_next_thing_to_do() -> None:
    error = Refused("this input is for prod", where="helmops.yaml:2", hint="--kube-context prod")
    assert lines(error, Paint()) == ["Error: helmops.yaml:2: this input is for prod", "hint: --kube-context prod"]


def test_every_problem_of_the_input_and_their_count() -> None:
    problems = [Problem("a.yaml:3", "spec.chart", "is required"), Problem("b.yaml:1", "", "is no map")]
    assert lines(InputErrors(problems), Paint()) == [
        "Error: a.yaml:3: spec.chart: is required",
        "Error: b.yaml:1: is no map",
        "2 problems in the input; nothing was touched",
    ]
    assert lines(InputErrors(problems[:1]), Paint())[-1].startswith("1 problem in")


def test_a_bug_asks_to_be_reported() -> None:
    assert "please report it" in lines(Bug("this cannot be"), Paint())[-1]


def test_many_errors_at_once_are_told_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    group = BaseExceptionGroup("tasks", [Unreachable("no answer"), BaseExceptionGroup("more", [Refused("no")])])
    assert report(group, debug=False) == 1
    assert capsys.readouterr().err == "Error: no answer\nError: no\n"


def test_a_lock_has_its_own_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(Locked("someone writes"), debug=False) == 5
    assert report(BaseExceptionGroup("x", [Locked("someone"), Refused("no")]), debug=False) == 1
    assert "Error: someone writes" in capsys.readouterr().err
