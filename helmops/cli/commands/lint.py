"""``lint PATH…``."""

from __future__ import annotations

import click

from helmops.cli import reading, session
from helmops.cli.flags import Flags
from helmops.cli.options import output_option, pass_flags, paths_argument


@click.command("lint")
@paths_argument
@output_option
@pass_flags
def command(flags: Flags, *, paths: tuple[str, ...], output: str | None) -> int:
    """Check manifests, values files, dependsOn and local charts; needs neither a cluster nor a network.

    PATH is a folder, a file, or - for stdin (default: the current folder).
    """
    return session.run(flags, lambda one: reading.lint(one, paths or (".",), output=output), machine=bool(output))
