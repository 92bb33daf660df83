"""The laws of merging, and what null does."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given

from helmops.core.merge import coalesce, merge
from tests.unit.core.strategies import exact, objects


@pytest.mark.parametrize(
    ("base", "over", "merged"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": {}}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
    ids=["join", "maps", "lists replace", "scalar over map", "map over scalar", "empty map", "null stays", "over null"],
)
def test_merge(base: Any, over: Any, merged: Any) -> None:
    assert merge(base, over) == merged


@given(objects, objects)
def test_nothing_given_is_changed(base: Any, over: Any) -> None:
    before = copy.deepcopy((base, over))
    merge(base, over)
    coalesce(base, over)
    assert exact((base, over)) == exact(before)


@given(objects)
def test_nothing_is_the_identity_on_both_sides(value: Any) -> None:
    assert exact(merge(value, {})) == exact(merge({}, value)) == exact(value)


@given(objects, objects)
def test_merging_the_same_again_changes_nothing(base: Any, over: Any) -> None:
    merged = merge(base, over)
    assert exact(merge(merged, over)) == exact(merged)


@given(objects, objects, objects)
def test_merging_is_associative_where_the_middle_does_not_hide_a_map(a: Any, b: Any, c: Any) -> None:
    """Where ``b`` puts a scalar between two maps, ``(a+b)+c`` has lost a's map, and ``a+(b+c)`` has lost b's scalar
    and joins a's map with c's. Helm folds from the left, and so does everything here."""
    if not hides(a, b, c):
        assert exact(merge(merge(a, b), c)) == exact(merge(a, merge(b, c)))


def hides(a: Any, b: Any, c: Any) -> bool:
    maps = [isinstance(value, dict) for value in (a, b, c)]
    if maps == [True, False, True]:
        return True
    shared = a.keys() & b.keys() & c.keys() if all(maps) else ()
    return any(hides(a[key], b[key], c[key]) for key in shared)


def test_where_it_is_not_associative() -> None:
    a, b, c = {"k": {"x": 1}}, {"k": None}, {"k": {"y": 2}}
    assert merge(merge(a, b), c) == {"k": {"y": 2}}
    assert merge(a, merge(b, c)) == {"k": {"x": 1, "y": 2}}


# what it is about, defaults, values, seen by Helm 3, seen by Helm 4
NULLS = [
    ("a default is removed", {"k": 1}, {"k": None}, {}, {}),
    ("a default map is removed", {"k": {"a": 1}}, {"k": None}, {}, {}),
    ("a nested default is removed", {"k": {"a": 1, "b": 2}}, {"k": {"a": None}}, {"k": {"b": 2}}, {"k": {"b": 2}}),
    ("a null without a default stays", {}, {"k": None}, {"k": None}, {"k": None}),
    (
        "a nested null without a default",
        {"k": {"b": 2}},
        {"k": {"a": None}},
        {"k": {"a": None, "b": 2}},
        {"k": {"a": None, "b": 2}},
    ),
    ("a null in a map without a default stays", {}, {"k": {"a": None}}, {"k": {"a": None}}, {"k": {"a": None}}),
    ("a default that is null", {"k": None}, {}, {"k": None}, {}),
    ("a nested default that is null", {"k": {"a": None}}, {}, {"k": {"a": None}}, {"k": {}}),
    ("a value over a default that is null", {"k": None}, {"k": 1}, {"k": 1}, {"k": 1}),
    ("nested null over null", {"k": {"a": None}}, {"k": {"a": None}}, {"k": {}}, {"k": {"a": None}}),
    ("null over null", {"k": None}, {"k": None}, {}, {}),
    ("nulls in lists stay", {"k": [None]}, {}, {"k": [None]}, {"k": [None]}),
]


@pytest.mark.parametrize(
    ("defaults", "values", "helm3", "helm4"), [row[1:] for row in NULLS], ids=[r[0] for r in NULLS]
)
def test_null(defaults: Any, values: Any, helm3: Any, helm4: Any) -> None:
    assert coalesce(defaults, values, helm=3) == helm3
    assert coalesce(defaults, values, helm=4) == helm4


def test_keys_come_in_the_order_of_the_defaults() -> None:
    assert list(coalesce({"b": 1, "a": 2}, {"z": 0, "a": 1})) == ["b", "a", "z"]
