"""Chart folders on disk: which files belong to the chart, and what they hold."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from helmops.adapters.charts.archive import check_name
from helmops.adapters.charts.ignore import FILE as IGNORE_FILE
from helmops.adapters.charts.ignore import IgnoreRules
from helmops.adapters.charts.limits import Budget
from helmops.adapters.charts.metadata import decode
from helmops.errors import InputError


@dataclass(frozen=True, slots=True)
class Found:
    """One file. ``path`` is relative to the chart, ``real`` where it really is. ``seen`` changes when the file does."""

    path: str
    real: str
    size: int
    changed_ns: int
    seen: tuple[int, int, int, int]


def real_below(path: str, root: str, where: str) -> str:
    """The real path. InputError when links lead it out of ``root``, however many; then, when it is absent."""
    try:
        real, top = os.path.realpath(path), os.path.realpath(root)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {getattr(error, 'strerror', None) or error}", where=where) from error
    if os.path.commonpath((real, top)) != top:
        raise InputError(f"{path} leads out of {root}", where=where)
    if not Path(real).exists():
        raise InputError(f"nothing at {path}", where=where)
    return real


def found(path: str, real: str) -> Found:
    """What is known of one file without reading it."""
    stat = Path(real).stat()
    seen = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
    return Found(path, real, stat.st_size, max(stat.st_mtime_ns, stat.st_ctime_ns), seen)


def fingerprint(files: Sequence[Found]) -> str:
    """Equal as long as no file was touched."""
    return hashlib.sha256(orjson.dumps([(file.path, file.seen) for file in files])).hexdigest()


def read(file: Found, where: str) -> bytes:
    """The content. The file was checked under its real path, so a link in its place now is refused."""
    try:
        with os.fdopen(os.open(file.real, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as handle:
            data = handle.read(file.size + 1)
    except OSError as error:
        raise InputError(f"cannot read {file.path}: {error.strerror}", where=where) from error
    if len(data) != file.size:
        raise InputError(f"{file.path} was written to while it was read", where=where)
    return data


class ChartFolder:
    """A chart folder, seen as Helm sees it: links followed, ``.helmignore`` obeyed."""

    def __init__(self, real: str, root: str, where: str, budget: Budget) -> None:
        self._real = real
        self._root = root
        self._where = where
        self._budget = budget

    def files(self) -> list[Found]:
        """Every file of the chart, sorted by path."""
        try:
            rules = self._rules()
            return sorted(self._walk("", (self._real,), rules), key=lambda file: file.path)
        except OSError as error:
            raise InputError(f"cannot read {error.filename}: {error.strerror}", where=self._where) from error

    def _rules(self) -> IgnoreRules:
        path = Path(self._real, IGNORE_FILE)
        where = f"{self._where}/{IGNORE_FILE}"
        if not os.path.lexists(path):
            return IgnoreRules.parse("", where)
        file = found(IGNORE_FILE, real_below(str(path), self._root, self._where))
        self._budget.file(IGNORE_FILE, file.size)
        return IgnoreRules.parse(decode(read(file, where), where), where)

    def _walk(self, folder: str, above: tuple[str, ...], rules: IgnoreRules) -> Iterator[Found]:
        with os.scandir(above[-1]) as entries:
            for entry in entries:
                self._budget.entry()
                path = f"{folder}{entry.name}"
                if not rules.ignores(path, is_folder=entry.is_dir()):
                    yield from self._entry(entry, path, above, rules)

    def _entry(self, entry: os.DirEntry[str], path: str, above: tuple[str, ...], rules: IgnoreRules) -> Iterator[Found]:
        check_name(path, self._where)
        real = real_below(entry.path, self._root, self._where) if entry.is_symlink() else entry.path
        if entry.is_dir():
            if real in above:
                raise InputError(f"{path} is a link to a folder it lies in", where=self._where)
            yield from self._walk(f"{path}/", (*above, real), rules)
        elif entry.is_file():
            file = found(path, real)
            self._budget.file(path, file.size)
            yield file
        else:
            raise InputError(f"{path} is neither a file nor a folder", where=self._where)
