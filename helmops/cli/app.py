"""The command line. A command's module is imported when it is run, so that ``--help`` costs nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from helmops.cli import exits
from helmops.cli.flags import program, wants_debug
from helmops.cli.options import global_options

COMMANDS = {
    "plan": "Show what sync would do, and why.",
    "sync": "Make the cluster what the manifests say.",
    "status": "Show releases and how they stand.",
    "history": "Show the revisions of a release.",
    "rollback": "Go back to a revision that was good.",
    "uninstall": "Uninstall a release.",
    "abandon": "Take helmops' labels off a release and leave it.",
    "template": "Render a release of the manifests.",
    "values": "Show merged values, and what set each.",
    "lint": "Check manifests without a cluster.",
    "daemon": "Keep releases as they should be, without end.",
    "crds": "Print the definitions of Release and ChartSource.",
    "schema": "Print the JSON Schema of Release.",
    "version": "Print the versions of helmops, helm and Python.",
}


class LazyGroup(click.Group):
    """Commands by name; their help in one line stands here."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a person needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"helmops.cli.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@global_options
@click.pass_context
def root(context: click.Context) -> int:
    """Keep Helm releases as Git says they should be.

    A folder of Release manifests goes in; plan shows what would change and why, sync makes it so.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
    return exits.DONE


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return int(root.main(args=arguments, prog_name=program(os.environ), standalone_mode=False) or exits.DONE)
    except click.ClickException as error:
        error.show()
        return exits.ERROR
    except (click.Abort, KeyboardInterrupt):
        return exits.INTERRUPTED
    except Exception as error:  # noqa: BLE001  the outermost frame: whatever is left is told, not thrown at the user
        from helmops.cli.output.failures import report

        return report(error, debug="--debug" in arguments or wants_debug(os.environ))
