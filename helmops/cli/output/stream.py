"""Writing lines. A reader that goes away (``| head``) ends the output, never the work."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TextIO


def write(lines: Iterable[str], *, to_stderr: bool = False) -> None:
    """Print lines at once, so that what is told stands in the order in which it happened."""
    stream = sys.stderr if to_stderr else sys.stdout
    text = "".join(f"{line}\n" for line in lines)
    try:
        stream.write(text.encode("utf-8", "replace").decode("utf-8"))
        stream.flush()
    except UnicodeEncodeError:
        _ascii(stream, text)
    except BrokenPipeError:
        _discard(stream)


def finish() -> None:
    """Flush both streams before the interpreter does, which would complain about a reader that has gone."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            _discard(stream)


def _ascii(stream: TextIO, text: str) -> None:
    """A terminal that knows no arrows gets question marks."""
    stream.write(text.encode(stream.encoding or "ascii", "replace").decode(stream.encoding or "ascii"))
    stream.flush()


def _discard(stream: TextIO) -> None:
    """Whatever is still to come goes nowhere."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123  a descriptor is wanted, not a path
        os.dup2(nowhere.fileno(), stream.fileno())


def is_terminal(stream: TextIO) -> bool:
    """Whether a person reads it."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def in_colour(stream: TextIO) -> bool:
    """On terminals, unless NO_COLOR says otherwise (https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")
