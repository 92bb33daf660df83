"""``${VAR}`` that somebody forgot to substitute. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from helmops.api.document import Document, path_text
from helmops.api.model import JsonPath

_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)[^}\n]*\}")  # $${VAR} is meant as it stands


def left_over(document: Document) -> list[str]:
    """A warning for each string that has any; defaults, which may be secrets, are not repeated."""
    found = []
    for path, names in _strings(document.value, ()):
        shown = ", ".join(f"${{{name}}}" for name in dict.fromkeys(names))
        found.append(f"{document.where(path)}: {path_text(path)}: {shown} is left as it stands: nothing substitutes it")
    return found


def _strings(value: Any, path: JsonPath) -> Iterator[tuple[JsonPath, list[str]]]:
    if isinstance(value, str):
        if "${" in value and (names := _VARIABLE.findall(value)):
            yield path, names
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _strings(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index))
