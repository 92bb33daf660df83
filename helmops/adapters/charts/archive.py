"""Packed charts, read into memory and never extracted: what is written later has names that were checked here."""

from __future__ import annotations

import gzip
import io
import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from typing import IO, cast

from helmops.adapters.charts.limits import Budget
from helmops.errors import InputError

_BROKEN = (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError, RecursionError)


def read_archive(data: bytes, where: str, budget: Budget) -> dict[str, bytes]:
    """The files of a ``.tgz`` by their path below its top folder, which Helm drops whatever it is called.

    InputError for links, devices, paths that leave the chart and for more than ``budget`` allows.
    """
    budget.archive(len(data))
    try:
        return dict(_files(data, where, budget))
    except _BROKEN as error:
        raise InputError(f"is no packed chart: {error}", where=where) from error


def _files(data: bytes, where: str, budget: Budget) -> Iterator[tuple[str, bytes]]:
    stream = cast(IO[bytes], _Capped(gzip.GzipFile(fileobj=io.BytesIO(data)), budget))
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            budget.entry()
            if member.isdir():
                continue
            path = inner_path(member.name, where)
            if not member.isreg():
                raise InputError(f"holds {path!r}, which is a link or a device", where=where)
            # Before it is read: a header may promise any size.
            budget.file(path, member.size)
            yield path, _content(archive, member)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return file.read() if file else b""


def inner_path(name: str, where: str) -> str:
    """A member's path below the top folder. InputError when it is none."""
    parts = name.replace("\\", "/").split("/")
    path = posixpath.normpath("/".join(parts[1:]))
    if parts[0] == "" or path.startswith("/") or path.split("/")[0] in (".", "..") or ".." in parts:
        raise InputError(f"holds {name!r}, which is not inside the chart", where=where)
    check_name(path, where)
    return path


def check_name(path: str, where: str) -> None:
    """InputError for names that no file system takes, or not every one alike."""
    try:
        encoded = path.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"holds {path!r}, a name that is not UTF-8", where=where) from error
    if b"\0" in encoded or len(encoded) > 1000 or any(len(part) > 255 for part in encoded.split(b"/")):
        raise InputError(f"holds {path[:80]!r}…, a name that cannot be written", where=where)


class _Capped:
    """A stream that ends with an error: a header may be a bomb as well as a file."""

    def __init__(self, stream: gzip.GzipFile, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget
        self._left = budget.stream

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise self._budget.error("the packed chart unpacks to more than a chart may hold")
        return data
