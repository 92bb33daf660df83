"""Processes that outlive their starter and can still be ended by it or by the next one.

A process is known by its id *and* its start time, so a file left over from before can never
point at a stranger that got the same id.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

TERM_SECONDS = 5.0


@dataclass(frozen=True)
class Process:
    """One process: ``started`` is its start time in clock ticks since boot."""

    name: str
    pid: int
    started: int

    @classmethod
    def of(cls, name: str, pid: int) -> Process:
        """The running process with this id."""
        started = start_time(pid)
        if started is None:
            raise ProcessLookupError(f"{name} ended at once")
        return cls(name, pid, started)

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return start_time(self.pid) == self.started

    def send(self, number: signal.Signals) -> None:
        """Signal it, unless it is gone."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def start_time(pid: int) -> int | None:
    """When the process started; None if there is none or if it only waits to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name in parentheses may hold anything
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def spawn(name: str, argv: Sequence[str | Path], log: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that Ctrl-C at the starter leaves it running."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env=env,
            start_new_session=True,
        )


def end(processes: Iterable[Process], at_once: frozenset[str] = frozenset()) -> None:
    """End the processes in this order: politely, those named in ``at_once`` and the stubborn by force."""
    remaining = [process for process in processes if process.alive()]
    for process in remaining:
        process.send(signal.SIGKILL if process.name in at_once else signal.SIGTERM)
    deadline = time.monotonic() + TERM_SECONDS
    while remaining and time.monotonic() < deadline:
        time.sleep(0.02)
        remaining = [process for process in remaining if process.alive()]
    for process in remaining:
        process.send(signal.SIGKILL)


class PidFile:
    """The processes of one cluster, on disk; rewritten whole after each start."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Process]:
        """What was recorded; nothing if there is no file."""
        try:
            entries = json.loads(self._path.read_text())
        except FileNotFoundError:
            return []
        return [Process(**entry) for entry in entries]

    def write(self, processes: Iterable[Process]) -> None:
        """Record these, never a half-written file."""
        partial = self._path.with_suffix(".new")
        partial.write_text(json.dumps([asdict(process) for process in processes], indent=1))
        partial.replace(self._path)

    def remove(self) -> None:
        """Forget them all."""
        self._path.unlink(missing_ok=True)
