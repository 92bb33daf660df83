"""Which fields rightly stay with another."""

from __future__ import annotations

from typing import Any

import pytest

from helmops.core.drift.guard import REPLICAS, guarded, hpa_targets
from helmops.core.objects import meta_of

OWNS: dict[str, Any] = {"f:spec": {"f:replicas": {}}}


def _entry(manager: str, operation: str = "Update", subresource: str = "", fields: Any = OWNS) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "subresource": subresource, "fieldsV1": fields}


HELM4 = _entry("helm", "Apply")
HELM4_LEFT = _entry("helm", "Apply", fields={"f:spec": {"f:selector": {}}})
HELM3 = _entry("helm")
HELM3_LEFT = _entry("helm", fields={"f:spec": {"f:selector": {}}})
HPA = _entry("kube-controller-manager", subresource="scale")
PERSON_SCALES = _entry("kubectl", subresource="scale")
PERSON_PATCHES = _entry("kubectl-patch")
OPERATOR = _entry("night-shift-operator")


def _hpa(
    kind: str = "Deployment", name: str = "web", api: str = "apps/v1", namespace: str = "apps", **meta: Any
) -> Any:
    ref = {"apiVersion": api, "kind": kind, "name": name}
    return {"metadata": {"name": "h", "namespace": namespace, **meta}, "spec": {"scaleTargetRef": ref}}


def _live(*entries: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": "apps", "managedFields": list(entries)}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"replicas": 20}}


STAYS, IS_HELMS = (REPLICAS,), ()


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param([HELM4_LEFT, HPA], STAYS, id="Helm 4, scaled by the autoscaler"),
        pytest.param([HELM3_LEFT, HPA], STAYS, id="Helm 3, scaled by the autoscaler"),
        pytest.param([HELM4_LEFT, HELM3_LEFT, HPA], STAYS, id="both Helms, scaled by the autoscaler"),
        pytest.param([HELM4_LEFT, PERSON_SCALES], STAYS, id="scaled by a person: the autoscaler goes on from there"),
        pytest.param([HELM4_LEFT, PERSON_PATCHES], STAYS, id="patched by a person: neither is it thrown back"),
        pytest.param([], STAYS, id="managedFields were reset"),
        pytest.param([HELM4], IS_HELMS, id="not scaled yet: left out, it would fall to 1"),
        pytest.param([HELM3], IS_HELMS, id="not scaled yet, Helm 3"),
        pytest.param([HELM4, HPA], IS_HELMS, id="scaled to Helm's own value: both own it"),
        pytest.param([HELM3, HELM4_LEFT, HPA], IS_HELMS, id="one of two entries of Helm still owns it"),
    ],
)
def test_where_an_autoscaler_points_at_the_object(entries: list[dict[str, Any]], expected: tuple[str, ...]) -> None:
    live = _live(*entries)
    assert guarded(live, hpa_targets([_hpa()])) == expected
    assert guarded(meta_of(live), hpa_targets([_hpa()])) == expected


@pytest.mark.parametrize(
    ("entries", "extra", "expected"),
    [
        pytest.param([HELM4_LEFT, PERSON_SCALES], (), IS_HELMS, id="kubectl scale is drift"),
        pytest.param([HELM3_LEFT, PERSON_SCALES], (), IS_HELMS, id="kubectl scale is drift with Helm 3"),
        pytest.param([HELM4_LEFT, HPA], (), IS_HELMS, id="so is what an autoscaler left behind that is gone"),
        pytest.param([HELM4_LEFT, OPERATOR], (), IS_HELMS, id="so is what an operator wrote"),
        pytest.param([HELM4_LEFT, OPERATOR], ("night-shift-operator",), STAYS, id="unless it is listed"),
        pytest.param([HELM4, OPERATOR], ("night-shift-operator",), IS_HELMS, id="listed, but Helm owns it as well"),
    ],
)
def test_where_none_does(entries: list[dict[str, Any]], extra: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert guarded(_live(*entries), hpa_targets([]), extra) == expected


@pytest.mark.parametrize(
    "hpa",
    [
        pytest.param(_hpa(namespace="other"), id="in another namespace"),
        pytest.param(_hpa(kind="StatefulSet"), id="at another kind"),
        pytest.param(_hpa(name="api"), id="at another name"),
        pytest.param(_hpa(api="example.org/v1"), id="at another group's kind of that name"),
        pytest.param(_hpa(deletionTimestamp="2026-11-22T21:49:14Z"), id="on its way out"),
    ],
)
def test_an_autoscaler_that_points_elsewhere_guards_nothing(hpa: Any) -> None:
    assert guarded(_live(HELM4_LEFT, PERSON_SCALES), hpa_targets([hpa])) == IS_HELMS


def test_an_older_version_of_the_same_group_is_the_same_target() -> None:
    assert guarded(_live(HELM4_LEFT, HPA), hpa_targets([_hpa(api="apps/v1beta2")])) == STAYS
