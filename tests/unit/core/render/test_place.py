"""Where rendered objects go."""

from __future__ import annotations

from typing import Any

import pytest

from helmops.core.objects import Kinds, ObjectId, Resource
from helmops.core.render.manifest import Rendered
from helmops.core.render.place import identify, place, with_crds
from helmops.errors import InputError

KINDS = Kinds(
    "v1.36.3",
    {
        ("v1", "ConfigMap"): Resource("v1", "ConfigMap", "configmaps", namespaced=True),
        ("v1", "Namespace"): Resource("v1", "Namespace", "namespaces", namespaced=False),
    },
)


def _obj(kind: str = "ConfigMap", name: str = "a", **metadata: str) -> dict[str, Any]:
    api = "example.org/v1" if kind == "Gadget" else "v1"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **metadata}}


def _crd(scope: str) -> dict[str, Any]:
    versions = [{"name": "v1", "served": True}, {"name": "v0", "served": False}]
    spec = {"group": "example.org", "names": {"kind": "Gadget", "plural": "gadgets"}, "scope": scope}
    return {**_obj("CustomResourceDefinition"), "spec": {**spec, "versions": versions}}


@pytest.mark.parametrize(
    ("obj", "namespace"),
    [
        pytest.param(_obj(), "apps", id="the release's namespace is filled in"),
        pytest.param(_obj(namespace=""), "apps", id="also for an empty one"),
        pytest.param(_obj(namespace="other"), "other", id="a namespace that the chart sets stays"),
        pytest.param(_obj("Namespace"), None, id="a cluster-scoped object has none"),
        pytest.param(_obj("Namespace", namespace="stray"), None, id="a stray one is dropped"),
        pytest.param(_obj("Gadget"), "apps", id="an unknown kind is taken for a namespaced one"),
    ],
)
def test_namespace(obj: dict[str, Any], namespace: str | None) -> None:
    (placed,) = place([Rendered(obj, "c/a.yaml")], KINDS, "apps").objects
    assert placed.obj["metadata"].get("namespace") == namespace
    assert placed.id == identify(obj, KINDS, "apps") == ObjectId(obj["apiVersion"], obj["kind"], namespace or "", "a")
    assert placed.source == "c/a.yaml"


def test_what_was_rendered_is_not_changed() -> None:
    obj = _obj()
    place([Rendered(obj, "")], KINDS, "apps")
    assert obj == _obj()


def test_kinds_that_are_not_served_are_told() -> None:
    placed = place([Rendered(_obj(), ""), Rendered(_obj("Gadget"), "")], KINDS, "apps")
    assert placed.unknown == (ObjectId("example.org/v1", "Gadget", "apps", "a"),)
    assert len(placed.objects) == 2


class TestTwice:
    @pytest.mark.parametrize(
        ("sources", "message"),
        [
            pytest.param(
                ("c/a.yaml", "c/b.yaml"),
                "ConfigMap/a in namespace apps is rendered by c/a.yaml and c/b.yaml",
                id="by two templates",
            ),
            pytest.param(("c/a.yaml", "c/a.yaml"), "rendered twice by c/a.yaml", id="by one"),
            pytest.param(("", ""), "rendered twice", id="by nobody knows what"),
        ],
    )
    def test_the_same_object_is_refused(self, sources: tuple[str, str], message: str) -> None:
        with pytest.raises(InputError, match=message):
            place([Rendered(_obj(), source) for source in sources], KINDS, "apps")

    def test_also_when_one_writes_the_namespace_and_one_does_not(self) -> None:
        with pytest.raises(InputError):
            place([Rendered(_obj(), ""), Rendered(_obj(namespace="apps"), "")], KINDS, "apps")

    def test_in_two_namespaces_it_is_two_objects(self) -> None:
        assert len(place([Rendered(_obj(), ""), Rendered(_obj(namespace="b"), "")], KINDS, "apps").objects) == 2

    def test_in_a_stored_manifest_the_last_counts_as_it_did_for_helm(self) -> None:
        twins = [Rendered({**_obj(), "data": {"x": text}}, "") for text in "ab"]
        (placed,) = place(twins, KINDS, "apps", stored=True).objects
        assert placed.obj["data"] == {"x": "b"}


class TestCrdsInHand:
    @pytest.mark.parametrize(("scope", "namespace"), [("Namespaced", "apps"), ("Cluster", "")])
    def test_say_where_their_objects_go(self, scope: str, namespace: str) -> None:
        placed = place([Rendered(_obj("Gadget"), "")], with_crds(KINDS, [_obj(), _crd(scope)]), "apps")
        assert [one.id.namespace for one in placed.objects] == [namespace]
        assert placed.unknown == ()

    def test_only_for_versions_that_are_served(self) -> None:
        assert with_crds(KINDS, [_crd("Cluster")]).find("example.org/v0", "Gadget") is None

    def test_do_not_override_what_the_server_says(self) -> None:
        served = Kinds("", {("example.org/v1", "Gadget"): Resource("example.org/v1", "Gadget", "gadgets", False)})
        assert with_crds(served, [_crd("Namespaced")]) == served
