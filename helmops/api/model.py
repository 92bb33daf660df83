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
class ObjectRef:
    """The object that describes a release, and where it was written (``file:line``)."""

    api_version: str
    kind: str
    namespace: str
    name: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class HelmRepoChart:
    """A chart of a Helm HTTP repository. ``version`` is exact or a range; empty means the newest stable one."""

    repo: str
    name: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class PathChart:
    """A chart directory or ``.tgz`` on disk; ``path`` is absolute, ``root`` the folder it may not leave."""

    path: str
    root: str


ChartRef = HelmRepoChart | PathChart


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


ValuesSource = InlineValues | FileValues


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
    target_namespace: str  # where its objects go; Release keeps both equal
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
    access: Access = Access()

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
    """``helmops.yaml``: the declared owner id ("" when none) and the cluster it may touch."""

    owner: str = ""
    context: str = ""
    cluster_uid: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything the input asks for."""

    releases: tuple[Release, ...]
    namespaces: tuple[Namespace, ...] = ()
    ignored: tuple[ObjectRef, ...] = ()  # other plain objects, named as not applied yet
    owner: OwnerConfig = OwnerConfig()
