"""Files → what is desired, with every mistake told at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from helmops.api import loading
from helmops.api.document import Document
from helmops.api.model import Access, Desired, FileValues, OwnerConfig, Release, ValuesSource
from helmops.core import yaml
from helmops.core.graph import order
from helmops.core.values import Layer
from helmops.errors import InputError, InputErrors, Missing, Problem
from helmops.ports import Files, SourceFile

OWNER_FILES = frozenset({"helmops.yaml", "helmops.yml"})

Layers = Mapping[tuple[str, str], tuple[Layer, ...]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the input asks for. ``layers``: the values of each release, by (namespace, name), in order."""

    desired: Desired
    layers: Layers


async def load(files: Files, paths: Sequence[str], *, namespace: str, access: Access) -> Loaded:
    """Read files and folders (``-``: stdin). InputErrors with all mistakes; nothing has been touched then."""
    problems: list[Problem] = []
    owners: list[Document] = []
    documents: list[Document] = []
    for source in await files.manifests(paths):
        read = _documents(source, problems)
        (owners if _is_owner(source) else documents).extend(read)
    found = loading.load(documents, namespace=namespace, access=access)
    found.problems[:0] = problems
    found.owner = _owner(owners, found.problems)
    layers = {
        (release.namespace, release.name): await _layers(files, release, found.problems) for release in found.releases
    }
    found.problems += _dependencies(found.releases)
    if found.problems:
        raise InputErrors(found.problems)
    return Loaded(loading.desired(found), layers)


def _is_owner(source: SourceFile) -> bool:
    return source.path.rpartition("/")[2] in OWNER_FILES


def _documents(source: SourceFile, problems: list[Problem]) -> list[Document]:
    folder = source.path.rpartition("/")[0]
    try:
        located = yaml.load_all(source.text, file=source.shown)
    except InputError as error:
        problems.append(Problem(error.where or source.shown, "", error.message))
        return []
    return [Document(source.shown, folder, source.root, part.value, part.lines) for part in located]


def _owner(documents: Sequence[Document], problems: list[Problem]) -> OwnerConfig:
    if len(documents) > 1 and len({(d.shown, d.line()) for d in documents}) > 1:
        found = ", ".join(document.where() for document in documents)
        problems.append(documents[1].problem((), f"one pass has one owner; found several: {found}"))
        return OwnerConfig()
    return loading.load_owner(documents[0], problems) if documents else OwnerConfig()


async def _layers(files: Files, release: Release, problems: list[Problem]) -> tuple[Layer, ...]:
    found = [await _layer(files, source, problems) for source in release.values]
    return tuple(layer for layer in found if layer is not None)


async def _layer(files: Files, source: ValuesSource, problems: list[Problem]) -> Layer | None:
    if not isinstance(source, FileValues):
        return Layer(source.file, source.value, source.lines)
    try:
        text = await files.read(source.path, source.root)
    except InputError as error:
        if not (source.optional and isinstance(error, Missing)):
            problems.append(Problem(source.where, "spec.valuesFrom", error.message))
        return None
    return _parsed_layer(source, text, problems)


def _parsed_layer(source: FileValues, text: str, problems: list[Problem]) -> Layer | None:
    try:
        located = yaml.load(text, file=source.shown)
    except InputError as error:
        problems.append(Problem(error.where or source.shown, "", error.message))
        return None
    if located.value is None:
        return None
    if not isinstance(located.value, Mapping):
        problems.append(Problem(f"{source.shown}:1", "", "a values file must hold a map"))
        return None
    return Layer(source.shown, located.value, located.lines)


def _dependencies(releases: Sequence[Release]) -> list[Problem]:
    """Unknown names and cycles in ``dependsOn``."""
    known = {(release.ref.namespace, release.ref.name): release for release in releases}
    problems = [
        Problem(release.ref.where, "spec.dependsOn", f"no Release {namespace}/{name} in the input")
        for release in releases
        for namespace, name in release.depends_on
        if (namespace, name) not in known
    ]
    if problems:
        return problems
    try:
        order({f"{ns}/{name}": [f"{a}/{b}" for a, b in release.depends_on] for (ns, name), release in known.items()})
    except InputError as error:
        return [Problem("", "spec.dependsOn", error.message)]
    return []
