"""``rollback NAME [REV]``."""

from __future__ import annotations

import click

from helmops.cli import byhand, session
from helmops.cli.flags import Flags
from helmops.cli.options import pass_flags, yes_option


@click.command("rollback")
@click.argument("name")
@click.argument("revision", type=click.IntRange(1), required=False, metavar="[REV]")
@yes_option
@pass_flags
def command(flags: Flags, *, name: str, revision: int | None, yes: bool) -> int:
    """Go back to a revision that was once deployed and good (default: the newest before the present one).

    sync leaves the release there until its input changes.
    """
    return session.run(flags, lambda one: byhand.rollback(one, name, revision or 0, yes=yes))
