"""``daemon``."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

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


def _address(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    try:
        parts = urlsplit(value or "")
    except ValueError:
        raise click.BadParameter("an address that cannot be read") from None
    if parts.password is not None or (parts.scheme != "ssh" and "@" in parts.netloc):
        raise click.BadParameter("name user and password in HELMOPS_GIT_USERNAME and HELMOPS_GIT_PASSWORD")
    return value


def _below(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if value.startswith("/") or ".." in value.split("/"):
        raise click.BadParameter(f"{value!r} is no path below the root of the repository")
    return value


def _repository(path: str | None, git: str | None, ref: str, git_path: str) -> running.Repository | None:
    if git and path:
        raise click.UsageError("--path and --git exclude each other")
    if not git and (ref or git_path):
        raise click.UsageError("--ref and --git-path need --git")
    return running.Repository(git, ref, git_path) if git else None


@click.command("daemon")
@click.option("--path", metavar="DIR", help="Follow a folder of manifests instead of the cluster's Release objects.")
@click.option("--git", metavar="URL", callback=_address, help="Follow the manifests in a git repository instead.")
@click.option("--ref", metavar="REF", default="", help="With --git: a branch or a tag.  [default: the server's HEAD]")
@click.option("--git-path", metavar="DIR", default="", callback=_below, help="With --git: the folder of the manifests.")
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
    help="With --path and --git: look for changed files this often.",
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
    git: str | None,
    ref: str,
    git_path: str,
    interval: float,
    poll: float,
    parallel: int,
    log_format: str,
) -> int:
    """Keep releases as they should be, without end.

    Follows the Release objects of the cluster (helmops crds prints their definitions): all of them, or with -n those of
    one namespace. Wakes on their changes, on changes of what they refer to, and on drift. SIGTERM ends it in order.
    """
    repository = _repository(path, git, ref, git_path)
    asked = running.Asked(path or "", repository, interval, poll, parallel, log_format == "json")
    return session.run(flags, lambda one: running.daemon(one, asked), machine=True, parallel=parallel)
