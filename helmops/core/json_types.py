"""The home of the types of JSON data. Read-only on purpose: nothing in core changes what it was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
"""What ``json.loads`` gives: dict, list and scalars."""

JsonObject: TypeAlias = Mapping[str, JsonValue]
"""A JSON object."""
