"""Files in memory."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence

from helmops.errors import InputError, Missing
from helmops.ports import SourceFile

_SUFFIXES = (".yaml", ".yml", ".json")


class FakeFiles:
    """Port ``Files`` over ``contents`` (absolute path → text), all below ``root``. Change ``contents`` at will."""

    def __init__(self, contents: Mapping[str, str] | None = None, *, root: str = "/input", stdin: str = "") -> None:
        self.root = root
        self.contents = dict(contents or {})
        self.stdin = stdin
        self._built: set[str] = set()

    def write(self, name: str, text: str) -> str:
        """A file below the root; its path."""
        path = posixpath.join(self.root, name)
        self.contents[path] = text
        return path

    def write_built(self, folder: str, text: str) -> None:
        """A folder below the root that kustomize makes this of."""
        self._built.add(self.write(f"{folder}/kustomization.yaml", text))

    async def manifests(self, paths: Sequence[str]) -> Sequence[SourceFile]:
        """Manifests at and below the paths, sorted, with the ``helmops.yaml`` at the root."""
        found: dict[str, SourceFile] = {}
        for given in paths:
            if given == "-":
                found["<stdin>"] = SourceFile(posixpath.join(self.root, "<stdin>"), "<stdin>", self.root, self.stdin)
                continue
            for path in [posixpath.join(self.root, "helmops.yaml"), *self._below(given)]:
                if path in self.contents:
                    found[path] = self._source(path)
        return [found[path] for path in sorted(found)]

    async def read(self, path: str, root: str) -> str:
        """One file. Missing when absent, InputError when outside ``root``."""
        real = posixpath.normpath(path)
        if not real.startswith(f"{root}/"):
            raise InputError(f"{path} leads out of {root}")
        if real not in self.contents:
            raise Missing(f"no such file: {path}")
        return self.contents[real]

    def _below(self, given: str) -> list[str]:
        top = posixpath.normpath(posixpath.join(self.root, given))
        below = [path for path in self.contents if path.startswith(f"{top}/") and path.endswith(_SUFFIXES)]
        if top not in self.contents and not below:
            raise Missing(f"no such file or folder: {given}")
        return [top, *below]

    def _source(self, path: str) -> SourceFile:
        built = path in self._built
        shown = posixpath.relpath(posixpath.dirname(path) if built else path, self.root)
        return SourceFile(path, shown, self.root, self.contents[path], built)
