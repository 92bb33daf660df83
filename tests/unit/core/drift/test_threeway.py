"""What Helm 3's upgrade makes of an object. That Helm 3 does the same: tests/e2e/test_drift_facts.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given

from helmops.core.drift.compare import same
from helmops.core.drift.threeway import three_way
from tests.unit.core.drift.documents import DOCUMENTS

PORTS: dict[str, Any] = {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}, "f:protocol": {}}}
CONTAINERS = {'k:{"name":"web"}': {"f:ports": PORTS}}
TREE = {"f:spec": {"f:containers": CONTAINERS, "f:volumes": {'k:{"name":"v"}': {}}}}


def _object(spec: Mapping[str, Any], api: str = "v1", managed: bool = False) -> dict[str, Any]:
    entries = [{"manager": "helm", "operation": "Update", "fieldsV1": TREE}]
    metadata = {"name": "web", **({"managedFields": entries} if managed else {})}
    return {"apiVersion": api, "kind": "Pod", "metadata": metadata, "spec": dict(spec)}


def _merged(live: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any], api: str = "v1") -> Any:
    keyed = not any(isinstance(item, str) for item in live.get("volumes", ()))
    return three_way(_object(live, api, managed=keyed), _object(old, api), _object(new, api))["spec"]


@pytest.mark.parametrize(
    ("live", "old", "new", "merged"),
    [
        pytest.param({"a": 1}, {"a": 1}, {"a": 2}, {"a": 2}, id="a value changes"),
        pytest.param({"a": 1, "b": 1}, {"a": 1, "b": 1}, {"a": 1}, {"a": 1}, id="a key that is dropped goes"),
        pytest.param({"a": 1, "b": 1}, {"a": 1}, {"a": 1}, {"a": 1, "b": 1}, id="a key of others stays"),
        pytest.param({"a": 5}, {"a": 1}, {"a": 1}, {"a": 1}, id="what others changed is changed back"),
        pytest.param({"a": 5}, {"a": 1}, {}, {}, id="what others changed goes if it is dropped"),
        pytest.param({}, {"a": {"b": 1}}, {"a": {"b": 1}}, {"a": {"b": 1}}, id="what others removed comes back"),
        pytest.param({"m": {"a": 1, "x": 1}}, {"m": {"a": 1}}, {"m": {"b": 1}}, {"m": {"x": 1, "b": 1}}, id="in a map"),
        pytest.param({"m": {"a": 1}}, {"m": "text"}, {"m": {"b": 1}}, {"m": {"a": 1, "b": 1}}, id="was no map before"),
        pytest.param({"l": [1, 2, 3]}, {"l": [1, 2]}, {"l": [2]}, {"l": [2]}, id="a list without keys is replaced"),
    ],
)  # fmt: skip
def test_maps(live: Any, old: Any, new: Any, merged: Any) -> None:
    assert _merged(live, old, new) == merged


def _ports(*ports: Any) -> dict[str, Any]:
    return {"containers": [{"name": "web", "ports": [dict(port) for port in ports]}]}


ROLLING = {"type": "RollingUpdate"}
TCP, UDP, BARE = (
    {"containerPort": 80, "protocol": "TCP"},
    {"containerPort": 80, "protocol": "UDP"},
    {"containerPort": 80},
)


@pytest.mark.parametrize(
    ("live", "old", "new", "merged"),
    [
        pytest.param(_ports(TCP), _ports(BARE), _ports({**BARE, "name": "x"}), _ports({**TCP, "name": "x"}),
                     id="an item is found by the key that the server filled in"),
        pytest.param(_ports(TCP), _ports(BARE), _ports({"containerPort": 81}), _ports({"containerPort": 81}),
                     id="an item that is dropped goes, a new one comes"),
        pytest.param(_ports(TCP, UDP), _ports(BARE), _ports(BARE), _ports(TCP, UDP), id="an item of others stays"),
        pytest.param(_ports(UDP, TCP), _ports(BARE), _ports(BARE), _ports(UDP, TCP), id="in front, if it was there"),
        pytest.param(_ports(UDP, TCP), _ports(BARE), _ports({"containerPort": 81}), _ports({"containerPort": 81}, UDP),
                     id="behind what is new"),
        pytest.param({"containers": [{"name": "web"}, {"name": "side"}]},
                     {"containers": [{"name": "web"}, {"name": "side"}]}, {"containers": [{"name": "web"}]},
                     {"containers": [{"name": "web"}]}, id="a container that is dropped goes"),
        pytest.param({"containers": [{"name": "web", "x": 1}]}, {}, {"containers": [{"name": "web"}]},
                     {"containers": [{"name": "web", "x": 1}]}, id="a list that the old manifest did not have"),
    ],
)  # fmt: skip
def test_lists_with_keys(live: Any, old: Any, new: Any, merged: Any) -> None:
    assert _merged(live, old, new) == merged


def test_of_kinds_that_helm_3_does_not_know_lists_are_replaced() -> None:
    assert _merged(_ports(TCP, UDP), _ports(BARE), _ports(BARE), "example.org/v1") == _ports(BARE)


@pytest.mark.parametrize(
    ("live", "old", "new", "merged"),
    [
        pytest.param({"strategy": {**ROLLING, "rollingUpdate": {}}}, {"strategy": ROLLING},
                     {"strategy": {"type": "Recreate"}}, {"strategy": {"type": "Recreate"}},
                     id="another strategy takes nothing of the old one along"),
        pytest.param({"strategy": {**ROLLING, "rollingUpdate": {}}}, {"strategy": ROLLING},
                     {"strategy": ROLLING}, {"strategy": {**ROLLING, "rollingUpdate": {}}},
                     id="the same strategy keeps the server's defaults"),
        pytest.param({"volumes": [{"name": "v", "emptyDir": {}}, {"name": "x", "emptyDir": {}}]},
                     {"volumes": [{"name": "v", "emptyDir": {}}]}, {"volumes": [{"name": "v", "secret": {"s": 1}}]},
                     {"volumes": [{"name": "v", "secret": {"s": 1}}, {"name": "x", "emptyDir": {}}]},
                     id="another type of volume takes nothing along, a volume of others stays"),
        pytest.param({"strategy": "a"}, {"strategy": "a"}, {"strategy": "b"}, {"strategy": "b"},
                     id="a text of that name is just a text"),
        pytest.param({"volumes": ["a"]}, {"volumes": ["a"]}, {"volumes": ["b"]}, {"volumes": ["b"]},
                     id="so is a list of texts"),
    ],
)  # fmt: skip
def test_unions(live: Any, old: Any, new: Any, merged: Any) -> None:
    assert _merged(live, old, new) == merged


@given(DOCUMENTS, DOCUMENTS)
def test_where_nobody_has_changed_anything_the_new_manifest_is_the_result(old: Any, new: Any) -> None:
    assert same(three_way(_object(old), _object(old), _object(new)), _object(new))
