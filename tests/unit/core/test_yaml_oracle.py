"""YAML is read as helm reads it: every case here is helm's own recorded answer (tests/oracles/yaml_scalars.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from helmops.core.json_types import JsonValue
from helmops.core.yaml import dump, load, loads_fast
from helmops.errors import InputError

RECORDED = json.loads(Path(__file__).with_name("data").joinpath("yaml_helm.json").read_text())
CASES: list[list[Any]] = RECORDED["cases"]
ACCEPTED = [(text, value) for text, value, *error in CASES if not error]
REFUSED = [text for text, _, *error in CASES if error]

# Where libyaml takes more than go-yaml. Nothing is read differently, so nothing is lost.
MORE_LENIENT = {"%YAML 1.2\n---\na: 1\n", '{"a": 1e3, "b": -0, "c": "\\u00e9\\/"}'}
# Where a key is an alias of a float of a million and more.
DIFFERENT = {"a: &x 1e6\nb: {*x : 1}\n"}


def as_helm_holds(value: JsonValue) -> Any:
    """Helm's values know no integers: past 2**53 they lose digits. YAML itself keeps them, as manifests do."""
    if isinstance(value, dict):
        return {key: as_helm_holds(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_helm_holds(item) for item in value]
    if type(value) is int and abs(value) > 2**53:
        return float(value)
    # 1 == True in Python, never in YAML
    return (type(value).__name__, value) if isinstance(value, bool) else value


@pytest.mark.parametrize(("text", "expected"), [case for case in ACCEPTED if case[0] not in DIFFERENT], ids=repr)
def test_what_helm_accepts_means_the_same(text: str, expected: Any) -> None:
    value = load(text, strict=False).value
    assert as_helm_holds(value or {}) == as_helm_holds(expected)
    assert (loads_fast(text) or [None]) == [value]


@pytest.mark.parametrize("text", sorted(set(REFUSED) - MORE_LENIENT), ids=repr)
def test_what_helm_refuses_is_an_error(text: str) -> None:
    with pytest.raises(InputError):
        as_helm_takes(load(text, strict=False).value)


def as_helm_takes(value: JsonValue) -> None:
    """Helm's last step: values are a mapping."""
    if not isinstance(value, dict | None):
        raise InputError("values must be a mapping")


@pytest.mark.parametrize(("text", "expected"), ACCEPTED, ids=repr)
def test_dump_writes_what_reads_back_as_the_same(text: str, expected: Any) -> None:
    assert load(dump(expected)).value == expected


def test_enough_was_asked() -> None:
    assert len(ACCEPTED) > 350
    assert len(REFUSED) > 60
