"""Fixtures of the end-to-end tests: helmops in a folder of its own, and the cluster beside it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.controlplane.cluster import Cluster
from tests.e2e.helpers import CountedHelm, HelmOps, Live
from tests.e2e.zygote import Zygote

CLONE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """A helmops that is ready to be forked."""
    process = Zygote()
    yield process
    process.close()


@pytest.fixture
def ops(
    tmp_path: Path,
    namespace: str,
    helm_path: Path,
    helm_environment: dict[str, str],
    kubeconfig: Path,
    zygote: Zygote,
) -> HelmOps:
    """helmops, with a folder, a cache and helm settings of the test's own."""
    folder = tmp_path / "input"
    folder.mkdir()
    own = {
        "HELM_BIN": str(helm_path),
        "KUBECONFIG": str(kubeconfig),
        "HELMOPS_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONPATH": str(CLONE),  # the tests run in a folder of their own
    }
    return HelmOps(folder, namespace, helm_environment | own, zygote)


@pytest.fixture
def live(controlplane: Cluster, namespace: str) -> Live:
    """The cluster, read in the test's namespace."""
    return Live(controlplane.api(), namespace)


@pytest.fixture
def other_namespace(controlplane: Cluster, namespace: str) -> Iterator[Callable[[], str]]:
    """Names of further namespaces, which the test or helmops makes; deleted at the end."""
    names: list[str] = []

    def name() -> str:
        names.append(f"{namespace[:40].strip('-')}-{uuid.uuid4().hex[:8]}")
        return names[-1]

    yield name
    for one in names:
        controlplane.api().delete_namespace(one)


@pytest.fixture
def counted_helm(helm_path: Path, tmp_path: Path) -> CountedHelm:
    """A helm that notes its processes, to be named by HELM_BIN."""
    return CountedHelm.around(helm_path, tmp_path)
