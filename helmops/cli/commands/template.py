"""``template NAME``."""

from __future__ import annotations

import click

from helmops.cli import reading, session
from helmops.cli.flags import Flags
from helmops.cli.options import files_option, pass_flags


@click.command("template")
@click.argument("name")
@files_option
@pass_flags
def command(flags: Flags, *, name: str, paths: tuple[str, ...]) -> int:
    """Render a release of the manifests as sync would, with the values of Secrets masked."""
    return session.run(flags, lambda one: reading.template(one, name, paths), machine=True)
