"""A document → its pydantic model, and mistakes in words that never repeat a value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from helmops.api.document import Document
from helmops.api.model import JsonPath
from helmops.errors import Problem

Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], document: Document, problems: list[Problem]) -> Model | None:
    """The document as its model; None when it has mistakes, which are added to ``problems``."""
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        problems += [_told(details, model, document) for details in error.errors(include_url=False)]
        return None


def _told(details: ErrorDetails, model: type[BaseModel], document: Document) -> Problem:
    path: JsonPath = tuple(details["loc"])
    kind = details["type"]
    if kind == "extra_forbidden":
        return document.problem(path, f"unknown field{meant(str(path[-1]), _fields(model, path[:-1]))}")
    if kind == "missing":
        return document.problem(path, "is required")
    if kind == "value_error":
        return document.problem(path, str(details["ctx"]["error"]))
    message = details["msg"].replace("Input should be", "must be")
    given = "" if kind == "literal_error" else f", not {_type_name(details['input'])}"
    return document.problem(path, message + given)


def _type_name(value: Any) -> str:
    """The JSON type of what was given: its value may be a secret, so it is not repeated."""
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", type(None): "null"}
    return "a map" if isinstance(value, Mapping) else names.get(type(value), type(value).__name__)


def meant(word: str, known: Iterable[str]) -> str:
    """``; did you mean …?``, or what is known."""
    known = list(known)
    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), lowered, 1, 0.6)
    if close:
        return f"; did you mean {lowered[close[0]]}?"
    return f"; known are {', '.join(sorted(known))}" if known else ""


def _fields(model: type[BaseModel], path: JsonPath) -> list[str]:
    """Names that a file may use at ``path``."""
    current: Any = model
    for part in path:
        if isinstance(part, int) or current is None:
            continue
        current = next((_inner(f.annotation) for f in current.model_fields.values() if f.alias == part), None)
    return [f.alias or "" for f in current.model_fields.values()] if current else []


def _inner(annotation: Any) -> type[BaseModel] | None:
    """The model inside ``X``, ``X | None`` or ``tuple[X, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in getattr(annotation, "__args__", ()) if (found := _inner(arg))), None)
