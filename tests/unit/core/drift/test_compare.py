"""What differs, where, and who did it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from helmops.core.drift.compare import (
    Difference,
    DriftReport,
    changed_report,
    comparable,
    differences,
    missing_report,
    same,
)
from helmops.core.objects import ObjectId
from helmops.core.redact import MASK
from tests.unit.core.drift.documents import DOCUMENTS

ID = ObjectId("apps/v1", "Deployment", "apps", "web")
WEB = 'k:{"name":"web"}'


def _container(name: str = "web", **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": f"{name}:1", **fields}


def _object(*containers: dict[str, Any], managed: Any = (), kind: str = "Deployment", **more: Any) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": "apps", "labels": {"a/b": "c"}, "managedFields": list(managed)}
    spec = {"replicas": 2, "template": {"spec": {"containers": list(containers) or [_container()]}}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec, **more}


def _entry(manager: str, fields: dict[str, Any], time: str = "T1", operation: str = "Update") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "time": time, "fieldsV1": fields}


def _containers(fields: dict[str, Any]) -> dict[str, Any]:
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": fields}}}}


def _texts(live: dict[str, Any], wanted: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    return [(one.path, one.live, one.wanted) for one in differences(live, wanted, kind="Deployment")]


IN = "spec.template.spec.containers"


@pytest.mark.parametrize(
    ("live", "wanted", "expected"),
    [
        pytest.param([_container()], [_container()], [], id="nothing"),
        pytest.param([_container(image="evil")], [_container()],
                     [(f"{IN}[name=web].image", "evil", "web:1")], id="a field"),
        pytest.param([_container(tty=True)], [_container(tty=1)],
                     [(f"{IN}[name=web].tty", True, 1)], id="true is not 1"),
        pytest.param([_container(), _container("side")], [_container("side"), _container()],
                     [(IN, ["web", "side"], ["side", "web"])], id="items moved"),
        pytest.param([_container("new"), _container("side"), _container()], [_container(), _container("side")],
                     [(f"{IN}[name=new]", _container("new"), None), (IN, ["new", "side", "web"], ["web", "side"])],
                     id="an item too many, and items moved"),
        pytest.param([], [_container()], [(f"{IN}[name=web]", None, _container())], id="an item removed"),
        pytest.param([_container(args=["a"])], [_container(args=["a", "b"])],
                     [(f"{IN}[name=web].args[1]", None, "b")], id="a list without names goes by index"),
        pytest.param([_container(p=[{"name": "x"}, {"name": "x", "v": 1}])],
                     [_container(p=[{"name": "x"}, {"name": "x"}])],
                     [(f"{IN}[name=web].p[1].v", 1, None)], id="so does one where a name stands twice"),
        pytest.param([_container(env={"a": 1})], [_container(env=["a"])],
                     [(f"{IN}[name=web].env", {"a": 1}, ["a"])], id="another type"),
    ],
)  # fmt: skip
def test_differences(live: list[Any], wanted: list[Any], expected: list[tuple[str, Any, Any]]) -> None:
    empty = _object()
    empty["spec"]["template"]["spec"]["containers"] = live
    assert _texts(empty, _object(*wanted)) == expected


def test_variables_that_sound_like_secrets_are_masked() -> None:
    token, mode = {"name": "API_TOKEN", "value": "correct-horse"}, {"name": "MODE", "value": "fast"}
    live = _object(_container(env=[{**token, "value": "by-hand"}, mode]))
    wanted = _object(_container(env=[token, mode]))
    assert _texts(live, wanted) == [(f"{IN}[name=web].env[name=API_TOKEN].value", MASK, MASK)]
    assert _texts(_object(_container(env=[mode])), wanted)[0][2] == {"name": "API_TOKEN", "value": MASK}
    assert _texts(_object(_container()), wanted)[0][2] == [{"name": "API_TOKEN", "value": MASK}, mode]


def test_metadata_of_the_server_and_status_are_no_difference() -> None:
    live = _object(status={"replicas": 1}, managed=[_entry("helm", {})])
    live["metadata"] |= {"uid": "u", "resourceVersion": "1", "generation": 4, "creationTimestamp": "T", "selfLink": "s"}
    assert differences(live, _object(), kind="Deployment") == ()


def test_labels_annotations_and_finalizers_are() -> None:
    live, wanted = _object(), _object()
    live["metadata"] |= {"labels": {}, "annotations": {"x": "y"}}
    wanted["metadata"] |= {"annotations": {"x": "z"}, "finalizers": ["f"]}
    assert _texts(live, wanted) == [
        ("metadata.annotations.x", "y", "z"),
        ("metadata.finalizers", None, ["f"]),
        ('metadata.labels["a/b"]', None, "c"),
    ]


IMAGE = _containers({WEB: {"f:image": {}}})
HELM = _entry("helm", IMAGE, "T9", "Apply")


@pytest.mark.parametrize(
    ("managed", "who"),
    [
        pytest.param([_entry("kubectl-set", IMAGE)], ("kubectl-set", "T1"), id="who owns the field"),
        pytest.param([_entry("a", IMAGE), _entry("b", IMAGE, "T2")], ("b", "T2"), id="the last of two"),
        pytest.param([HELM, _entry("b", IMAGE)], ("b", "T1"), id="another before Helm itself"),
        pytest.param([HELM], ("helm", "T9"), id="Helm's own manager used by somebody"),
        pytest.param([_entry("b", _containers({}))], ("b", "T1"), id="who owns the list as a whole"),
        pytest.param(
            [_entry("b", _containers({'k:{"name":"side"}': {"f:image": {}}}))], ("", ""), id="not of another item"
        ),
        pytest.param([], ("", ""), id="nobody is recorded"),
    ],
)
def test_who_did_it(managed: list[Any], who: tuple[str, str]) -> None:
    (found,) = differences(_object(_container(image="evil"), managed=managed), _object(), kind="Deployment")
    assert (found.manager, found.time) == who


def test_who_owns_inside_of_a_map_comes_before_who_only_made_it() -> None:
    managed = [_entry("maker", _containers({}), "T9"), _entry("setter", IMAGE, "T1")]
    (found,) = differences(_object(_container(image="evil"), managed=managed), _object(), kind="Deployment")
    assert found.manager == "setter"


class TestOnlyWhatHelmHasASayIn:
    """Between reading the live object and the dry-run others go on writing."""

    HELMS = _entry("helm", {"f:spec": {"f:replicas": {}}}, "T0", "Apply")
    NAMES = _entry("helm", _containers({WEB: {".": {}, "f:image": {}}, 'k:{"name":"two"}': {".": {}}}), "T0", "Apply")

    def test_what_helm_claims_is_a_difference(self) -> None:
        live, wanted = _object(managed=[]), _object(managed=[self.HELMS])
        live["spec"]["replicas"] = 4
        assert [one.path for one in differences(live, wanted, kind="Deployment")] == ["spec.replicas"]

    def test_what_helm_gives_up_is_one(self) -> None:
        live, wanted = _object(managed=[self.HELMS]), _object(managed=[self.NAMES])
        del wanted["spec"]["replicas"]
        assert [one.path for one in differences(live, wanted, kind="Deployment")] == ["spec.replicas"]

    def test_what_others_have_written_meanwhile_is_none(self) -> None:
        live, wanted = _object(managed=[self.HELMS]), _object(_container(image="new"), managed=[self.HELMS])
        wanted["metadata"]["labels"] = {"a/b": "c", "mine": "x"}
        assert differences(live, wanted, kind="Deployment") == ()

    def test_nor_what_a_controller_notes_down(self) -> None:
        live, wanted = _object(), _object()
        for obj, text in ((live, "4"), (wanted, "6")):
            obj["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": text}
        assert differences(live, wanted, kind="Deployment") == ()

    def test_named_items_are_found_where_they_stand_in_each(self) -> None:
        live = _object(_container("one"), _container("two"), managed=[])
        wanted = _object(_container("zero"), _container("one"), _container("two"), _container(), managed=[self.NAMES])
        found = [one.path for one in differences(live, wanted, kind="Deployment")]
        assert found == ["spec.template.spec.containers[name=web]"]

    def test_a_secret_that_helm_writes_as_string_data_is_compared_as_data(self) -> None:
        helm = _entry("helm", {"f:stringData": {"f:token": {}}}, "T0", "Apply")
        live = _object(kind="Secret", data={"token": "ZXZpbA==", "more": "eA=="})
        wanted = _object(kind="Secret", data={"token": "Z29vZA=="}, managed=[helm])
        assert [one.path for one in differences(live, wanted, kind="Secret")] == ["data.token"]


def test_nobody_owns_what_was_removed() -> None:
    live = _object(managed=[_entry("kubectl", {"f:metadata": {"f:labels": {}}})])
    live["metadata"]["labels"] = {}
    (found,) = differences(live, _object(), kind="Deployment")
    assert (found.path, found.manager) == ('metadata.labels["a/b"]', "")


class TestSecrets:
    LIVE = _object(kind="Secret", data={"token": "czNjcmV0"})
    WANTED = _object(kind="Secret", data={"token": "YmV0dGVy", "new": "bmV3"})

    def test_values_never_leave(self) -> None:
        assert differences(self.LIVE, self.WANTED, kind="Secret") == (
            Difference("data.new", None, MASK),
            Difference("data.token", MASK, MASK),
        )

    def test_nor_do_they_where_all_of_data_is_new(self) -> None:
        (found,) = differences(_object(kind="Secret"), self.WANTED, kind="Secret")
        assert (found.path, found.live, found.wanted) == ("data", None, {"token": MASK, "new": MASK})

    def test_nor_where_the_data_is_no_mapping(self) -> None:
        (found,) = differences(_object(kind="Secret", data="s3cret"), self.WANTED, kind="Secret")
        assert (found.live, found.wanted) == (MASK, {"token": MASK, "new": MASK})

    def test_nor_by_what_kubectl_applied_last(self) -> None:
        live = _object()
        live["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "s3cret"}
        assert "s3cret" not in str(differences(live, _object(), kind="Deployment"))

    def test_labels_of_a_secret_are_shown(self) -> None:
        live, wanted = _object(kind="Secret"), _object(kind="Secret")
        live["metadata"]["labels"] = {"a/b": "x"}
        (found,) = differences(live, wanted, kind="Secret")
        assert (found.live, found.wanted) == ("x", "c")


class TestReports:
    def test_missing(self) -> None:
        assert missing_report(ID) == DriftReport(ID, "missing")

    def test_none_when_all_is_as_it_should_be(self) -> None:
        assert changed_report(ID, _object(), _object()) is None

    def test_changed(self) -> None:
        report = changed_report(ID, _object(_container(image="evil")), _object())
        assert report == DriftReport(ID, "changed", (Difference(f"{IN}[name=web].image", "evil", "web:1"),))


@given(DOCUMENTS, DOCUMENTS)
def test_no_difference_means_the_same_and_only_that(one: dict[str, Any], other: dict[str, Any]) -> None:
    live, wanted = {**_object(), "spec": one}, {**_object(), "spec": other}
    assert (differences(live, wanted, kind="Deployment") == ()) == same(comparable(live), comparable(wanted))
