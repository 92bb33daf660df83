"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from helmops.cli import flags

F = TypeVar("F", bound=Callable[..., Any])

_GIVEN = "helmops.flags"


def _remember(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """``meta`` is shared by the group and its commands; the command's word, parsed later, is the last."""
    if value:
        context.meta.setdefault(_GIVEN, {})[parameter.name] = value


def _flag(*names: str, **kwargs: Any) -> Callable[[F], F]:
    return click.option(*names, expose_value=False, callback=_remember, **kwargs)


def global_options(command: F) -> F:
    """The flags that Helm has too; they may stand before and after the subcommand."""
    for option in (
        _flag("--debug", flags.DEBUG, is_flag=True, help="Tell on stderr what is done, and how long it takes."),
        _flag("--kubeconfig", flags.KUBECONFIG, metavar="PATH", help="Kubeconfig file."),
        _flag("--kube-context", flags.CONTEXT, metavar="NAME", help="Context of the kubeconfig."),
        _flag("-n", "--namespace", flags.NAMESPACE, metavar="NAME", help="Namespace where none is named."),
    ):
        command = option(command)
    return command


def current(context: click.Context) -> flags.Flags:
    """What was given, Helm's environment taken into account. Refused for what is not supported."""
    found = flags.resolve(context.meta.get(_GIVEN, {}), dict(os.environ))
    found.check()
    return found


def pass_flags(command: Callable[..., int]) -> Callable[..., int]:
    """Hand the global flags to a command as its first argument, and offer them as options."""

    def run(**kwargs: Any) -> int:
        return command(current(click.get_current_context()), **kwargs)

    run.__doc__ = command.__doc__
    return global_options(run)


output_option = click.option(
    "-o", "--output", type=click.Choice(["json", "yaml"]), default=None, help="Print the result as JSON or YAML."
)
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
all_namespaces_option = click.option("-A", "--all-namespaces", is_flag=True, help="Every namespace.")
files_option = click.option(
    "-f",
    "--file",
    "paths",
    multiple=True,
    default=(".",),
    metavar="PATH",
    help="File or folder (default: .).",
)
paths_argument = click.argument("paths", nargs=-1, metavar="[PATH]...")


def plan_options(command: F) -> F:
    """What plan and sync have in common."""
    for option in (
        output_option,
        click.option(
            "--detailed-exitcode",
            is_flag=True,
            help="Exit with 2 for changes, 3 when all are drift.",
        ),
        click.option("--name", "names", multiple=True, metavar="NAME", help="Only this release (repeatable)."),
        click.option("--prune", is_flag=True, help="Uninstall what this owner deployed and no longer names."),
        click.option("--retry", is_flag=True, help="Try again what failed before with this very input."),
        paths_argument,
    ):
        command = option(command)
    return command
