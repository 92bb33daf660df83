"""What all of Flux's kinds have in common, and the fields that helmops does not act on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, model_validator

from helmops.api.document import Document, path_text
from helmops.api.fields import Strict
from helmops.api.model import JsonPath
from helmops.errors import Problem


class FluxModel(Strict):
    """As strict as ours, but a field that is null counts as left out, as for the API server."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class NotFollowed:
    """Marks a field that is told as not followed, unless it has one of the values that change nothing.

    ``refused``: why going on without it would do harm; then it is a mistake.
    """

    like: tuple[Any, ...] = ()
    refused: str = ""


LATER = NotFollowed()
LATER_IF_SET = NotFollowed(like=(False,))


def told(parsed: BaseModel, document: Document, problems: list[Problem]) -> list[str]:
    """At most one warning for the document. What must not be ignored is added to ``problems``."""
    ignored = []
    for path, marker in _found(parsed, ()):
        if marker.refused:
            problems.append(document.problem(path, f"is not supported yet: {marker.refused}"))
        else:
            ignored.append(path_text(path))
    kind = document.kind[1]
    return [f"{document.where()}: not followed yet in this {kind}: {', '.join(ignored)}"] if ignored else []


def _found(value: Any, path: JsonPath) -> Iterator[tuple[JsonPath, NotFollowed]]:
    if isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _found(item, (*path, index))
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            if name in value.model_fields_set:
                here = (*path, field.alias or name)
                yield from _of_field(getattr(value, name), here, field.metadata)


def _of_field(value: Any, path: JsonPath, metadata: list[Any]) -> Iterator[tuple[JsonPath, NotFollowed]]:
    marker = next((one for one in metadata if isinstance(one, NotFollowed)), None)
    if marker is None:
        yield from _found(value, path)
    elif not any(value == one for one in marker.like):
        yield path, marker
