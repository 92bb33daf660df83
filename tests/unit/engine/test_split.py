"""Releases whose records and objects are apart: where helm is sent, and what is refused while planning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from helmops.api.model import Access, ActionOptions, Image, Kustomize, ObjectRef, PathChart, Release
from helmops.core.digest import desired_digest
from helmops.core.objects import ObjectId
from helmops.core.release.observation import Record
from helmops.core.release.plan import Install
from helmops.core.values import merge_layers
from helmops.engine.act import Actor, Job
from helmops.engine.context import Ports, Scope
from helmops.engine.drift import Targets
from helmops.engine.metadata import Metadata
from helmops.engine.preview import Previews
from helmops.engine.resolve import Resolved, digest_of
from helmops.engine.rollback import Way, rollback
from helmops.engine.uninstall import uninstall
from helmops.errors import Refused
from helmops.ports import Artifact, HelmChange, RenderRequest
from helmops.testing.charts import FakeCharts
from helmops.testing.clock import FakeClock
from helmops.testing.cluster import FakeCluster
from helmops.testing.files import FakeFiles
from helmops.testing.helm import FakeHelm
from helmops.testing.kubeconfigs import FakeKubeconfigs
from helmops.testing.memory import FakeMemory
from helmops.testing.recorder import FakeRecorder

SCOPE = Scope(Access(), "cluster-uid", "test")
ARTIFACT = Artifact("chart", "1.0.0", "c" * 64, "/charts/chart", "a path")
NO_VALUES = merge_layers(())


def template(request: RenderRequest) -> Iterator[Mapping[str, Any]]:
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": request.name}, "data": {"a": "b"}}


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster(["default", "flux", "apps", "kube-system"])


@pytest.fixture
def helm(cluster: FakeCluster) -> FakeHelm:
    return FakeHelm(cluster, template)


@pytest.fixture
def ports(cluster: FakeCluster, helm: FakeHelm) -> Ports:
    charts = FakeCharts()
    charts.place("/charts/chart")
    return Ports(
        cluster=cluster,
        storage=cluster,
        locks=cluster,
        helm=helm,
        charts=charts,
        files=FakeFiles(),
        memory=FakeMemory(),
        clock=FakeClock(),
        recorder=FakeRecorder(),
        kubeconfigs=FakeKubeconfigs(),
    )


def release(storage: str = "flux", target: str = "apps", **more: Any) -> Release:
    ref = ObjectRef("helmops.dev/v1alpha1", "Release", storage, "web")
    return Release(ref, "web", storage, target, PathChart("/charts/chart", "/charts"), **more)


def resolved(one: Release) -> Resolved:
    return Resolved(one, ARTIFACT, NO_VALUES, digest_of(one, ARTIFACT, NO_VALUES))


async def installed(ports: Ports, one: Release) -> Record:
    """By the actor, as sync does it."""
    actor = Actor(ports, SCOPE, Targets(ports, SCOPE))
    outcome = await actor.perform(Job(resolved(one), None), Install(), None, "holder")
    assert outcome.error == ""
    return (await ports.storage.records_of(Access(), one.namespace, one.name))[-1]


async def preview(ports: Ports, one: Release, current: Record | None = None) -> None:
    metadata = Metadata(ports, SCOPE, {one.namespace})
    previews = Previews(ports, SCOPE, Targets(ports, SCOPE), metadata, {"flux", "apps", "default"}, detail=True)
    body = None if current is None else await ports.storage.body(Access(), current)
    artifact = await ports.charts.resolve(one.chart)
    await previews.of(replace(resolved(one), artifact=artifact), body)


def config_map(cluster: FakeCluster, namespace: str) -> Mapping[str, Any] | None:
    return cluster.find(ObjectId("v1", "ConfigMap", namespace, "web"))


async def test_install_says_where_and_with_what(ports: Ports, helm: FakeHelm, cluster: FakeCluster) -> None:
    renderers = (Kustomize(images=(Image("a", new_tag="2"),)),)
    record = await installed(ports, release(post_renderers=renderers))
    [change] = helm.requests
    assert isinstance(change, HelmChange)
    assert (change.namespace, change.target, change.post_renderers) == ("flux", "apps", renderers)
    assert record.namespace == "flux"
    assert config_map(cluster, "apps")
    assert config_map(cluster, "flux") is None


async def test_the_preview_renders_as_the_write_does(ports: Ports, helm: FakeHelm) -> None:
    renderers = (Kustomize(images=(Image("a", new_tag="2"),)),)
    await preview(ports, release(post_renderers=renderers))
    [request] = helm.requests
    assert isinstance(request, RenderRequest)
    assert (request.namespace, request.target, request.post_renderers) == ("flux", "apps", renderers)


async def test_uninstall_knows_the_target_from_the_body(ports: Ports, cluster: FakeCluster) -> None:
    record = await installed(ports, release())
    await uninstall(ports, SCOPE, record, ActionOptions())
    assert config_map(cluster, "apps") is None
    assert cluster.revisions("flux", "web") == []


async def test_rollback_by_hand_knows_the_target_from_the_body(ports: Ports, cluster: FakeCluster) -> None:
    await installed(ports, release())
    await ports.helm.upgrade(
        Access(),
        HelmChange("web", "flux", "/charts/chart", {}, ActionOptions(), {}, "", 10, target_namespace="apps"),
    )
    await rollback(ports, SCOPE, Way(cluster.revisions("flux", "web")[-1], 1))
    assert [one.status for one in cluster.revisions("flux", "web")] == ["superseded", "superseded", "deployed"]
    assert cluster.release("flux", "web", 3).namespace == "apps"


@pytest.mark.parametrize(("before", "after"), [("apps", "default"), ("flux", "apps"), ("apps", "flux")])
async def test_a_release_does_not_move(ports: Ports, before: str, after: str) -> None:
    record = await installed(ports, release(target=before))
    await preview(ports, release(target=before), record)
    with pytest.raises(Refused) as caught:
        await preview(ports, release(target=after), record)
    assert caught.value.message == f"its objects are in namespace {before}, and helm cannot move them to {after}"


async def test_a_name_that_the_target_has_itself(ports: Ports, cluster: FakeCluster) -> None:
    record = await installed(ports, release("apps", "apps"))
    with pytest.raises(Refused, match="apps has a release web of its own"):
        await preview(ports, release())
    await uninstall(ports, SCOPE, record, ActionOptions(keep_history=True))
    await preview(ports, release())


def test_digests_change_with_what_is_said_alone() -> None:
    plain = digest(release("apps"))
    assert plain == desired_digest({"chart": ARTIFACT.digest, "version": "1.0.0"}), "labels of yesterday hold"
    retagged = [digest(release("apps", post_renderers=(Kustomize(images=(Image("a", new_tag=tag),)),))) for tag in "12"]
    assert len({plain, *retagged, digest(release("flux"))}) == 4


def digest(one: Release) -> str:
    return digest_of(one, ARTIFACT, NO_VALUES)


async def test_objects_elsewhere_are_listed_all_at_once(ports: Ports, cluster: FakeCluster) -> None:
    """Not one by one: a proof that needs a question for each object is none."""
    await installed(ports, release())
    mine, other = ObjectId("v1", "ConfigMap", "apps", "web"), ObjectId("v1", "ConfigMap", "flux", "none")
    cluster.calls.clear()
    found = await Metadata(ports, SCOPE, {"flux"}).of([mine, other])
    assert (list(found), cluster.calls["list_metadata"]) == ([mine], 2)
