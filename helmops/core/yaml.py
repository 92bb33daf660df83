"""YAML as Helm reads it: go-yaml v2's rules, then JSON (sigs.k8s.io/yaml), over PyYAML's event parser.

:func:`load` and :func:`load_all` are for what people write: they remember the line of everything and refuse what Helm
would read silently in its own way (duplicate keys, unknown tags). :func:`loads_fast` is for what Helm itself rendered:
values only, accepted as Helm accepts them. Aliases share one object; nobody may change what was loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from helmops.core.json_types import JsonValue
from helmops.core.yaml_dump import dump
from helmops.core.yaml_lines import Lines, Marks
from helmops.core.yaml_scalars import Scalar, key_text, resolve, resolve_tagged, to_json
from helmops.errors import InputError

if TYPE_CHECKING:
    from helmops.api.model import JsonPath

__all__ = ["MAX_ALIASED", "MAX_DEPTH", "JsonValue", "Located", "dump", "load", "load_all", "loads_fast"]

MAX_ALIASED: Final = 400_000
"""How many nodes the aliases of one document may stand for in all. Helm's own limit lies about there."""

MAX_DEPTH: Final = 200
"""How deep a document may be nested: less than JSON writers and recursive functions stand."""

_Parser: type[Any] = getattr(yaml, "CLoader", yaml.Loader)
_STANDARD = "tag:yaml.org,2002:"
_SCALAR_TAGS = frozenset({"str", "bool", "int", "float", "null", "timestamp", "binary", "merge"})
_COLLECTION_TAGS = frozenset({"map", "seq"})


@dataclass(frozen=True, slots=True)
class Located:
    """One document: its value, the 1-based line of every path (``()`` is the root), its 0-based place in the file.

    The line of a mapping's value is its key's. What came through an alias has the lines where it was written.
    """

    value: JsonValue
    lines: Mapping[JsonPath, int]
    index: int = 0


def load_all(text: str, *, file: str = "<input>", strict: bool = True) -> list[Located]:
    """All documents but the empty ones. InputError says file, line and column.

    ``strict=False`` lets pass what Helm lets pass (the last of duplicate keys counts, unknown tags are dropped): for
    files that are not the user's own, such as a chart's ``values.yaml``.
    """
    reader = _LocatedReader(text, file, strict=strict)
    return [
        Located(value, Lines(line, value, reader.marks), index)
        for index, line, value in reader.documents()
        if value is not None
    ]


def load(text: str, *, file: str = "<input>", strict: bool = True) -> Located:
    """The one document of ``text``, None when it is empty. InputError as :func:`load_all`, and for a second document.

    Of several documents Helm 3 reads the first and Helm 4 merges all, so several can hardly be what was meant.
    """
    documents = load_all(text, file=file, strict=strict)
    if len(documents) > 1:
        where = f"{file}:{documents[1].lines[()]}"
        raise InputError(f"one YAML document expected, {len(documents)} found", where=where)
    return documents[0] if documents else Located(None, Lines(1, None, {}))


def loads_fast(text: str, *, file: str = "<input>") -> list[JsonValue]:
    """All documents but the empty ones, read as Helm reads what it rendered. InputError for what is no YAML."""
    return [value for _, _, value in _Reader(text, file).documents() if value is not None]


class _Values(dict[str, Scalar]):
    """Plain scalars by their text, resolved once: the same few words make up most of a manifest."""

    def __missing__(self, text: str) -> Scalar:
        value = self[text] = to_json(resolve(text))
        return value


class _Keys(dict[str, str]):
    """Plain scalars by their text, as keys."""

    def __missing__(self, text: str) -> str:
        key = self[text] = key_text(resolve(text))
        return key


class _Open:
    """Stands for an anchored node that is still being read: an alias to it would contain itself."""


