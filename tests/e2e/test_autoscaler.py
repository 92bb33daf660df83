"""An autoscaler's twenty replicas are twenty through all that helmops does, though the chart says two."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.helpers import NEVER_READY, HelmOps, Live
from tests.runners import Kubectl

SCALED = 20
VALUES = {"replicas": 2, "autoscaling": {"enabled": True, "keepReplicas": True, "maxReplicas": 50}}


@pytest.fixture
def scaled(ops: HelmOps, live: Live, kubectl: Kubectl) -> HelmOps:
    """An application that its autoscaler has scaled up."""
    ops.write("web.yaml", ops.release("web", ops.chart("webapp"), VALUES))
    ops.sync()
    # what the autoscaler does: a write of the scale subresource
    kubectl("scale", "deployment", "web-webapp", f"--replicas={SCALED}")
    return ops


@pytest.fixture
def replicas(live: Live) -> Callable[[], int]:
    """How many replicas are wanted now."""
    return lambda: int(live.get("Deployment", "web-webapp")["spec"]["replicas"])


@pytest.mark.helm3
def test_replicas_stay_through_correction(
    scaled: HelmOps, live: Live, kubectl: Kubectl, replicas: Callable[[], int]
) -> None:
    assert "1 unchanged" in scaled.plan("--detailed-exitcode", code=0).out
    kubectl("set", "image", "deployment/web-webapp", "webapp=registry.example.org/webapp:debug")
    assert "spec.replicas" not in scaled.plan("--detailed-exitcode", code=3).out
    scaled.sync()
    deployment = live.get("Deployment", "web-webapp")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":1.0.0")
    assert replicas() == SCALED
    scaled.plan("--detailed-exitcode", code=0)


@pytest.mark.helm3
def test_replicas_stay_through_upgrade_failed_upgrade_and_rollback(
    scaled: HelmOps, live: Live, replicas: Callable[[], int]
) -> None:
    scaled.write("web.yaml", scaled.release("web", "charts/webapp", {**VALUES, "env": {"LOG_LEVEL": "debug"}}))
    assert "leaves to its owner: Deployment/web-webapp" in scaled.plan().out
    scaled.sync()
    assert replicas() == SCALED
    assert live.history("web") == ["superseded", "deployed"]

    failing = {**VALUES, "podAnnotations": NEVER_READY}
    options = {
        "timeout": "2s",
        "upgrade": {"disableHooks": True},
        "rollback": {"disableWait": True, "disableHooks": True},
    }
    scaled.write("web.yaml", scaled.release("web", "charts/webapp", failing, quick=False, **options))
    assert "rolled back to revision 2" in scaled.sync(code=1).out
    assert replicas() == SCALED
    assert live.history("web") == ["superseded", "superseded", "failed", "deployed"]

    scaled("rollback", f"{scaled.namespace}/web", "1", "--yes")
    assert replicas() == SCALED
    assert live.history("web")[-1] == "deployed"


def test_without_an_autoscaler_what_was_scaled_by_hand_is_drift(
    scaled: HelmOps, kubectl: Kubectl, replicas: Callable[[], int]
) -> None:
    values = {**VALUES, "autoscaling": {"enabled": False}}
    scaled.write("web.yaml", scaled.release("web", "charts/webapp", values))
    scaled.sync()
    kubectl("scale", "deployment", "web-webapp", "--replicas=9")
    assert "spec.replicas: 9 → 2" in scaled.sync().out
    assert replicas() == 2


def test_an_autoscaler_that_comes_with_an_upgrade_finds_the_charts_replicas(
    ops: HelmOps, replicas: Callable[[], int]
) -> None:
    ops.write("web.yaml", ops.release("web", ops.chart("webapp"), {"replicas": 3}))
    ops.sync()
    ops.write("web.yaml", ops.release("web", "charts/webapp", {**VALUES, "replicas": 4}))
    ops.sync()
    assert replicas() == 4
    ops.plan("--detailed-exitcode", code=0)
