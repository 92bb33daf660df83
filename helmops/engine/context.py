"""What every use case is given: the ports, and what one pass has in common."""

from __future__ import annotations

from dataclasses import dataclass

from helmops.api.model import Access
from helmops.ports import Charts, Clock, Cluster, Files, Helm, Kubeconfigs, Locks, Memory, Recorder, Storage

PARALLEL_DRY_RUNS = 16
"""Requests in flight to one API server: past this, on any size of server, more wait for it than it works on."""


@dataclass(frozen=True, slots=True)
class Ports:
    """One adapter (or fake) each."""

    cluster: Cluster
    storage: Storage
    locks: Locks
    helm: Helm
    charts: Charts
    files: Files
    memory: Memory
    clock: Clock
    recorder: Recorder
    kubeconfigs: Kubeconfigs


@dataclass(frozen=True, slots=True)
class Scope:
    """One cluster as one identity, as one owner. ``uid`` is the cluster's; ``owner`` a label value, "" when none."""

    access: Access
    uid: str
    context: str
    owner: str = ""

    def cache(self, what: str) -> str:
        """Name of a cache: caches are keyed by cluster and identity."""
        identity = self.access.identity
        return "/".join((what, self.uid, identity.user, *identity.groups))
