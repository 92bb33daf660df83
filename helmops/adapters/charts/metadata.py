"""``Chart.yaml``, validated lightly: what helmops itself relies on. Helm validates the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helmops.core import yaml
from helmops.errors import InputError

FILE = "Chart.yaml"


@dataclass(frozen=True, slots=True)
class Metadata:
    """A chart's name and version, and all of its ``Chart.yaml``."""

    name: str
    version: str
    document: Mapping[str, Any]


def read_metadata(data: bytes, where: str) -> Metadata:
    """``where`` names the file. InputError says line and field."""
    document = _document(data, where)
    for field in ("apiVersion", "name", "version"):
        if document.get(field) in (None, ""):
            raise InputError(f"{field} is missing", where=f"{where}:1")
    name, version = as_text(document["name"]), as_text(document["version"])
    if "/" in name or "\\" in name or name in (".", ".."):
        raise InputError(f"a chart cannot be called {name!r}", where=f"{where}:{_line(data, 'name')}")
    if not re.match(r"v?\d", version):
        raise InputError(f"{version!r} is no version", where=f"{where}:{_line(data, 'version')}")
    return Metadata(name, version, document)


def as_text(value: object) -> str:
    """A number where Helm wants a text: it reads ``version: 1.0`` as "1"."""
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def decode(data: bytes, where: str) -> str:
    """The text of a file, without the mark some editors begin it with."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("is not UTF-8", where=f"{where}:{line}") from error


def _document(data: bytes, where: str) -> Mapping[str, Any]:
    document = yaml.load(decode(data, where), file=where, strict=False).value
    if not isinstance(document, dict):
        raise InputError("must be a mapping", where=f"{where}:1")
    return document


def _line(data: bytes, field: str) -> int:
    match = re.search(rf"^{field}\s*:".encode(), data, re.MULTILINE)
    return data.count(b"\n", 0, match.start()) + 1 if match else 1
