"""Ctrl-C under ``helm helmops``: it must reach helmops, and helm must stay until helmops is done.

The terminal sends SIGINT to every process in the foreground, and helm, which only waits for its plugin, would die of it
at once: the shell would show its prompt while helmops was still stopping, and a second Ctrl-C would reach nobody. So
helmops, as a plugin on a terminal, becomes the foreground by itself and gives that back at its end, as a shell does.
Ctrl-Z does nothing in between: helm could not be stopped along with us.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress


@contextmanager
def foreground(environ: Mapping[str, str]) -> Iterator[None]:
    """The block, as the terminal's foreground; elsewhere than under helm on a terminal, just the block."""
    terminal = _terminal(environ)
    if terminal is None:
        yield
        return
    before = os.getpgrp()
    ignored = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTTOU, signal.SIGTSTP)}
    try:
        os.setpgid(0, 0)
        os.tcsetpgrp(terminal, os.getpgrp())
        yield
    finally:
        with suppress(OSError):
            os.tcsetpgrp(terminal, before)
            os.setpgid(0, before)
        for number, handler in ignored.items():
            signal.signal(number, handler)


def _terminal(environ: Mapping[str, str]) -> int | None:
    """The terminal whose foreground we share with helm, if that is how things are.

    In a pipeline (``| less``) others need the foreground more than we do.
    """
    if not environ.get("HELM_PLUGIN_DIR") or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    try:
        terminal = sys.stdin.fileno()
        shared = os.tcgetpgrp(terminal) == os.getpgrp()
    except (OSError, ValueError):
        return None
    leads = os.getpid() in (os.getpgrp(), os.getsid(0))
    return terminal if shared and not leads else None
