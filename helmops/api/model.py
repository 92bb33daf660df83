"""The internal model: what every kind (ours, Flux's, Argo CD's) is mapped onto.

Nothing below knows which kind it came from; ``Release.ref`` only remembers the object, to name it to people.
A release's identity (``ReleaseKey``) is apart from the object that describes it (``ObjectRef``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

JsonPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ClusterRef:
    """Which cluster: a kubeconfig file and a context in it. Empty strings mean the ambient ones."""

    kubeconfig: str = ""
    context: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks: the kubeconfig's own user, or one impersonated. Caches are keyed by it."""

    user: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """The first parameter of every port: where, and as whom."""

    cluster: ClusterRef = ClusterRef()
    identity: Identity = Identity()


@dataclass(frozen=True, slots=True, order=True)
class ReleaseKey:
    """Who a release is: (cluster UID, storage namespace, release name)."""

    cluster: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and a password (or token) for one source. Never shown."""

    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """The object that describes a release, and where it was written (``file:line``)."""

    api_version: str
    kind: str
    namespace: str
    name: str
    where: str = ""


@dataclass(frozen=True, slots=True, order=True)
class SecretRef:
    """A Secret that holds credentials, in the namespace of the object that names it."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class HelmRepoChart:
    """A chart of a Helm HTTP repository. ``version`` is exact or a range; empty means the newest stable one."""

    repo: str
    name: str
    version: str = ""
    auth: SecretRef | None = None


@dataclass(frozen=True, slots=True)
class OciChart:
    """A chart in an OCI registry. ``url`` is ``oci://host/path/chart``.

    Precedence as in Flux: ``digest`` (``sha256:…``) > ``version`` (exact or a range over the tags) > ``tag``; without
    any, the newest stable version. ``insecure``: plain HTTP.
    """

    url: str
    version: str = ""
    tag: str = ""
    digest: str = ""
    insecure: bool = False
    auth: SecretRef | None = None


@dataclass(frozen=True, slots=True)
class GitRef:
    """What to check out. Precedence as in Flux: commit > name > semver > tag > branch; else the remote's HEAD."""

    branch: str = ""
    tag: str = ""
    semver: str = ""
    commit: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class GitChart:
    """A chart folder in a git repository (https, http, or file where allowed).

    ``strategy`` ChartVersion: the version is Chart.yaml's, and what is deployed changes only with it; Revision: the
    version is ``<Chart.yaml version>+<12 hex of the commit>``.
    """

    url: str
    path: str
    ref: GitRef = GitRef()
    strategy: Literal["ChartVersion", "Revision"] = "ChartVersion"
    auth: SecretRef | None = None


@dataclass(frozen=True, slots=True)
class PathChart:
    """A chart directory or ``.tgz`` on disk; ``path`` is absolute, ``root`` the folder it may not leave."""

    path: str
    root: str


ChartRef = HelmRepoChart | OciChart | GitChart | PathChart


@dataclass(frozen=True, slots=True)
class InlineValues:
    """``spec.values``. ``lines`` maps a path below ``value`` to its 1-based line in ``file``."""

    value: Mapping[str, Any]
    file: str = ""
    lines: Mapping[JsonPath, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class FileValues:
    """A values file. ``path`` is absolute, ``shown`` as the user wrote it, ``where`` names the reference itself."""

    path: str
    root: str
    shown: str
    where: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class ObjectValues:
    """A key of a ConfigMap or Secret, from the input or, where that has none, live from the cluster.

    ``target_path``: the key holds one value for this path (``--set`` syntax); ``literal``: taken as a plain string
    (``--set-literal``). Empty: the key holds a values document.
    """

    kind: Literal["ConfigMap", "Secret"]
    namespace: str
    name: str
    key: str = "values.yaml"
    target_path: str = ""
    literal: bool = False
    optional: bool = False
    where: str = ""


ValuesSource = InlineValues | FileValues | ObjectValues


@dataclass(frozen=True, slots=True)
class Patch:
    """A kustomize patch: strategic merge or JSON 6902, as written. ``target`` selects objects, empty: by the patch."""

    patch: str
    target: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Image:
    """A kustomize image override."""

    name: str
    new_name: str = ""
    new_tag: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Kustomize:
    """One kustomize post-renderer."""

    patches: tuple[Patch, ...] = ()
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class KubeConfigRef:
    """A Secret with a kubeconfig of another cluster. ``key`` empty: ``value``, then ``value.yaml``, as in Flux."""

    secret: SecretRef
    key: str = ""


@dataclass(frozen=True, slots=True)
class ActionOptions:
    """What Flux calls the same under install, upgrade, rollback and uninstall. ``timeout`` in seconds."""

    timeout: float = 300.0
    disable_hooks: bool = False
    disable_wait: bool = False
    disable_wait_for_jobs: bool = False
    disable_schema_validation: bool = False
    create_namespace: bool = False
    skip_crds: bool = False
    cleanup_on_fail: bool = False
    keep_history: bool = False


DriftMode = Literal["enabled", "warn", "disabled"]


@dataclass(frozen=True, slots=True)
class Release:
    """One desired release."""

    ref: ObjectRef
    name: str
    namespace: str  # where Helm stores it
    target_namespace: str  # where its objects go
    chart: ChartRef
    values: tuple[ValuesSource, ...] = ()
    depends_on: tuple[tuple[str, str], ...] = ()  # (namespace, name) of the describing objects
    install: ActionOptions = ActionOptions()
    upgrade: ActionOptions = ActionOptions()
    rollback: ActionOptions = ActionOptions()
    uninstall: ActionOptions = ActionOptions()
    remediate: bool = True  # roll a failed upgrade back
    drift: DriftMode = "enabled"
    max_history: int = 10
    suspend: bool = False
    prune: bool = True
    post_renderers: tuple[Kustomize, ...] = ()
    service_account: str = ""  # impersonated for everything of this release, in the namespace of its object
    kube_config: KubeConfigRef | None = None
    interval: float = 0.0  # seconds between looks of the daemon; 0: its own default
    access: Access = Access()

    @property
    def described(self) -> tuple[str, str]:
        """(namespace, name) of the object that describes it: what a ``dependsOn`` names."""
        return self.ref.namespace, self.ref.name

    def key(self, cluster_uid: str) -> ReleaseKey:
        """Its identity once the cluster's UID is known."""
        return ReleaseKey(cluster_uid, self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class Namespace:
    """A Namespace object of the input, created first. ``manifest`` is the document as written."""

    name: str
    manifest: Mapping[str, Any] = field(compare=False)
    where: str = ""


@dataclass(frozen=True, slots=True)
class OwnerConfig:
    """``helmops.yaml``: the declared owner id ("" when none) and the cluster it may touch.

    ``partly``: only a part of what lies beside the file is in the input.
    """

    owner: str = ""
    context: str = ""
    cluster_uid: str = ""
    where: str = ""
    partly: bool = False


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything the input asks for."""

    releases: tuple[Release, ...]
    namespaces: tuple[Namespace, ...] = ()
    ignored: tuple[ObjectRef, ...] = ()  # other plain objects, named as not applied yet
    objects: Mapping[tuple[str, str, str], Mapping[str, Any]] = field(default_factory=dict)
    """ConfigMaps and Secrets of the input by (kind, namespace, name): they serve before the cluster's do."""
    warnings: tuple[str, ...] = ()  # what is not followed yet, what was left unsubstituted
    owner: OwnerConfig = OwnerConfig()
