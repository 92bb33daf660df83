"""``daemon``."""

from __future__ import annotations

import os

import click

from helmops.api.fields import seconds
from helmops.cli import passes, running, session
from helmops.cli.flags import Flags
from helmops.cli.options import pass_flags


def _duration(context: click.Context, parameter: click.Parameter, value: str) -> float:
    try:
        return seconds(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("daemon")
@click.option("--path", metavar="DIR", help="Follow a folder of manifests instead of the cluster's Release objects.")
@click.option(
    "--interval",
    callback=_duration,
    default="5m",
    show_default=True,
    metavar="TIME",
    help="Look at each release this often, unasked, where it names no interval of its own.",
)
@click.option(
    "--poll",
    callback=_duration,
    default="5s",
    show_default=True,
    metavar="TIME",
    help="With --path: look for changed files this often.",
)
@click.option(
    "--parallel",
    type=click.IntRange(1),
    default=passes.default_parallel(os.cpu_count() or 1),
    show_default=True,
    metavar="N",
    help="Releases worked on at once.",
)
@click.option("--log-format", type=click.Choice(["plain", "json"]), default="plain", show_default=True)
@pass_flags
def command(
    flags: Flags,
    *,
    path: str | None,
    interval: float,
    poll: float,
    parallel: int,
    log_format: str,
) -> int:
    """Keep releases as they should be, without end.

    Follows the Release objects of the cluster (helmops crds prints their definitions): all of them, or with -n those of
    one namespace. Wakes on their changes, on changes of what they refer to, and on drift. SIGTERM ends it in order.
    """
    asked = running.Asked(path or "", interval, poll, parallel, log_format == "json")
    return session.run(flags, lambda one: running.daemon(one, asked), machine=True, parallel=parallel)
