"""Ctrl-C once: stop in order. Twice: at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from helmops.cli import exits
from helmops.cli.output.stream import write

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """The first signal cancels the task, which lets running helm processes finish their records."""

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task = task
        self._first = True

    def arrive(self) -> None:
        """A signal came."""
        if self._first:
            self._first = False
            write(["Stopping: running helm processes finish their records. Once more to stop at once."], to_stderr=True)
            self._task.cancel()
        else:
            # The helm children that are left get SIGTERM from the kernel: they have a parent-death signal.
            os._exit(exits.INTERRUPTED)


@contextmanager
def interruptible() -> Iterator[None]:
    """The current task, cancelled by the first SIGINT or SIGTERM."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101  a coroutine runs in one
    interrupts = Interrupts(task)
    for number in SIGNALS:
        loop.add_signal_handler(number, interrupts.arrive)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
