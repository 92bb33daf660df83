"""A chart as its files, in memory, and its digest.

Subcharts packed in ``charts/*.tgz`` are unpacked into ``charts/<name>/``, which Helm reads alike. So the digest is the
same for a chart folder, for what ``helm package`` makes of it, and for every new run of ``helm dependency build``,
which packs local subcharts with a new time each time.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from helmops.adapters.charts import ignore, metadata
from helmops.adapters.charts.archive import read_archive
from helmops.adapters.charts.limits import Budget
from helmops.adapters.charts.metadata import Metadata, read_metadata
from helmops.core import yaml
from helmops.errors import InputError

FORMAT = "helmops-chart/1"

_CHART = r"(?:charts/[^/]+/)*"
_CHART_YAML = re.compile(rf"{_CHART}Chart\.yaml")
_PACKED = re.compile(rf"(?P<folder>{_CHART}charts/)(?P<file>[^/_.][^/]*)\.tgz")
_DEEPEST = 10

# They say how a chart is packed and when, nothing of what it installs.
_LEFT_OUT = re.compile(rf"{_CHART}(?:{re.escape(ignore.FILE)}|Chart\.lock|requirements\.lock)")


@dataclass(frozen=True, slots=True)
class ChartTree:
    """``files`` by path, sorted."""

    files: Mapping[str, bytes]
    digest: str
    metadata: Metadata

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(map(len, self.files.values()))


def build(files: Mapping[str, bytes], where: str, budget: Budget) -> ChartTree:
    """InputError when it is no chart, or one that cannot be written to disk."""
    if metadata.FILE not in files:
        raise InputError(f"is no chart: there is no {metadata.FILE}", where=where)
    flat = _flatten(files, where, budget, depth=0)
    ordered = {path: flat[path] for path in sorted(flat)}
    _no_file_is_a_folder(ordered, where)
    return ChartTree(ordered, _digest(ordered), read_metadata(ordered[metadata.FILE], f"{where}/{metadata.FILE}"))


def _flatten(files: Mapping[str, bytes], where: str, budget: Budget, *, depth: int) -> dict[str, bytes]:
    if depth > _DEEPEST:
        raise InputError(f"subcharts are packed in each other more than {_DEEPEST} times", where=where)
    packed = [match for path in sorted(files) if (match := _PACKED.fullmatch(path))]
    flat = {path: data for path, data in files.items() if not (_LEFT_OUT.fullmatch(path) or _PACKED.fullmatch(path))}
    for match in packed:
        inner = f"{where}/{match[0]}"
        subchart = _flatten(read_archive(files[match[0]], inner, budget), inner, budget, depth=depth + 1)
        folder = _folder_for(match, subchart, flat, inner)
        flat.update({f"{folder}/{name}": data for name, data in subchart.items()})
    return flat


def _folder_for(packed: re.Match[str], subchart: Mapping[str, bytes], taken: Iterable[str], where: str) -> str:
    """``charts/<name>`` as ``helm package`` has it; the archive's own name when two subcharts share a name."""
    if metadata.FILE not in subchart:
        raise InputError(f"is no chart: there is no {metadata.FILE}", where=where)
    name = read_metadata(subchart[metadata.FILE], f"{where}/{metadata.FILE}").name
    folder = packed["folder"] + name
    return packed["folder"] + packed["file"] if any(path.startswith(f"{folder}/") for path in taken) else folder


def _no_file_is_a_folder(files: Mapping[str, bytes], where: str) -> None:
    for path in files:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            if (parent := "/".join(parts[:depth])) in files:
                raise InputError(f"holds {parent!r} both as a file and as a folder", where=where)


def _digest(files: Mapping[str, bytes]) -> str:
    listing = [(path, hashlib.sha256(_normal(path, data)).hexdigest()) for path, data in files.items()]
    return hashlib.sha256(orjson.dumps([FORMAT, listing])).hexdigest()


def _normal(path: str, data: bytes) -> bytes:
    """``helm package`` writes Chart.yaml anew: sorted, without comments and empty fields, numbers as texts."""
    if not _CHART_YAML.fullmatch(path):
        return data
    try:
        document = yaml.load(metadata.decode(data, path), strict=False).value
    except InputError:
        return data
    return json.dumps(_bare(document), sort_keys=True).encode()


def _bare(value: object) -> object:
    """Without what is empty, and with texts for numbers."""
    if isinstance(value, dict):
        bare = {name: _bare(inner) for name, inner in value.items()}
        return {name: inner for name, inner in bare.items() if inner not in (None, "", [], {}, False)}
    if isinstance(value, list):
        return [_bare(inner) for inner in value]
    return value if value is None or isinstance(value, bool) else metadata.as_text(value)
