"""A ``Release`` object of the cluster → what one pass is given. The same models and the same loader as for files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from helmops.api import loading
from helmops.api.document import Document
from helmops.api.model import Access, FileValues, PathChart, Release
from helmops.engine.layers import read_parts, stack
from helmops.engine.load import Loaded
from helmops.errors import InputErrors, Problem
from helmops.ports import Files

PLACE = "the cluster"


def document(obj: Mapping[str, Any]) -> Document:
    """As it would stand in a file, without one."""
    return Document(PLACE, "", "", obj, {}, built=True)


async def load_objects(files: Files, objects: Sequence[Mapping[str, Any]], *, access: Access) -> Loaded:
    """One Release, with the ChartSource that it names. InputErrors with every mistake in them."""
    found = loading.load([document(obj) for obj in objects], namespace="", access=access)
    problems = found.problems
    problems += [one for release in found.releases for one in _of_this_machine(release)]
    if problems:
        raise InputErrors(problems)
    parts = {release.described: await read_parts(files, release, problems) for release in found.releases}
    layers = {name: stack(some, found.objects, problems) for name, some in parts.items()}
    if problems:
        raise InputErrors(problems)
    return Loaded(loading.desired(found), layers, parts)


def _of_this_machine(release: Release) -> list[Problem]:
    """Whoever may write a Release would read the daemon's own files."""
    where, problems = release.ref.where, []
    if isinstance(release.chart, PathChart):
        problems.append(Problem(where, "spec.chart.path", "a Release in the cluster has no folder beside it"))
    if any(isinstance(one, FileValues) for one in release.values):
        problems.append(Problem(where, "spec.valuesFrom", "a Release in the cluster has no file beside it"))
    return problems
