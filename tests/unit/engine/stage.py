"""Everything in memory: a cluster, a helm, files; and a pass over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from helmops.api.model import Access
from helmops.core.objects import ObjectId
from helmops.core.release.observation import StoredRelease
from helmops.engine.context import Ports, Scope
from helmops.engine.fleet import Fleet
from helmops.engine.load import load
from helmops.engine.plan import Options, Plan, Planned
from helmops.engine.reconcile import Result
from helmops.engine.scope import enter
from helmops.engine.sync import Summary, Sync
from helmops.ports import RenderRequest
from helmops.testing.charts import FakeCharts
from helmops.testing.clock import FakeClock
from helmops.testing.cluster import FakeCluster
from helmops.testing.files import FakeFiles
from helmops.testing.helm import FakeHelm
from helmops.testing.kubeconfigs import FakeKubeconfigs
from helmops.testing.memory import FakeMemory
from helmops.testing.recorder import FakeRecorder

NAMESPACE = "apps"
CHART = "/input/chart"


class Stage:
    """``sync`` and ``plan`` run a pass over what was written."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.cluster = FakeCluster(["default", NAMESPACE, "kube-system"])
        self.cluster.now = self.clock.now
        self.helm = FakeHelm(self.cluster, _objects)
        self.charts = FakeCharts()
        self.files = FakeFiles()
        self.recorder = FakeRecorder()
        self.ports = Ports(
            cluster=self.cluster,
            storage=self.cluster,
            locks=self.cluster,
            helm=self.helm,
            charts=self.charts,
            files=self.files,
            memory=FakeMemory(),
            clock=self.clock,
            recorder=self.recorder,
            kubeconfigs=FakeKubeconfigs(),
        )
        self.helm.knows(self.charts.place(CHART, "chart"))

    def write(self, *documents: Mapping[str, Any], owner: str = "") -> None:
        """The whole input."""
        self.files.contents.clear()
        self.files.write("all.yaml", yaml.safe_dump_all(documents))
        if owner:
            self.files.write("helmops.yaml", f"owner: {owner}\n")

    async def scope(self) -> Scope:
        """Where the pass starts."""
        loaded = await load(self.files, ["."], namespace="default", access=Access())
        return await enter(self.ports, Access(), loaded.desired.owner)

    async def fleet(self, **options: Any) -> tuple[Fleet, Plan]:
        """A plan, and what is needed to apply it."""
        loaded = await load(self.files, ["."], namespace="default", access=Access())
        fleet = Fleet(self.ports, await self.scope(), Options(**options))
        return fleet, await fleet.plan(loaded)

    async def plan(self, **options: Any) -> dict[str, Planned]:
        """What would happen to each release, by name."""
        _, plan = await self.fleet(**options)
        return {one.release.name: one for one in plan.releases}

    async def apply(self, **options: Any) -> Summary:
        """Plan and apply."""
        fleet, plan = await self.fleet(**options)
        return await Sync(fleet, parallel=4).apply(plan)

    async def sync(self, **options: Any) -> dict[str, Result]:
        """How each release came out, by name."""
        return {result.id[1]: result for result in (await self.apply(**options)).results}

    def history(self, name: str, namespace: str = NAMESPACE) -> list[str]:
        """The status of each revision, oldest first."""
        return [record.status for record in self.cluster.revisions(namespace, name)]

    def message(self, name: str, namespace: str = NAMESPACE) -> str | None:
        """What the release's ConfigMap says."""
        found = self.cluster.find(config_map(name, namespace))
        return str(found["data"]["message"]) if found else None

    def make_pending(self, name: str, status: str = "pending-upgrade", labels: Mapping[str, str] | None = None) -> None:
        """A revision that somebody began to write."""
        revision = len(self.cluster.revisions(NAMESPACE, name)) + 1
        body = StoredRelease(
            name, NAMESPACE, revision, status, "Preparing upgrade", "chart", "0.1.0", "", {}, "",
            last_deployed=self.clock.now().isoformat(),
        )  # fmt: skip
        self.cluster.put_release(body, labels or {})


def config_map(name: str, namespace: str = NAMESPACE) -> ObjectId:
    """The one object of every release."""
    return ObjectId("v1", "ConfigMap", namespace, name)


def release(name: str = "web", message: str = "hello", **spec: Any) -> dict[str, Any]:
    """A Release whose ConfigMap has a message."""
    metadata = {"name": name, "namespace": spec.pop("namespace", NAMESPACE)}
    metadata |= {"annotations": spec.pop("annotations")} if "annotations" in spec else {}
    needs = [{"name": one} for one in spec.pop("needs", ())]
    spec = {"chart": {"path": "chart"}, "values": {"message": message}, "dependsOn": needs, **spec}
    return {"apiVersion": "helmops.dev/v1alpha1", "kind": "Release", "metadata": metadata, "spec": spec}


def _objects(request: RenderRequest) -> Iterable[Mapping[str, Any]]:
    metadata = {"name": request.name, "namespace": request.target_namespace or request.namespace}
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(request.values)}
