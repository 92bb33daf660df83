"""Looking: which release a name means, what a revision's mark says, where values come from; and the way back."""

from __future__ import annotations

import asyncio

import pytest

from helmops.api.model import Access
from helmops.core.release.observation import DESIRED_LABEL, OWNER_LABEL, Record, StoredRelease
from helmops.engine import inspect
from helmops.engine.context import Ports, Scope
from helmops.engine.rollback import changeable, rollback, way_back
from helmops.errors import Conflict, Forbidden, InputError, Locked, NotFound, Refused
from helmops.testing.charts import FakeCharts
from helmops.testing.clock import FakeClock
from helmops.testing.cluster import FakeCluster
from helmops.testing.files import FakeFiles
from helmops.testing.helm import FakeHelm
from helmops.testing.kubeconfigs import FakeKubeconfigs
from helmops.testing.memory import FakeMemory
from helmops.testing.recorder import FakeRecorder

SCOPE = Scope(Access(), "cluster-uid", "test")
DIGEST = "d" * 40


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster(["default", "apps", "kube-system"])


@pytest.fixture
def ports(cluster: FakeCluster) -> Ports:
    helm = FakeHelm(cluster, lambda _: [])
    return Ports(
        cluster,
        cluster,
        cluster,
        helm,
        FakeCharts(),
        FakeFiles(),
        FakeMemory(),
        FakeClock(),
        FakeRecorder(),
        FakeKubeconfigs(),
    )


def put(
    cluster: FakeCluster,
    name: str = "web",
    revision: int = 1,
    status: str = "deployed",
    description: str = "Install complete",
    *,
    namespace: str = "apps",
    digest: str = "",
) -> Record:
    """A revision; ``digest`` as on its label."""
    body = StoredRelease(name, namespace, revision, status, description, "chart", "1.0.0", "2.0", {}, "")
    labels = {DESIRED_LABEL: digest, OWNER_LABEL: "team"} if digest else {}
    return cluster.put_release(body, labels)


# ---------------------------------------------------------------- names
@pytest.mark.parametrize(
    ("name", "namespace", "found"),
    [
        ("api", "", ("apps", "api")),
        ("apps/web", "", ("apps", "web")),
        ("web", "default", ("default", "web")),
        ("default/web", "apps", ("default", "web")),
    ],
)
async def test_the_release_that_a_name_means(
    ports: Ports, cluster: FakeCluster, name: str, namespace: str, found: tuple[str, str]
) -> None:
    put(cluster)
    put(cluster, namespace="default")
    put(cluster, "api")
    assert await inspect.find(ports, SCOPE, name, namespace=namespace, ambient="default") == found


async def test_candidates_of_an_ambiguous_name_and_guesses_for_an_unknown_one(
    ports: Ports, cluster: FakeCluster
) -> None:
    put(cluster)
    put(cluster, namespace="default")
    with pytest.raises(InputError, match="web is ambiguous: apps/web, default/web") as ambiguous:
        await inspect.find(ports, SCOPE, "web", namespace="", ambient="default")
    assert "-n" in ambiguous.value.hint
    with pytest.raises(NotFound, match="no release wbe") as unknown:
        await inspect.find(ports, SCOPE, "wbe", namespace="", ambient="default")
    assert unknown.value.hint == "did you mean web?"


async def test_who_may_not_list_the_cluster_finds_what_is_in_the_own_namespace(
    ports: Ports, cluster: FakeCluster
) -> None:
    put(cluster)
    cluster.fail_next("records", Forbidden("no"), times=None, when=lambda namespaces: namespaces is None)
    assert await inspect.find(ports, SCOPE, "web", namespace="", ambient="apps") == ("apps", "web")
    with pytest.raises(Forbidden):
        await inspect.statuses(ports, SCOPE, namespace=None)


# ---------------------------------------------------------------- what is listed
async def test_every_release_of_helm_is_listed_and_only_ours_are_checked(ports: Ports, cluster: FakeCluster) -> None:
    put(cluster, "theirs")
    put(cluster, "ours", 1, "superseded", digest=f"1.{DIGEST}")
    put(cluster, "ours", 2, digest=f"2.{DIGEST}")
    put(cluster, "gone", 1, "uninstalled")
    put(cluster, "elsewhere", namespace="default")
    ours, theirs = await inspect.statuses(ports, SCOPE, namespace="apps")
    assert (ours.id, ours.revision.record.revision, theirs.id) == (("apps", "ours"), 2, ("apps", "theirs"))
    assert ours.checked is not None
    assert theirs.checked is None
    assert len(await inspect.statuses(ports, SCOPE, namespace=None)) == 3


async def test_what_flux_manages_is_said_to_be(ports: Ports, cluster: FakeCluster) -> None:
    put(cluster, digest=f"1.{DIGEST}")
    api = "helm.toolkit.fluxcd.io/v2"
    cluster.serve(api, "HelmRelease", "helmreleases")
    flux = {"apiVersion": api, "kind": "HelmRelease", "metadata": {"name": "web", "namespace": "apps"}, "spec": {}}
    cluster.write(flux, manager="flux")
    (view,) = await inspect.statuses(ports, SCOPE, namespace="apps")
    assert view.foreign is not None
    assert view.checked is None
    with pytest.raises(Refused, match="managed by Flux HelmRelease apps/web") as refused:
        await changeable(ports, SCOPE, ("apps", "web"))
    assert "flux suspend" in refused.value.hint


