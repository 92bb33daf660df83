"""What the daemon follows: one thing, and no password on the command line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from helmops.cli.commands.daemon import command
from helmops.cli.flags import Flags

URL = "https://git.example.org/apps.git"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--path", ".", "--git", URL], "exclude each other"),
        (["--ref", "main"], "need --git"),
        (["--path", ".", "--git-path", "releases"], "need --git"),
        (["--git", "https://alice:not-a-secret@git.example.org/apps.git"], "HELMOPS_GIT_PASSWORD"),
        (["--git", "https://not-a-secret@git.example.org/apps.git"], "HELMOPS_GIT_PASSWORD"),
        (["--git", "https://[git/apps.git"], "cannot be read"),
        (["--git", URL, "--git-path", "../elsewhere"], "no path below the root"),
        (["--git", URL, "--git-path", "/etc"], "no path below the root"),
    ],
)
def test_what_does_not_go_together(words: list[str], said: str) -> None:
    ran = CliRunner().invoke(command, words, obj=Flags())
    assert ran.exit_code == 2
    assert said in ran.output
    assert "not-a-secret" not in ran.output
