"""``version``. Nothing heavy is imported: it must answer at once."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import click

import helmops
from helmops.cli import exits
from helmops.cli.flags import Flags
from helmops.cli.options import output_option, pass_flags
from helmops.cli.output.stream import write
from helmops.errors import HelmopsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from helmops.ports import Helm


@click.command("version")
@output_option
@pass_flags
def command(flags: Flags, *, output: str | None) -> int:
    """Print the versions of helmops, helm and Python."""
    found = {"helmops": helmops.__version__, "helm": _helm(flags), "python": platform.python_version()}
    write(_document(found, output) if output else [f"{name:<8} {version}" for name, version in found.items()])
    return exits.DONE


def _helm(flags: Flags) -> str:
    """Which helm would be run; why none, where there is none."""
    import asyncio

    from helmops.wiring_helm import wire_helm

    try:
        return asyncio.run(_ask(wire_helm(flags)))
    except HelmopsError as error:
        return f"none: {error.message}"


async def _ask(helm: Helm) -> str:
    return (await helm.version()).text


def _document(found: Mapping[str, str], output: str) -> list[str]:
    from helmops.cli.output.machine import document

    return document("Version", {"versions": found}, output)
