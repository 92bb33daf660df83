"""Who owns what. The trees are those of a real control plane, shortened."""

from __future__ import annotations

from typing import Any

import pytest

from helmops.core.drift.fields import Added, FieldPath, added_fields, claim, owns, pointer, text
from helmops.core.objects import meta_of

WEB = 'k:{"name":"web"}'
PORT = 'k:{"containerPort":8080,"protocol":"TCP"}'
ENV_X: dict[str, Any] = {'k:{"name":"X"}': {".": {}, "f:name": {}, "f:value": {}}}
CONTAINERS = ("f:spec", "f:template", "f:spec", "f:containers")

LIVE: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"a/b": "c"}, "finalizers": ["x.y/z"]},
    "spec": {
        "replicas": 2,
        "template": {
            "spec": {
                "containers": [
                    {"name": "side"},
                    {"name": "web", "image": "i", "ports": [{"containerPort": 8080, "protocol": "TCP"}], "args": ["x"]},
                ]
            }
        },
    },
}


def _live(*entries: dict[str, Any]) -> dict[str, Any]:
    return {**LIVE, "metadata": {**LIVE["metadata"], "managedFields": list(entries)}}


def _entry(manager: str, fields: dict[str, Any], operation: str = "Update", **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "time": "T", "fieldsV1": fields, **more}


def _container(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": {f'k:{{"name":"{name}"}}': fields}}}}}


HELM = _entry(
    "helm",
    {
        "f:metadata": {"f:labels": {"f:a/b": {}}},
        "f:stringData": {"f:token": {}},
        "f:spec": {
            "f:replicas": {},
            "f:selector": {},
            **_container("web", {".": {}, "f:name": {}, "f:image": {}})["f:spec"],
        },
    },
    "Apply",
)


@pytest.mark.parametrize(
    ("path", "shown", "place"),
    [
        pytest.param(("f:spec", "f:replicas"), "spec.replicas", "/spec/replicas", id="a field"),
        pytest.param(("f:metadata", "f:labels", "f:a/b"), 'metadata.labels["a/b"]', "/metadata/labels/a~1b",
                     id="a key"),
        pytest.param((*CONTAINERS, WEB, "f:image"), "spec.template.spec.containers[name=web].image",
                     "/spec/template/spec/containers/1/image", id="a field of an item"),
        pytest.param((*CONTAINERS, WEB, "f:ports", PORT),
                     "spec.template.spec.containers[name=web].ports[containerPort=8080,protocol=TCP]",
                     "/spec/template/spec/containers/1/ports/0", id="an item with two keys"),
        pytest.param(("f:metadata", "f:finalizers", 'v:"x.y/z"'), "metadata.finalizers[=x.y/z]",
                     "/metadata/finalizers/0", id="an item of a set"),
        pytest.param((*CONTAINERS, WEB, "f:args", "i:0"), "spec.template.spec.containers[name=web].args[0]",
                     "/spec/template/spec/containers/1/args/0", id="an item by index"),
        pytest.param(("f:spec", "f:paused"), "spec.paused", None, id="a field that is not there"),
        pytest.param((*CONTAINERS, 'k:{"name":"gone"}'), "spec.template.spec.containers[name=gone]", None,
                     id="an item that is not there"),
        pytest.param(("f:metadata", "f:name", "i:0"), "metadata.name[0]", None, id="a text is no list"),
    ],
)  # fmt: skip
def test_a_path_is(path: FieldPath, shown: str, place: str | None) -> None:
    assert text(path) == shown
    assert pointer(path, LIVE) == place


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(("f:spec", "f:replicas"), True, id="a leaf"),
        pytest.param(("f:spec", "f:paused"), False, id="another leaf"),
        pytest.param(("f:spec", "f:selector", "f:matchLabels"), True, id="inside of an atomic one"),
        pytest.param(("f:spec", "f:template"), True, id="a node above leaves"),
    ],
)
def test_a_tree_owns(path: FieldPath, expected: bool) -> None:
    assert owns(HELM["fieldsV1"], path) is expected


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        pytest.param(("spec", "replicas"), True, id="a field"),
        pytest.param(("spec", "template", "spec", "containers", 1, "image"), True, id="a field of the right item"),
        pytest.param(("spec", "template", "spec", "containers", 0, "name"), False, id="not that of another item"),
        pytest.param(
            ("spec", "template", "spec", "containers", 1, "ports", 0), False, id="not a list it does not hold"
        ),
        pytest.param(("spec", "template", "spec", "containers", 9), False, id="not an item beyond the end"),
        pytest.param(("spec", "paused"), False, id="not what is not there"),
    ],
)
def test_a_tree_claims_the_place(tokens: tuple[str | int, ...], expected: bool) -> None:
    assert bool(claim(HELM["fieldsV1"], LIVE, tokens)) is expected


