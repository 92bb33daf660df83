"""``schema``."""

from __future__ import annotations

import json

import click

from helmops.api.release_kind import ReleaseManifest
from helmops.cli import exits
from helmops.cli.flags import Flags
from helmops.cli.options import pass_flags
from helmops.cli.output.stream import write


@click.command("schema")
@pass_flags
def command(flags: Flags) -> int:
    """Print the JSON Schema of Release, for editors and validators."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ReleaseManifest.model_json_schema()}
    write(json.dumps(schema, indent=2).splitlines())
    return exits.DONE
