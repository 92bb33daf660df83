"""Drift proved by metadata: which writes break a proof, and which do not.

What the metadata looks like after each write was read off a real control plane, where tests/e2e/test_drift_facts.py
asserts it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helmops.core.drift.fields import Added
from helmops.core.drift.proof import Proof, holds, provable, prove
from helmops.core.objects import ManagedEntry, ObjectId, ObjectMeta

MANIFEST = "a" * 64
T0, T1 = "2026-11-22T21:49:14Z", "2026-11-22T21:50:00Z"
REVISION = "deployment.kubernetes.io/revision"

HELM = ManagedEntry(
    "helm",
    "Apply",
    "",
    T0,
    {
        "f:metadata": {"f:labels": {"f:app.kubernetes.io/managed-by": {}}, "f:finalizers": {'v:"a.b/c"': {}}},
        "f:spec": {"f:replicas": {}, "f:paused": {}},
    },
)
HELM_WITHOUT_REPLICAS = replace(HELM, fields={**HELM.fields, "f:spec": {"f:paused": {}}})
SCALE = ManagedEntry("kubectl", "Update", "scale", "", {"f:spec": {"f:replicas": {}}})
STATUS = ManagedEntry(
    "kube-controller-manager",
    "Update",
    "status",
    T0,
    {"f:metadata": {"f:annotations": {f"f:{REVISION}": {}}}, "f:status": {"f:replicas": {}}},
)
OTHER = ManagedEntry("kubectl-patch", "Update", "", T1, {"f:spec": {"f:replicas": {}}})

CLEAN = ObjectMeta(
    id=ObjectId("apps/v1", "Deployment", "apps", "web"),
    uid="u1",
    resource_version="100",
    generation=1,
    labels={"app.kubernetes.io/managed-by": "Helm", "team": "a"},
    annotations={"meta.helm.sh/release-name": "web", REVISION: "1"},
    managed=(HELM, STATUS),
)
CONFIG_MAP = replace(CLEAN, id=ObjectId("v1", "ConfigMap", "apps", "web"), generation=None)
PRIORITY_CLASS = replace(CLEAN, id=ObjectId("scheduling.k8s.io/v1", "PriorityClass", "", "web"))


def _now(meta: ObjectMeta = CLEAN, **changes: Any) -> ObjectMeta:
    """The object after a write: that its resourceVersion has moved goes without saying."""
    return replace(meta, **{"resource_version": "101", **changes})


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(CLEAN, id="nothing happened"),
        pytest.param(_now(managed=(HELM, replace(STATUS, time=T1))), id="status was written"),
        pytest.param(_now(annotations={**CLEAN.annotations, REVISION: "2"}), id="the controller noted its revision"),
        pytest.param(CONFIG_MAP, id="a kind without generation: nothing happened"),
    ],
)
def test_a_proof_outlives(after: ObjectMeta) -> None:
    before = CONFIG_MAP if after.id.kind == "ConfigMap" else CLEAN
    assert holds(prove(before, MANIFEST), after, MANIFEST)


def test_a_proof_of_a_moment_ago_outlives_the_first_status() -> None:
    """An object is proved right after it was made, before any controller has looked at it."""
    newborn = replace(CLEAN, annotations={"meta.helm.sh/release-name": "web"}, managed=(HELM,))
    assert holds(prove(newborn, MANIFEST), _now(CLEAN), MANIFEST)


BROKEN: Mapping[str, ObjectMeta] = {
    "deleted and made anew": _now(uid="u2"),
    "on its way out": _now(deleting=True),
    "kubectl scale": _now(generation=2, managed=(HELM_WITHOUT_REPLICAS, SCALE, STATUS)),
    "a patch": _now(generation=2, managed=(HELM_WITHOUT_REPLICAS, OTHER, STATUS)),
    "a list item moved: only generation tells": _now(generation=2),
    "managedFields reset to [{}], same spec": _now(managed=()),
    "a label of Helm's removed": _now(
        labels={"team": "a"}, managed=(replace(HELM, fields={"f:spec": HELM.fields["f:spec"]}), STATUS)
    ),
    "a label changed while nobody is recorded": _now(labels={**CLEAN.labels, "team": "b"}),
    "a label added": _now(labels={**CLEAN.labels, "mine": "x"}),
    "an annotation added": _now(annotations={**CLEAN.annotations, "mine": "x"}),
    "a forced apply by another": _now(
        generation=2, managed=(replace(OTHER, manager="argo", operation="Apply"), HELM_WITHOUT_REPLICAS, STATUS)
    ),
    "the same value applied by another: it may add more": _now(
        managed=(replace(OTHER, manager="argo", operation="Apply"), HELM, STATUS)
    ),
    "a finalizer of Helm's removed: no time, no generation": _now(
        managed=(replace(HELM, fields={**HELM.fields, "f:metadata": {"f:labels": {}}}), STATUS)
    ),
    "applied again by Helm": _now(generation=2, managed=(replace(HELM, time=T1), STATUS)),
    "Helm's annotation overwritten through the status subresource": _now(
        annotations={**CLEAN.annotations, "meta.helm.sh/release-name": "evil"}
    ),
}


@pytest.mark.parametrize("after", [pytest.param(meta, id=name) for name, meta in BROKEN.items()])
def test_a_proof_is_broken_by(after: ObjectMeta) -> None:
    assert not holds(prove(CLEAN, MANIFEST), after, MANIFEST)


class TestWhereOwnershipIsBlind:
    """Each of these leaves managedFields as they were; the proof was made in the middle of it."""

    SCALED = _now(generation=2, managed=(HELM_WITHOUT_REPLICAS, SCALE, STATUS))
    PATCHED = _now(generation=2, managed=(HELM_WITHOUT_REPLICAS, OTHER, STATUS))
    RESET = _now(managed=())

    def test_scaled_away_and_elsewhere(self) -> None:
        proof = prove(self.SCALED, MANIFEST)
        assert not holds(proof, replace(self.SCALED, generation=4), MANIFEST)

    def test_patched_back_and_patched_again_within_a_second(self) -> None:
        proof = prove(self.PATCHED, MANIFEST)
        assert not holds(proof, replace(self.PATCHED, generation=4), MANIFEST)

    def test_anything_after_a_reset(self) -> None:
        assert not provable(self.RESET)
        assert not holds(prove(self.RESET, MANIFEST), self.RESET, MANIFEST)


class TestKindsWithoutGeneration:
    @pytest.mark.parametrize("before", [CONFIG_MAP, PRIORITY_CLASS], ids=["none at all", "one that never rises"])
    def test_any_write_breaks_the_proof(self, before: ObjectMeta) -> None:
        assert holds(prove(before, MANIFEST), before, MANIFEST)
        assert not holds(prove(before, MANIFEST), _now(before), MANIFEST)


def test_another_manifest_breaks_the_proof() -> None:
    assert not holds(prove(CLEAN, MANIFEST), CLEAN, "b" * 64)


@pytest.mark.parametrize(
    ("managed", "expected"),
    [
        pytest.param((HELM,), True, id="applied by Helm 4"),
        pytest.param((replace(HELM, operation="Update"),), True, id="written by Helm 3"),
        pytest.param((replace(HELM, subresource="scale"),), False, id="only scaled under Helm's name"),
        pytest.param((OTHER, STATUS), False, id="written by others"),
        pytest.param((), False, id="nobody is recorded"),
    ],
)
def test_provable(managed: tuple[ManagedEntry, ...], expected: bool) -> None:
    assert provable(replace(CLEAN, managed=managed)) is expected


def test_a_label_that_status_and_another_own_counts() -> None:
    """Once somebody else claims the annotation it is no mere note of the controller."""
    claimed = replace(OTHER, fields={"f:metadata": {"f:annotations": {f"f:{REVISION}": {}}}})
    before = replace(CLEAN, managed=(HELM, STATUS, claimed))
    after = replace(before, annotations={**CLEAN.annotations, REVISION: "9"})
    assert not holds(prove(before, MANIFEST), after, MANIFEST)


class TestJson:
    def test_carries_what_others_added(self) -> None:
        added = (Added("spec.template.spec.containers[name=side]", "kubectl", T1), Added("metadata.labels.x", "argo"))
        proof = prove(CLEAN, MANIFEST, added)
        again = Proof.from_json(json.loads(json.dumps(proof.to_json())))
        assert again == proof
        assert again is not None
        assert again.added == added
        assert holds(again, CLEAN, MANIFEST)

    def test_is_compact(self) -> None:
        assert len(json.dumps(prove(CLEAN, MANIFEST).to_json())) < 160

    @given(st.text(), st.text(), st.text(), st.text(), st.lists(st.tuples(st.text(), st.text(), st.text())))
    def test_goes_there_and_back(
        self, uid: str, manifest: str, metadata: str, version: str, added: list[tuple[str, str, str]]
    ) -> None:
        proof = Proof(uid, manifest, metadata, version, tuple(Added(*one) for one in added))
        assert Proof.from_json(json.loads(json.dumps(proof.to_json()))) == proof

    @pytest.mark.parametrize("data", [None, 7, [], ["a"], ["a", "b", "c", "d", 7], {"a": "b"}, "abc"])
    def test_what_is_no_proof_is_none(self, data: object) -> None:
        assert Proof.from_json(data) is None
