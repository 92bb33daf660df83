"""What the rules of helmops.core.drift rest on, asserted on a real control plane with both Helms."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from helmops.core.drift.compare import changes, comparable, differences
from helmops.core.drift.correction import json_patch, removals
from helmops.core.drift.fields import added_fields
from helmops.core.drift.guard import REPLICAS, guarded, hpa_targets
from helmops.core.drift.proof import holds, provable, prove
from helmops.core.objects import meta_of
from tests.charts import chart
from tests.controlplane.cluster import Cluster
from tests.e2e.facts import CONTAINER, PLURALS, Release, until
from tests.runners import Helm

AUTOSCALER_SECONDS = 60.0


@pytest.fixture
def release(controlplane: Cluster, helm: Helm, namespace: str) -> Release:
    """No release yet."""
    return Release(controlplane.api(), helm, namespace)


@pytest.fixture
def web(release: Release) -> Release:
    """The chart webapp, installed; its Deployment's controller has noted down its revision."""
    release.install(chart("webapp"))
    until(lambda: "deployment.kubernetes.io/revision" in release.live("Deployment")["metadata"]["annotations"])
    return release


def _entries(obj: Mapping[str, Any]) -> list[Any]:
    return [one for one in obj["metadata"]["managedFields"] if one.get("subresource") != "status"]


def _owners(obj: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(one["manager"], one["operation"]) for one in _entries(obj)]


@pytest.mark.helm3
class TestRightAfterInstall:
    def test_every_object_is_clean_and_provable(self, web: Release) -> None:
        for kind in web.manifests:
            assert provable(meta_of(web.live(kind))), kind
            assert web.drift(kind) == []
            assert added_fields(web.ask(kind)) == ()
            assert web.proved(kind, web.prove(kind))

    def test_the_stored_manifest_with_helms_marks_is_all_that_helm_sent(self, web: Release) -> None:
        """Helm 4: the answer is the live object to the last field. Helm 3: only a second owner would come of it."""
        for kind in web.manifests:
            live, answer = web.live(kind), web.ask(kind)
            assert list(changes(comparable(live), comparable(answer))) == []
            expected = [("helm", "Apply"), ("helm", "Update")] if web.is_helm3 else [("helm", "Apply")]
            assert _owners(answer) == expected
            assert web.is_helm3 or _entries(answer) == _entries(live)


WRITES: Mapping[str, Callable[[Release], Any]] = {
    "kubectl scale": lambda web: web.scale(3),
    "a patch": lambda web: web.change("Deployment", {"spec": {"paused": True}}),
    "a label of Helm's removed": lambda web: web.change(
        "Deployment", {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}
    ),
    "a label added": lambda web: web.change("Deployment", {"metadata": {"labels": {"mine": "x"}}}),
    "a list item moved": lambda web: web.change(
        "Deployment", [{"op": "move", "from": f"{CONTAINER}/env/0", "path": f"{CONTAINER}/env/1"}]
    ),
    "a forced apply by another": lambda web: web.apply_as("Deployment", "another", replicas=7),
    "the same value applied by another": lambda web: web.apply_as("Deployment", "another", replicas=2),
    "managedFields reset": lambda web: web.change("Deployment", {"metadata": {"managedFields": [{}]}}),
}


@pytest.mark.helm3
@pytest.mark.parametrize("write", [pytest.param(write, id=name) for name, write in WRITES.items()])
def test_a_proof_is_broken_by(web: Release, write: Callable[[Release], Any]) -> None:
    proof = web.prove("Deployment")
    write(web)
    assert not web.proved("Deployment", proof)


class TestWhereOwnershipIsBlind:
    def test_scaled_again_leaves_the_same_entries(self, web: Release) -> None:
        web.scale(3)
        before, proof = web.live("Deployment"), web.prove("Deployment")
        web.scale(1)
        web.scale(4)
        assert _entries(web.live("Deployment")) == _entries(before)
        assert not web.proved("Deployment", proof)

    def test_patched_back_and_patched_again_leaves_the_same_entries(self, web: Release) -> None:
        web.change("Deployment", {"spec": {"replicas": 3}})
        before, proof = web.live("Deployment"), web.prove("Deployment")
        for replicas in (2, 5):
            web.change("Deployment", {"spec": {"replicas": replicas}})
        after = web.live("Deployment")
        assert _owners(after) == _owners(before)
        assert not web.proved("Deployment", proof)

    def test_a_moved_item_leaves_no_entry_and_comes_back_to_its_place(self, web: Release) -> None:
        before = web.live("Deployment")
        WRITES["a list item moved"](web)
        assert _entries(web.live("Deployment")) == _entries(before)
        assert web.drift("Deployment") == ["spec.template.spec.containers[name=webapp].env"]
        web.correct("Deployment")
        assert web.drift("Deployment") == []

    def test_after_a_reset_nobody_is_recorded_until_somebody_applies(self, web: Release) -> None:
        WRITES["managedFields reset"](web)
        web.change("Deployment", {"metadata": {"labels": {"mine": "x"}}})
        live = web.live("Deployment")
        assert live["metadata"].get("managedFields", []) == []
        assert not provable(meta_of(live))
        web.correct("Deployment")
        assert provable(meta_of(web.live("Deployment")))
        assert added_fields(web.ask("Deployment")) == ()

    def test_a_finalizer_of_helms_that_goes_changes_neither_time_nor_generation(self, web: Release) -> None:
        manifest = web.manifests["Deployment"]
        web.manifests["Deployment"] = {**manifest, "metadata": {**manifest["metadata"], "finalizers": ["a.b/c"]}}
        before, proof = web.ask("Deployment", dry_run=False), web.prove("Deployment")
        web.change("Deployment", {"metadata": {"finalizers": None}})
        after = web.live("Deployment")
        assert after["metadata"]["generation"] == before["metadata"]["generation"]
        assert [one.get("time") for one in _entries(after)] == [one.get("time") for one in _entries(before)]
        assert not web.proved("Deployment", proof)

    def test_of_priority_classes_not_even_the_generation_rises(self, release: Release) -> None:
        path, name = "/apis/scheduling.k8s.io/v1/priorityclasses", release.namespace
        body = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": 7}
        before = json.loads(release.api.call("POST", path, body))
        try:
            patch = {"description": "changed"}
            after = json.loads(release.api.call("PATCH", f"{path}/{name}", patch, "application/merge-patch+json"))
        finally:
            release.api.call("DELETE", f"{path}/{name}")
        assert after["metadata"]["generation"] == before["metadata"]["generation"] == 1
        assert not holds(prove(meta_of(before), ""), meta_of(after), "")


