"""A Helm repository's index: read once in whatever form it has, kept in one that a chart is found in at once.

The compact form is one line a chart, ``"name"<tab>[[version, digest, url, created], …]``, in JSON. A line is found by
searching the bytes for its beginning, which takes a few milliseconds for 50,000 entries and needs no parsing.
"""

from __future__ import annotations

import contextlib
import gc
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from helmops.adapters.charts.metadata import decode
from helmops.core import yaml
from helmops.errors import InputError

_SHA256 = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One version of a chart. ``digest`` is the sha256 of its archive, or empty; ``url`` may be relative."""

    version: str
    digest: str
    url: str
    created: str


@dataclass(frozen=True, slots=True)
class Compact:
    """A parsed index. ``skipped`` says in one line each which entries could not be read."""

    lines: bytes
    skipped: tuple[str, ...]


@dataclass(slots=True)
class Index:
    """The compact form with a look-up. ``age`` in seconds when the repository could not be asked, else None."""

    lines: bytes
    age: float | None = None
    _found: dict[str, tuple[IndexEntry, ...]] = field(default_factory=dict)

    def versions(self, name: str) -> tuple[IndexEntry, ...]:
        """Every version of a chart, in the order of the index; empty when there is no such chart."""
        if name not in self._found:
            self._found[name] = tuple(IndexEntry(*row) for row in self._rows(name))
        return self._found[name]

    def names(self) -> list[str]:
        """The names of all charts."""
        return [orjson.loads(line.partition(b"\t")[0]) for line in self.lines.splitlines() if line]

    def _rows(self, name: str) -> list[list[str]]:
        start = b"\n" + orjson.dumps(name) + b"\t"
        at = self.lines.find(start)
        if at < 0:
            return []
        end = self.lines.index(b"\n", at + 1)
        rows: list[list[str]] = orjson.loads(self.lines[at + len(start) : end])
        return rows


def compact(body: bytes, where: str) -> Compact:
    """InputError when ``body`` is no index; an entry that cannot be read is skipped, as Helm does."""
    skipped: list[str] = []
    lines = [b""]
    for name, entries in _charts(body, where).items():
        rows = list(_rows(name, entries, skipped))
        if rows:
            lines.append(orjson.dumps(name) + b"\t" + orjson.dumps(rows))
    return Compact(b"\n".join([*lines, b""]), tuple(skipped))


def _charts(body: bytes, where: str) -> Mapping[str, Any]:
    document = _parse(body, where)
    entries = document.get("entries") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not document.get("apiVersion") or not isinstance(entries, dict | None):
        raise InputError(f"{where} is no index of a Helm repository")
    return entries or {}


def _parse(body: bytes, where: str) -> object:
    """Some repositories serve JSON, which is read fifty times faster."""
    if body.lstrip()[:1] == b"{":
        try:
            return orjson.loads(body)
        except ValueError:
            pass  # a flow mapping of YAML begins alike
    with _no_collection():
        documents = yaml.loads_fast(decode(body, where), file=where)
    return documents[0] if documents else None


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """A million new objects, none of them garbage: looking for cycles among them would take a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _rows(name: str, entries: object, skipped: list[str]) -> Iterator[tuple[str, str, str, str]]:
    if not isinstance(entries, list):
        skipped.append(f"{name!r:.80}: no list of versions")
        return
    for entry in entries:
        row = _row(entry) if isinstance(entry, dict) else "is no mapping"
        if isinstance(row, tuple):
            yield row
        else:
            skipped.append(f"{name!r:.80}: an entry {row}")


def _row(entry: Mapping[str, Any]) -> tuple[str, str, str, str] | str:
    """The entry, or what is wrong with it. Nothing is taken over but short texts: an index may be hostile."""
    version, urls, digest = entry.get("version"), entry.get("urls"), entry.get("digest") or ""
    if not isinstance(version, str) or not version:
        return "without version"
    if not isinstance(urls, list) or not urls or not isinstance(urls[0], str):
        return f"({version!r:.40}) without address"
    sha256 = _SHA256.fullmatch(digest) if isinstance(digest, str) and digest else None
    if digest and sha256 is None:
        return f"({version!r:.40}) with a digest that is no sha256"
    created = entry.get("created")
    return version, sha256[1].lower() if sha256 else "", urls[0], created if isinstance(created, str) else ""