def test_an_atomic_node_claims_every_place_below_but_less_firmly() -> None:
    place = ("spec", "template", "spec", "containers", 0)
    assert claim({"f:spec": {"f:template": {}}}, LIVE, place) == 2
    assert claim(_container("side", {".": {}}), LIVE, place) == 5


class TestAdded:
    @pytest.mark.parametrize(
        ("fields", "paths"),
        [
            pytest.param({"f:metadata": {"f:labels": {".": {}, "f:a/b": {}, "f:mine": {}}}}, ["metadata.labels.mine"],
                         id="a label beside one that Helm owns too"),
            pytest.param({"f:spec": {"f:template": {"f:metadata": {"f:annotations": {
                ".": {}, "f:kubectl.kubernetes.io/restartedAt": {}}}}}},
                ['spec.template.metadata.annotations["kubectl.kubernetes.io/restartedAt"]'],
                id="the first annotation is told by its key"),
            pytest.param(_container("web", {"f:env": {".": {}, **ENV_X}}),
                         ["spec.template.spec.containers[name=web].env"], id="the first env variables are told as one"),
            pytest.param(_container("web", {"f:env": ENV_X}),
                         ["spec.template.spec.containers[name=web].env[name=X]"], id="a further env variable"),
            pytest.param(_container("side", {".": {}, "f:image": {}, "f:name": {}, "f:terminationMessagePath": {}}),
                         ["spec.template.spec.containers[name=side]"], id="a container, without its defaults"),
            pytest.param(_container("web", {"f:image": {}}), [], id="the same value as Helm's"),
            pytest.param({"f:spec": {"f:selector": {"f:matchLabels": {}}}}, ["spec.selector.matchLabels"],
                         id="inside of what Helm owns by itself, but not as a whole: else nobody could own inside"),
            pytest.param({"f:data": {"f:token": {}, "f:more": {}}}, ["data.more"],
                         id="into a Secret beside what Helm writes as stringData"),
            pytest.param({"f:metadata": {"f:finalizers": {".": {}, 'v:"x.y/z"': {}}}}, [], id="finalizers"),
            pytest.param({"f:metadata": {"f:ownerReferences": {".": {}, 'k:{"uid":"u"}': {}}}}, [], id="owners"),
            pytest.param({"f:status": {"f:replicas": {}}}, [], id="status outside of its subresource"),
            pytest.param({"f:metadata": {"f:annotations": {
                "f:kubectl.kubernetes.io/last-applied-configuration": {}, "f:deployment.kubernetes.io/revision": {}}}},
                [], id="what kubectl and controllers note down"),
        ],
    )  # fmt: skip
    def test_by_somebody(self, fields: dict[str, Any], paths: list[str]) -> None:
        live = _live(HELM, _entry("somebody", fields))
        assert added_fields(live) == tuple(Added(path, "somebody", "T") for path in paths)
        assert added_fields(meta_of(live)) == added_fields(live)

    @pytest.mark.parametrize(
        "entry",
        [
            pytest.param(_entry("kube-controller-manager", {"f:spec": {"f:volumeName": {}}}), id="a controller"),
            pytest.param(_entry("before-first-apply", {"f:spec": {"f:strategy": {}}}), id="nobody knows who"),
            pytest.param(
                _entry("operator", {"f:metadata": {"f:labels": {"f:x": {}}}}, subresource="status"), id="status"
            ),
            pytest.param(_entry("keda", {"f:spec": {"f:replicas": {}}}, subresource="scale"), id="scale"),
            pytest.param(_entry("helm", {"f:spec": {"f:paused": {}}}), id="Helm 3, before Helm 4"),
        ],
    )
    def test_not_by(self, entry: dict[str, Any]) -> None:
        assert added_fields(_live(HELM, entry)) == ()

    def test_sorted_and_each_with_its_manager(self) -> None:
        label: dict[str, Any] = {"f:metadata": {"f:labels": {"f:mine": {}}}}
        both = _live(HELM, _entry("b", {**label, "f:spec": {"f:paused": {}}}), _entry("a", label))
        assert [(one.path, one.manager) for one in added_fields(both)] == [
            ("metadata.labels.mine", "a"),
            ("metadata.labels.mine", "b"),
            ("spec.paused", "b"),
        ]
