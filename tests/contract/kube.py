"""Two worlds with one face: the fake cluster, and the real API server seen through the adapter.

Beside the ports each has levers, by which a test plays everybody else.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from helmops.adapters.kube import leases
from helmops.adapters.kube.bodies import encode
from helmops.adapters.kube.client import JSON, MERGE_PATCH, Client, Request
from helmops.adapters.kube.connection import Connections
from helmops.adapters.kube.locks import KubeLocks, Timing
from helmops.adapters.kube.objects import KubeCluster
from helmops.adapters.kube.storage import KubeStorage
from helmops.api.model import Access, ClusterRef
from helmops.core.objects import ObjectEvent, ObjectId
from helmops.core.release.observation import Record, StoredRelease
from helmops.ports import Cluster, Locks, Storage
from helmops.testing.cluster import FakeCluster

HOLDER = "this-host_boot_1_2_3"
FAST = Timing(duration=2.0, renew=0.2)


class World(Protocol):
    """A cluster, and a namespace of the test's own in it."""

    access: Access
    namespace: str
    gone: dict[str, bool]
    """What this process knows of other holders: whether they are gone."""
    orphans: set[str]
    """Holders that are gone, while a helm of theirs lives on."""

    @property
    def cluster(self) -> Cluster: ...
    @property
    def storage(self) -> Storage: ...
    @property
    def locks(self) -> Locks: ...
    def now(self) -> dt.datetime: ...
    async def edit(self, object_id: ObjectId, change: Callable[[dict[str, Any]], object], manager: str) -> None: ...
    async def scale(self, object_id: ObjectId, replicas: int) -> None: ...
    async def remove(self, object_id: ObjectId) -> None: ...
    async def put_release(self, body: StoredRelease, labels: Mapping[str, str]) -> None: ...
    async def drop_release(self, record: Record) -> None: ...
    async def leave_lease(self, name: str, holder: str, *, live: bool, deadline: dt.datetime) -> None: ...
    async def steal_lease(self, name: str) -> None: ...
    async def add_event(self, event: ObjectEvent) -> None: ...


class FakeWorld:
    """The fake."""

    def __init__(self) -> None:
        self.fake = FakeCluster(["default", "kube-system", "apps"])
        self.fake.holder = HOLDER
        self.gone: dict[str, bool] = {}
        self.fake.writers_gone = self.known_gone
        self.orphans = self.fake.orphans
        self.cluster = self.storage = self.locks = self.fake
        self.access = Access()
        self.namespace = "apps"

    def known_gone(self, holder: str) -> bool | None:
        return self.gone.get(holder)

    def now(self) -> dt.datetime:
        return self.fake.now()

    async def edit(self, object_id: ObjectId, change: Callable[[dict[str, Any]], object], manager: str) -> None:
        self.fake.edit(object_id, change, manager)

    async def scale(self, object_id: ObjectId, replicas: int) -> None:
        self.fake.scale(object_id, replicas)

    async def remove(self, object_id: ObjectId) -> None:
        self.fake.remove(object_id)

    async def put_release(self, body: StoredRelease, labels: Mapping[str, str]) -> None:
        self.fake.put_release(body, labels)

    async def drop_release(self, record: Record) -> None:
        self.fake.drop_release(record.namespace, record.name, record.revision)

    async def leave_lease(self, name: str, holder: str, *, live: bool, deadline: dt.datetime) -> None:
        self.fake.leave_lease(self.namespace, name, holder, live=live, deadline=deadline)

    async def steal_lease(self, name: str) -> None:
        self.fake.steal_lease(self.namespace, name)

    async def add_event(self, event: ObjectEvent) -> None:
        self.fake.recorded_events.append(event)


