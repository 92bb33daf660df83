"""Results for programs: a versioned document, as JSON or YAML. docs/reference/output.md names every field. PURE."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from helmops.core.yaml_dump import dump_lines

API_VERSION = "helmops.dev/v1alpha1"


def document(kind: str, content: Mapping[str, Any], form: str) -> list[str]:
    """The lines of a result in the form that was asked for (``json`` or ``yaml``)."""
    whole = {"apiVersion": API_VERSION, "kind": kind, **content}
    if form == "json":
        return json.dumps(whole, indent=2, ensure_ascii=False).splitlines()
    return dump_lines(whole)


def given(**fields: Any) -> dict[str, Any]:
    """Only the fields that say something."""
    return {key: value for key, value in fields.items() if value not in (None, "", [], {}, ())}
