"""Entering a cluster: who it is, and whether this input may touch it."""

from __future__ import annotations

from helmops.api.model import Access, OwnerConfig
from helmops.core.labels import owner_label
from helmops.engine.context import Ports, Scope
from helmops.errors import Refused


async def enter(ports: Ports, access: Access, owner: OwnerConfig = OwnerConfig()) -> Scope:  # noqa: B008  frozen
    """The scope of a pass. Refused when ``helmops.yaml`` names another cluster; nothing else is asked before."""
    target = await ports.cluster.target(access)
    if owner.context and owner.context != target.context:
        text = f"this input is for context {owner.context}, and the current one is {target.context}"
        raise Refused(text, where=owner.where, hint=f"--kube-context {owner.context}")
    uid = await ports.cluster.uid(access)
    if owner.cluster_uid and owner.cluster_uid != uid:
        text = f"this input is for the cluster with uid {owner.cluster_uid}, and {target.context} is {uid}"
        raise Refused(text, where=owner.where, hint="choose the right cluster with --kube-context or --kubeconfig")
    return Scope(access, uid, target.context, owner_label(owner.owner))
