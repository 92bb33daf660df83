"""Questions to the person at the terminal. They go to stderr; without a terminal nobody is asked, and nothing hangs."""

from __future__ import annotations

import asyncio
import sys

from helmops.cli.output.stream import is_terminal
from helmops.errors import Refused


class Asker:
    """Asks, and can be interrupted while it waits."""

    @property
    def possible(self) -> bool:
        """Whether somebody can be asked."""
        return sys.stdin.isatty() and is_terminal(sys.stderr)

    def require(self, what: str, instead: str) -> None:
        """Refused where nobody can be asked."""
        if not self.possible:
            raise Refused(f"{what} needs a yes, and there is no terminal to ask on", hint=instead)

    async def yes(self, question: str) -> bool:
        """``[y/N]``: anything but y or yes is a no."""
        return (await self._answer(f"{question} [y/N] ")).lower() in ("y", "yes")

    async def number(self, question: str, expected: int) -> bool:
        """A second yes: the number itself."""
        return await self._answer(f"{question} ") == str(expected)

    async def _answer(self, prompt: str) -> str:
        print(prompt, end="", file=sys.stderr, flush=True)  # noqa: T201  a prompt has no line break
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        # Reading would block the loop, and with it Ctrl-C, until a line is there.
        loop.add_reader(sys.stdin, ready.set)
        try:
            await ready.wait()
        except asyncio.CancelledError:
            print(file=sys.stderr)  # noqa: T201
            raise
        finally:
            loop.remove_reader(sys.stdin)
        return sys.stdin.readline().strip()
