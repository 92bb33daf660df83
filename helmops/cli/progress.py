"""Live progress: lines that are only ever added, or a table of what moves on a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TextIO

from helmops.cli.output.paint import Paint
from helmops.cli.output.progress import FINISHED, line
from helmops.cli.output.stream import in_colour, is_terminal
from helmops.ports import Progress

if TYPE_CHECKING:
    from helmops.cli.live import Table


class Board(Protocol):
    """A Recorder that shows, while it is open, what is recorded."""

    def record(self, progress: Progress) -> None:
        """See ports.Recorder."""

    def __enter__(self) -> Board: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Lines:
    """Append-only: one line as each release moves."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._open = False

    def record(self, progress: Progress) -> None:
        """A reader that has gone does not stop the work."""
        if self._open:
            try:
                print(line(progress, Paint()), file=self._stream, flush=True)
            except OSError:
                self._open = False

    def __enter__(self) -> Lines:
        self._open = True
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False


class Live:
    """A table of the releases in motion; each that comes to an end leaves one line above it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._table: Table | None = None

    def record(self, progress: Progress) -> None:
        """Move a row, or end it."""
        if self._table is None:
            return
        if progress.phase in FINISHED:
            self._table.finish(progress.release, line(progress, Paint(in_colour(self._stream))))
        else:
            self._table.move(progress)

    def __enter__(self) -> Live:
        from helmops.cli.live import Table

        self._table = Table(self._stream)
        self._table.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._table is not None:
            self._table.stop()
        self._table = None


def board(stream: TextIO) -> Board:
    """What fits the stream."""
    return Live(stream) if is_terminal(stream) else Lines(stream)
