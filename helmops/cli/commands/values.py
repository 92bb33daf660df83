"""``values NAME``."""

from __future__ import annotations

import click

from helmops.cli import reading, session
from helmops.cli.flags import Flags
from helmops.cli.options import files_option, output_option, pass_flags


@click.command("values")
@click.argument("name")
@files_option
@output_option
@pass_flags
def command(flags: Flags, *, name: str, paths: tuple[str, ...], output: str | None) -> int:
    """Show the merged values of a release of the manifests, and which layer set each of them."""
    return session.run(flags, lambda one: reading.values(one, name, paths, output=output), machine=bool(output))
