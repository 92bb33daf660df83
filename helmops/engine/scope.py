"""Entering a cluster: who it is, and whether this input may touch it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

from helmops.api.model import Access, ClusterRef, Identity, OwnerConfig, Release
from helmops.core.labels import owner_label
from helmops.core.objects import ObjectId
from helmops.engine.context import Ports, Scope
from helmops.errors import Forbidden, InputError, NotFound, Refused
from helmops.ports import Target

STAND_IN = "server-"
"""How the name of a cluster begins whose uid may not be read."""


async def enter(ports: Ports, access: Access, owner: OwnerConfig = OwnerConfig()) -> Scope:  # noqa: B008  frozen
    """The scope of a pass. Refused when ``helmops.yaml`` names another cluster; nothing else is asked before."""
    target = await ports.cluster.target(access)
    if owner.context and owner.context != target.context:
        text = f"this input is for context {owner.context}, and the current one is {target.context}"
        raise Refused(text, where=owner.where, hint=f"--kube-context {owner.context}")
    uid = await _uid(ports, access, target, owner)
    if owner.cluster_uid and owner.cluster_uid != uid:
        text = f"this input is for the cluster with uid {owner.cluster_uid}, and {target.context} is {uid}"
        raise Refused(text, where=owner.where, hint="choose the right cluster with --kube-context or --kubeconfig")
    return Scope(access, uid, target.context, owner_label(owner.owner))


async def _uid(ports: Ports, access: Access, target: Target, owner: OwnerConfig) -> str:
    """Rights in one namespace are enough: who may not read kube-system knows the cluster by the server's address."""
    try:
        return await ports.cluster.uid(access)
    except Forbidden as error:
        if not owner.cluster_uid:
            return STAND_IN + hashlib.sha256(target.server.encode()).hexdigest()[:24]
        hint = "name the cluster by its context alone, or allow `get` on the namespace kube-system"
        raise Forbidden(f"cluster.uid cannot be checked: {error.message}", where=owner.where, hint=hint) from error


async def place(ports: Ports, start: Scope, release: Release) -> Scope:
    """Where a release lives and as whom it is deployed: another cluster by a kubeconfig in a Secret, a service account.

    The Secret is read where the pass starts, by whoever started it.
    """
    identity = service_account(release.ref.namespace, release.service_account) or start.access.identity
    if release.kube_config is None:
        return replace(start, access=replace(start.access, identity=identity))
    if start.uid.startswith(STAND_IN):
        # Were it this very cluster, one release could be named twice in it, and --prune would see but a part of it.
        text = "spec.kubeConfig needs the right to `get` the namespace kube-system: it tells one cluster from another"
        raise Forbidden(text, where=release.ref.where)
    cluster = await _remote(ports, start, release)
    access = Access(cluster, identity)
    target = await ports.cluster.target(access)
    return Scope(access, await ports.cluster.uid(access), target.context, start.owner)


def service_account(namespace: str, name: str) -> Identity | None:
    """A service account as API servers know it; None for an empty name."""
    if not name:
        return None
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return Identity(f"system:serviceaccount:{namespace}:{name}", groups)


async def _remote(ports: Ports, start: Scope, release: Release) -> ClusterRef:
    if release.kube_config is None:
        return start.access.cluster
    ref, wanted = release.kube_config.secret, release.kube_config.key
    where = f"Secret {ref.namespace}/{ref.name}"
    secret = await ports.cluster.get(start.access, ObjectId("v1", "Secret", ref.namespace, ref.name))
    if secret is None:
        raise NotFound(f"{where}, which holds the kubeconfig, is not there", where=release.ref.where)
    data = secret.get("data") or {}
    key = next((one for one in ([wanted] if wanted else ["value", "value.yaml"]) if one in data), None)
    if key is None:
        raise InputError(f"{where} has no key {wanted or 'value or value.yaml'}", where=release.ref.where)
    return ports.kubeconfigs.keep(base64.b64decode(data[key]).decode(errors="replace"), where=f"{where}:{key}")
