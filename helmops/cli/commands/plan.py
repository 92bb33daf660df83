"""``plan PATH…``."""

from __future__ import annotations

import click

from helmops.cli import passes, session
from helmops.cli.flags import Flags
from helmops.cli.options import pass_flags, plan_options


@click.command("plan")
@plan_options
@pass_flags
def command(
    flags: Flags,
    *,
    paths: tuple[str, ...],
    names: tuple[str, ...],
    retry: bool,
    prune: bool,
    detailed_exitcode: bool,
    output: str | None,
) -> int:
    """Show what sync would do to every release, and why. Nothing is written.

    PATH is a folder, a file, or - for stdin (default: the current folder).
    """
    asked = passes.Asked(paths, frozenset(names), retry, prune, detailed_exitcode, output)
    return session.run(flags, lambda one: passes.plan(one, asked), machine=bool(output))
