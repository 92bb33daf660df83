"""What a plan would do to one object."""

from __future__ import annotations

from typing import Any

import pytest

from helmops.core.drift.changes import change_of, deletion_of
from helmops.core.objects import ObjectId

ID = ObjectId("v1", "ConfigMap", "apps", "web")
SECRET = ObjectId("v1", "Secret", "apps", "web")


def _object(kind: str = "ConfigMap", managed: Any = (), **data: str) -> dict[str, Any]:
    metadata = {"name": "web", "resourceVersion": "7", "managedFields": list(managed)}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": data}


def _plain(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": data}


@pytest.mark.parametrize(
    ("live", "wanted", "action", "old", "new"),
    [
        pytest.param(None, _object(a="1"), "create", None, _plain(a="1"), id="not there yet"),
        pytest.param(_object(a="1"), _object(a="2"), "change", _plain(a="1"), _plain(a="2"), id="another value"),
        pytest.param(_object(a="1"), _object(a="1"), "none", None, None, id="nothing to do"),
    ],
)
def test_change_of(live: Any, wanted: Any, action: str, old: Any, new: Any) -> None:
    change = change_of(ID, live, wanted)
    assert (change.id, change.action, change.old, change.new) == (ID, action, old, new)


def test_deletion_of() -> None:
    change = deletion_of(ID, _object(a="1"))
    assert (change.action, change.old, change.new, change.differences) == ("delete", _plain(a="1"), None, ())


def test_what_is_taken_back_from_others_is_told() -> None:
    def entry(manager: str, key: str) -> dict[str, Any]:
        return {"manager": manager, "operation": "Update", "fieldsV1": {"f:data": {f"f:{key}": {}}}}

    live = _object(managed=[entry("kubectl", "a"), entry("helm", "b")], a="theirs", b="ours", c="nobody's")
    change = change_of(ID, live, _object(a="1", b="2", c="3"))
    assert [one.path for one in change.differences] == ["data.a", "data.b", "data.c"]
    assert [(one.path, one.manager) for one in change.taken] == [("data.a", "kubectl")]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change_of(SECRET, None, _object("Secret", a="s3cret")), id="created"),
        pytest.param(change_of(SECRET, _object("Secret", a="s3cret"), _object("Secret", a="s3cret2")), id="changed"),
        pytest.param(deletion_of(SECRET, _object("Secret", a="s3cret")), id="deleted"),
    ],
)
def test_secrets_are_masked(change: Any) -> None:
    assert "s3cret" not in repr(change)
