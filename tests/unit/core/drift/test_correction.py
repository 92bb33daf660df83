"""What is sent to put an object right."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given

from helmops.core.drift.compare import same
from helmops.core.drift.correction import Operation, applied, json_patch, patch, removals
from helmops.core.pointer import split
from tests.unit.core.drift.documents import VALUES


def _perform(document: Any, operations: Sequence[Operation]) -> Any:
    """RFC 6902, as plainly as can be."""
    root = {"": copy.deepcopy(document)}
    for operation in operations:
        *above, last = ("", *split(operation["path"]))
        node: Any = root
        for token in above:
            node = node[int(token)] if isinstance(node, list) else node[token]
        key: Any = int(last) if isinstance(node, list) else last
        if operation["op"] == "remove":
            del node[key]
        elif operation["op"] == "test":
            assert node[key] == operation["value"]
        else:
            assert operation["op"] == "add" or key in node or isinstance(node, list)
            node[key] = operation["value"]
    return root[""]


def _live(generation: int | None = 3, **more: Any) -> dict[str, Any]:
    versions = {"uid": "u", "resourceVersion": "100", **({"generation": generation} if generation else {})}
    metadata = {"name": "web", "namespace": "apps", "labels": {"a/b": "c"}, **versions}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"replicas": 2}, **more}


def _entry(manager: str, operation: str, fields: Any = None, subresource: str = "") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "subresource": subresource, "fieldsV1": fields or {}}


def _managed(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    live = _live(**more)
    return {**live, "metadata": {**live["metadata"], "managedFields": list(entries)}}


def test_what_stays_with_its_owner_is_not_applied() -> None:
    assert applied(_live(), ["/spec/replicas"])["spec"] == {}
    assert applied(_live()) == _live()


class TestJsonPatch:
    def test_nothing_to_do_is_no_operation(self) -> None:
        assert json_patch(_live(), _live(status={"replicas": 1})) == ()

    def test_holds_only_for_the_object_and_generation_that_were_read(self) -> None:
        wanted = _live(spec={"replicas": 5})
        assert json_patch(_live(), wanted) == (
            {"op": "test", "path": "/metadata/uid", "value": "u"},
            {"op": "test", "path": "/metadata/generation", "value": 3},
            {"op": "replace", "path": "/spec/replicas", "value": 5},
        )

    def test_without_generation_for_the_resource_version(self) -> None:
        operations = json_patch(_live(None), _live(None, spec={"replicas": 5}))
        assert operations[1] == {"op": "test", "path": "/metadata/resourceVersion", "value": "100"}

    def test_leaves_status_and_the_metadata_of_the_server_alone(self) -> None:
        live = _managed(_entry("helm", "Update"), status={"replicas": 1})
        paths = [one["path"] for one in json_patch(live, _live(7, spec={}))]
        assert paths == ["/metadata/uid", "/metadata/generation", "/spec/replicas"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param({"a": 1}, {"a": 2}, [("replace", "/a", 2)], id="a value"),
        pytest.param({}, {"a/b": {"c~d": 1}}, [("add", "/a~1b", {"c~d": 1})], id="a new key, escaped"),
        pytest.param({"a": 1}, {}, [("remove", "/a", None)], id="a key gone"),
        pytest.param({"a": None}, {}, [("remove", "/a", None)], id="a null gone"),
        pytest.param({"a": [{"name": "x", "v": 1}]}, {"a": [{"name": "x", "v": 2}]}, [("replace", "/a/0/v", 2)],
                     id="inside of the same item"),
        pytest.param({"a": [{"name": "x"}, {"name": "y"}]}, {"a": [{"name": "y"}, {"name": "x"}]},
                     [("replace", "/a", [{"name": "y"}, {"name": "x"}])], id="items moved: the list"),
        pytest.param({"a": [1]}, {"a": [1, 2]}, [("replace", "/a", [1, 2])], id="another length: the list"),
        pytest.param({"a": [1, 2]}, {"a": [1, 3]}, [("replace", "/a/1", 3)], id="the same length: the item"),
        pytest.param({"a": 1}, {"a": True}, [("replace", "/a", True)], id="true is not 1"),
        pytest.param({"a": {}}, {"a": []}, [("replace", "/a", [])], id="another type"),
    ],
)  # fmt: skip
def test_patch(old: Any, new: Any, expected: list[tuple[str, str, Any]]) -> None:
    assert [(one["op"], one["path"], one.get("value")) for one in patch(old, new)] == expected


@given(VALUES, VALUES)
def test_a_patch_leads_from_one_document_to_the_other(old: Any, new: Any) -> None:
    assert same(_perform(old, patch(old, new)), new)


class TestRemovals:
    HELM = _entry("helm", "Apply", {"f:spec": {"f:items": {'k:{"name":"mine"}': {".": {}}}}})
    ITEMS = tuple({"name": name} for name in ("a", "mine", *(f"x{index}" for index in range(10))))

    def test_take_away_what_others_added_from_the_end_of_a_list(self) -> None:
        theirs: dict[str, Any] = {
            f'k:{{"name":"{item["name"]}"}}': {".": {}} for item in self.ITEMS if item["name"] != "mine"
        }
        label = {"f:metadata": {"f:labels": {"f:a/b": {}}}, "f:spec": {"f:items": theirs}}
        answer = _managed(self.HELM, _entry("kubectl", "Update", label), spec={"items": list(self.ITEMS)})
        operations = removals(answer)
        assert [one["op"] for one in operations[:2]] == ["test", "test"]
        after = _perform(answer, operations)
        assert after["spec"] == {"items": [{"name": "mine"}]}
        assert after["metadata"]["labels"] == {}

    def test_nothing_added_is_no_operation(self) -> None:
        assert removals(_managed(self.HELM)) == ()

    def test_nor_is_what_has_gone_again(self) -> None:
        assert removals(_managed(self.HELM, _entry("kubectl", "Update", {"f:spec": {"f:gone": {}}}))) == ()