@dataclass
class RealWorld:
    """The real API server."""

    kubeconfig: Path
    namespace: str
    gone: dict[str, bool] = field(default_factory=dict)
    orphans: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.connections = Connections({})
        self.client = Client(self.connections)
        self.access = Access(ClusterRef(str(self.kubeconfig)))
        self.cluster = KubeCluster(self.connections, self.client)
        self.storage = KubeStorage(self.client)
        self.locks = KubeLocks(self.client, HOLDER, self.known_gone, holder_gone=self.holder_gone, timing=FAST)

    def known_gone(self, holder: str) -> bool | None:
        return False if holder in self.orphans else self.gone.get(holder)

    def holder_gone(self, holder: str) -> bool | None:
        return True if holder in self.orphans else self.gone.get(holder)

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    async def ask(self, method: str, path: str, body: Any = None, content_type: str = JSON, **params: str) -> Any:
        request = Request(method, path, params, body, content_type)
        return await self.client.request(self.access, request)

    async def edit(self, object_id: ObjectId, change: Callable[[dict[str, Any]], object], manager: str) -> None:
        live = copy.deepcopy(dict(await self.cluster.get(self.access, object_id) or {}))
        change(live)
        del live["metadata"]["resourceVersion"]  # a controller may have written status in between
        await self.ask("PUT", await self._path(object_id), live, fieldManager=manager)

    async def scale(self, object_id: ObjectId, replicas: int) -> None:
        path = f"{await self._path(object_id)}/scale"
        await self.ask("PATCH", path, {"spec": {"replicas": replicas}}, MERGE_PATCH, fieldManager="kubectl")

    async def remove(self, object_id: ObjectId) -> None:
        await self.ask("DELETE", await self._path(object_id))

    async def put_release(self, body: StoredRelease, labels: Mapping[str, str]) -> None:
        name = f"sh.helm.release.v1.{body.name}.v{body.revision}"
        own = {"owner": "helm", "name": body.name, "status": body.status, "version": str(body.revision)}
        secret = {
            "metadata": {"name": name, "labels": {**labels, **own}},
            "type": "helm.sh/release.v1",
            "data": {"release": encode(helm_body(body))},
        }
        await self.ask("POST", f"/api/v1/namespaces/{self.namespace}/secrets", secret)

    async def drop_release(self, record: Record) -> None:
        await self.ask("DELETE", f"/api/v1/namespaces/{record.namespace}/secrets/{record.secret}")

    async def leave_lease(self, name: str, holder: str, *, live: bool, deadline: dt.datetime) -> None:
        renewed = self.now() - dt.timedelta(seconds=0 if live else 60)
        left = (deadline - renewed).total_seconds()
        lease = leases.document(leases.PREFIX + name, holder, renewed, seconds=30, deadline=left)
        await self.ask("POST", self._leases(), lease)

    async def steal_lease(self, name: str) -> None:
        path = f"{self._leases()}/{leases.PREFIX}{name}"
        await self.ask("PATCH", path, {"spec": {"holderIdentity": "thief"}}, MERGE_PATCH)

    async def add_event(self, event: ObjectEvent) -> None:
        about = {key: value for key, value in asdict(event.id).items() if key in ("kind", "namespace", "name")}
        document = {
            "metadata": {"generateName": "event-"},
            "involvedObject": {"apiVersion": event.id.api_version, **about},
            "type": event.type,
            "reason": event.reason,
            "message": event.message,
            "count": event.count,
            "lastTimestamp": event.time,
        }
        await self.ask("POST", f"/api/v1/namespaces/{self.namespace}/events", document)

    async def _path(self, object_id: ObjectId) -> str:
        kinds = await self.cluster.kinds(self.access)
        resource = kinds.resources[object_id.api_version, object_id.kind]
        root = "apis" if "/" in object_id.api_version else "api"
        scope = f"/namespaces/{object_id.namespace}" if object_id.namespace else ""
        return f"/{root}/{object_id.api_version}{scope}/{resource.plural}/{object_id.name}"

    def _leases(self) -> str:
        return f"/apis/{leases.API_VERSION}/namespaces/{self.namespace}/leases"


def helm_body(body: StoredRelease) -> dict[str, Any]:
    """As Helm writes it, with a key that only a later Helm knows."""
    info = {
        "first_deployed": body.first_deployed,
        "last_deployed": body.last_deployed,
        "deleted": "",
        "description": body.description,
        "status": body.status,
        "notes": body.notes,
    }
    chart = {"name": body.chart_name, "version": body.chart_version, "appVersion": body.app_version}
    return {
        "name": body.name,
        "info": info,
        "chart": {"metadata": chart, "templates": []},
        "config": body.config,
        "manifest": body.manifest,
        "hooks": list(body.hooks),
        "version": body.revision,
        "namespace": body.namespace,
        "apply_method": body.apply_method,
        "of_a_later_helm": {"kept": True},
    }
