"""A chart folder of a commit, seen as the same folder on disk would be: links followed, ``.helmignore`` obeyed."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field

from helmops.adapters.charts.archive import check_name, read_archive
from helmops.adapters.charts.ignore import FILE as IGNORE_FILE
from helmops.adapters.charts.ignore import IgnoreRules
from helmops.adapters.charts.limits import Budget
from helmops.adapters.charts.metadata import decode
from helmops.adapters.git_objects import Absent, Damaged, Kind, Object, Objects, TreeEntry, entries
from helmops.errors import InputError

_LFS = b"version https://git-lfs.github.com/spec/"
_DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Contents:
    """A chart's files, and the submodules in its folder, which were left out."""

    files: dict[str, bytes]
    submodules: tuple[str, ...] = ()


def clean_path(path: str) -> str:
    """Relative to the repository's root; "" is the root itself. InputError when it leads elsewhere."""
    clean = posixpath.normpath(path or ".")
    bad = clean.startswith(("/", "../")) or clean == ".." or ".." in path.split("/")
    if bad or any(sign < " " for sign in path) or "\\" in path:
        raise InputError(f"{path[:200]!r} is no path below the root of a git repository")
    return "" if clean == "." else clean


def read_chart(objects: Objects, commit: str, path: str, where: str, budget: Budget) -> Contents:
    """The chart at ``path``, a folder or a ``.tgz``. InputError names what is wrong with it, and what is near it."""
    folder = _Folder(objects, commit, path, where, budget)
    try:
        top = objects.get(f"{commit}:{path}", lambda kind, size: kind == "tree" or _may_be_packed(path, size, budget))
    except Absent as absent:
        raise folder.nowhere(str(absent)) from None
    if top.kind == "tree":
        return folder.contents(top)
    if not path.endswith(".tgz"):
        raise InputError("is neither a folder nor a .tgz", where=where)
    _refuse_pointer(top.data, path, where)
    return Contents(read_archive(top.data, where, budget))


def _may_be_packed(path: str, size: int, budget: Budget) -> bool:
    if path.endswith(".tgz"):
        budget.archive(size)
    return path.endswith(".tgz")


@dataclass(slots=True)
class _Folder:
    objects: Objects
    commit: str
    path: str
    where: str
    budget: Budget
    submodules: list[str] = field(default_factory=list)

    def contents(self, top: Object) -> Contents:
        rules = self._rules(top)
        return Contents(dict(self._walk("", top, (top.id,), rules)), tuple(sorted(self.submodules)))

    def nowhere(self, why: str) -> InputError:
        """Nothing at the path: what there is instead."""
        if why:
            return InputError(f"{self.path} {why}", where=self.where)
        if not self.path:
            return InputError(f"{self.commit} holds no files", where=self.where)
        parent, _, name = self.path.rpartition("/")
        if (near := self._entries(parent)) is None:
            return _Folder(self.objects, self.commit, parent, self.where, self.budget).nowhere("")
        if any(entry.name == name and entry.is_submodule for entry in near):
            return InputError(f"{self.path} is a git submodule, which is not followed", where=self.where)
        names = difflib.get_close_matches(name, [entry.name for entry in near if entry.is_folder], n=3)
        nearest = "; nearest: " + ", ".join(posixpath.join(parent, each) for each in names) if names else ""
        return InputError(f"there is no {self.path} in commit {self.commit[:12]}{nearest}", where=self.where)

    def _entries(self, path: str) -> list[TreeEntry] | None:
        try:
            found = self.objects.get(f"{self.commit}:{path}", lambda kind, size: kind == "tree")
        except Absent:
            return None
        return list(entries(found.data)) if found.kind == "tree" else []

    def _rules(self, top: Object) -> IgnoreRules:
        where = f"{self.where}/{IGNORE_FILE}"
        nothing = IgnoreRules.parse("", where)
        for entry in entries(top.data):
            if entry.name == IGNORE_FILE and not entry.is_folder:
                found = self._object(entry, IGNORE_FILE, nothing)
                return IgnoreRules.parse(decode(found.data if found else b"", where), where)
        return nothing

    def _walk(
        self, folder: str, tree: Object, above: tuple[str, ...], rules: IgnoreRules
    ) -> Iterator[tuple[str, bytes]]:
        if len(above) > _DEEPEST:
            raise InputError(f"has folders more than {_DEEPEST} deep", where=self.where)
        for entry in entries(tree.data):
            self.budget.entry()
            path = folder + entry.name
            if entry.is_submodule:
                self._leave_out(path, rules)
            # What a link leads to says whether it is a folder, so a link is looked at first.
            elif entry.is_link or not rules.ignores(path, is_folder=entry.is_folder):
                yield from self._entry(entry, path, above, rules)

    def _leave_out(self, path: str, rules: IgnoreRules) -> None:
        if not rules.ignores(path, is_folder=True):
            self.submodules.append(path)

    def _entry(
        self, entry: TreeEntry, path: str, above: tuple[str, ...], rules: IgnoreRules
    ) -> Iterator[tuple[str, bytes]]:
        self._check_name(entry.name, path)
        found = self._object(entry, path, rules)
        if found is None:
            return
        if found.kind == "tree":
            if found.id in above:
                raise InputError(f"{path} is a link to a folder it lies in", where=self.where)
            yield from self._walk(f"{path}/", found, (*above, found.id), rules)
        else:
            _refuse_pointer(found.data, path, self.where)
            yield path, found.data

    def _check_name(self, name: str, path: str) -> None:
        """Git itself never makes such names; a server may send them."""
        if name in ("", ".", "..") or "/" in name:
            raise InputError(f"holds {path!r}, which is not inside the chart", where=self.where)
        check_name(path, self.where)

    def _object(self, entry: TreeEntry, path: str, rules: IgnoreRules) -> Object | None:
        """The file or folder; None when it is ignored after all."""

        def wanted(kind: Kind, size: int) -> bool:
            if kind == "blob" and not rules.ignores(path, is_folder=False):
                self.budget.file(path, size)
            return not rules.ignores(path, is_folder=kind == "tree")

        try:
            found = self.objects.get(self._name(entry, path), wanted)
        except Absent as absent:
            self._dangling(entry, path, rules, absent)
            return None
        return None if rules.ignores(path, is_folder=found.kind == "tree") else found

    def _name(self, entry: TreeEntry, path: str) -> str:
        return f"{self.commit}:{posixpath.join(self.path, path)}" if entry.is_link else entry.id

    def _dangling(self, entry: TreeEntry, path: str, rules: IgnoreRules, absent: Absent) -> None:
        if not entry.is_link:
            raise Damaged(f"{path} is not there")
        if not rules.ignores(path, is_folder=False):
            raise InputError(f"{path} {absent or 'is a link to nothing'}", where=self.where)


def _refuse_pointer(data: bytes, path: str, where: str) -> None:
    if data.startswith(_LFS):
        hint = "keep charts out of Git LFS: helmops does not fetch its objects"
        raise InputError(f"{path} is a Git LFS pointer, not the file itself", where=where, hint=hint)
