"""One run against real adapters: the event loop, the two Ctrl-C, and what is told while work goes on.

The only module of the command line that knows wiring, and that only when something is run.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from helmops.api.model import Access, OwnerConfig
from helmops.cli import exits
from helmops.cli.ask import Asker
from helmops.cli.flags import Flags
from helmops.cli.foreground import foreground
from helmops.cli.logs import Phases, configure
from helmops.cli.output.paint import Paint
from helmops.cli.output.stream import in_colour, write
from helmops.cli.progress import Board, board
from helmops.cli.signals import interruptible
from helmops.engine.context import Ports, Scope
from helmops.engine.scope import enter
from helmops.ports import Checkouts


@dataclass(frozen=True, slots=True)
class Session:
    """What a command works with. ``machine``: the result is read by a program, so that all else goes to stderr."""

    flags: Flags
    ports: Ports
    checkouts: Checkouts
    access: Access
    board: Board
    asker: Asker
    paint: Paint
    phases: Phases
    machine: bool

    def say(self, lines: Iterable[str]) -> None:
        """What is for people."""
        write(lines, to_stderr=self.machine)

    def result(self, lines: Iterable[str]) -> None:
        """What was asked for."""
        write(lines)

    async def namespace(self) -> str:
        """The namespace where none is named: the flag, Helm's word, the context's own."""
        return self.flags.namespace or (await self.ports.cluster.target(self.access)).namespace

    async def chosen_namespace(self) -> str:
        """The namespace that the user chose on purpose, or "": a plugin gets Helm's default with and without ``-n``."""
        if self.flags.namespace_flag or not self.flags.namespace:
            return self.flags.namespace
        usual = (await self.ports.cluster.target(self.access)).namespace
        return "" if self.flags.namespace == usual else self.flags.namespace

    async def enter(self, owner: OwnerConfig = OwnerConfig()) -> Scope:  # noqa: B008  frozen
        """The cluster that this run is about."""
        with self.phases.phase("enter the cluster"):
            return await enter(self.ports, self.access, owner)


Use = Callable[[Session], Awaitable[int]]


PARALLEL = 8
"""helm processes at a time where nobody says otherwise."""


def run(flags: Flags, use: Use, *, machine: bool = False, parallel: int = PARALLEL) -> int:
    """Make the adapters, use them, close them; the exit code."""
    configure(debug=flags.debug)
    with foreground(flags.environ):
        return asyncio.run(_run(flags, use, machine=machine, parallel=parallel))


async def _run(flags: Flags, use: Use, *, machine: bool, parallel: int) -> int:
    from helmops.wiring import wire

    stream = sys.stderr if machine else sys.stdout
    shown = board(stream)
    wired = wire(flags, shown, parallel=parallel)
    paint = Paint(in_colour(stream))
    session = Session(flags, wired.ports, wired.checkouts, wired.access, shown, Asker(), paint, Phases(), machine)
    try:
        with interruptible(), session.phases.phase("all of it"):
            return await use(session)
    except asyncio.CancelledError:
        write(["Interrupted."], to_stderr=True)
        return exits.INTERRUPTED
    finally:
        await wired.close()