@pytest.mark.parametrize(
    ("status", "digest", "description", "mark"),
    [
        ("deployed", "", "Install complete", ""),
        ("deployed", f"3.{DIGEST}", "helmops: chart 1 → 2", ""),
        ("pending-upgrade", f"3.{DIGEST}", "Preparing upgrade", ""),
        ("failed", f"3.{DIGEST}", "timed out", "this input failed"),
        ("failed", f"3.{DIGEST}", 'Upgrade "web" failed: context canceled', "interrupted"),
        ("deployed", f"1.{DIGEST}", "Rollback to 1", "rolled back to 1"),
        ("failed", f"1.{DIGEST}", 'Rollback "web" failed: timed out', "rollback to 1 failed"),
        ("deployed", f"1.{DIGEST}", "Upgrade complete", "made outside helmops"),
    ],
)
async def test_what_the_mark_of_a_revision_says(
    ports: Ports, cluster: FakeCluster, status: str, digest: str, description: str, mark: str
) -> None:
    put(cluster, revision=3, status=status, description=description, digest=digest)
    (revision,) = await inspect.history(ports, SCOPE, ("apps", "web"))
    assert revision.mark == mark
    assert (await inspect.status(ports, SCOPE, ("apps", "web"))).revision.mark == mark


# ---------------------------------------------------------------- the way back
def some_history(cluster: FakeCluster) -> None:
    """1 was good, 2 failed, 3 good, 4 failed but reads superseded, 5 is deployed."""
    put(cluster, revision=1, status="superseded")
    put(cluster, revision=2, status="failed", description="timed out")
    put(cluster, revision=3, status="superseded", description="Upgrade complete")
    put(cluster, revision=4, status="superseded", description='Upgrade "web" failed: timed out')
    put(cluster, revision=5, description="Upgrade complete")


async def test_back_to_the_newest_good_revision_or_to_a_good_one_that_is_named(
    ports: Ports, cluster: FakeCluster
) -> None:
    some_history(cluster)
    assert (await way_back(ports, SCOPE, ("apps", "web"), 0)).target == 3
    assert (await way_back(ports, SCOPE, ("apps", "web"), 1)).target == 1


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        (2, "revision 2 was never deployed well: failed: timed out"),
        (4, "revision 4 was never deployed well"),
        (5, "revision 5 is what is deployed now"),
    ],
)
async def test_why_not_to_another_one(ports: Ports, cluster: FakeCluster, revision: int, message: str) -> None:
    some_history(cluster)
    with pytest.raises(Refused, match=message):
        await way_back(ports, SCOPE, ("apps", "web"), revision)


async def test_no_way_back(ports: Ports, cluster: FakeCluster) -> None:
    with pytest.raises(NotFound):
        await way_back(ports, SCOPE, ("apps", "web"), 0)
    put(cluster)
    with pytest.raises(Refused, match="no earlier revision"):
        await way_back(ports, SCOPE, ("apps", "web"), 0)
    with pytest.raises(InputError, match="no revision 9") as unknown:
        await way_back(ports, SCOPE, ("apps", "web"), 9)
    assert unknown.value.hint == "there are: 1"
    put(cluster, revision=2, status="pending-upgrade")
    with pytest.raises(Locked, match="pending-upgrade"):
        await way_back(ports, SCOPE, ("apps", "web"), 0)


async def test_a_rollback_is_made_under_the_lease_and_only_from_what_was_seen(
    ports: Ports, cluster: FakeCluster
) -> None:
    some_history(cluster)
    way = await way_back(ports, SCOPE, ("apps", "web"), 0)
    await rollback(ports, SCOPE, way)
    assert [one.status for one in cluster.revisions("apps", "web")][-2:] == ["superseded", "deployed"]
    assert cluster.release("apps", "web", 6).description == "Rollback to 3"
    with pytest.raises(Conflict, match="has changed since"):
        await rollback(ports, SCOPE, way)
    again = await way_back(ports, SCOPE, ("apps", "web"), 0)
    cluster.leave_lease("apps", "web", holder="somebody")
    with pytest.raises(Locked):
        await rollback(ports, SCOPE, again)


async def test_an_interrupted_rollback_leaves_nothing_pending(ports: Ports, cluster: FakeCluster) -> None:
    some_history(cluster)
    assert isinstance(ports.helm, FakeHelm)
    ports.helm.held = asyncio.Event()
    way = await way_back(ports, SCOPE, ("apps", "web"), 0)
    task = asyncio.create_task(rollback(ports, SCOPE, way))
    while not (ports.helm.calls["rollback"] or task.done()):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cluster.revisions("apps", "web")[-1].status == "failed"
