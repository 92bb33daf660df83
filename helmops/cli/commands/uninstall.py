"""``uninstall NAME``."""

from __future__ import annotations

import click

from helmops.cli import byhand, session
from helmops.cli.flags import Flags
from helmops.cli.options import pass_flags, yes_option


@click.command("uninstall")
@click.argument("name")
@yes_option
@pass_flags
def command(flags: Flags, *, name: str, yes: bool) -> int:
    """Uninstall a release, after showing the PersistentVolumeClaims and custom resources that would go with it."""
    return session.run(flags, lambda one: byhand.uninstall(one, name, yes=yes))
