"""Benches for the port Helm: the fake on the fake cluster, and each real helm on the real one, with the same chart."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from helmops.adapters.helm.runner import HelmRunner
from helmops.adapters.kube.gate import ApiGate
from helmops.adapters.process import Processes
from helmops.api.model import ActionOptions
from helmops.core.objects import GuardedFields, ObjectId
from helmops.core.release.observation import Record, StoredRelease
from helmops.ports import Helm, HelmChange, HelmRevert, RenderRequest
from helmops.testing.helm import FakeHelm
from helmops.testing.memory import FakeMemory
from tests.contract.kube import FakeWorld, RealWorld, World
from tests.controlplane import tools
from tests.runners import clean_environment

QUICK = ActionOptions(timeout=30, disable_wait=True)
HOLDER = "host_boot_1_2_3"

CHART = {
    "Chart.yaml": "apiVersion: v2\nname: chart\nversion: 0.1.0\n",
    "values.yaml": "replicas: 2\nmessage: hello\nready: true\nextra: false\n",
    "templates/deployment.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
      annotations: {example.org/message: {{ .Values.message | toJson }}{{ if not .Values.ready }}, {{/**/ -}}
        helmops.test/sim: never-ready{{ end }}}
    spec: {containers: [{name: app, image: registry.example.org/app}]}
""",
    "templates/configmap.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {message: {{ .Values.message | toJson }}, upgrade: {{ .Release.IsUpgrade | quote }}}
{{- if .Values.extra }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-extra}
data: {a: b}
{{- end }}
""",
    "templates/hook.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-hook, annotations: {helm.sh/hook: post-install}}
data: {a: b}
""",
    "templates/job.yaml": """\
{{- if .Values.badHook }}
apiVersion: batch/v1
kind: Job
metadata: {name: {{ .Release.Name }}-job, annotations: {helm.sh/hook: pre-rollback}}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {helmops.test/sim: fail}}
    spec: {restartPolicy: Never, containers: [{name: job, image: registry.example.org/job}]}
{{- end }}
""",
}


