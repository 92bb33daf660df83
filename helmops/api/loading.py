"""Documents → the internal model. Every mistake is collected; nothing is raised for a bad document.

In two steps, because a release may stand before the source that it names: first every document for itself, then the
releases.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel

from helmops.api import release_kind as manifest
from helmops.api import release_mapping
from helmops.api.chart_form import SOURCE_KIND
from helmops.api.collected import Loading
from helmops.api.document import Document
from helmops.api.left_over import left_over
from helmops.api.model import Access, Desired, FileValues, Namespace, OwnerConfig, Release
from helmops.api.parsing import meant, parse
from helmops.errors import Problem

OUR_GROUP = "helmops.dev"
FLUX_GROUPS = ".toolkit.fluxcd.io"
KUSTOMIZE_GROUP = "kustomize.config.k8s.io"


def load(documents: Iterable[Document], *, namespace: str, access: Access) -> Loading:
    """Read every document. ``namespace`` fills in where an object names none; it never overrides."""
    found = Loading()
    for document in documents:
        _read(document, namespace, found)
    for parsed, document in found.parsed:
        _map(parsed, document, namespace, access, found)
    found.problems += _identities(found.releases) + _plain(found)
    return found


def load_owner(document: Document, problems: list[Problem]) -> OwnerConfig:
    """``helmops.yaml``."""
    parsed = parse(manifest.OwnerManifest, document, problems)
    if parsed is None:
        return OwnerConfig()
    cluster = parsed.cluster
    return OwnerConfig(parsed.owner, cluster.context or "", cluster.uid or "", document.where())


def desired(found: Loading) -> Desired:
    """The result, once there are no problems."""
    return Desired(
        tuple(found.releases),
        tuple(found.namespaces),
        tuple(found.ignored),
        found.objects,
        tuple(found.warnings),
        found.owner,
    )


# ---------------------------------------------------------------- every document for itself
def _read(document: Document, namespace: str, found: Loading) -> None:
    api_version, kind = document.kind
    group = api_version.partition("/")[0]
    if not (api_version and kind):
        found.plain.append(document)
    elif group == OUR_GROUP:
        _read_ours(document, namespace, found)
    elif group.endswith(FLUX_GROUPS):
        _read_flux(document, namespace, found)
    elif group != KUSTOMIZE_GROUP:  # what kustomize is told is no object
        _read_object(document, namespace, found)


def _read_ours(document: Document, namespace: str, found: Loading) -> None:
    api_version, kind = document.kind
    found.warnings += left_over(document)
    if api_version != manifest.API_VERSION:
        found.problems.append(document.problem(("apiVersion",), f"is not known; use {manifest.API_VERSION}"))
    elif kind == manifest.KIND:
        if parsed := parse(manifest.ReleaseManifest, document, found.problems):
            found.parsed.append((parsed, document))
    elif kind == SOURCE_KIND:
        _read_source(document, namespace, found)
    else:
        known = meant(kind, [manifest.KIND, SOURCE_KIND])
        found.problems.append(document.problem(("kind",), f"{kind} is not known{known}"))


def _read_source(document: Document, namespace: str, found: Loading) -> None:
    # Imported only for who has such a document: building its models takes its time.
    from helmops.api import chart_kind

    if source := parse(chart_kind.ChartSourceManifest, document, found.problems):
        found.sources.add(document, namespace, chart_kind.chart_source(source, namespace), found.problems)


def _read_flux(document: Document, namespace: str, found: Loading) -> None:
    # The same goes for these.
    from helmops.api.flux import reading

    reading.read(document, namespace, found)


def _read_object(document: Document, namespace: str, found: Loading) -> None:
    ref = document.ref(namespace)
    if document.kind == ("v1", "Namespace"):
        found.namespaces.append(Namespace(ref.name, document.value, document.where()))
        return
    if document.kind in (("v1", "ConfigMap"), ("v1", "Secret")):
        found.objects[ref.kind, ref.namespace, ref.name] = document.value
    found.ignored.append(ref)


# ---------------------------------------------------------------- then the releases
def _map(parsed: BaseModel, document: Document, namespace: str, access: Access, found: Loading) -> None:
    if not isinstance(parsed, manifest.ReleaseManifest):
        from helmops.api.flux import mapping

        mapping.add(parsed, document, namespace, access, found)
        return
    try:
        found.releases.append(release_mapping.release(parsed, document, namespace, access, found.sources))
    except ValueError as error:
        found.problems.append(document.problem(("spec", "chart", "source"), str(error)))


def _identities(releases: list[Release]) -> list[Problem]:
    """Two objects that name one release, two documents of one object, or two kinds under one name: which of them
    would a ``dependsOn`` mean?"""
    objects: dict[tuple[str, str], Release] = {}
    names: dict[tuple[object, str, str], Release] = {}
    problems = []
    for release in releases:
        first = objects.setdefault((release.ref.namespace, release.ref.name), release)
        same = names.setdefault((release.kube_config, release.namespace, release.name), release)
        if same is not release:
            text = f"release {release.namespace}/{release.name} is described twice; first at {same.ref.where}"
            problems.append(Problem(release.ref.where, "metadata.name", text))
        elif first is not release:
            text = f"{release.ref.namespace}/{release.ref.name} is also the {first.ref.kind} at {first.ref.where}"
            problems.append(Problem(release.ref.where, "metadata.name", text))
    return problems


def _plain(found: Loading) -> list[Problem]:
    """A document without apiVersion and kind is a mistake, unless a release uses the file for its values."""
    used = {source.shown for release in found.releases for source in release.values if isinstance(source, FileValues)}
    used = {_normal(shown) for shown in used}
    return [
        document.problem((), "is neither a Kubernetes object (apiVersion, kind) nor a values file that a Release names")
        for document in found.plain
        if _normal(document.shown) not in used
    ]


def _normal(path: str) -> str:
    """``a/./b/../c`` → ``a/c``."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
