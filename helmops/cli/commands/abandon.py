"""``abandon NAME``."""

from __future__ import annotations

import click

from helmops.cli import byhand, session
from helmops.cli.flags import Flags
from helmops.cli.options import pass_flags


@click.command("abandon")
@click.argument("name")
@pass_flags
def command(flags: Flags, *, name: str) -> int:
    """Take helmops' labels off every revision of a release. The release and its objects stay as they are.

    As long as manifests name it, the next sync takes it over again.
    """
    return session.run(flags, lambda one: byhand.hand_back(one, name))
