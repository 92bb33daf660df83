"""A release in the cluster, and whoever changes its objects: for the tests of facts that helmops rests on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helmops.core.drift.compare import differences
from helmops.core.drift.correction import Operation, applied, json_patch
from helmops.core.drift.proof import Proof, holds, prove
from helmops.core.objects import Kinds, meta_of
from helmops.core.render.helmify import helmify
from helmops.core.render.manifest import manifest_hash, read
from helmops.core.render.place import place
from tests.controlplane.api import Api
from tests.runners import Helm

PLURALS = {
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
}
CONTAINER = "/spec/template/spec/containers/0"


@dataclass(frozen=True)
class Release:
    """A release in the cluster: its objects as they are, and as Helm wants them."""

    api: Api
    helm: Helm
    namespace: str
    name: str = "web"
    manifests: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def is_helm3(self) -> bool:
        """Whether Helm 3 writes it."""
        return self.helm.major == 3

    def install(self, folder: Path, *words: str) -> None:
        """Install, without waiting and without hooks, and read what Helm has stored."""
        self.helm("install", self.name, folder, "--no-hooks", *words)
        self.manifests.update(self.objects(self.helm("get", "manifest", self.name)))

    def objects(self, text: str, *, stored: bool = True) -> dict[str, Mapping[str, Any]]:
        """The objects of a manifest by kind, placed and helmified."""
        placed = place(read(text).objects, Kinds("", {}), self.namespace, stored=stored).objects
        return {one.id.kind: helmify(one.obj, self.name, self.namespace) for one in placed}

    def path(self, kind: str) -> str:
        """Of its object of a kind."""
        return f"{PLURALS[kind].format(self.namespace)}/{self.manifests[kind]['metadata']['name']}"

    def live(self, kind: str) -> Any:
        """The object as it is."""
        return self.api.get(self.path(kind))

    def ask(self, kind: str, pointers: Sequence[str] = (), *, dry_run: bool = True) -> Any:
        """A forced server-side apply by manager helm."""
        query = "fieldManager=helm&force=true&fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
        return self._patch(kind, query, applied(self.manifests[kind], pointers), "apply-patch+yaml")

    def change(self, kind: str, body: Any, manager: str = "kubectl-patch", subresource: str = "") -> Any:
        """Somebody's merge patch, or JSON patch if the body is a list."""
        content = "json-patch+json" if isinstance(body, list) else "merge-patch+json"
        return self._patch(kind, f"fieldManager={manager}", body, content, subresource)

    def operate(self, kind: str, operations: Sequence[Operation], *, dry_run: bool = False) -> Any:
        """A JSON patch by manager helm."""
        query = "fieldManager=helm&fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
        return self._patch(kind, query, list(operations), "json-patch+json")

    def apply_as(self, kind: str, manager: str, **spec: Any) -> None:
        """A forced server-side apply by another."""
        obj = {key: self.manifests[kind][key] for key in ("apiVersion", "kind")}
        body = {**obj, "metadata": {"name": self.manifests[kind]["metadata"]["name"]}, "spec": spec}
        self._patch(kind, f"fieldManager={manager}&force=true", body, "apply-patch+yaml")

    def scale(self, replicas: int) -> None:
        """``kubectl scale deployment``."""
        self.change("Deployment", {"spec": {"replicas": replicas}}, "kubectl", "/scale")

    def prove(self, kind: str) -> Proof:
        """As if a dry-run had just found it clean."""
        return prove(meta_of(self.live(kind)), manifest_hash(self.manifests[kind]))

    def proved(self, kind: str, proof: Proof) -> bool:
        """Whether the proof still holds."""
        return holds(proof, meta_of(self.live(kind)), manifest_hash(self.manifests[kind]))

    def drift(self, kind: str, pointers: Sequence[str] = ()) -> list[str]:
        """Paths of the differences."""
        return [one.path for one in differences(self.live(kind), self.ask(kind, pointers), kind=kind)]

    def correct(self, kind: str) -> None:
        """As the engine does it: Helm 4's objects are applied, Helm 3's are patched."""
        if self.is_helm3:
            self.operate(kind, json_patch(self.live(kind), self.ask(kind)))
        else:
            self.ask(kind, dry_run=False)

    def _patch(self, kind: str, query: str, body: Any, content: str, subresource: str = "") -> Any:
        return json.loads(
            self.api.call("PATCH", f"{self.path(kind)}{subresource}?{query}", body, f"application/{content}")
        )


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until it comes true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.1)


def own_chart(folder: Path, **templates: str) -> Path:
    """A chart of templates by name."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: own\nversion: 1.0.0\n")
    for name, text in templates.items():
        (folder / "templates" / f"{name}.yaml").write_text(text)
    return folder