def test_a_proof_outlives_status(web: Release) -> None:
    proof = web.prove("Deployment")
    version = web.live("Deployment")["metadata"]["resourceVersion"]
    web.change("Deployment", {"status": {"collisionCount": 3}}, "kube-controller-manager", "/status")
    assert web.live("Deployment")["metadata"]["resourceVersion"] != version
    assert web.proved("Deployment", proof)


@pytest.mark.helm3
class TestCorrection:
    def test_puts_right_what_was_changed_tells_what_was_added_and_leaves_one_owner(self, web: Release) -> None:
        WRITES["a label of Helm's removed"](web)
        web.scale(5)
        web.change("Deployment", [{"op": "replace", "path": f"{CONTAINER}/image", "value": "evil:1"}])
        web.change("Deployment", [{"op": "add", "path": f"{CONTAINER}/env/0", "value": {"name": "X", "value": "1"}}])
        found = differences(web.live("Deployment"), web.ask("Deployment"), kind="Deployment")
        assert [(one.path, one.manager) for one in found] == [
            ('metadata.labels["app.kubernetes.io/managed-by"]', ""),
            ("spec.replicas", "kubectl"),
            ("spec.template.spec.containers[name=webapp].image", "kubectl-patch"),
        ]
        web.correct("Deployment")
        assert web.drift("Deployment") == []
        live = web.live("Deployment")
        assert sorted(_owners(live)) == [("helm", "Update" if web.is_helm3 else "Apply"), ("kubectl-patch", "Update")]
        added = [one.path for one in added_fields(web.ask("Deployment"))]
        assert added == ["spec.template.spec.containers[name=webapp].env[name=X]"]
        web.operate("Deployment", removals(web.ask("Deployment")))
        assert added_fields(web.ask("Deployment")) == ()
        assert web.helm.json("history", "web")[-1]["revision"] == 1

    def test_of_a_secret_that_helm_writes_as_string_data(self, web: Release) -> None:
        """Its ``data`` belongs to whoever changed it, forced apply or not; nothing but the other's key is theirs."""
        web.change("Secret", {"stringData": {"token": "evil", "more": "x"}})
        assert web.drift("Secret") == ["data.token"]
        web.correct("Secret")
        assert web.drift("Secret") == []
        assert [one.path for one in added_fields(web.ask("Secret"))] == ["data.more"]
        web.operate("Secret", removals(web.ask("Secret")))
        assert web.drift("Secret") == []

    def test_a_patch_of_what_has_moved_since_is_refused(self, web: Release) -> None:
        for kind, edit in (("Deployment", {"spec": {"paused": True}}), ("ConfigMap", {"data": {"x": "y"}})):
            read_before = web.live(kind)
            web.change(kind, edit)
            with pytest.raises(urllib.error.HTTPError) as caught:
                web.operate(kind, json_patch(read_before, {**read_before, "metadata": {}}))
            status = json.loads(caught.value.read())
            assert (status["code"], status["reason"], status["details"]) == (422, "Invalid", {})


@pytest.mark.helm3
class TestReplicas:
    def test_left_out_fall_to_one_where_helm_alone_owns_them(self, web: Release) -> None:
        """With Helm 3 its Update entry still holds them; the guard does not leave them out either way."""
        assert guarded(web.live("Deployment"), hpa_targets([])) == ()
        assert web.ask("Deployment", [REPLICAS])["spec"]["replicas"] == (2 if web.is_helm3 else 1)

    def test_left_out_stay_where_helm_has_lost_them(self, web: Release) -> None:
        web.scale(5)
        assert web.ask("Deployment", [REPLICAS])["spec"]["replicas"] == 5
        assert web.drift("Deployment") == ["spec.replicas"]

    def test_of_a_real_autoscaler_stay(self, web: Release) -> None:
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web-webapp"}
        spec = {"minReplicas": 4, "maxReplicas": 6, "scaleTargetRef": target}
        hpas = PLURALS["HorizontalPodAutoscaler"].format(web.namespace)
        web.api.call("POST", hpas, {"metadata": {"name": "web"}, "spec": spec})
        until(lambda: web.live("Deployment")["spec"]["replicas"] == 4, AUTOSCALER_SECONDS)
        scaled = [one for one in _entries(web.live("Deployment")) if one.get("subresource") == "scale"]
        assert [(one["manager"], "time" in one) for one in scaled] == [("kube-controller-manager", False)]
        pointers = guarded(web.live("Deployment"), hpa_targets(web.api.get(hpas)["items"]))
        assert pointers == (REPLICAS,)
        assert web.drift("Deployment", pointers) == []
        assert added_fields(web.ask("Deployment", pointers)) == ()
