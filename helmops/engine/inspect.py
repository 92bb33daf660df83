"""Looking, without changing anything: releases, revisions, what would be rendered, where values come from."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from helmops.api.model import JsonPath, Release
from helmops.core.merge import coalesce
from helmops.core.redact import Redactor
from helmops.core.release.observation import PENDING, Foreign, Record
from helmops.core.release.state import interrupted, rollback_target
from helmops.engine.contents import Content, Contents
from helmops.engine.context import PARALLEL_DRY_RUNS, Ports, Scope
from helmops.engine.credentials import completed
from helmops.engine.drift import Checked, Drift, Subject, Targets
from helmops.engine.load import Loaded
from helmops.engine.metadata import Metadata
from helmops.engine.preview import render_request
from helmops.engine.resolve import Resolved, Unresolved, resolve_all
from helmops.engine.stored import stored_objects
from helmops.engine.world import Id, claims
from helmops.errors import Forbidden, InputError, NotFound

CHART_DEFAULT = "chart default"


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a release. ``mark`` says what its labels and description tell beyond its status."""

    record: Record
    content: Content
    mark: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """A release as it stands. ``checked`` is None where its drift is nobody's business: it is not ours.

    ``secrets`` takes out of the drift what the deployed values call a secret.
    """

    revision: Revision
    foreign: Foreign | None = None
    checked: Checked | None = None
    secrets: Redactor = field(default_factory=Redactor, repr=False)

    @property
    def id(self) -> Id:
        """(storage namespace, name)."""
        return self.revision.record.namespace, self.revision.record.name


# ---------------------------------------------------------------- releases
async def find(ports: Ports, scope: Scope, name: str, *, namespace: str, ambient: str) -> Id:
    """The release that a person means by ``NAME`` or ``namespace/NAME``.

    ``namespace``: chosen on purpose; ``ambient``: where to look when the whole cluster may not be listed.
    NotFound, or InputError with the candidates when several have the name.
    """
    before, slash, bare = name.rpartition("/")
    namespace = before if slash else namespace
    known = {(r.namespace, r.name) for r in await _records(ports, scope, namespace, ambient)}
    return only([one for one in known if one[1] == bare], bare, namespace, {one[1] for one in known})


def only(found: Sequence[Id], name: str, namespace: str, known: Collection[str]) -> Id:
    """The one that is meant."""
    if len(found) == 1:
        return found[0]
    if found:
        candidates = ", ".join("/".join(one) for one in sorted(found))
        raise InputError(f"{name} is ambiguous: {candidates}", hint="name it as namespace/name, or choose with -n")
    where = f" in namespace {namespace}" if namespace else ""
    close = difflib.get_close_matches(name, known, 3)
    raise NotFound(f"there is no release {name}{where}", hint=f"did you mean {', '.join(close)}?" if close else "")


async def _records(ports: Ports, scope: Scope, namespace: str, ambient: str) -> Sequence[Record]:
    """Of one namespace, else of the whole cluster, else of the one that the user works in."""
    if namespace:
        return await ports.storage.records(scope.access, {namespace})
    try:
        return await ports.storage.records(scope.access, None)
    except Forbidden:
        return await ports.storage.records(scope.access, {ambient})


async def statuses(ports: Ports, scope: Scope, *, namespace: str | None) -> tuple[ReleaseView, ...]:
    """Every release of a namespace (None: of the cluster) as ``helm list`` has them, by namespace and name."""
    where = None if namespace is None else {namespace}
    return await _views(ports, scope, _tops(await ports.storage.records(scope.access, where)))


async def status(ports: Ports, scope: Scope, release: Id) -> ReleaseView:
    """One release."""
    records = await ports.storage.records_of(scope.access, *release)
    if not records:
        raise NotFound(f"there is no release {'/'.join(release)} any more")
    return (await _views(ports, scope, records[-1:]))[0]


def _tops(records: Collection[Record]) -> list[Record]:
    """The highest revision of each release that is not uninstalled."""
    tops: dict[Id, Record] = {}
    for record in sorted(records, key=lambda one: one.revision):
        tops[record.namespace, record.name] = record
    return [record for _, record in sorted(tops.items()) if record.status != "uninstalled"]


async def _views(ports: Ports, scope: Scope, tops: Sequence[Record]) -> tuple[ReleaseView, ...]:
    contents = Contents(ports, scope)
    found = await contents.of_all(tops)
    foreign = await claims(ports, scope)
    ours = [Subject(one, found[one.uid]) for one in tops if _is_ours(one) and (one.namespace, one.name) not in foreign]
    metadata = Metadata(ports, scope, {one.namespace for one in tops})
    checked = await Drift(ports, scope, Targets(ports, scope), metadata).check(ours)
    drifted = [one for one in tops if (seen := checked.get(one.uid)) and (seen.reports or seen.unknown)]
    secrets = dict(zip((one.uid for one in drifted), await _secrets(ports, scope, drifted), strict=True))
    return tuple(
        ReleaseView(
            _revision(one, found[one.uid]),
            foreign.get((one.namespace, one.name)),
            checked.get(one.uid),
            secrets.get(one.uid, Redactor()),
        )
        for one in tops
    )


