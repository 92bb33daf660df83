"""Writing lines: progress, colours, readers that go away, signals."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys

import pytest

from helmops.cli import signals
from helmops.cli.output.paint import Paint, clean, columns
from helmops.cli.output.progress import line
from helmops.cli.output.stream import in_colour, is_terminal
from helmops.cli.progress import Lines, Live, board
from helmops.ports import Progress


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def test_progress_in_one_line() -> None:
    assert line(Progress("apps/web", "upgrading", "the input has changed"), Paint()) == (
        "apps/web  upgrading  the input has changed"
    )
    assert line(Progress("apps/web", "done", seconds=3.14), Paint()) == "apps/web  done  3.1 s"
    assert line(Progress("apps/web", "failed", "a\nb\x1b[2J"), Paint()) == "apps/web  failed  a b�[2J"


def test_lines_are_only_written_while_the_work_goes_on() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.record(Progress("apps/web", "planning"))
    with lines:
        lines.record(Progress("apps/web", "upgrading"))
    lines.record(Progress("apps/web", "done"))
    assert stream.getvalue() == "apps/web  upgrading\n"


def test_a_reader_that_has_gone_does_not_stop_the_work() -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    with Lines(Gone()) as lines:
        lines.record(Progress("apps/web", "upgrading"))


def test_a_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    shown = board(stream)
    assert isinstance(shown, Live)
    shown.record(Progress("apps/early", "done"))
    with shown:
        shown.record(Progress("apps/web", "upgrading"))
        shown.record(Progress("apps/web", "failed", "it broke"))
    assert "apps/web" in stream.getvalue()
    assert "it broke" in stream.getvalue()
    assert "apps/early" not in stream.getvalue()


def test_no_table_for_files_and_dumb_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(board(Terminal()), Lines)
    assert isinstance(board(io.StringIO()), Lines)


@pytest.mark.parametrize(("no_color", "colour"), [("", True), ("1", False)])
def test_no_color(monkeypatch: pytest.MonkeyPatch, no_color: str, *, colour: bool) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", no_color)
    assert in_colour(Terminal()) is colour
    assert not in_colour(io.StringIO())
    assert is_terminal(Terminal())


def test_columns_and_harmless_texts() -> None:
    assert columns([("a", "bb"), ("ccc", "")]) == ["a    bb", "ccc"]
    assert columns([]) == []
    assert clean("a\tb\x00c\u202e") == "a b�c�"


def test_a_closed_pipe_is_quiet() -> None:
    code = "from helmops.cli.output.stream import finish, write; write(['x' * 70000] * 9); finish()"
    done = subprocess.run(
        f'{sys.executable} -c "{code}" | head -c 1; exit ${{PIPESTATUS[0]}}',
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("x", "", 0)


async def test_the_first_signal_cancels_and_the_second_ends_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)

    async def work() -> str:
        with signals.interruptible():
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.sleep(0.01)
        return "tidied up"

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await task == "tidied up"
    assert ended == [130]
    assert "Once more to stop at once" in capsys.readouterr().err
