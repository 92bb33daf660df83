"""Fixtures of the test bed. Nothing starts before a test asks for it, so unit tests start none of it.

===============  ==========================================================================
controlplane     the cluster of this test run, shared by all xdist workers
kubeconfig       its admin kubeconfig
namespace        a fresh namespace of the test's own
kubectl          runs kubectl there
helm_path        Helm 4; with the marker ``helm3`` the test runs a second time with Helm 3
helm             runs that helm there, with homes of its own
helm_repo        a Helm repository that serves the project's charts
oci_registry     ``host:port`` of an OCI registry
git_server       a git server
===============  ==========================================================================
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.charts import NAMES, WEBAPP_VERSIONS, chart, copy_webapp
from tests.controlplane import sharing, tools
from tests.controlplane.cluster import Cluster, cluster_of_test_runs
from tests.runners import Helm, Kubectl, clean_environment
from tests.servers.gitserver import GitServer
from tests.servers.helmrepo import HelmRepository
from tests.servers.registry import registry

HELMS = {"helm4": (tools.helm4, 4), "helm3": (tools.helm3, 3)}
SERVICE_ACCOUNT_SECONDS = 10.0


def pytest_configure(config: pytest.Config) -> None:
    """The process that the person started stands for the whole run."""
    if not hasattr(config, "workerinput"):
        sharing.begin_run()


@pytest.hookimpl(trylast=True)  # after xdist has ended its workers
def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the cluster with the run, unless HELMOPS_KEEP_CLUSTER is set."""
    if not hasattr(session.config, "workerinput"):
        sharing.leave(cluster_of_test_runs())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Helm 4 always, Helm 3 where a test asks for it."""
    if "helm_path" in metafunc.fixturenames:
        both = metafunc.definition.get_closest_marker("helm3") is not None
        metafunc.parametrize("helm_path", ["helm4", "helm3"] if both else ["helm4"], indirect=True)


@pytest.fixture(scope="session")
def controlplane() -> Cluster:
    """The running cluster of this test run."""
    cluster = cluster_of_test_runs()
    sharing.join(cluster)
    return cluster


@pytest.fixture(scope="session")
def kubeconfig(controlplane: Cluster) -> Path:
    """The admin's kubeconfig; its context is called helmops-test."""
    return controlplane.kubeconfig


@pytest.fixture
def namespace(controlplane: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace named after the test. Nobody waits for its deletion, which takes seconds."""
    slug = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    name = f"{slug}-{uuid.uuid4().hex[:8]}"
    api = controlplane.api()
    api.create_namespace(name)
    deadline = time.monotonic() + SERVICE_ACCOUNT_SECONDS
    # without its default service account no pod can be made
    while not api.ok(f"/api/v1/namespaces/{name}/serviceaccounts/default"):
        assert time.monotonic() < deadline, f"{name} got no service account"
        time.sleep(0.02)
    yield name
    api.delete_namespace(name)


@pytest.fixture
def kubectl(kubeconfig: Path, namespace: str) -> Kubectl:
    """Kubectl in the test's namespace."""
    return Kubectl(tools.kubectl(), kubeconfig, namespace)


@pytest.fixture
def helm_path(request: pytest.FixtureRequest) -> Path:
    """The helm program that this test runs with."""
    path, _ = HELMS[request.param]
    return path()


@pytest.fixture
def helm_environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which Helm knows nothing of the user's: no repositories, no plugins, no cache."""
    homes = {f"HELM_{kind}_HOME": str(tmp_path / "helm" / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
    return clean_environment(**homes)


@pytest.fixture
def helm(helm_path: Path, helm_environment: dict[str, str], kubeconfig: Path, namespace: str) -> Helm:
    """Helm in the test's namespace."""
    major = next(number for path, number in HELMS.values() if path() == helm_path)
    place = {"KUBECONFIG": str(kubeconfig), "HELM_NAMESPACE": namespace}
    return Helm(helm_path, major, helm_environment | place)


@pytest.fixture(scope="session")
def helm_repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HelmRepository]:
    """A repository with webapp in five versions and each other chart in one."""
    versions = tmp_path_factory.mktemp("chart-versions")
    webapps = [copy_webapp(versions, version) for version in WEBAPP_VERSIONS]
    others = [chart(name) for name in NAMES if name != "webapp"]
    with HelmRepository(tmp_path_factory.mktemp("helm-repo"), tools.helm4()) as repository:
        repository.add([*webapps, *others])
        yield repository


@pytest.fixture(scope="session")
def oci_registry() -> Iterator[str]:
    """An empty OCI registry without a password, over plain HTTP."""
    with registry() as address:
        yield address


@pytest.fixture
def git_server(tmp_path: Path) -> Iterator[GitServer]:
    """An empty git server of the test's own."""
    with GitServer(tmp_path / "git") as server:
        yield server
