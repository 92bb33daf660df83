"""pyhelm3's Command, run our way. Importing this costs 100–190 ms: only when a helm process is really started.

docs/decisions/0002-pyhelm3.md says what of pyhelm3 is used and what is not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from pyhelm3 import Command

Run = Callable[[Sequence[str], bytes | None], Awaitable[bytes]]
"""Runs helm with these arguments and this stdin; stdout, or a HelmError."""


class HelmCommand(Command):  # type: ignore[misc]  # pyhelm3 is untyped
    """Builds arguments as pyhelm3 does; processes, environment, credentials and errors are the runner's.

    pyhelm3's own ``run`` goes through a shell, puts a token on the command line and logs the arguments.
    """

    def __init__(self, run: Run, max_history: int) -> None:
        super().__init__(history_max_revisions=max_history)
        self._run = run

    async def run(self, command: Sequence[object], input: bytes | None = None) -> bytes:  # noqa: A002 - pyhelm3's name
        """Run helm; every method of pyhelm3's Command ends here."""
        return await self._run([str(part) for part in command], input)
