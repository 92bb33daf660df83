"""Kubernetes Events about ``Release`` objects. The same event again is one event that counts."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from helmops.api.model import Access
from helmops.core.objects import ObjectId
from helmops.daemon.log import Log
from helmops.errors import HelmopsError
from helmops.ports import Clock, Cluster

COMPONENT = "helmops"
LONGEST = 1000
REMEMBERED = 4096


class Events:
    """Told to a cluster. One that will not take them does not stop the work."""

    def __init__(self, cluster: Cluster, clock: Clock, log: Log) -> None:
        self._cluster = cluster
        self._clock = clock
        self._log = log
        self._told: OrderedDict[str, tuple[int, str]] = OrderedDict()  # name → (count, first time)

    async def tell(self, access: Access, obj: Mapping[str, Any], kind: str, reason: str, message: str) -> None:
        """``kind`` is Normal or Warning; ``message`` holds no secret any more."""
        event = self._event(obj, kind, reason, message[:LONGEST])
        try:
            await self._cluster.apply(access, event, force=True, dry_run=False, manager=COMPONENT)
        except HelmopsError as error:
            self._log.error("events", f"one could not be written: {error}", reason=reason)

    def _event(self, obj: Mapping[str, Any], kind: str, reason: str, message: str) -> dict[str, Any]:
        metadata = obj["metadata"]
        uid, namespace = str(metadata.get("uid", "")), str(metadata["namespace"])
        mark = hashlib.sha256("\0".join((uid, kind, reason, message)).encode()).hexdigest()[:16]
        name, now = f"{metadata['name']}.{mark}", self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        count, first = self._counted(f"{namespace}/{name}", now)
        about = ObjectId(str(obj["apiVersion"]), str(obj["kind"]), namespace, str(metadata["name"]))
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {
                "apiVersion": about.api_version,
                "kind": about.kind,
                "namespace": about.namespace,
                "name": about.name,
                "uid": uid,
            },
            "type": kind,
            "reason": reason,
            "message": message,
            "firstTimestamp": first,
            "lastTimestamp": now,
            "count": count,
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": COMPONENT,
        }

    def _counted(self, name: str, now: str) -> tuple[int, str]:
        count, first = self._told.pop(name, (0, now))
        self._told[name] = count + 1, first
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return count + 1, first
