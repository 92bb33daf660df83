"""The table on a terminal. Imported only where there is one: rich takes 60 ms."""

from __future__ import annotations

import time
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table as Grid
from rich.text import Text

from helmops.cli.output.paint import clean
from helmops.ports import Progress

_MARGIN = 4
"""Rows of the terminal that are left to what stands above."""


class Table:
    """One row for each release in motion."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)
        self._live = Live(self, console=self._console, refresh_per_second=8, transient=True)
        self._moving: dict[str, tuple[Progress, float]] = {}
        self._spinner = Spinner("dots")

    def start(self) -> None:
        """Show it."""
        self._live.start()

    def stop(self) -> None:
        """Take it away; the lines of what has ended stay."""
        self._live.stop()

    def move(self, progress: Progress) -> None:
        """A release goes on."""
        self._moving[progress.release] = progress, time.monotonic()

    def finish(self, release: str, line: str) -> None:
        """A release has come to its end."""
        self._moving.pop(release, None)
        self._console.print(Text.from_ansi(line), soft_wrap=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What is to be seen now."""
        grid = Grid.grid(padding=(0, 2))
        rows = list(self._moving.values())
        room = max(options.size.height - _MARGIN, 1)
        for progress, since in rows[:room]:
            seconds = f"{time.monotonic() - since:.0f} s"
            grid.add_row(self._spinner, clean(progress.release), Text(progress.phase, "cyan"), seconds)
        yield grid
        if len(rows) > room:
            yield Text(f"  … and {len(rows) - room} more")
