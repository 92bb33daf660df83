"""A parsed YAML document with its place, and how a mistake in it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from helmops.api.model import JsonPath, ObjectRef
from helmops.errors import Problem


@dataclass(frozen=True, slots=True)
class Document:
    """One document of an input file.

    ``shown`` is the file as the user would name it, ``folder`` its absolute folder, ``root`` the folder no reference
    may leave, ``lines`` the 1-based line of every path in ``value``. ``built``: it came out of a kustomization, so
    ``shown`` is the folder, there are no lines, and the object itself is named instead.
    """

    shown: str
    folder: str
    root: str
    value: Any
    lines: Mapping[JsonPath, int] = field(compare=False)
    built: bool = False

    def line(self, path: JsonPath = ()) -> int:
        """Line of a path, or of the nearest parent that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def where(self, path: JsonPath = ()) -> str:
        """``file:line`` of a path."""
        return self.origin if self.built else f"{self.shown}:{self.line(path)}"

    @property
    def origin(self) -> str:
        """The file, or the object that was built."""
        if not self.built:
            return self.shown
        metadata = self._metadata
        parts = (str(metadata.get(part) or "") for part in ("namespace", "name"))
        return f"{self.shown} ({self.kind[1]} {'/'.join(part for part in parts if part)})"

    def problem(self, path: JsonPath, message: str) -> Problem:
        """A mistake at a path."""
        return Problem(self.where(path), path_text(path), message)

    def below(self, path: JsonPath) -> dict[JsonPath, int]:
        """Lines of everything under ``path``, relative to it."""
        size = len(path)
        return {} if self.built else {key[size:]: line for key, line in self.lines.items() if key[:size] == path}

    @property
    def kind(self) -> tuple[str, str]:
        """(apiVersion, kind), empty strings where absent."""
        value = self.value if isinstance(self.value, Mapping) else {}
        return str(value.get("apiVersion") or ""), str(value.get("kind") or "")

    @property
    def _metadata(self) -> Mapping[str, Any]:
        metadata = self.value.get("metadata") if isinstance(self.value, Mapping) else None
        return metadata if isinstance(metadata, Mapping) else {}

    def ref(self, namespace: str) -> ObjectRef:
        """The object it describes; ``namespace`` where it names none."""
        api_version, kind = self.kind
        found = str(self._metadata.get("namespace") or namespace)
        return ObjectRef(api_version, kind, found, str(self._metadata.get("name") or ""), self.where())


def path_text(path: JsonPath) -> str:
    """``spec.dependsOn[0].name``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
