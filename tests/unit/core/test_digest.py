"""Digests: what they depend on, and what they must never depend on."""

from __future__ import annotations

import math
import types
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helmops.core import yaml
from helmops.core.digest import canonical_json, desired_digest, sha256_hex
from tests.unit.core.strategies import exact, objects, values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None, "é\n"]}, '{"a":[true,null,"é\\n"],"b":1}'),
        (1.0, "1"),
        (1e20, "100000000000000000000"),
        (1.5, "1.5"),
        (1e21, "1e+21"),
        (2**53 + 1, "9007199254740993"),
        ((1, 2), "[1,2]"),
        (types.MappingProxyType({"a": {}}), '{"a":{}}'),
    ],
    ids=repr,
)
def test_canonical_json(value: Any, text: str) -> None:
    assert canonical_json(value) == text.encode()


@pytest.mark.parametrize("value", [math.nan, math.inf, [-math.inf]], ids=repr)
def test_what_json_has_not(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON has no infinity"):
        canonical_json(value)


@given(values)
def test_yaml_and_back_gives_the_same(value: Any) -> None:
    if value is not None:
        assert canonical_json(yaml.load(yaml.dump(value)).value) == canonical_json(value)


def test_sha256() -> None:
    assert sha256_hex(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_form_does_not_change_unnoticed() -> None:
    """These stand on release Secrets. If this fails, raise FORMAT, or every release is upgraded for nothing."""
    fields = {"chart": "sha256:1", "values": {"a": [1, 2.5, None]}, "version": "1.2.3"}
    assert desired_digest(fields) == "059055356ba95a1d7924b46945afc0f039beabc9"


@given(objects)
def test_the_order_of_keys_never_matters(fields: dict[str, Any]) -> None:
    assert desired_digest(backwards(fields)) == desired_digest(fields)


def backwards(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: backwards(item) for key, item in reversed(value.items())}
    return [backwards(item) for item in value] if isinstance(value, list) else value


@given(objects, st.sampled_from([None, "", False, 0, [], {}, ()]))
def test_a_new_field_at_its_default_changes_no_digest(fields: dict[str, Any], default: Any) -> None:
    assert desired_digest({**fields, "new": default}) == desired_digest(fields)


@given(objects, values)
def test_a_new_field_at_its_named_default_changes_no_digest(fields: dict[str, Any], default: Any) -> None:
    assert desired_digest({**fields, "new": default}, defaults={"new": default}) == desired_digest(fields)


@given(objects, objects)
def test_any_other_change_does(one: dict[str, Any], other: dict[str, Any]) -> None:
    told = [exact({key: value for key, value in fields.items() if value}) for fields in (one, other)]
    assert (desired_digest(one) == desired_digest(other)) == (told[0] == told[1])


def test_a_named_default_is_the_only_one() -> None:
    named = {"wait": True}
    assert desired_digest({"wait": True}, defaults=named) == desired_digest({})
    assert desired_digest({"wait": False}, defaults=named) != desired_digest({})


def test_forty_hex() -> None:
    assert len(desired_digest({})) == 40
    int(desired_digest({}), 16)
