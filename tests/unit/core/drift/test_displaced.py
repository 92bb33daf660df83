"""Items of lists that others put in the place of Helm's: which they are, what is wanted, how they become Helm's."""

from __future__ import annotations

import copy
from typing import Any

from helmops.core.drift.displaced import displaced, mended, seizure

HTTP = 'k:{"port":80,"protocol":"TCP"}'
OTHER = 'k:{"port":81,"protocol":"TCP"}'
PORTS = ("f:spec", "f:ports")
MANIFEST = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "apps"},
    "spec": {"ports": [{"name": "http", "port": 80}]},
}


def entry(manager: str, operation: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": fields}


def service(*ports: dict[str, Any], helm: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    entries = [entry("helm", "Apply", helm), entry("kubectl-edit", "Update", other)]
    metadata = {"name": "web", "namespace": "apps", "uid": "u", "resourceVersion": "7", "managedFields": entries}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": list(ports), "type": "x"}}


def renumbered() -> dict[str, Any]:
    """What the server makes of a patch of port 80 to 81: Helm's item is gone, the new one is the other's."""
    return service(
        {"name": "http", "port": 81, "protocol": "TCP"},
        helm={"f:spec": {"f:ports": {}, "f:type": {}}},
        other={"f:spec": {"f:ports": {OTHER: {".": {}, "f:name": {}, "f:port": {}}}}},
    )


def test_a_renumbered_port_is_displaced() -> None:
    live = renumbered()
    live["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:ports"] = {".": {}}
    assert displaced(live, MANIFEST) == ((*PORTS, OTHER),)
    wanted = mended(live, MANIFEST, displaced(live, MANIFEST))
    assert wanted["spec"] == {"ports": [{"name": "http", "port": 80}], "type": "x"}


def test_a_port_beside_helms_own_is_not() -> None:
    """It was added: that is told and left."""
    live = service(
        {"name": "http", "port": 80, "protocol": "TCP"},
        {"name": "more", "port": 81, "protocol": "TCP"},
        helm={"f:spec": {"f:ports": {HTTP: {".": {}, "f:port": {}}}}},
        other={"f:spec": {"f:ports": {OTHER: {".": {}, "f:name": {}, "f:port": {}}}}},
    )
    assert displaced(live, MANIFEST) == ()
    assert mended(live, MANIFEST, ())["spec"]["ports"][1]["port"] == 81


def test_neither_are_fields_that_are_no_items() -> None:
    live = renumbered()
    live["metadata"]["managedFields"][1]["fieldsV1"] = {"f:metadata": {"f:labels": {"f:team": {}}}}
    assert displaced(live, MANIFEST) == ()


def test_seized_items_are_helms_and_nobody_elses() -> None:
    live = renumbered()
    live["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:ports"] = {".": {}}
    live["metadata"]["managedFields"][1]["fieldsV1"]["f:metadata"] = {"f:labels": {"f:team": {}}}
    before = copy.deepcopy(live)
    *tests, change = seizure(live, ((*PORTS, OTHER),))
    assert [(test["op"], test["path"], test["value"]) for test in tests] == [
        ("test", "/metadata/uid", "u"),
        ("test", "/metadata/resourceVersion", "7"),
    ]
    helm, other = change["value"]
    item: dict[str, Any] = {OTHER: {".": {}, "f:name": {}, "f:port": {}}}
    assert helm["fieldsV1"] == {"f:spec": {"f:ports": {".": {}, **item}, "f:type": {}}}
    # what is left empty above it goes: alone it would mean all that is below
    assert other["fieldsV1"] == {"f:metadata": {"f:labels": {"f:team": {}}}}
    assert live == before


def test_an_entry_that_has_nothing_left_goes() -> None:
    *_, change = seizure(renumbered(), ((*PORTS, OTHER),))
    assert [one["manager"] for one in change["value"]] == ["helm"]
