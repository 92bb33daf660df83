"""What something else manages is named, with how to suspend it there, and not touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.controlplane.cluster import Cluster
from tests.e2e.helpers import CountedHelm, HelmOps, Live, until
from tests.runners import Helm, Kubectl

ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def _serve(cluster: Cluster, kubectl: Kubectl, group: str, version: str, kind: str, plural: str) -> None:
    """A kind that takes anything; left in the cluster, where an object of it in another namespace disturbs nobody."""
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": ANYTHING}}],
        },
    }
    cluster.api().apply("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
    until(lambda: plural in kubectl("api-resources", "--cached=false", f"--api-group={group}"), f"{kind} is served")


@pytest.fixture
def flux(controlplane: Cluster, kubectl: Kubectl, live: Live) -> Iterator[Callable[..., None]]:
    """Writes a HelmRelease of Flux."""
    _serve(controlplane, kubectl, "helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases")
    path = f"/apis/helm.toolkit.fluxcd.io/v2/namespaces/{live.namespace}/helmreleases"

    def write(name: str, **spec: Any) -> None:
        document = {"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "spec": spec}
        live.api.apply(path, {**document, "metadata": {"name": name, "namespace": live.namespace}})

    yield write
    live.api.call("DELETE", path)


@pytest.fixture
def argo(controlplane: Cluster, kubectl: Kubectl, live: Live) -> Iterator[Callable[..., None]]:
    """Writes an Application of Argo CD that deploys into the test's namespace."""
    _serve(controlplane, kubectl, "argoproj.io", "v1alpha1", "Application", "applications")
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{live.namespace}/applications"

    def write(name: str, automated: bool = True, **source: Any) -> None:
        spec: dict[str, Any] = {"destination": {"namespace": live.namespace}, "source": source}
        if automated:
            spec["syncPolicy"] = {"automated": {}}
        document = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "spec": spec}
        live.api.apply(path, {**document, "metadata": {"name": name, "namespace": live.namespace}})

    yield write
    live.api.call("DELETE", path)


def test_a_helmrelease_of_flux(ops: HelmOps, live: Live, helm: Helm, flux: Callable[..., None]) -> None:
    app = ops.app()
    flux("web", chart={})
    flux("named", releaseName="other", chart={})
    flux("asleep", suspend=True, chart={})
    helm("install", "web", ops.folder / app)
    names = ("web", "named", "other", "asleep", "free")
    ops.write(
        "all.yaml", *(ops.release(name, app) for name in names), ops.release("child", app, dependsOn=[{"name": "web"}])
    )

    out = ops.sync(code=4).out

    assert f"! {ops.namespace}/web     foreign  managed by Flux HelmRelease {ops.namespace}/web" in out
    assert f"hint: suspend it there first: flux suspend helmrelease web -n {ops.namespace}" in out
    assert f"managed by Flux HelmRelease {ops.namespace}/named" in out
    assert "2 managed elsewhere" in out
    assert live.statuses() == {"web": "deployed", "named": "deployed", "asleep": "deployed", "free": "deployed"}
    assert live.history("web") == ["deployed"]
    assert live.find("ConfigMap", "child") is None

    # and nobody takes it back by hand
    assert "Flux HelmRelease" in ops("uninstall", f"{ops.namespace}/web", "--yes", code=1).err
    assert "Flux HelmRelease" in ops("rollback", f"{ops.namespace}/web", "1", "--yes", code=1).err
    assert "Flux HelmRelease" in ops("status", f"{ops.namespace}/web").out
    assert live.history("web") == ["deployed"]

    # suspended there, it goes on here
    flux("web", chart={}, suspend=True)
    ops.write("all.yaml", ops.release("web", app, {"message": "ours"}))
    ops.sync()
    assert live.history("web") == ["superseded", "deployed"]


def test_an_application_of_argo_cd(ops: HelmOps, live: Live, argo: Callable[..., None]) -> None:
    app = ops.app()
    argo("web", chart="app", helm={})
    argo("second", path="charts/app", helm={"releaseName": "other"})
    argo("by-hand", automated=False, chart="app")
    argo("plain", path="manifests")
    names = ("web", "other", "by-hand", "plain")
    ops.write("all.yaml", *(ops.release(name, app) for name in names))
    out = ops.sync(code=4).out
    assert f"managed by Argo CD Application {ops.namespace}/web" in out
    assert "hint: suspend it there first: argocd app set web --sync-policy none" in out
    assert f"managed by Argo CD Application {ops.namespace}/second" in out
    assert live.statuses() == {"by-hand": "deployed", "plain": "deployed"}


def test_a_release_of_another_owner(ops: HelmOps, live: Live) -> None:
    app = ops.app()
    ops.own("team-a")
    ops.write("web.yaml", ops.release("web", app, {"message": "a"}))
    ops.sync()
    ops.own("team-b")
    ops.write("web.yaml", ops.release("web", app, {"message": "b"}))
    out = ops.sync(code=1).out
    assert "managed by owner team-a" in out
    assert f"remove the label helmops.dev/owner from Secret {ops.namespace}/sh.helm.release.v1.web.v1" in out
    (ops.folder / "helmops.yaml").unlink()
    assert "managed by owner team-a" in ops.plan(code=1).out
    assert live.message("web") == "a"
    assert live.history("web") == ["deployed"]


@pytest.mark.helm3
def test_a_release_of_helms_that_is_as_the_input_says_gets_a_label_and_no_revision(
    ops: HelmOps, live: Live, helm: Helm, counted_helm: CountedHelm
) -> None:
    webapp = ops.chart("webapp")
    helm("install", "web", ops.folder / webapp, "--set", "replicas=3")
    ops.own("team")
    ops.write("web.yaml", ops.release("web", webapp, {"replicas": 3}))
    assert ops.planned()["web"]["action"] == "label"
    ops.sync()
    assert live.history("web") == ["deployed"]
    assert live.records("web")[0]["metadata"]["labels"]["helmops.dev/owner"] == "team"
    assert "1 unchanged" in ops.using(HELM_BIN=str(counted_helm.path)).sync().out
    assert counted_helm.runs() == []


def test_a_release_that_helm_made_is_taken_over_by_the_input(ops: HelmOps, live: Live, helm: Helm) -> None:
    app = ops.app()
    helm("install", "web", ops.folder / app, "--set", "message=old")
    ops.write("web.yaml", ops.release("web", app, {"message": "new"}))
    assert "takes over revision 1, which was made outside helmops" in ops.plan().out
    ops.sync()
    assert live.message("web") == "new"
    # and an upgrade from outside is undone: the input is what counts
    helm("upgrade", "web", ops.folder / app, "--set", "message=outside")
    assert "revision 3 was made outside helmops" in ops.sync().out
    assert live.message("web") == "new"
