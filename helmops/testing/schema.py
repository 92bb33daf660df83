"""What a fake cluster knows of kinds: which there are, which fields they have, what it fills in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from helmops.core.objects import Resource

_VERBS = frozenset({"get", "list", "watch", "create", "update", "patch", "delete"})

_NAMESPACED = {
    "v1": "ConfigMap Secret Service ServiceAccount Pod PersistentVolumeClaim Event",
    "apps/v1": "Deployment StatefulSet DaemonSet",
    "batch/v1": "Job CronJob",
    "networking.k8s.io/v1": "Ingress NetworkPolicy",
    "rbac.authorization.k8s.io/v1": "Role RoleBinding",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "policy/v1": "PodDisruptionBudget",
    "coordination.k8s.io/v1": "Lease",
}
_CLUSTER_WIDE = {
    "v1": "Namespace PersistentVolume",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding",
    "apiextensions.k8s.io/v1": "CustomResourceDefinition",
}
_WITHOUT_GENERATION = frozenset({"ConfigMap", "Secret", "Service", "ServiceAccount", "Event", "Namespace", "Lease"}) | {
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
    "PersistentVolume",
    "PersistentVolumeClaim",
}
_USUAL = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
_FIELDS = {
    "ConfigMap": frozenset({"apiVersion", "kind", "metadata", "data", "binaryData", "immutable"}),
    "Secret": frozenset({"apiVersion", "kind", "metadata", "data", "stringData", "type", "immutable"}),
    "Service": _USUAL,
    "Deployment": _USUAL,
    "Deployment.spec": frozenset(
        {"replicas", "selector", "template", "strategy", "paused", "minReadySeconds"}
        | {"revisionHistoryLimit", "progressDeadlineSeconds"}
    ),
    "StatefulSet": _USUAL,
}


def served() -> dict[tuple[str, str], Resource]:
    """The kinds of a new cluster."""
    found = [*_resources(_NAMESPACED, namespaced=True), *_resources(_CLUSTER_WIDE, namespaced=False)]
    return {(resource.api_version, resource.kind): resource for resource in found}


def resource(api_version: str, kind: str, plural: str = "", *, namespaced: bool = True) -> Resource:
    """A kind with every verb."""
    return Resource(api_version, kind, plural or _plural(kind), namespaced, _VERBS)


def from_definition(crd: Mapping[str, Any]) -> Iterator[Resource]:
    """The kinds that a CustomResourceDefinition brings."""
    spec = crd["spec"]
    for version in spec["versions"]:
        api_version = f"{spec['group']}/{version['name']}"
        yield resource(
            api_version, spec["names"]["kind"], spec["names"]["plural"], namespaced=spec["scope"] != "Cluster"
        )


def known_fields() -> dict[str, frozenset[str]]:
    """Allow-list of field names by place (``Deployment``, ``Deployment.spec``); a place not listed allows all."""
    return dict(_FIELDS)


def unknown_fields(obj: Mapping[str, Any], allowed: Mapping[str, frozenset[str]]) -> list[str]:
    """Paths of fields that the allow-list does not have, e.g. ``.spec.replics``."""
    return list(_unknown(obj, str(obj["kind"]), "", allowed))


def has_generation(kind: str) -> bool:
    """Whether objects of a kind count their changes."""
    return kind not in _WITHOUT_GENERATION


def defaults(kind: str) -> dict[tuple[str, ...], Any]:
    """Leaves that the server fills in, owned by nobody."""
    return {("f:spec", "f:replicas"): 1} if kind in ("Deployment", "StatefulSet") else {}


def _unknown(node: Mapping[str, Any], place: str, path: str, allowed: Mapping[str, frozenset[str]]) -> Iterator[str]:
    for key, value in node.items():
        if place in allowed and key not in allowed[place]:
            yield f"{path}.{key}"
        elif isinstance(value, Mapping):
            yield from _unknown(value, f"{place}.{key}", f"{path}.{key}", allowed)


def _resources(table: Mapping[str, str], *, namespaced: bool) -> Iterator[Resource]:
    for api_version, kinds in table.items():
        for kind in kinds.split():
            yield resource(api_version, kind, namespaced=namespaced)


def _plural(kind: str) -> str:
    name = kind.lower()
    if name.endswith("y"):
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith("s") else f"{name}s"
