"""``crds``."""

from __future__ import annotations

import click

from helmops.api.crds import crds
from helmops.cli import exits
from helmops.cli.flags import Flags
from helmops.cli.options import pass_flags
from helmops.cli.output.stream import write
from helmops.core.yaml_dump import dump


@click.command("crds")
@pass_flags
def command(flags: Flags) -> int:
    """Print the CustomResourceDefinitions of helmops' kinds, for kubectl apply -f -."""
    write("---\n".join(dump(one) for one in crds()).splitlines())
    return exits.DONE
