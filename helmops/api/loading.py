"""Documents → the internal model. Every mistake is collected; nothing is raised for a bad document."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from helmops.api import release_kind as manifest
from helmops.api.document import Document
from helmops.api.model import (
    Access,
    ActionOptions,
    ChartRef,
    Desired,
    FileValues,
    HelmRepoChart,
    InlineValues,
    JsonPath,
    Namespace,
    ObjectRef,
    OwnerConfig,
    PathChart,
    Release,
    ValuesSource,
)
from helmops.errors import Problem

Model = TypeVar("Model", bound=BaseModel)


@dataclass(slots=True)
class Loading:
    """What has been read so far. ``plain`` are documents that are no Kubernetes objects: perhaps values files."""

    releases: list[Release] = field(default_factory=list)
    namespaces: list[Namespace] = field(default_factory=list)
    ignored: list[ObjectRef] = field(default_factory=list)
    plain: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    owner: OwnerConfig = field(default_factory=OwnerConfig)


def load(documents: Iterable[Document], *, namespace: str, access: Access) -> Loading:
    """Read every document. ``namespace`` fills in where a Release names none; it never overrides."""
    found = Loading()
    for document in documents:
        _load_one(document, namespace, access, found)
    found.problems += _identities(found.releases) + _plain(found)
    return found


def load_owner(document: Document, problems: list[Problem]) -> OwnerConfig:
    """``helmops.yaml``."""
    parsed = _parse(manifest.OwnerManifest, document, problems)
    if parsed is None:
        return OwnerConfig()
    cluster = parsed.cluster
    return OwnerConfig(parsed.owner, cluster.context or "", cluster.uid or "", document.where())


def desired(found: Loading) -> Desired:
    """The result, once there are no problems."""
    return Desired(tuple(found.releases), tuple(found.namespaces), tuple(found.ignored), owner=found.owner)


def _load_one(document: Document, namespace: str, access: Access, found: Loading) -> None:
    api_version, kind = document.kind
    if not (api_version and kind):
        found.plain.append(document)
    elif api_version.startswith("helmops.dev/"):
        _load_ours(document, namespace, access, found)
    elif (api_version, kind) == ("v1", "Namespace"):
        found.namespaces.append(Namespace(document.ref("").name, document.value, document.where()))
    else:
        found.ignored.append(document.ref(namespace))


def _load_ours(document: Document, namespace: str, access: Access, found: Loading) -> None:
    api_version, kind = document.kind
    if api_version != manifest.API_VERSION:
        found.problems.append(document.problem(("apiVersion",), f"is not known; use {manifest.API_VERSION}"))
    elif kind != manifest.KIND:
        found.problems.append(document.problem(("kind",), f"{kind} is not known{_meant(kind, [manifest.KIND])}"))
    elif parsed := _parse(manifest.ReleaseManifest, document, found.problems):
        found.releases.append(_release(parsed, document, namespace, access))


def _release(parsed: manifest.ReleaseManifest, document: Document, namespace: str, access: Access) -> Release:
    spec, metadata = parsed.spec, parsed.metadata
    where = metadata.namespace or namespace
    timeout = spec.timeout
    return Release(
        ref=ObjectRef(manifest.API_VERSION, manifest.KIND, where, metadata.name, document.where()),
        name=spec.release_name or metadata.name,
        namespace=where,
        target_namespace=where,
        chart=_chart(spec.chart, document),
        values=_values(spec, document),
        depends_on=tuple((dep.namespace or where, dep.name) for dep in spec.depends_on),
        install=_options(spec.install, timeout, skip_crds=spec.install.crds == "Skip"),
        upgrade=_options(spec.upgrade, timeout),
        rollback=_options(spec.rollback, timeout),
        uninstall=_options(spec.uninstall, timeout),
        remediate=spec.upgrade.remediation.remediate_last_failure,
        drift=spec.drift_detection.mode,
        max_history=spec.max_history,
        suspend=spec.suspend,
        prune=metadata.annotations.get(manifest.PRUNE_ANNOTATION) != "disabled",
        access=access,
    )


def _options(part: BaseModel, timeout: float, **extra: bool) -> ActionOptions:
    """Same field names on both sides, so that an option is written down once."""
    given = part.model_dump(exclude={"remediation", "crds"})
    given["timeout"] = timeout if given["timeout"] is None else given["timeout"]
    return ActionOptions(**given, **extra)


def _chart(chart: manifest.Chart, document: Document) -> ChartRef:
    if chart.path is not None:
        return PathChart(_join(document.folder, chart.path), document.root)
    return HelmRepoChart((chart.repo or "").rstrip("/"), chart.name or "", chart.version or "")


def _values(spec: manifest.Spec, document: Document) -> tuple[ValuesSource, ...]:
    files: list[ValuesSource] = [
        FileValues(
            _join(document.folder, source.file),
            document.root,
            _shown(document.shown, source.file),
            document.where(("spec", "valuesFrom", index, "file")),
            source.optional,
        )
        for index, source in enumerate(spec.values_from)
    ]
    if not spec.values:
        return tuple(files)
    return (*files, InlineValues(spec.values, document.shown, document.below(("spec", "values"))))


def _join(folder: str, path: str) -> str:
    return path if path.startswith("/") else f"{folder}/{path}"


def _shown(shown: str, path: str) -> str:
    folder = shown.rpartition("/")[0]
    return path if path.startswith("/") or not folder else f"{folder}/{path}"


def _identities(releases: list[Release]) -> list[Problem]:
    """Two objects that name one release, or two documents of one object."""
    seen: dict[tuple[str, str], Release] = {}
    problems = []
    for release in releases:
        first = seen.setdefault((release.namespace, release.name), release)
        if first is not release:
            text = f"release {release.namespace}/{release.name} is described twice; first at {first.ref.where}"
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


def _parse(model: type[Model], document: Document, problems: list[Problem]) -> Model | None:
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        problems += [_told(details, model, document) for details in error.errors(include_url=False)]
        return None


def _told(details: ErrorDetails, model: type[BaseModel], document: Document) -> Problem:
    path: JsonPath = tuple(details["loc"])
    kind = details["type"]
    if kind == "extra_forbidden":
        return document.problem(path, f"unknown field{_meant(str(path[-1]), _fields(model, path[:-1]))}")
    if kind == "missing":
        return document.problem(path, "is required")
    if kind == "value_error":
        return document.problem(path, str(details["ctx"]["error"]))
    message = details["msg"].replace("Input should be", "must be")
    given = "" if kind == "literal_error" else f", not {_type_name(details['input'])}"
    return document.problem(path, message + given)


def _type_name(value: Any) -> str:
    """The JSON type of what was given: its value may be a secret, so it is not repeated."""
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", type(None): "null"}
    return "a map" if isinstance(value, Mapping) else names.get(type(value), type(value).__name__)


def _meant(word: str, known: Iterable[str]) -> str:
    known = list(known)
    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), lowered, 1, 0.6)
    if close:
        return f"; did you mean {lowered[close[0]]}?"
    return f"; known are {', '.join(sorted(known))}" if known else ""


def _fields(model: type[BaseModel], path: JsonPath) -> list[str]:
    """Names that a file may use at ``path``."""
    current: Any = model
    for part in path:
        if isinstance(part, int) or current is None:
            continue
        current = next((_inner(f.annotation) for f in current.model_fields.values() if f.alias == part), None)
    return [f.alias or "" for f in current.model_fields.values()] if current else []


def _inner(annotation: Any) -> type[BaseModel] | None:
    """The model inside ``X``, ``X | None`` or ``tuple[X, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in getattr(annotation, "__args__", ()) if (found := _inner(arg))), None)
