"""``sync PATH…``."""

from __future__ import annotations

import os

import click

from helmops.cli import passes, session
from helmops.cli.flags import Flags
from helmops.cli.options import pass_flags, plan_options, yes_option


@click.command("sync")
@plan_options
@yes_option
@click.option("--dry-run", is_flag=True, help="The same as plan.")
@click.option(
    "--prune-max",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    metavar="N",
    help="Uninstall at most this many without a second yes.",
)
@click.option(
    "--parallel",
    type=click.IntRange(1),
    default=passes.default_parallel(os.cpu_count() or 1),
    show_default=True,
    metavar="N",
    help="Releases worked on at once.",
)
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
    yes: bool,
    dry_run: bool,
    prune_max: int,
    parallel: int,
) -> int:
    """Plan, ask, and make the cluster what the manifests say.

    PATH is a folder, a file, or - for stdin (default: the current folder).
    """
    asked = passes.Asked(paths, frozenset(names), retry, prune, detailed_exitcode, output, yes, prune_max, parallel)
    use = passes.plan if dry_run else passes.sync
    return session.run(flags, lambda one: use(one, asked), machine=bool(output), parallel=parallel)
