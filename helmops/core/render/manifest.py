"""What Helm rendered: a manifest text read into objects and hooks.

The text comes from ``helm template`` (hooks included) or from a stored release (hooks apart).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from helmops.core.digest import canonical_json, sha256_hex
from helmops.core.yaml import loads_fast
from helmops.errors import InputError

HOOK_ANNOTATION = "helm.sh/hook"
WEIGHT_ANNOTATION = "helm.sh/hook-weight"
DELETE_ANNOTATION = "helm.sh/hook-delete-policy"

_SEPARATOR = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_SOURCE = re.compile(r"^# Source: (.+?)\s*$", re.MULTILINE)
_CONTENT = re.compile(r"^\s*[^\s#]", re.MULTILINE)
_TEST_EVENTS = frozenset({"test", "test-success"})


@dataclass(frozen=True, slots=True)
class Rendered:
    """One object, and the template it came from ("" where the text does not say)."""

    obj: Mapping[str, Any]
    source: str


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook: helm runs it at ``events`` and does not keep it as it keeps the objects."""

    obj: Mapping[str, Any]
    source: str
    events: tuple[str, ...]
    weight: int
    delete_policies: tuple[str, ...]

    @property
    def is_test(self) -> bool:
        """Only ``helm test`` runs it."""
        return not _TEST_EVENTS.isdisjoint(self.events)


@dataclass(frozen=True, slots=True)
class Rendering:
    """Everything a manifest text holds, in its order."""

    objects: tuple[Rendered, ...]
    hooks: tuple[Hook, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One document of a text, and the text that it was read from. ``source``: the template, "" where nobody says."""

    source: str
    text: str
    document: Mapping[str, Any]

    @property
    def is_hook(self) -> bool:
        """As in Helm, it is the document that is a hook, never a single item of a List."""
        return bool(_events(self.document))


def read(text: str) -> Rendering:
    """Read a manifest. InputError names the template of a document that is no Kubernetes object."""
    objects: list[Rendered] = []
    hooks: list[Hook] = []
    for part in parts(text):
        for obj in _flattened(part.document, part.source):
            if part.is_hook:
                hooks.append(_hook(obj, part.source, part.document))
            else:
                objects.append(Rendered(_checked(obj, part.source), part.source))
    return Rendering(tuple(objects), tuple(hooks))


def manifest_hash(obj: Mapping[str, Any]) -> str:
    """Stable hash of one object, whatever the order of its keys."""
    return sha256_hex(canonical_json(obj))


def manifest_hashes(objects: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """``manifest_hash`` of each."""
    return tuple(manifest_hash(obj) for obj in objects)


def parts(text: str) -> Iterator[Part]:
    """Every document that is there, in order. InputError for what is no YAML or no object."""
    source = ""
    for chunk in _SEPARATOR.split(text):
        # A file of crds/ is printed whole: its second document has no comment of its own.
        found = _SOURCE.search(chunk)
        source = found[1] if found else source
        if not _CONTENT.search(chunk):
            continue
        for document in _parsed(chunk, source):
            if document is None or document == {}:
                continue
            if not isinstance(document, Mapping):
                raise InputError("a document is not a Kubernetes object but plain text or a list", where=source)
            yield Part(source, chunk, document)


def _parsed(chunk: str, source: str) -> Iterable[Any]:
    try:
        return loads_fast(chunk)
    except InputError as error:
        raise InputError(f"not valid YAML: {error.message}", where=source or error.where) from error


def _flattened(document: Mapping[str, Any], source: str) -> Iterator[Mapping[str, Any]]:
    items = document.get("items")
    if not (str(document.get("kind", "")).endswith("List") and isinstance(items, list)):
        yield document
        return
    for item in items:
        if not isinstance(item, Mapping):
            raise InputError(f"an item of the {document['kind']} is not an object", where=source)
        yield from _flattened(item, source)


def _checked(obj: Mapping[str, Any], source: str, *, generated: bool = False) -> Mapping[str, Any]:
    """``generated``: a hook may leave its name to the server."""
    metadata = _metadata(obj)
    name = metadata.get("name") or (generated and metadata.get("generateName"))
    given = {"apiVersion": obj.get("apiVersion"), "kind": obj.get("kind"), "metadata.name": name}
    wrong = [field for field, value in given.items() if not (isinstance(value, str) and value)]
    if wrong:
        raise InputError(
            f"{_nickname(obj)} has no {', no '.join(wrong)}",
            where=source,
            hint="a template that renders nothing for some values should render no text at all",
        )
    return obj


def _nickname(obj: Mapping[str, Any]) -> str:
    named = [str(text) for text in (obj.get("kind"), _metadata(obj).get("name")) if text]
    return "/".join(named) or "a document"


def _events(document: Mapping[str, Any]) -> tuple[str, ...]:
    return _words(_annotations(document).get(HOOK_ANNOTATION))


def _hook(obj: Mapping[str, Any], source: str, document: Mapping[str, Any]) -> Hook:
    annotations = _annotations(document)
    return Hook(
        obj=_checked(obj, source, generated=True),
        source=source,
        events=_events(document),
        weight=_weight(annotations.get(WEIGHT_ANNOTATION)),
        # Helm's default, so that readers need not know it
        delete_policies=_words(annotations.get(DELETE_ANNOTATION)) or ("before-hook-creation",),
    )


def _weight(text: object) -> int:
    try:
        return int(str(text))
    except ValueError:
        return 0  # as Helm does


def _words(text: object) -> tuple[str, ...]:
    words = (word.strip().lower() for word in str(text or "").split(","))
    return tuple(word for word in words if word)


def _metadata(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = obj.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _annotations(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    annotations = _metadata(obj).get("annotations")
    return annotations if isinstance(annotations, Mapping) else {}
