"""``history NAME``."""

from __future__ import annotations

import click

from helmops.cli import listing, session
from helmops.cli.flags import Flags
from helmops.cli.options import output_option, pass_flags


@click.command("history")
@click.argument("name")
@output_option
@pass_flags
def command(flags: Flags, *, name: str, output: str | None) -> int:
    """Show the revisions of a release: what each was made for, and how it went."""
    return session.run(flags, lambda one: listing.history(one, name, output=output), machine=bool(output))
