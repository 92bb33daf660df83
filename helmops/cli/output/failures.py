"""How errors are told: what happened, to which object, what to do next. Never a traceback without --debug."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator

from helmops.cli import exits
from helmops.cli.output.paint import Paint, clean, clean_lines
from helmops.cli.output.stream import in_colour, write
from helmops.errors import Bug, HelmopsError, InputErrors, Locked

REPORT = "this is a mistake in helmops: please report it, with the output of the same command and --debug"


def report(error: BaseException, *, debug: bool) -> int:
    """Tell on stderr; the exit code."""
    found = list(_leaves(error))
    if debug:
        write(traceback.format_exception(error), to_stderr=True)
    write([line for one in found for line in lines(one, Paint(in_colour(sys.stderr)))], to_stderr=True)
    return exits.LOCKED if all(isinstance(one, Locked) for one in found) else exits.ERROR


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """What stands in a group, which is how concurrent tasks fail."""
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    for inner in error.exceptions:
        yield from _leaves(inner)


def lines(error: BaseException, paint: Paint) -> list[str]:
    """``Error: file:line: path: message``, then a hint."""
    head = paint("Error:", "red")
    if isinstance(error, InputErrors):
        return _problems(error, head)
    if not isinstance(error, HelmopsError):
        # Its text may hold anything, secrets included.
        return [f"{head} unexpected {type(error).__name__} at {_place(error)}", f"hint: {REPORT}"]
    first, *rest = clean_lines(str(error)) or [type(error).__name__]
    told = [f"{head} {first}", *rest]
    hint = error.hint or (REPORT if isinstance(error, Bug) else "")
    return [*told, *(f"hint: {line}" for line in clean_lines(hint))]


def _problems(error: InputErrors, head: str) -> list[str]:
    count = len(error.problems)
    told = [f"{head} {clean(str(problem))}" for problem in error.problems]
    return [*told, f"{count} problem{'s' if count != 1 else ''} in the input; nothing was touched"]


def _place(error: BaseException) -> str:
    """Where in the program, without the folder it is installed in."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "an unknown place"
    last = next((frame for frame in reversed(frames) if "helmops" in frame.filename), frames[-1])
    return f"{'/'.join(last.filename.split('/')[-3:])}:{last.lineno}"