def template(request: RenderRequest) -> Iterator[Mapping[str, Any]]:
    """What the chart above renders."""
    values = {"replicas": 2, "message": "hello", "ready": True, "extra": False, **request.values}
    name, labels = request.name, {"app": request.name}
    yield _config_map(name, {"message": values["message"], "upgrade": str(request.is_upgrade).lower()})
    if values["extra"]:
        yield _config_map(f"{name}-extra", {"a": "b"})
    sim = {} if values["ready"] else {"helmops.test/sim": "never-ready"}
    pod = {
        "metadata": {"labels": labels, "annotations": {"example.org/message": values["message"], **sim}},
        "spec": {"containers": [{"name": "app", "image": "registry.example.org/app"}]},
    }
    spec = {"replicas": values["replicas"], "selector": {"matchLabels": labels}, "template": pod}
    yield {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
    hook = _config_map(f"{name}-hook", {"a": "b"})
    yield {**hook, "metadata": {**hook["metadata"], "annotations": {"helm.sh/hook": "post-install"}}}


def _config_map(name: str, data: Mapping[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(data)}


@dataclass
class Bench:
    """A helm, its cluster, and a release called ``web``."""

    world: World
    helm: Helm
    chart: str
    major: int
    name: str = "web"
    processes: Processes = field(default_factory=Processes)

    @property
    def real(self) -> bool:
        return isinstance(self.helm, HelmRunner)

    @property
    def deployment(self) -> ObjectId:
        return ObjectId("apps/v1", "Deployment", self.world.namespace, self.name)

    @property
    def guards(self) -> tuple[GuardedFields, ...]:
        return (GuardedFields(self.deployment, ("/spec/replicas",)),)

    def change(self, **more: Any) -> HelmChange:
        fields: dict[str, Any] = {
            "name": self.name,
            "namespace": self.world.namespace,
            "chart_path": self.chart,
            "values": {},
            "options": QUICK,
            "labels": {},
            "description": "helmops: as the input says",
            "max_history": 10,
            "holder": HOLDER,
        }
        return HelmChange(**(fields | more))

    def revert(self, revision: int = 0, **more: Any) -> HelmRevert:
        fields: dict[str, Any] = {"options": QUICK, "revision": revision, "holder": HOLDER}
        return HelmRevert(self.name, self.world.namespace, **(fields | more))

    async def install(self, **more: Any) -> None:
        await self.helm.install(self.world.access, self.change(**more))

    async def upgrade(self, **more: Any) -> None:
        await self.helm.upgrade(self.world.access, self.change(**more))

    async def rollback(self, revision: int, **more: Any) -> None:
        await self.helm.rollback(self.world.access, self.revert(revision, **more))

    async def uninstall(self, **more: Any) -> None:
        await self.helm.uninstall(self.world.access, self.revert(**more))

    async def render(self, **more: Any) -> str:
        request = RenderRequest(self.name, self.world.namespace, self.chart, **({"values": {}} | more))
        return await self.helm.render(self.world.access, request)

    def failing(self) -> dict[str, Any]:
        """An upgrade with these values and options, or a rollback to them, waits in vain for its pods."""
        if isinstance(self.helm, FakeHelm):
            self.helm.fail_next("timeout", when=lambda request: request.options.timeout < QUICK.timeout)
        return {"values": {"ready": False}, "options": ActionOptions(timeout=2)}

    def failing_rollback_hook(self) -> dict[str, Any]:
        """A rollback to what was installed with these options fails in its hook."""
        if isinstance(self.helm, FakeHelm):
            self.helm.fail_next("other", method="rollback", stuck=True)
        return {"values": {"badHook": True}}

    async def records(self) -> list[Record]:
        return list(await self.world.storage.records_of(self.world.access, self.world.namespace, self.name))

    async def statuses(self) -> list[str]:
        return [record.status for record in await self.records()]

    async def body(self, revision: int) -> StoredRelease:
        record = next(one for one in await self.records() if one.revision == revision)
        return await self.world.storage.body(self.world.access, record)

    async def get(self, object_id: ObjectId) -> Mapping[str, Any] | None:
        return await self.world.cluster.get(self.world.access, object_id)

    async def config_map(self, suffix: str = "") -> Mapping[str, Any] | None:
        return await self.get(ObjectId("v1", "ConfigMap", self.world.namespace, self.name + suffix))

    async def replicas(self) -> int:
        live = await self.get(self.deployment)
        assert live is not None
        return int(live["spec"]["replicas"])


@asynccontextmanager
async def bench_of(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Bench]:
    """The bench that a parameter names: fake4, fake3, helm4, helm3."""
    major = int(request.param[4:])
    if request.param.startswith("fake"):
        yield fake_bench(major)
        return
    helm = tools.helm4() if major == 4 else tools.helm3()
    cluster = request.getfixturevalue("kubeconfig"), request.getfixturevalue("namespace")
    async with real_bench(helm, major, *cluster, folder) as real:
        yield real


def fake_bench(major: int) -> Bench:
    """The fake."""
    world = FakeWorld()
    return Bench(world, FakeHelm(world.fake, template, major=major), "/charts/chart", major)


def _path() -> str:
    """With the kubectl of the test bed first: it is the kustomize of post-renderers."""
    return os.pathsep.join((str(tools.kubectl().parent), os.environ["PATH"]))


@asynccontextmanager
async def real_bench(
    helm_path: Path, major: int, kubeconfig: Path, namespace: str, folder: Path
) -> AsyncIterator[Bench]:
    """A real helm on the real control plane."""
    for name, text in CHART.items():
        path = folder / "chart" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    world, processes = RealWorld(kubeconfig, namespace), Processes()
    runner = HelmRunner(
        environ=clean_environment(HELM_BIN=str(helm_path), KUBECACHEDIR=str(folder / "kube"), PATH=_path()),
        home=str(folder / "helm"),
        memory=FakeMemory(),
        processes=processes,
        gate=ApiGate(world.connections, world.cluster),
        scrubber=lambda _: str,
    )
    try:
        yield Bench(world, runner, str(folder / "chart"), major, processes=processes)
    finally:
        await world.connections.close()
