"""The ports: what the engine asks of the outside world. Each has an adapter and, in ``testing``, a fake.

Every call is async and may be cancelled at any await. Cluster and identity (``Access``) come first wherever a cluster
is meant. Errors are those of ``helmops.errors``; nothing else leaves an adapter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from helmops.api.model import Access, ActionOptions, ChartRef, ClusterRef, Credentials, Kustomize
from helmops.core.objects import GuardedFields, Kinds, ObjectEvent, ObjectId, ObjectMeta
from helmops.core.release.observation import LeaseView, Record, StoredRelease


# ---------------------------------------------------------------- Kubernetes
@dataclass(frozen=True, slots=True)
class Target:
    """Where an ``Access`` leads: the context's name, its default namespace, the server's URL."""

    context: str
    namespace: str
    server: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a watch tells: an object as it is now or, when it is ``gone``, as it was last seen."""

    meta: ObjectMeta
    gone: bool = False


class Cluster(Protocol):
    """The Kubernetes API, generic objects."""

    async def target(self, access: Access) -> Target:
        """Read from the kubeconfig alone; the server is not asked. InputError when there is no such context."""

    async def uid(self, access: Access) -> str:
        """UID of namespace kube-system: who the cluster is."""

    async def kinds(self, access: Access, *, refresh: bool = False) -> Kinds:
        """Discovery, remembered for this process unless ``refresh``."""

    async def list_metadata(
        self, access: Access, api_version: str, kind: str, namespace: str | None
    ) -> Sequence[ObjectMeta]:
        """Metadata-only list; ``namespace`` None means the whole cluster. NotFound when the kind is not served,
        Forbidden when it may not be listed."""

    async def list_objects(
        self, access: Access, api_version: str, kind: str, namespace: str | None
    ) -> Sequence[Mapping[str, Any]]:
        """Full objects. NotFound when the kind is not served."""

    async def get(self, access: Access, object_id: ObjectId) -> Mapping[str, Any] | None:
        """The live object, or None when it is not there."""

    async def apply(
        self,
        access: Access,
        obj: Mapping[str, Any],
        *,
        force: bool,
        dry_run: bool,
        strict: bool = False,
        manager: str = "helm",
    ) -> Mapping[str, Any]:
        """Server-side apply; the object as the server would have (or has) it. ``strict``: fieldValidation=Strict.

        FieldConflicts unless ``force``; Rejected (schema, admission, immutable); NotFound (kind or namespace).
        """

    async def patch(
        self,
        access: Access,
        object_id: ObjectId,
        operations: Sequence[Mapping[str, Any]],
        *,
        dry_run: bool = False,
        strict: bool = False,
        manager: str = "helm",
    ) -> Mapping[str, Any]:
        """JSON patch (RFC 6902); flags as for ``apply``. Conflict when a ``test`` operation fails, else Rejected."""

    async def patch_status(self, access: Access, object_id: ObjectId, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Merge into the status subresource. NotFound when the object has gone."""

    def watch_metadata(
        self, access: Access, api_version: str, kind: str, namespace: str | None
    ) -> AsyncIterator[Change | None]:
        """Everything that is there, then None, then every change, without end; ``namespace`` None: the whole cluster.

        Lost connections and forgotten places are made good: what changed in between is told. NotFound when the kind
        is not served, Forbidden when it may not be watched.
        """

    async def events(self, access: Access, namespace: str) -> Sequence[ObjectEvent]:
        """Events of a namespace, oldest first."""


class Storage(Protocol):
    """Helm's own records: the release Secrets."""

    async def records(self, access: Access, namespaces: Collection[str] | None) -> Sequence[Record]:
        """Metadata of every release Secret, whole cluster when None (Forbidden if that may not be listed)."""

    async def records_of(self, access: Access, namespace: str, name: str) -> Sequence[Record]:
        """Every revision of one release, oldest first."""

    async def body(self, access: Access, record: Record) -> StoredRelease:
        """The decoded body. NotFound when the Secret has gone."""

    async def label(self, access: Access, record: Record, labels: Mapping[str, str | None]) -> Record:
        """Set labels (None removes) on the resourceVersion that was read. Conflict when it has moved."""

    async def mark_failed(self, access: Access, record: Record, description: str) -> Record:
        """Write status ``failed`` into body and label, on the resourceVersion that was read. Conflict if moved."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A held Lease. ``holder`` is written there and handed to every helm child (see ``HelmChange.holder``)."""

    holder: str


class Locks(Protocol):
    """One Lease per release while it is written, in the release's storage namespace."""

    def hold(self, access: Access, namespace: str, name: str, *, deadline: float) -> AbstractAsyncContextManager[Lock]:
        """Take the Lease or raise Locked; renew it in the background; delete it at the end.

        ``deadline``: seconds from now after which no helm process started under it can be running. When the Lease is
        lost in between, the body is cancelled and Locked is raised.
        """

    async def look(self, access: Access, namespace: str, name: str) -> LeaseView | None:
        """The Lease as it stands, or None."""

    async def left_behind(self, access: Access, releases: Collection[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Those of the releases, (namespace, name), whose Lease's holder is known to be gone. One list."""

    async def sweep(self, access: Access, releases: Collection[tuple[str, str]]) -> None:
        """Delete the Leases of these releases where their writers are known to be gone."""


@dataclass(frozen=True, slots=True)
class SplitRelease:
    """A release whose records stand in another namespace (``storage``) than its objects (``target``)."""

    name: str
    storage: str
    target: str


class Gate(Protocol):
    """A loopback proxy between one helm child and the API server."""

    def open(
        self, access: Access, guarded: Sequence[GuardedFields], split: SplitRelease | None = None
    ) -> AbstractAsyncContextManager[str]:
        """Yields the path of a kubeconfig (mode 0600) that only leads to the proxy, with a token of its own.

        The proxy leaves ``guarded`` fields out of every patch that the child sends for those objects. Of a ``split``
        release the child looks for its records in the target, and finds them in the storage namespace.
        """

    async def wanted(self, access: Access) -> bool:
        """Whether children should go through the gate with nothing guarded, too: their credentials come from a
        program, which would run again in each of them."""


class Kubeconfigs(Protocol):
    """Kubeconfigs that came out of Secrets."""

    def keep(self, text: str, *, where: str) -> ClusterRef:
        """A private file of this text, the same for the same text, and its current context.

        InputError for what is no kubeconfig, and for one that starts a program (``exec``) or reads files of this
        machine: whoever may write the Secret would run and read here what he likes.
        """


# ---------------------------------------------------------------- helm
@dataclass(frozen=True, slots=True)
class HelmVersion:
    """``major`` 3 or 4; ``text`` e.g. ``v4.2.3``."""

    major: int
    minor: int
    text: str


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """What to render. ``kube_version``/``api_versions``: capabilities of the target, empty for helm's own.

    ``live``: render against the server (``--dry-run=server``), for charts that call ``lookup``. ``namespace`` is the
    storage namespace; ``target_namespace`` is where the objects go, empty where that is the same.
    """

    name: str
    namespace: str
    chart_path: str
    values: Mapping[str, Any]
    is_upgrade: bool = False
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    live: bool = False
    skip_schema_validation: bool = False
    target_namespace: str = ""
    post_renderers: tuple[Kustomize, ...] = ()

    @property
    def target(self) -> str:
        """The namespace of the objects."""
        return self.target_namespace or self.namespace


@dataclass(frozen=True, slots=True)
class HelmChange:
    """An install or upgrade. ``validate``: helm's own (costly) client-side validation, when ours could not be had."""

    name: str
    namespace: str
    chart_path: str
    values: Mapping[str, Any]
    options: ActionOptions
    labels: Mapping[str, str]
    description: str
    max_history: int
    validate: bool = False
    force_conflicts: bool = False
    guarded: tuple[GuardedFields, ...] = ()
    holder: str = ""
    target_namespace: str = ""
    post_renderers: tuple[Kustomize, ...] = ()

    @property
    def target(self) -> str:
        """The namespace of the objects."""
        return self.target_namespace or self.namespace


@dataclass(frozen=True, slots=True)
class HelmRevert:
    """A rollback (to ``revision``) or, with revision 0, an uninstall."""

    name: str
    namespace: str
    options: ActionOptions
    revision: int = 0
    max_history: int = 10
    force_conflicts: bool = False
    guarded: tuple[GuardedFields, ...] = ()
    holder: str = ""
    target_namespace: str = ""

    @property
    def target(self) -> str:
        """The namespace of the objects."""
        return self.target_namespace or self.namespace


class Helm(Protocol):
    """The helm program. Every failure is a HelmError whose text is redacted."""

    async def version(self) -> HelmVersion:
        """helm's version; remembered by the binary's path and mtime, so mostly no process."""

    async def render(self, access: Access, request: RenderRequest) -> str:
        """Every rendered document, hooks included, as one YAML text: post-rendered as install and upgrade do it."""

    async def install(self, access: Access, change: HelmChange) -> None:
        """``helm install``."""

    async def upgrade(self, access: Access, change: HelmChange) -> None:
        """``helm upgrade --reset-values``."""

    async def rollback(self, access: Access, revert: HelmRevert) -> None:
        """``helm rollback``."""

    async def uninstall(self, access: Access, revert: HelmRevert) -> None:
        """``helm uninstall``."""

    def deadline(self, options: ActionOptions) -> float:
        """Seconds after which a helm process with these options is certainly gone (its hard deadline)."""


# ---------------------------------------------------------------- charts
@dataclass(frozen=True, slots=True)
class Artifact:
    """An immutable chart. ``path`` is the unpacked chart directory; ``digest`` the sha256 hex of its content.

    ``provenance`` says in one line where it came from.
    """

    name: str
    version: str
    digest: str
    path: str
    provenance: str


@dataclass(frozen=True, slots=True)
class ChartContent:
    """What the planner needs of a chart without helm."""

    metadata: Mapping[str, Any]
    default_values: Mapping[str, Any]
    uses_lookup: bool
    schema: Mapping[str, Any] | None = None
    crds: tuple[Mapping[str, Any], ...] = ()  # the CustomResourceDefinitions in crds/ (kind and spec are enough)


class Charts(Protocol):
    """Where charts come from: one adapter per form of source behind one port."""

    async def resolve(self, ref: ChartRef, credentials: Credentials | None = None) -> Artifact:
        """Find the version, fetch what is not in the cache. The same question is asked once per process.

        ``credentials`` are what ``ref.auth`` names, read by the caller.

        InputError (no such chart, no version in range: lists the nearest), Transient, Forbidden (credentials).
        """

    def forget(self) -> None:
        """Ask the sources anew from now on: a daemon lives longer than their answers."""

    async def content(self, artifact: Artifact) -> ChartContent:
        """Read the unpacked chart."""


# ---------------------------------------------------------------- this machine
@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the input. ``path`` absolute, ``shown`` as the user would name it, ``root`` the folder of the input.

    ``built``: what kustomize made of the folder ``shown``; ``path`` is its kustomization.yaml. ``above``: it lies
    above what was given, as a ``helmops.yaml`` may: then only a part of what lies beside it was given.
    """

    path: str
    shown: str
    root: str
    text: str
    built: bool = False
    above: bool = False


class Files(Protocol):
    """The user's files. Links that leave ``root`` are refused; sizes are capped."""

    async def manifests(self, paths: Sequence[str]) -> Sequence[SourceFile]:
        """Every .yaml/.yml below the given files and folders (``-`` is stdin), sorted; helmops.yaml included.

        A folder with a kustomization.yaml is built, and nothing else of it is read.
        """

    async def read(self, path: str, root: str) -> str:
        """One file below ``root``. Missing when absent, InputError when too big, not UTF-8 or outside."""


class Kustomizer(Protocol):
    """Builds folders that have a kustomization.yaml."""

    async def build(self, folder: str, *, root: str, shown: str) -> str:
        """Every document that comes of it, as one YAML text. InputError names the folder as ``shown``.

        Nothing is fetched, and nothing outside ``root`` is read.
        """


class Checkouts(Protocol):
    """Files of git repositories, in private folders."""

    async def folder(self, url: str, ref: str, *, used: Collection[str] = ()) -> str:
        """The newest commit of a branch or tag ("": the server's HEAD). The same commit is the same folder, and asks
        for nothing but the list of refs. Other folders go, but those that a path of ``used`` lies in.

        InputError (no such repository or ref, links that leave it, too big), Forbidden, Transient.
        """


class Memory(Protocol):
    """A cache on disk that may vanish at any time. Files are private to the user."""

    def load(self, scope: str) -> Mapping[str, Any]:
        """What was saved under ``scope`` (JSON), or an empty mapping. Never raises."""

    def save(self, scope: str, data: Mapping[str, Any]) -> None:
        """Replace atomically. A full or read-only disk loses the cache, nothing else."""


class Clock(Protocol):
    """Time, so that tests own it."""

    def now(self) -> dt.datetime:
        """Aware, UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Something moved. ``phase``: waiting | planning | installing | upgrading | correcting | rolling-back |
    uninstalling | labelling | recovering | done | failed | blocked | skipped."""

    release: str
    phase: str
    message: str = ""
    seconds: float = 0.0


class Recorder(Protocol):
    """Who is told of progress."""

    def record(self, progress: Progress) -> None:
        """Must not block and must not raise."""
