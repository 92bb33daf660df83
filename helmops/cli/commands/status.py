"""``status [NAME]``."""

from __future__ import annotations

import click

from helmops.cli import listing, session
from helmops.cli.flags import Flags
from helmops.cli.options import all_namespaces_option, output_option, pass_flags


@click.command("status")
@click.argument("name", required=False)
@all_namespaces_option
@output_option
@pass_flags
def command(flags: Flags, *, name: str | None, all_namespaces: bool, output: str | None) -> int:
    """Show releases as `helm list` does, with their owner and drift; of one release every field that drifted."""
    return session.run(
        flags,
        lambda one: listing.status(one, name, everywhere=all_namespaces, output=output),
        machine=bool(output),
    )
