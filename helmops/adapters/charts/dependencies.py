"""Whether a chart has the subcharts that it declares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from helmops.adapters.charts import metadata, tree
from helmops.adapters.charts.metadata import decode
from helmops.core import yaml
from helmops.errors import InputError


def check_dependencies(chart: tree.ChartTree, where: str, hint: str) -> None:
    """Helm looks for a subchart of each declared name, whatever its version; so the same is asked here."""
    missing = sorted(_declared(chart) - _present(chart))
    if missing:
        raise InputError(
            f"declares subcharts that are not in charts/: {', '.join(missing)}",
            where=f"{where}/{metadata.FILE}",
            hint=hint,
        )


def _declared(chart: tree.ChartTree) -> set[str]:
    """Charts of apiVersion v1 declare them in a file of its own."""
    document: Mapping[str, Any] = chart.metadata.document
    if (old := chart.files.get("requirements.yaml")) is not None:
        value = yaml.load(decode(old, "requirements.yaml"), file="requirements.yaml", strict=False).value
        document = value if isinstance(value, dict) else {}
    listed = document.get("dependencies")
    entries = listed if isinstance(listed, list) else []
    return {str(entry["name"]) for entry in entries if isinstance(entry, dict) and entry.get("name")}


def _present(chart: tree.ChartTree) -> set[str]:
    pattern = re.compile(r"charts/[^/_.][^/]*/Chart\.yaml")
    return {metadata.read_metadata(data, path).name for path, data in chart.files.items() if pattern.fullmatch(path)}