async def _secrets(ports: Ports, scope: Scope, records: Sequence[Record]) -> Sequence[Redactor]:
    """What values and Secrets hold is not remembered on disk, so it is read, and only where fields are shown.

    Which values came from a Secret of the cluster is no longer known; what became of them in a Secret is.
    """
    limit = asyncio.Semaphore(PARALLEL_DRY_RUNS)

    async def read(record: Record) -> Redactor:
        async with limit:
            body = await ports.storage.body(scope.access, record)
        objects = (await stored_objects(ports, scope, body)).values()
        return Redactor.of((*Redactor.of_values(body.config).secrets, *Redactor.of_objects(objects).secrets))

    return await asyncio.gather(*map(read, records))


def _is_ours(record: Record) -> bool:
    """Deployed by helmops; what is failed or being written is expected to differ."""
    return record.desired is not None and record.status == "deployed"


# ---------------------------------------------------------------- revisions
async def history(ports: Ports, scope: Scope, release: Id) -> tuple[Revision, ...]:
    """Every revision that Helm still has, oldest first."""
    records = await ports.storage.records_of(scope.access, *release)
    found = await Contents(ports, scope).of_all(records)
    return tuple(_revision(record, found[record.uid]) for record in records)


def _revision(record: Record, content: Content) -> Revision:
    return Revision(record, content, mark(record, content.description))


def mark(record: Record, description: str) -> str:
    """What a person should know of a revision that its status does not say."""
    if record.status in PENDING or record.desired is None:
        return ""
    if record.own_digest:
        return _own_mark(record, description)
    target = rollback_target(record, description)
    if target is None:
        return "made outside helmops"
    return f"rolled back to {target}" if record.status != "failed" else f"rollback to {target} failed"


def _own_mark(record: Record, description: str) -> str:
    if record.status != "failed":
        return ""
    return "interrupted" if interrupted(description) else "this input failed"


# ---------------------------------------------------------------- the input
def pick(loaded: Loaded, name: str, namespace: str) -> Loaded:
    """Only the release of the input that a person means by ``NAME`` or ``namespace/NAME``."""
    releases = loaded.desired.releases
    before, slash, bare = name.rpartition("/")
    namespace = before if slash else namespace
    ids = [(one.namespace, one.name) for one in releases]
    found = [one for one in ids if one[1] == bare and namespace in ("", one[0])]
    chosen = only(found, bare, namespace, {one[1] for one in ids})
    picked = tuple(one for one in releases if (one.namespace, one.name) == chosen)
    return replace(loaded, desired=replace(loaded.desired, releases=picked))


async def resolved(ports: Ports, picked: Loaded) -> Resolved:
    """The one release that was picked, with its chart and merged values."""
    start = picked.desired.releases[0].access
    found = (await resolve_all(ports.charts, await completed(ports.cluster, start, picked)))[0]
    if isinstance(found, Unresolved):
        raise found.error
    return found


async def render(ports: Ports, scope: Scope, one: Resolved) -> str:
    """What sync would hand to Helm, rendered with the cluster's capabilities. It holds Secrets: mask them."""
    records = await ports.storage.records_of(scope.access, *one.id)
    is_upgrade = bool(records) and records[-1].status != "uninstalled"
    chart, kinds = await ports.charts.content(one.artifact), await ports.cluster.kinds(scope.access)
    return await ports.helm.render(scope.access, render_request(one, chart, kinds, is_upgrade))


@dataclass(frozen=True, slots=True)
class Values:
    """What the templates of a release see, and for each leaf which layer set it."""

    release: Release
    chart: str
    value: Mapping[str, Any]
    origins: Mapping[JsonPath, str]
    secrets: tuple[str, ...] = field(default=(), repr=False)


async def values(ports: Ports, picked: Loaded) -> Values:
    """Merged as Helm merges, the chart's own defaults below all layers."""
    one = await resolved(ports, picked)
    defaults = (await ports.charts.content(one.artifact)).default_values
    seen = coalesce(defaults, one.values.value, helm=(await ports.helm.version()).major)
    given = one.values.origins
    origins = {path: given.get(path, CHART_DEFAULT) for path in leaves(seen)}
    return Values(one.release, f"{one.artifact.name} {one.artifact.version}", seen, origins, one.values.secrets)


def leaves(value: Mapping[str, Any], path: JsonPath = ()) -> list[JsonPath]:
    """Paths of everything that is no mapping; lists and empty mappings are leaves."""
    found: list[JsonPath] = []
    for key, item in value.items():
        here = (*path, key)
        found += leaves(item, here) if isinstance(item, Mapping) and item else [here]
    return found
