"""Files → what is desired, with every mistake told at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from helmops.api import loading
from helmops.api.document import Document
from helmops.api.model import Access, Credentials, Desired, OwnerConfig, Release
from helmops.core import yaml
from helmops.core.graph import order
from helmops.core.values import Layer
from helmops.engine.layers import Part, read_parts, stack
from helmops.errors import HelmopsError, InputError, InputErrors, Problem
from helmops.ports import Files, SourceFile

OWNER_FILES = frozenset({"helmops.yaml", "helmops.yml"})

ObjectName = tuple[str, str]
"""(namespace, name) of the object that describes a release: two clusters may have releases of one name."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the input asks for.

    ``layers``: the values of each release in order; those that only the cluster has come with
    :func:`helmops.engine.values.read_values`, out of ``parts``. ``unread``: why they could not be had this time.
    """

    desired: Desired
    layers: Mapping[ObjectName, tuple[Layer, ...]]
    parts: Mapping[ObjectName, tuple[Part, ...]] = field(default_factory=dict)
    unread: Mapping[ObjectName, HelmopsError] = field(default_factory=dict)
    credentials: Mapping[ObjectName, Credentials] = field(default_factory=dict, repr=False)


async def load(files: Files, paths: Sequence[str], *, namespace: str, access: Access) -> Loaded:
    """Read files and folders (``-``: stdin). InputErrors with all mistakes; nothing has been touched then."""
    problems: list[Problem] = []
    owners: list[Document] = []
    documents: list[Document] = []
    partly = False
    for source in await files.manifests(paths):
        read = _documents(source, problems)
        (owners if _is_owner(source) else documents).extend(read)
        partly |= _is_owner(source) and source.above
    found = loading.load(documents, namespace=namespace, access=access)
    found.problems[:0] = problems
    found.owner = replace(_owner(owners, found.problems), partly=partly)
    parts = {release.described: await read_parts(files, release, found.problems) for release in found.releases}
    layers = {name: stack(some, found.objects, found.problems) for name, some in parts.items()}
    found.problems += _dependencies(found.releases)
    if found.problems:
        raise InputErrors(found.problems)
    return Loaded(loading.desired(found), layers, parts)


def _is_owner(source: SourceFile) -> bool:
    return source.path.rpartition("/")[2] in OWNER_FILES


def _documents(source: SourceFile, problems: list[Problem]) -> list[Document]:
    folder = source.path.rpartition("/")[0]
    try:
        located = yaml.load_all(source.text, file=source.shown)
    except InputError as error:
        problems.append(Problem(error.where or source.shown, "", error.message))
        return []
    return [Document(source.shown, folder, source.root, part.value, part.lines, source.built) for part in located]


def _owner(documents: Sequence[Document], problems: list[Problem]) -> OwnerConfig:
    if len(documents) > 1 and len({(d.shown, d.line()) for d in documents}) > 1:
        found = ", ".join(document.where() for document in documents)
        problems.append(documents[1].problem((), f"one pass has one owner; found several: {found}"))
        return OwnerConfig()
    return loading.load_owner(documents[0], problems) if documents else OwnerConfig()


def _dependencies(releases: Sequence[Release]) -> list[Problem]:
    """Unknown names and cycles in ``dependsOn``."""
    known = {release.described: release for release in releases}
    problems = [
        Problem(release.ref.where, "spec.dependsOn", f"no {release.ref.kind} {namespace}/{name} in the input")
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
