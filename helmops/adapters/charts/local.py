"""Charts on this machine: a folder or a ``.tgz``."""

from __future__ import annotations

import os
import time
from pathlib import Path

from helmops.adapters.charts import tree
from helmops.adapters.charts.archive import read_archive
from helmops.adapters.charts.cache import ChartCache, Entry
from helmops.adapters.charts.dependencies import check_dependencies
from helmops.adapters.charts.directory import ChartFolder, Found, fingerprint, found, read, real_below
from helmops.adapters.charts.limits import Budget, Limits
from helmops.api.model import PathChart
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
        check_dependencies(chart, where, hint=f"helm dependency build {where}")
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


def _scope(real: str) -> str:
    return f"{tree.FORMAT} at {real}"


def _shown(path: str) -> str:
    """As people would type it: relative to where they stand, if it is below."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative
