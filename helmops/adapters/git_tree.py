"""The files of a commit, written to a folder of ours. What a server sent decides nothing but names and contents."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from helmops.adapters.git_objects import Absent, Damaged, Kind, Object, Objects, TreeEntry, entries
from helmops.errors import InputError

MOST_ENTRIES: Final = 100_000
_DEEPEST = 100
_MARK = ".git"  # what tells DiskFiles that nothing may lead out of here, wherever the cache lies


def write_commit(objects: Objects, commit: str, target: Path, shown: str, most_bytes: int) -> None:
    """All of a commit at ``target``, or nothing. InputError for what leaves the folder, or is too much."""
    try:
        made = Path(tempfile.mkdtemp(dir=target.parent, prefix=".new-"))
        try:
            _Tree(objects, made, shown, most_bytes).write(commit)
            made.rename(target)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
    except OSError as error:
        hint = "is there room in HELMOPS_CACHE_HOME?"
        raise InputError(f"cannot write the files of {shown}: {error.strerror}", hint=hint) from error


@dataclass(slots=True)
class _Tree:
    objects: Objects
    folder: Path
    shown: str
    most_bytes: int
    entries: int = 0
    size: int = 0
    links: list[tuple[Path, bytes]] = field(default_factory=list)

    def write(self, commit: str) -> None:
        """Links come last: nothing is ever written through one."""
        (self.folder / _MARK).mkdir(mode=0o700)
        self._fill(self.folder, self._get(f"{commit}:", "", "tree"), 1)
        for path, target in self.links:
            path.symlink_to(os.fsdecode(target))
        for path, _ in self.links:
            self._check_link(path)

    def _fill(self, folder: Path, tree: Object, depth: int) -> None:
        if depth > _DEEPEST:
            raise self._refusal(f"has folders more than {_DEEPEST} deep")
        for entry in entries(tree.data):
            self._count()
            path = folder / self._checked(entry.name)
            if entry.is_folder:
                path.mkdir(mode=0o700)
                self._fill(path, self._get(entry.id, entry.name, "tree"), depth + 1)
            elif not entry.is_submodule:
                self._file(path, entry)

    def _file(self, path: Path, entry: TreeEntry) -> None:
        data = self._get(entry.id, entry.name, "blob").data
        if entry.is_link:
            self.links.append((path, data))
            return
        # Of two entries with one name the second is refused, as is a link in the place of a file.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(data)

    def _get(self, name: str, shown: str, kind: Kind) -> Object:
        def wanted(found: Kind, size: int) -> bool:
            self._weigh(size)
            return found == kind

        try:
            found = self.objects.get(name, wanted)
        except Absent as absent:
            if str(absent):
                raise self._refusal(f"{shown} {absent}") from absent
            raise Damaged(f"{shown or name} is not there") from absent
        if found.kind != kind:
            raise Damaged(f"{shown or name} is no {kind}")
        return found

    def _count(self) -> None:
        self.entries += 1
        if self.entries > MOST_ENTRIES:
            raise self._refusal(f"has more than {MOST_ENTRIES:,} files and folders")

    def _weigh(self, size: int) -> None:
        self.size += size
        if self.size > self.most_bytes:
            hint = "if that is as it should be, raise HELMOPS_MAX_GIT_BYTES"
            raise self._refusal(f"has more than {self.most_bytes:,} bytes of files", hint)

    def _checked(self, name: str) -> str:
        """Git itself never makes such names; a server may send them."""
        if name in ("", ".", "..") or "/" in name or name.lower() == _MARK:
            raise self._refusal(f"holds a file named {name!r}")
        return name

    def _check_link(self, path: Path) -> None:
        """As the system follows it, now that everything is there that it may lead over."""
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.folder)):
            raise self._refusal(f"{path.relative_to(self.folder)} leads out of the repository")

    def _refusal(self, message: str, hint: str = "") -> InputError:
        return InputError(message, where=self.shown, hint=hint)
