"""The user's files: manifests below folders, values beside them. Nothing outside the input's root is read.

A folder with a kustomization.yaml is one input: what kustomize builds of it. One that another one builds on is built
there alone.
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from helmops.core import kustomization, yaml
from helmops.errors import InputError, Missing
from helmops.ports import Kustomizer, SourceFile

SETTING = "HELMOPS_MAX_FILE_BYTES"
MAX_FILE = 10 * 1024 * 1024
MAX_FILES = 20_000

_SUFFIXES = (".yaml", ".yml", ".json")
_OWNER_FILES = ("helmops.yaml", "helmops.yml")
_CHART = "Chart.yaml"
_STDIN = "<stdin>"


class DiskFiles:
    """Port ``Files``. ``max_file``: bytes of one file."""

    def __init__(
        self, *, max_file: int = MAX_FILE, stdin: BinaryIO | None = None, kustomizer: Kustomizer | None = None
    ) -> None:
        self._max_file = max_file
        self._stdin = stdin
        self._kustomizer = kustomizer

    @classmethod
    def of(cls, environ: Mapping[str, str], kustomizer: Kustomizer) -> DiskFiles:
        """With the size that the environment allows."""
        text = environ.get(SETTING) or str(MAX_FILE)
        if not text.isdecimal():
            raise InputError(f"{SETTING} must be a number of bytes, not {text!r}")
        return cls(max_file=int(text), kustomizer=kustomizer)

    async def manifests(self, paths: Sequence[str]) -> Sequence[SourceFile]:
        """Every .yaml, .yml and .json below the given files and folders, each once, sorted by path.

        Left out: hidden files and folders, folders that are charts, and folders that are links. The nearest
        ``helmops.yaml`` at or above each path, up to the root, is included. ``root`` is the top of the git work tree
        around the path; without one, the given folder.
        """
        return [await self._finished(source) for source in await asyncio.to_thread(self._manifests, paths)]

    async def read(self, path: str, root: str) -> str:
        """One file below ``root``. Missing when absent, InputError when too big, not UTF-8 or outside."""
        return await asyncio.to_thread(self._read, path, root, path)

    async def _finished(self, source: SourceFile) -> SourceFile:
        """A kustomization.yaml gives way to what is built of its folder."""
        if not source.built:
            return source
        if self._kustomizer is None:
            raise InputError(f"{source.shown} has a kustomization.yaml, and there is no kustomize")
        folder = source.path.rpartition("/")[0]
        return replace(source, text=await self._kustomizer.build(folder, root=source.root, shown=source.shown))

    def _manifests(self, paths: Sequence[str]) -> list[SourceFile]:
        found: dict[str, SourceFile] = {}
        size = 0
        for source in (source for path in paths for source in self._below(path)):
            real = os.path.realpath(source.path)
            if real not in found or found[real].above:
                found[real] = source
            size += len(source.text)
            if len(found) > MAX_FILES or size > self._max_file * 20:
                raise InputError(
                    f"more than {MAX_FILES:,} files or {self._max_file * 20:,} bytes of manifests",
                    hint=f"name a smaller folder, or raise {SETTING}",
                )
        return sorted(found.values(), key=lambda source: source.path)

    def _below(self, given: str) -> Iterator[SourceFile]:
        if given == "-":
            yield self._standard_input()
        top = Path.cwd() if given == "-" else _absolute(given)
        root = _root(top)
        for path in _owner_file(top, root):
            yield replace(self._source(str(path), _shown(path), root), above=path.parent != top)
        if given != "-":
            found = [self._source(path, shown, root, built=built) for path, shown, built in _listed(given, top)]
            yield from _used(found) if top.is_dir() and not _kustomization(str(top)) else found

    def _standard_input(self) -> SourceFile:
        here = Path.cwd()
        data = (self._stdin or sys.stdin.buffer).read(self._max_file + 1)
        return SourceFile(str(here / _STDIN), _STDIN, _root(here), self._text(data, _STDIN))

    def _source(self, path: str, shown: str, root: str, *, built: bool = False) -> SourceFile:
        return SourceFile(path, shown, root, self._read(path, root, shown), built)

    def _read(self, path: str, root: str, shown: str) -> str:
        return self._text(self._bytes(_real_below(path, root, shown), shown), shown)

    def _text(self, data: bytes, shown: str) -> str:
        if len(data) > self._max_file:
            hint = f"if it has to be, raise {SETTING}"
            raise InputError(f"{shown} is bigger than {self._max_file:,} bytes", hint=hint)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise InputError(f"{shown} is not UTF-8", where=f"{shown}:{line}") from error

    def _bytes(self, real: str, shown: str) -> bytes:
        # The path was made real before it was checked: a link in its place now is refused.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            if not stat.S_ISREG(Path(real).lstat().st_mode):
                raise InputError(f"{shown} is no file")
            with os.fdopen(os.open(real, flags), "rb") as file:
                return file.read(self._max_file + 1)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise Missing(f"no such file: {shown}") from error
        except OSError as error:
            raise InputError(f"cannot read {shown}: {error.strerror}") from error


def _absolute(given: str) -> Path:
    """Where a path given on the command line leads, links included: the user himself named it."""
    try:
        return Path(os.path.realpath(given, strict=True))
    except FileNotFoundError as error:
        raise Missing(f"no such file or folder: {given}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {given}: {getattr(error, 'strerror', None) or error}") from error


def _root(top: Path) -> str:
    """The folder that nothing may lead out of. ``.git`` is a file in worktrees and submodules."""
    folder = top if top.is_dir() else top.parent
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return str(candidate)
    return str(folder)


def _owner_file(top: Path, root: str) -> Iterator[Path]:
    folder = top if top.is_dir() else top.parent
    for candidate in (folder, *folder.parents):
        present = [candidate / name for name in _OWNER_FILES if (candidate / name).is_file()]
        if present or str(candidate) == root:
            yield from present
            return


def _listed(given: str, top: Path) -> Iterator[tuple[str, str, bool]]:
    """Paths of the manifests at or below ``top``, how the user would name them, and whether kustomize builds them."""
    if top.name in kustomization.FILES and not top.is_dir():
        top, given = top.parent, str(Path(given).parent)
    if not top.is_dir():
        yield str(top), given, False
        return
    if (top / _CHART).is_file():
        raise InputError(f"{given} is a chart; name the folder with the manifests that use it")
    for folder, folders, names in os.walk(top, onerror=_unreadable):
        shown = os.path.normpath(os.path.join(given, os.path.relpath(folder, top)))  # noqa: PTH118
        file = _kustomization(folder)
        if file:
            folders.clear()
            yield file, shown, True
        folders[:] = sorted(name for name in folders if not _skipped(folder, name))
        for name in sorted(names):
            if name in _OWNER_FILES or (not file and name.endswith(_SUFFIXES) and not name.startswith(".")):
                yield os.path.join(folder, name), os.path.normpath(os.path.join(shown, name)), False  # noqa: PTH118


def _kustomization(folder: str) -> str:
    """The path of its kustomization.yaml, "" when it has none."""
    return next((str(Path(folder, name)) for name in kustomization.FILES if Path(folder, name).is_file()), "")


def _used(found: Sequence[SourceFile]) -> list[SourceFile]:
    """Without the kustomizations that another one of them builds on, and without components."""
    parsed = {one.path: yaml.load(one.text, file=one.path, strict=False).value for one in found if one.built}
    below = {os.path.realpath(Path(path).parent / one) for path, value in parsed.items() for one in _bases(value)}
    parts = {path for path, value in parsed.items() if kustomization.is_component(value)}
    return [one for one in found if one.path not in parts and os.path.realpath(Path(one.path).parent) not in below]


def _bases(value: object) -> list[str]:
    return [one for one in kustomization.built_on(value) if not one.endswith(_SUFFIXES)]


def _unreadable(error: OSError) -> None:
    raise InputError(f"cannot read {error.filename}: {error.strerror}") from error


def _skipped(folder: str, name: str) -> bool:
    return name.startswith(".") or Path(folder, name, _CHART).is_file()


def _shown(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _real_below(path: str, root: str, shown: str) -> str:
    """The real path. InputError when links or dots lead it out of ``root``, whether or not anything is there."""
    try:
        real, top = os.path.realpath(path), os.path.realpath(root)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {shown}: {getattr(error, 'strerror', None) or error}") from error
    if os.path.commonpath((real, top)) != top:
        raise InputError(f"{shown} leads out of {_shown(Path(top))}")
    return real
