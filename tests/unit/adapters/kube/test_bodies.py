"""Bodies of release Secrets, hostile ones included."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helmops.adapters.kube import bodies
from helmops.adapters.kube.bodies import decode, encode, stored_release
from helmops.core.release.observation import StoredRelease
from helmops.errors import Refused

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def packed(content: bytes) -> str:
    return base64.b64encode(base64.b64encode(content)).decode()


@given(st.dictionaries(st.text(), JSON))
def test_there_and_back(body: dict[str, Any]) -> None:
    assert decode(encode(body), "x") == body


def test_as_helm_packs_it_and_as_it_once_did() -> None:
    body = {"name": "web"}
    assert decode(packed(gzip.compress(json.dumps(body).encode())), "x") == body
    assert decode(packed(json.dumps(body).encode()), "x") == body


@pytest.mark.parametrize(
    "data",
    [
        "",
        "é",
        "!!!!",
        packed(b"no json"),
        packed(b"[1]"),
        packed(gzip.compress(b"{}")[:-9]),
        packed(b"\x1f\x8b\x08junk"),
    ],
    # by name: gzip writes the time into its output, and two workers must call a test the same
    ids=["empty", "no ASCII", "no base64", "no JSON", "no mapping", "cut off", "no gzip"],
)
def test_what_cannot_be_read_is_named(data: str) -> None:
    with pytest.raises(Refused, match="cannot be read") as caught:
        decode(data, "Secret apps/web")
    assert caught.value.where == "Secret apps/web"


def test_bombs_are_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MAX_BODY", 1 << 20)
    bomb = gzip.compress(b'"' + b"x" * (2 << 20) + b'"')
    with pytest.raises(Refused, match="more than 1 MiB"):
        decode(packed(bomb), "x")


def test_what_helm_leaves_out_is_empty() -> None:
    body = {
        "name": "web",
        "namespace": "apps",
        "version": 3,
        "info": {"status": "failed"},
        "chart": None,
        "config": None,
    }
    assert stored_release(body) == StoredRelease("web", "apps", 3, "failed", "", "", "", "", {}, "")
