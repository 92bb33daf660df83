"""What a person reads of a difference between two objects."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helmops.core import yaml
from helmops.core.textdiff import diff_objects
from tests.unit.core.strategies import exact, objects

DEPLOYMENT = """
kind: Deployment
metadata:
  labels: {app: web}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - args: [a, b]
        image: web:1
        name: web
        ports:
        - containerPort: 80
        resources: {limits: {cpu: 1, memory: 2}}
      - image: side:1
        name: side
"""


def changed(*edits: tuple[str, str]) -> tuple[Any, Any]:
    text = DEPLOYMENT
    for before, after in edits:
        assert before in text
        text = text.replace(before, after)
    return yaml.load(DEPLOYMENT).value, yaml.load(text).value


def test_a_change_stands_among_the_lines_around_it() -> None:
    assert diff_objects(*changed(("web:1", "web:2")), context=1) == [
        "@@ spec.template.spec.containers[web] @@",
        "         - b",
        "-        image: web:1",
        "+        image: web:2",
        "         name: web",
    ]


def test_near_the_top_no_place_is_told() -> None:
    assert diff_objects({"a": 1, "b": 2}, {"a": 1, "b": 3}) == [" a: 1", "-b: 2", "+b: 3"]


PLACES = [
    ("replicas: 2", "replicas: 3", "spec"),
    ("image: web:1", "image: web:2", "spec.template.spec.containers[web]"),
    ("args: [a, b]", "args: [a, c]", "spec.template.spec.containers[web].args"),
    ("args: [a, b]", "args: [a, b, c]", "spec.template.spec.containers[web].args"),
    ("containerPort: 80", "containerPort: 81", "spec.template.spec.containers[web].ports"),
    ("cpu: 1", "cpu: 2", "spec.template.spec.containers[web].resources.limits"),
    ("side:1", "side:2", "spec.template.spec.containers"),
    ("name: side", "name: car", "spec.template.spec.containers[side]"),
]


@pytest.mark.parametrize(("before", "after", "place"), PLACES, ids=[row[1] for row in PLACES])
def test_a_place_is_told_by_the_keys_above(before: str, after: str, place: str) -> None:
    assert diff_objects(*changed((before, after)), context=0)[0] == f"@@ {place} @@"


def test_far_changes_are_told_apart() -> None:
    told = diff_objects(*changed(("replicas: 2", "replicas: 3"), ("side:1", "side:2")), context=1)
    assert [line for line in told if line.startswith("@")] == ["@@ spec @@", "@@ spec.template.spec.containers @@"]


def test_what_is_new_or_gone_is_told_whole() -> None:
    assert diff_objects(None, {"b": 1, "a": [2]}) == ["+a:", "+- 2", "+b: 1"]
    assert diff_objects({"a": 1}, None) == ["-a: 1"]
    assert diff_objects(None, None) == []


def test_the_order_of_keys_is_no_difference() -> None:
    assert diff_objects({"a": 1, "b": {"c": 1, "d": 2}}, {"b": {"d": 2, "c": 1}, "a": 1}) == []


def test_texts_differ_by_line() -> None:
    assert diff_objects({"d": {"f": "a\nb\n"}}, {"d": {"f": "a\nc\n"}}, context=0) == ["@@ d.f @@", "-    b", "+    c"]


def test_a_long_difference_says_how_much_is_left_out() -> None:
    old, new = ({"d": [number + shift for number in range(300)]} for shift in (0, 1000))
    told = diff_objects(old, new, limit=100)
    assert len(told) == 101
    assert told[-1] == "… 501 more lines"


@pytest.mark.parametrize("lines", [2_000, 30_000])
def test_huge_objects_take_no_time(lines: int) -> None:
    old, new = ({"d": "\n".join(f"{tag}{number % 97}" for number in range(lines))} for tag in "ab")
    started = time.perf_counter()
    assert len(diff_objects(old, new)) == 401
    assert time.perf_counter() - started < 2


@given(objects, objects, st.integers(0, 3))
def test_nothing_is_told_only_of_equal_objects(old: Any, new: Any, context: int) -> None:
    assert (diff_objects(old, new, context=context) == []) == (exact(old) == exact(new))


@given(objects, objects)
def test_with_all_context_both_objects_can_be_read_off(old: Any, new: Any) -> None:
    told = diff_objects(old, new, context=10_000)
    if told:
        for sign, value in (("-", old), ("+", new)):
            text = "\n".join(line[1:] for line in told if line[0] in (" ", sign))
            assert exact(yaml.load(text).value) == exact(value)


@given(objects, objects, st.integers(0, 2))
def test_the_lines_that_differ_do_not_depend_on_the_context(old: Any, new: Any, context: int) -> None:
    counts = [
        sum((line[0] == "+") - (line[0] == "-") for line in diff_objects(old, new, context=given_context))
        for given_context in (context, 10_000)
    ]
    assert counts[0] == counts[1]
