"""Charts on this machine: a folder or a ``.tgz``."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helmops.adapters.charts import metadata, tree
from helmops.adapters.charts.archive import read_archive
from helmops.adapters.charts.cache import ChartCache, Entry
from helmops.adapters.charts.directory import ChartFolder, Found, fingerprint, found, read, real_below
from helmops.adapters.charts.limits import Budget, Limits
from helmops.adapters.charts.metadata import decode
from helmops.api.model import PathChart
from helmops.core import yaml
from helmops.errors import InputError
from helmops.ports import Artifact, Memory

_SETTLED_NS = 2_000_000_000


class LocalCharts:
    """Hashes a chart once: later runs compare what ``stat`` says of its files. All calls block."""

    def __init__(self, cache: ChartCache, memory: Memory, limits: Limits) -> None:
        self._cache = cache
        self._memory = memory
        self._limits = limits

    def resolve(self, ref: PathChart) -> Artifact:
        """InputError when it is no chart, leaves its root, or lacks subcharts that it declares."""
        where = _shown(ref.path)
        real = real_below(ref.path, ref.root, where)
        budget = Budget(self._limits, where)
        is_folder = Path(real).is_dir()
        if not is_folder and not Path(real).is_file():
            raise InputError("is neither a file nor a folder", where=where)
        files = ChartFolder(real, ref.root, where, budget).files() if is_folder else [found(Path(real).name, real)]
        entry = self._remembered(real, files) or self._read(real, files, where, is_folder)
        return Artifact(entry.name, entry.version, entry.digest, entry.path, where)

    def _remembered(self, real: str, files: list[Found]) -> Entry | None:
        known = self._memory.load(_scope(real))
        if known.get("seen") != fingerprint(files):
            return None
        return self._cache.find(str(known.get("digest")))

    def _read(self, real: str, files: list[Found], where: str, is_folder: bool) -> Entry:
        budget = Budget(self._limits, where)
        contents = _folder(files, where, budget) if is_folder else _archive(files[0], where, budget)
        chart = tree.build(contents, where, budget)
        _check_dependencies(chart, where)
        entry = self._cache.store(chart)
        # A file changed just now may change again without its time telling.
        if max(file.changed_ns for file in files) < time.time_ns() - _SETTLED_NS:
            self._memory.save(_scope(real), {"seen": fingerprint(files), "digest": entry.digest})
        return entry


def _folder(files: list[Found], where: str, budget: Budget) -> dict[str, bytes]:
    for file in files:
        budget.entry()
        budget.file(file.path, file.size)
    return {file.path: read(file, where) for file in files}


def _archive(file: Found, where: str, budget: Budget) -> dict[str, bytes]:
    budget.archive(file.size)
    return read_archive(read(file, where), where, budget)


def _check_dependencies(chart: tree.ChartTree, where: str) -> None:
    """Helm looks for a subchart of each declared name, whatever its version; so the same is asked here."""
    missing = sorted(_declared(chart) - _present(chart))
    if missing:
        raise InputError(
            f"declares subcharts that are not in charts/: {', '.join(missing)}",
            where=f"{where}/{metadata.FILE}",
            hint=f"helm dependency build {where}",
        )


def _declared(chart: tree.ChartTree) -> set[str]:
    """Charts of apiVersion v1 declare them in a file of its own."""
    document: Mapping[str, Any] = chart.metadata.document
    if (old := chart.files.get("requirements.yaml")) is not None:
        value = yaml.load(decode(old, "requirements.yaml"), file="requirements.yaml", strict=False).value
        document = value if isinstance(value, dict) else {}
    listed = document.get("dependencies")
    entries = listed if isinstance(listed, list) else []
    return {str(entry["name"]) for entry in entries if isinstance(entry, dict) and entry.get("name")}


def _present(chart: tree.ChartTree) -> set[str]:
    pattern = re.compile(r"charts/[^/_.][^/]*/Chart\.yaml")
    return {metadata.read_metadata(data, path).name for path, data in chart.files.items() if pattern.fullmatch(path)}


def _scope(real: str) -> str:
    return f"{tree.FORMAT} at {real}"


def _shown(path: str) -> str:
    """As people would type it: relative to where they stand, if it is below."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative
