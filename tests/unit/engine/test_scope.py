"""Entering a cluster: by its uid or, with rights in one namespace alone, by its server's address."""

from __future__ import annotations

import pytest

from helmops.engine.scope import STAND_IN
from helmops.errors import Forbidden
from tests.unit.engine.stage import Stage, release


@pytest.fixture
def confined() -> Stage:
    """Who may not read the namespace kube-system."""
    stage = Stage()
    stage.cluster.fail_next("uid", Forbidden("may not get namespaces"), times=None)
    return stage


async def test_rights_in_one_namespace_are_enough(confined: Stage) -> None:
    confined.write(release("web"))
    assert (await confined.scope()).uid.startswith(STAND_IN)
    assert (await confined.scope()).uid == (await confined.scope()).uid
    assert (await confined.sync())["web"].ok


async def test_a_uid_that_was_asked_for_is_never_taken_on_trust(confined: Stage) -> None:
    confined.write(release("web"))
    confined.files.write("helmops.yaml", "owner: me\ncluster: {uid: cluster-uid}\n")
    with pytest.raises(Forbidden, match="cannot be checked"):
        await confined.plan()


async def test_other_clusters_are_not_reached_without_it(confined: Stage) -> None:
    """Else one release could be named twice in one cluster, and --prune would see but a part of it."""
    elsewhere = release("web", kubeConfig={"secretRef": {"name": "other"}})
    confined.write(elsewhere, release("api"))
    results = await confined.sync()
    assert "kube-system" in results["web"].error
    assert results["api"].ok
