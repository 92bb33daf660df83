"""JSON data as YAML for people: block style, keys in the order given, long texts as ``|``.

What it writes, Helm (and :func:`helmops.core.yaml.load`) reads back as the same data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from helmops.core.json_types import JsonValue
from helmops.core.yaml_scalars import resolve

_PLAIN = re.compile(
    r"(?!---|\.\.\.|<<$)"  # marks of documents, and the merge key
    r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|-(?=\S))"  # indicators start no plain scalar
    r"(?:[^\s:#]|:(?=\S)|(?<=\S)#|\ (?=[^\s#]))*"  # nor may `: ` or ` #` stand inside
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""What cannot stand in a ``|`` block as it is."""


def dump(value: JsonValue) -> str:
    """``value`` as one YAML document, ending in a line break."""
    return "\n".join(dump_lines(value)) + "\n"


def dump_lines(value: JsonValue) -> list[str]:
    """The lines of :func:`dump`, without their breaks."""
    lines: list[str] = []
    if value and isinstance(value, (Mapping, list, tuple)):
        _block(value, "", lines)
    else:
        _entry("", value, "", lines)
        lines[0] = lines[0].removeprefix(" ")
    return lines


def _block(value: Mapping[str, JsonValue] | Iterable[JsonValue], indent: str, lines: list[str]) -> None:
    """A mapping or list that is not empty, its first column at ``indent``."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            _entry(f"{indent}{_text(key)}:", item, indent, lines)
    else:
        for item in value:
            _item(item, indent, lines)


def _entry(head: str, value: JsonValue, indent: str, lines: list[str]) -> None:
    """``head`` and the value behind or below it. Lists stand as far out as their key, as in Helm's own output."""
    if isinstance(value, str):
        _string(head, value, indent, lines)
    elif value and isinstance(value, (Mapping, list, tuple)):
        lines.append(head)
        _block(value, f"{indent}  " if isinstance(value, Mapping) else indent, lines)
    else:
        lines.append(f"{head} {_scalar(value)}")


def _item(value: JsonValue, indent: str, lines: list[str]) -> None:
    """A list's item: a mapping or list in it starts on the line of the dash."""
    if not value or not isinstance(value, (Mapping, list, tuple)):
        _entry(f"{indent}-", value, indent, lines)
        return
    first = len(lines)
    _block(value, f"{indent}  ", lines)
    lines[first] = f"{indent}- {lines[first][len(indent) + 2 :]}"


def _string(head: str, text: str, indent: str, lines: list[str]) -> None:
    if "\n" not in text or not text.strip("\n") or _CONTROL.search(text):
        lines.append(f"{head} {_text(text)}")
        return
    # The parser takes the indent from the first line, so one that starts blank needs it said.
    width = "2" if text[0] in " \t\n" else ""
    body = text.removesuffix("\n")
    chomp = "-" if body == text else "+" if body.endswith("\n") else ""
    lines.append(f"{head} |{width}{chomp}")
    lines.extend(f"{indent}  {line}" if line else "" for line in body.split("\n"))


def _scalar(value: JsonValue) -> str:
    """Everything of one line that is no string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, (int, float)):
        return repr(value)
    return "{}" if isinstance(value, Mapping) else "[]"


def _text(text: str) -> str:
    """A string on one line, quoted where Helm would read it as something else."""
    if not text.isprintable():
        return f'"{"".join(map(_escaped, text))}"'
    if _PLAIN.fullmatch(text) and resolve(text) == text:
        return text
    return "'" + text.replace("'", "''") + "'"


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"  # half of a pair: YAML has no way to write it
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}
