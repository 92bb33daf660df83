"""What a child asks of the records of a split release, and where it is led."""

from __future__ import annotations

import json

import pytest

from helmops.adapters.kube.gate_storage import Records
from helmops.ports import SplitRelease

RECORDS = Records(SplitRelease("web", "flux", "apps"))
HERE, THERE = "/api/v1/namespaces/apps/secrets", "/api/v1/namespaces/flux/secrets"
RECORD = {"type": "helm.sh/release.v1", "metadata": {"name": "sh.helm.release.v1.web.v3"}}
PROTOBUF = b"k8s\0\n\x0csh.helm.release.v1.web.v3\x12 \x1a\x12helm.sh/release.v1"


@pytest.mark.parametrize(
    "path",
    [
        "/sh.helm.release.v1.web.v3",
        "/sh.helm.release.v1.web.v12?timeout=5s",
        "?labelSelector=name%3Dweb%2Cowner%3Dhelm",
        "?labelSelector=name%3Dweb%2Cowner%3Dhelm%2Cstatus%3Ddeployed&limit=5",
    ],
)
def test_records_are_found_where_they_are(path: str) -> None:
    assert RECORDS.lead("GET", HERE + path, b"") == THERE + path


@pytest.mark.parametrize(
    "path",
    [
        HERE,
        f"{HERE}/password",
        f"{HERE}/sh.helm.release.v1.web.other.v3",
        f"{HERE}/sh.helm.release.v1.webs.v3",
        f"{HERE}?labelSelector=owner%3Dhelm",
        f"{HERE}?labelSelector=name%3Dother%2Cowner%3Dhelm",
        f"{HERE}s/sh.helm.release.v1.web.v3",
        "/api/v1/namespaces/apps/configmaps/sh.helm.release.v1.web.v3",
        "/api/v1/namespaces/apps2/secrets/sh.helm.release.v1.web.v3",
        f"{THERE}/sh.helm.release.v1.web.v3",
        "/version",
    ],
)
def test_everything_else_stays_where_it_is(path: str) -> None:
    assert RECORDS.lead("GET", path, b"") == path


@pytest.mark.parametrize("body", [PROTOBUF, json.dumps(RECORD).encode()])
def test_a_new_record_goes_to_the_storage_namespace(body: bytes) -> None:
    assert RECORDS.lead("POST", f"{HERE}?fieldManager=helm", body) == f"{THERE}?fieldManager=helm"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        PROTOBUF.replace(b"web", b"own"),
        json.dumps({**RECORD, "type": "Opaque", "stringData": {"a": "helm.sh/release.v1"}}).encode(),
        json.dumps({**RECORD, "metadata": {"name": "mine"}}).encode(),
        json.dumps({"type": "helm.sh/release.v1", "metadata": {"name": None}}).encode(),
    ],
)
def test_a_secret_of_the_chart_stays_with_it(body: bytes) -> None:
    assert RECORDS.lead("POST", HERE, body) == HERE


def test_a_dot_in_a_name_is_a_dot() -> None:
    records = Records(SplitRelease("a.b", "flux", "apps"))
    assert records.lead("GET", f"{HERE}/sh.helm.release.v1.axb.v1", b"") == f"{HERE}/sh.helm.release.v1.axb.v1"
    assert records.lead("PUT", f"{HERE}/sh.helm.release.v1.a.b.v1", b"") == f"{THERE}/sh.helm.release.v1.a.b.v1"
