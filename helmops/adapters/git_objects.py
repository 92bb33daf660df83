"""Objects of a git repository, asked of one ``git cat-file --batch --follow-symlinks``.

Blobs come as they were committed: no filter, no attribute, no end of line of the repository's choosing has a say.
Links are followed by git, which knows no way out of the tree.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from subprocess import Popen
from types import TracebackType
from typing import Literal, NoReturn, Self

Kind = Literal["blob", "tree", "commit", "tag"]

_HEADER = re.compile(rb"([0-9a-f]{40}) (blob|tree|commit|tag) (\d+)\n")
_LINK = re.compile(rb"(symlink|dangling|loop|notdir) (\d+)\n")
_WHY = {
    "symlink": "leads out of the repository",
    "dangling": "is a link to nothing",
    "loop": "is a link that leads to itself",
    "notdir": "leads through a file",
}
_MOST_HEADER = 64 * 1024
_MOST_TREE = 16 * 1024 * 1024
_CHUNK = 1024 * 1024


class Damaged(Exception):
    """The repository on disk does not hold what it should."""


class Absent(Exception):
    """There is no such object; the text says why, as the end of a sentence. Empty when there is simply none."""


@dataclass(frozen=True, slots=True)
class Object:
    """``data`` is empty when it was not wanted."""

    kind: str
    id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One line of a tree. ``name`` may be anything: git does not check what it is sent."""

    mode: str
    name: str
    id: str

    @property
    def is_folder(self) -> bool:
        return self.mode in ("40000", "040000")

    @property
    def is_link(self) -> bool:
        return self.mode == "120000"

    @property
    def is_submodule(self) -> bool:
        return self.mode == "160000"


class Objects:
    """A dialogue with one process, which ends with the context. All calls block."""

    def __init__(self, process: Popen[bytes] | None) -> None:
        if process is None or process.stdin is None or process.stdout is None:
            raise Damaged("git has no pipes")
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._process.wait()
        for pipe in (self._stdin, self._stdout, self._process.stderr):
            with contextlib.suppress(OSError):  # what it did not read is still in the pipe
                if pipe is not None:
                    pipe.close()

    def end(self) -> None:
        """Kill the process: whoever waits for an answer is told Damaged."""
        self._process.kill()

    def has(self, name: str) -> bool:
        """Whether there is such an object."""
        with contextlib.suppress(Absent):
            return bool(self.get(name, lambda kind, size: False).kind)
        return False

    def get(self, name: str, wanted: Callable[[Kind, int], bool]) -> Object:
        """An object by id or by ``<commit>:<path>``; Absent when there is none.

        ``wanted`` is told kind and size before anything is read, and may raise.
        """
        if "\n" in name:
            raise Absent("has a line break in its name")
        kind, identity, size = self._ask(name.encode("utf-8", "surrogateescape"))
        if kind == "tree" and size > _MOST_TREE:
            raise Absent("has more entries than can be read")
        data = self._take(size) if wanted(kind, size) else self._skip(size)
        self._take(1)
        return Object(kind, identity, data)

    def _ask(self, name: bytes) -> tuple[Kind, str, int]:
        try:
            self._stdin.write(name + b"\n")
            self._stdin.flush()
        except (OSError, ValueError) as error:
            raise Damaged("git ended") from error
        header = self._stdout.readline(_MOST_HEADER)
        match = _HEADER.fullmatch(header)
        if match is None:
            self._refuse(header)
        kind: Kind = match[2].decode()  # type: ignore[assignment]  # the pattern knows no other
        return kind, match[1].decode(), int(match[3])

    def _refuse(self, header: bytes) -> NoReturn:
        if header.endswith((b" missing\n", b" submodule\n")):
            raise Absent
        match = _LINK.fullmatch(header)
        if match is None:
            raise Damaged("git ended, or says what it should not")
        self._take(int(match[2]) + 1)
        raise Absent(_WHY[match[1].decode()])

    def _take(self, size: int) -> bytes:
        data = self._stdout.read(size)
        if len(data) != size:
            raise Damaged("git ended in the middle of an object")
        return data

    def _skip(self, size: int) -> bytes:
        while size:
            size -= len(self._take(min(size, _CHUNK)))
        return b""


def entries(tree: bytes) -> Iterator[TreeEntry]:
    """The lines of a tree object. Damaged when it is none."""
    at = 0
    while at < len(tree):
        space, end = tree.find(b" ", at), tree.find(b"\0", at)
        if not at < space < end or len(tree) < end + 21:
            raise Damaged("a tree that cannot be read")
        name = tree[space + 1 : end].decode("utf-8", "surrogateescape")
        yield TreeEntry(tree[at:space].decode("ascii", "replace"), name, tree[end + 1 : end + 21].hex())
        at = end + 21