class _Reader:
    """Builds values from events exactly as Helm does."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.next: Callable[[], Any] = self.guarded(lambda: _Parser(text).get_event)
        self.values = _Values()
        self.keys = _Keys()
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.depth = 0
        self.nodes = 0
        self.aliased = 0

    def documents(self) -> Iterator[tuple[int, int, JsonValue]]:
        """Index, 1-based line and value of every document."""
        index = 0
        while type(event := self.guarded(self.next)) is not StreamEndEvent:
            if type(event) is DocumentStartEvent:
                line, value = self.guarded(self.document)
                yield index, line, value
                index += 1

    def document(self) -> tuple[int, JsonValue]:
        self.anchors = {}
        self.aliased = 0
        event = self.next()
        return event.start_mark.line + 1, self.node(event)

    def guarded(self, step: Callable[[], Any]) -> Any:
        try:
            return step()
        except yaml.YAMLError as error:
            raise _syntax_error(error, self.text, self.file) from error
        except UnicodeEncodeError as error:
            line = self.text.count("\n", 0, error.start) + 1
            raise InputError("a character that is no Unicode", where=f"{self.file}:{line}") from error

    def error(self, event: Any, problem: str) -> InputError:
        mark = event.start_mark
        return InputError(f"{problem} (column {mark.column + 1})", where=f"{self.file}:{mark.line + 1}")

    def node(self, event: Any) -> JsonValue:
        kind = type(event)
        if kind is ScalarEvent:
            return self.scalar(event)
        if kind is AliasEvent:
            return self.alias(event)
        if event.anchor is None:
            return self.collection(event)
        before = self.nodes
        opened = self.anchors[event.anchor] = (_Open, 0)
        value = self.collection(event)
        # Unless the same name was given again inside: that one came later.
        if self.anchors[event.anchor] is opened:
            self.anchors[event.anchor] = (value, self.nodes - before + 1)
        return value

    def scalar(self, event: Any) -> Scalar:
        value: Scalar = event.value
        try:
            if event.tag:
                value = to_json(self.tagged(event))
            elif event.implicit[0]:
                value = self.values[event.value]
        except ValueError as error:
            raise self.error(event, str(error)) from None
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, 1)
        return value

    def tagged(self, event: Any) -> Scalar:
        tag: str = event.tag
        if not tag.startswith(_STANDARD):
            return str(event.value)
        return resolve_tagged(tag.removeprefix(_STANDARD), event.value)

    def alias(self, event: Any) -> JsonValue:
        value, size = self.anchors.get(event.anchor, (None, 0))
        if not size:
            problem = "contains itself" if value is _Open else "is not defined above"
            raise self.error(event, f"the anchor {event.anchor!r} {problem}")
        self.nodes += size
        self.aliased += size
        if self.aliased > MAX_ALIASED:
            raise self.error(event, f"the aliases of this document stand for more than {MAX_ALIASED:,} nodes")
        return value  # type: ignore[no-any-return]

    def collection(self, event: Any) -> JsonValue:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(event, f"nested deeper than {MAX_DEPTH} levels")
        value: JsonValue = self.mapping(event) if type(event) is MappingStartEvent else self.sequence()
        self.depth -= 1
        return value

    def mapping(self, start: Any) -> dict[str, JsonValue]:
        out: dict[str, JsonValue] = {}
        # The hot loop: plain scalars are handled in place, everything else by the methods.
        next_event, keys, values = self.next, self.keys, self.values
        event = start
        try:
            while type(event := next_event()) is not MappingEndEvent:
                if type(event) is ScalarEvent and event.implicit[0] and not event.tag and not event.anchor:
                    key = keys[event.value]
                else:
                    key = self.key(event)
                if key == "<<" and _is_merge(event):
                    self.merge(out, next_event())
                    continue
                event = next_event()
                if type(event) is ScalarEvent and event.implicit[0] and not event.tag and not event.anchor:
                    out[key] = values[event.value]
                else:
                    out[key] = self.node(event)
        except ValueError as error:
            raise self.error(event, str(error)) from None
        self.nodes += len(out)
        return out

    def sequence(self) -> list[JsonValue]:
        out: list[JsonValue] = []
        while type(event := self.next()) is not SequenceEndEvent:
            out.append(self.node(event))
        self.nodes += len(out)
        return out

    def key(self, event: Any) -> str:
        """A key, plain or not. ValueError when Helm could not write it."""
        if type(event) is ScalarEvent:
            if event.anchor is not None:
                self.scalar(event)
            if event.tag:
                return key_text(self.tagged(event))
            return self.keys[event.value] if event.implicit[0] else str(event.value)
        if type(event) is AliasEvent:
            value = self.alias(event)
            if not isinstance(value, (dict, list)):
                return key_text(value)  # type: ignore[arg-type]
        raise self.error(event, "a key must be a scalar, not a list or a mapping")

    def merge(self, out: dict[str, JsonValue], event: Any) -> None:
        """``<<``: at its place among the keys, so it wins over those before it (go-yaml v2; YAML says otherwise)."""
        for source in self.merge_sources(event):
            out.update(source)

    def merge_sources(self, event: Any) -> list[dict[str, JsonValue]]:
        """The mappings that ``<<`` names, the one that wins last."""
        value = self.node(event)
        sources = value[::-1] if type(event) is SequenceStartEvent and isinstance(value, list) else [value]
        found = [source for source in sources if isinstance(source, dict)]
        if len(found) != len(sources):
            raise self.error(event, "<< wants a mapping or a list of mappings")
        return found


class _LocatedReader(_Reader):
    """Remembers lines, and refuses by default what no person means.

    ``marks`` holds the lines of a container's children by the container's id, so one that aliases share has them once.
    """

    def __init__(self, text: str, file: str, *, strict: bool) -> None:
        super().__init__(text, file)
        self.strict = strict
        self.marks: Marks = {}

    def tagged(self, event: Any) -> Scalar:
        self.check_tag(event, _SCALAR_TAGS)
        return super().tagged(event)

    def collection(self, event: Any) -> JsonValue:
        self.check_tag(event, _COLLECTION_TAGS)
        return super().collection(event)

    def check_tag(self, event: Any, known: frozenset[str]) -> None:
        tag: str = event.tag or "!"
        if self.strict and tag != "!" and tag.removeprefix(_STANDARD) not in known:
            raise self.error(event, f"unknown tag {tag.replace(_STANDARD, '!!')}: Helm would drop it silently")

    def mapping(self, start: Any) -> dict[str, JsonValue]:
        out: dict[str, JsonValue] = {}
        lines: dict[str | int, int] = {}
        own: dict[str, int] = {}
        self.marks[id(out)] = lines
        while type(event := self.next()) is not MappingEndEvent:
            key = self.located_key(event)
            if key == "<<" and _is_merge(event):
                self.located_merge(out, lines, self.next())
                continue
            line = event.start_mark.line + 1
            if key in own and self.strict:
                raise self.error(event, f"the key {key!r} is already set in line {own[key]}")
            own[key] = lines[key] = line
            out[key] = self.node(self.next())
        self.nodes += len(out)
        return out

    def located_key(self, event: Any) -> str:
        try:
            return self.key(event)
        except ValueError as error:
            raise self.error(event, str(error)) from None

    def located_merge(self, out: dict[str, JsonValue], lines: dict[str | int, int], event: Any) -> None:
        for source in self.merge_sources(event):
            out.update(source)
            lines.update(self.marks[id(source)])

    def sequence(self) -> list[JsonValue]:
        out: list[JsonValue] = []
        lines: dict[str | int, int] = {}
        self.marks[id(out)] = lines
        while type(event := self.next()) is not SequenceEndEvent:
            lines[len(out)] = event.start_mark.line + 1
            out.append(self.node(event))
        self.nodes += len(out)
        return out


def _is_merge(event: Any) -> bool:
    return type(event) is ScalarEvent and (event.implicit[0] or event.tag == f"{_STANDARD}merge")


def _syntax_error(error: yaml.YAMLError, text: str, file: str) -> InputError:
    """What libyaml (or PyYAML's own parser) said, with the place."""
    if isinstance(error, yaml.reader.ReaderError):
        return _character_error(error, text, file)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    if mark is None:
        return InputError(problem, where=file)
    hint = "YAML is indented with spaces, not with tabs" if _is_tab(text, mark.line, mark.column) else ""
    return InputError(f"{problem} (column {mark.column + 1})", where=f"{file}:{mark.line + 1}", hint=hint)


def _is_tab(text: str, line: int, column: int) -> bool:
    lines = text.split("\n", line + 1)
    return line < len(lines) and lines[line][column : column + 1] == "\t"


def _character_error(error: yaml.reader.ReaderError, text: str, file: str) -> InputError:
    """libyaml counts bytes up to a character it does not take, PyYAML's own reader counts characters."""
    before = text[: error.position]
    if error.encoding != "unicode":
        before = text.encode("utf-8", "replace")[: error.position].decode("utf-8", "ignore")
    column = len(before) - before.rfind("\n")
    return InputError(f"{error.reason} (column {column})", where=f"{file}:{before.count(chr(10)) + 1}")
