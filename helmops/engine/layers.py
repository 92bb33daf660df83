"""Where the values of a release come from → layers, in order, each with its origin. No error repeats what it read."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from helmops.api.model import FileValues, InlineValues, ObjectValues, Release, ValuesSource
from helmops.core import yaml
from helmops.core.setpath import set_path
from helmops.core.values import Layer, merge_layers
from helmops.errors import InputError, Missing, Problem
from helmops.ports import Files

Part = Layer | ObjectValues
"""A layer that is known, or an object that one will be read from."""

Objects = Mapping[tuple[str, str, str], Mapping[str, Any] | None]
"""By (kind, namespace, name); None: it is not there."""

PATH = "spec.valuesFrom"


# ---------------------------------------------------------------- files
async def read_parts(files: Files, release: Release, problems: list[Problem]) -> tuple[Part, ...]:
    """Everything that the input itself holds; objects stay to be read."""
    found = [await _part(files, source, problems) for source in release.values]
    return tuple(part for part in found if part is not None)


async def _part(files: Files, source: ValuesSource, problems: list[Problem]) -> Part | None:
    if isinstance(source, ObjectValues):
        return source
    if isinstance(source, InlineValues):
        return Layer(source.file, source.value, source.lines)
    try:
        text = await files.read(source.path, source.root)
    except InputError as error:
        if not (source.optional and isinstance(error, Missing)):
            problems.append(Problem(source.where, PATH, error.message))
        return None
    return _file_layer(source, text, problems)


def _file_layer(source: FileValues, text: str, problems: list[Problem]) -> Layer | None:
    try:
        located = yaml.load(text, file=source.shown)
    except InputError as error:
        problems.append(Problem(error.where or source.shown, "", error.message))
        return None
    if located.value is None:
        return None
    if not isinstance(located.value, Mapping):
        problems.append(Problem(f"{source.shown}:1", "", "a values file must hold a map"))
        return None
    return Layer(source.shown, located.value, located.lines)


# ---------------------------------------------------------------- objects
def stack(parts: Sequence[Part], objects: Objects, problems: list[Problem]) -> tuple[Layer, ...]:
    """All layers in order. An object that ``objects`` does not speak of is left out: it has not been asked for yet."""
    layers: list[Layer] = []
    for part in parts:
        if isinstance(part, Layer):
            layers.append(part)
        elif object_key(part) in objects:
            try:
                layer = _object_layer(part, objects[object_key(part)], layers)
            except InputError as error:
                problems.append(Problem(part.where, PATH, error.message))
            else:
                layers += [layer] if layer else []
    return tuple(layers)


def object_key(source: ObjectValues) -> tuple[str, str, str]:
    """(kind, namespace, name)."""
    return source.kind, source.namespace, source.name


def _object_layer(source: ObjectValues, found: Mapping[str, Any] | None, below: Sequence[Layer]) -> Layer | None:
    text = _text(source, found)
    if text is None:
        if source.optional:
            return None
        what = f"no {_named(source)}" if found is None else f"{_named(source)} has no key {source.key}"
        where = ", neither in the input nor in the cluster" if found is None else ""
        raise InputError(f"{what}{where}")
    origin = f"{_named(source)}:{source.key}"
    value = _at_path(source, text, below) if source.target_path else _document(source, text)
    return Layer(origin, value, secret=source.kind == "Secret") if value else None


def _named(source: ObjectValues) -> str:
    return f"{source.kind} {source.namespace}/{source.name}"


def _text(source: ObjectValues, found: Mapping[str, Any] | None) -> str | None:
    if found is None:
        return None
    if "sops" in found:
        raise InputError(f"{_named(source)} is encrypted with SOPS, which is not supported yet")
    if source.kind == "ConfigMap":
        return _string(source, _entry(found, "data", source.key))
    written = _entry(found, "stringData", source.key)
    if written is not None:
        return _string(source, written)
    return _decoded(source, _string(source, _entry(found, "data", source.key)))


def _entry(found: Mapping[str, Any], part: str, key: str) -> Any:
    data = found.get(part)
    return data.get(key) if isinstance(data, Mapping) else None


def _string(source: ObjectValues, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InputError(f"{_named(source)}: the key {source.key} must hold a string")
    return value


def _decoded(source: ObjectValues, text: str | None) -> str | None:
    try:
        # The server takes line breaks in it, and nothing else beside base64.
        return None if text is None else base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise InputError(f"{_named(source)}: the key {source.key} is no base64 of UTF-8") from None


def _document(source: ObjectValues, text: str) -> Mapping[str, Any]:
    where = f"{_named(source)}: the key {source.key}"
    try:
        value = yaml.load(text, file="", strict=False).value
    except InputError as error:
        line = error.where.rpartition(":")[2]
        raise InputError(f"{where} is no YAML" + (f" (line {line})" if line else "")) from None
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError(f"{where} must hold a map, or go with a targetPath")
    return value


def _at_path(source: ObjectValues, text: str, below: Sequence[Layer]) -> Mapping[str, Any]:
    """One value, set into what is merged so far: ``list[1]`` keeps the other items."""
    base = merge_layers(below).value
    try:
        whole = set_path(base, source.target_path, text, literal=source.literal)
        alone = set_path({}, source.target_path, text, literal=source.literal)
    except InputError as error:
        raise InputError(f"{_named(source)}: the key {source.key} at {source.target_path}: {error.message}") from None
    return _part_of(whole, alone)


def _part_of(whole: Mapping[str, Any], shape: Mapping[str, Any]) -> dict[str, Any]:
    """What of ``whole`` was set: the layer itself, whose merge gives ``whole`` again."""
    found = {}
    for key, value in shape.items():
        deeper = isinstance(value, Mapping) and isinstance(whole[key], Mapping)
        found[key] = _part_of(whole[key], value) if deeper else whole[key]
    return found
