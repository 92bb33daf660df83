"""Refusals of API servers, as they were seen on Kubernetes 1.36, become our errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helmops.adapters.kube.failures import Answer, Expired, Unpatched, Unserved
from helmops.errors import Conflict, FieldConflicts, Forbidden, HelmopsError, NotFound, Rejected, Transient, Unreachable
from tests.unit.adapters.kube.scripted import status

CONFIG_MAP = "/api/v1/namespaces/apps/configmaps/settings"
SECRET = "/api/v1/namespaces/apps/secrets/credentials"


def error(answer: tuple[int, Any], path: str = CONFIG_MAP, retry_after: str = "") -> HelmopsError:
    code, document = answer
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Answer(code, raw, path, retry_after).error("ConfigMap/settings")


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (status(401, "Unauthorized", "Unauthorized"), Forbidden, "credentials"),
        (
            status(403, 'pods is forbidden: User "bob" cannot list resource "pods" in API group ""', "Forbidden"),
            Forbidden,
            "cannot list",
        ),
        (
            status(403, 'roles "x" is forbidden: user "bob" is attempting to grant RBAC permissions', "Forbidden"),
            Forbidden,
            "attempting to grant",
        ),
        (status(403, 'pods "x" is forbidden: exceeded quota: small', "Forbidden", name="x"), Rejected, "quota"),
        (status(403, 'admission webhook "w" denied the request: no', "Forbidden"), Rejected, "denied"),
        (
            status(403, 'admission webhook "w" denied the request: you cannot list resource x', "Forbidden"),
            Rejected,
            "denied",
        ),
        (status(404, 'configmaps "x" not found', "NotFound", name="x", kind="configmaps"), NotFound, "not found"),
        (status(404, "the server could not find the requested resource", "NotFound"), Unserved, "404"),
        ((404, b"404 page not found\n"), Unserved, "404"),
        (status(409, "the object has been modified", "Conflict", name="x"), Conflict, "modified"),
        (status(409, 'leases "x" already exists', "AlreadyExists", name="x"), Conflict, "exists"),
        (status(410, "too old resource version", "Expired"), Expired, "old"),
        (status(422, "the server rejected our request due to an error in our request", "Invalid"), Unpatched, "patch"),
        (status(400, "bad", "BadRequest"), Rejected, "bad"),
        (status(429, "slow down", "TooManyRequests"), Transient, "slow"),
        (status(500, "etcdserver: leader changed", "InternalError"), Transient, "leader"),
        (status(500, "failed to create typed patch object (a/b; /v1): .dta: field not declared"), Rejected, ".dta"),
        (status(503, "apiserver not ready", "ServiceUnavailable"), Transient, "ready"),
        ((502, b"<html>bad gateway</html>"), Unreachable, "502"),
        ((403, b"<html>no</html>"), Forbidden, "403"),
    ],
)
def test_each_by_what_can_be_done(answer: tuple[int, Any], kind: type[HelmopsError], words: str) -> None:
    found = error(answer)
    assert type(found) is kind
    assert words in found.message
    assert found.where == "ConfigMap/settings"


def test_a_terminating_namespace_has_a_hint() -> None:
    causes = [{"reason": "NamespaceTerminating", "message": "namespace apps is being terminated"}]
    found = error(status(403, "unable to create new content: it is being terminated", "Forbidden", causes=causes))
    assert type(found) is Rejected
    assert "gone" in found.hint


def test_conflicts_name_manager_and_field() -> None:
    causes = [
        {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl-edit" using v1', "field": ".data.a"},
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl" with subresource "scale" using apps/v1 at 2026-01-01T00:00:00Z',
            "field": ".spec.replicas",
        },
        {"reason": "FieldManagerConflict", "message": "unheard of", "field": ".x"},
        {"reason": "Else", "message": "?", "field": ".y"},
    ]
    found = error(status(409, "Apply failed", "Conflict", causes=causes))
    assert isinstance(found, FieldConflicts)
    assert found.fields == (("kubectl-edit", ".data.a"), ("kubectl", ".spec.replicas"), ("another manager", ".x"))
    assert ".data.a belongs to kubectl-edit" in found.message


def test_causes_are_told_each() -> None:
    causes = [
        {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.x"},
        {"reason": "FieldValueInvalid", "message": "Invalid value: 3: must be 4", "field": "spec.y"},
    ]
    found = error(status(422, "Deployment is invalid: all of it", "Invalid", name="d", causes=causes))
    assert found.message == "spec.x: Required value; spec.y: Invalid value: 3: must be 4"


def test_long_quotes_are_cut_in_their_middle() -> None:
    causes = [{"message": f"Invalid value: {'x' * 5000}: field is immutable", "field": "spec"}]
    found = error(status(422, "m", "Invalid", name="d", causes=causes))
    assert len(found.message) < 500
    assert found.message.endswith("field is immutable")


@pytest.mark.parametrize(
    "answer",
    [
        status(
            422,
            'Secret "s" is invalid: data[x]: Invalid value: "hunter2"',
            "Invalid",
            name="s",
            causes=[{"reason": "FieldValueInvalid", "message": 'Invalid value: "hunter2"', "field": "data[x]"}],
        ),
        status(500, "failed to create typed patch object: .data.a: expected string, got Value:hunter2"),
        status(400, 'json: cannot unmarshal "hunter2" into data; unknown field "dta"', "BadRequest"),
        status(403, 'admission webhook "guard" denied the request: hunter2 is weak', "Forbidden"),
        status(500, "failed calling webhook: body was hunter2", "InternalError"),
        status(413, "hunter2", "RequestEntityTooLarge"),
    ],
)
def test_what_is_said_of_secrets_quotes_nothing(answer: tuple[int, Any]) -> None:
    found = error(answer, SECRET)
    assert isinstance(found, Rejected | Transient)
    assert "hunter2" not in found.message
    assert "hunter2" in error(answer).message


def test_of_secrets_names_are_told() -> None:
    assert (
        "stringDat: no such field"
        in error(
            status(500, "failed to create typed patch object: .stringDat: field not declared in schema"), SECRET
        ).message
    )
    assert (
        '"guard"' in error(status(403, 'admission webhook "guard" denied the request: x', "Forbidden"), SECRET).message
    )
    assert error(status(404, 'secrets "s" not found', "NotFound", name="s"), SECRET).message == 'secrets "s" not found'


@pytest.mark.parametrize(
    ("header", "details", "seconds"),
    [("7", {}, 7.0), ("", {"retryAfterSeconds": 3}, 3.0), ("", {}, None), ("Wed, 21 Oct 2026 07:28:00 GMT", {}, None)],
)
def test_when_to_come_back(header: str, details: dict[str, Any], seconds: float | None) -> None:
    found = error(status(429, "slow down", "TooManyRequests", **details), retry_after=header)
    assert isinstance(found, Transient)
    assert found.retry_after == seconds
