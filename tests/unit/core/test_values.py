"""Where each value came from, what it stands over, and how paths are told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helmops.core import yaml
from helmops.core.merge import merge
from helmops.core.values import Layer, Overridden, changed_paths, merge_layers, path_text
from tests.unit.core.strategies import exact, objects


def layer(origin: str, text: str) -> Layer:
    located = yaml.load(text, file=origin)
    assert isinstance(located.value, dict)
    return Layer(origin, located.value, located.lines)


BASE = layer("base.yaml", "replicas: 1\nimage:\n  name: web\n  tag: v1\nhosts: [a, b]\nlabels: {}\n")
PROD = layer("prod.yaml", "image:\n  tag: v2\nreplicas: 3\n")
LAST = layer("last.yaml", "hosts:\n- c\nreplicas: 5\n")


class TestOrigins:
    merged = merge_layers([BASE, PROD, LAST])

    def test_the_value_is_what_helm_would_merge(self) -> None:
        assert self.merged.value == {
            "replicas": 5,
            "image": {"name": "web", "tag": "v2"},
            "hosts": ["c"],
            "labels": {},
        }

    def test_every_leaf_tells_the_layer_that_set_it(self) -> None:
        assert self.merged.origins == {
            ("replicas",): "last.yaml:3",
            ("image", "name"): "base.yaml:3",
            ("image", "tag"): "prod.yaml:2",
            ("hosts",): "last.yaml:1",
            ("labels",): "base.yaml:6",
        }

    def test_and_what_it_stands_over_the_last_one_first(self) -> None:
        assert self.merged.overridden == {
            ("replicas",): (Overridden(3, "prod.yaml:3"), Overridden(1, "base.yaml:1")),
            ("image", "tag"): (Overridden("v1", "base.yaml:4"),),
            ("hosts",): (Overridden(["a", "b"], "base.yaml:5"),),
        }

    @pytest.mark.parametrize(
        ("path", "origin"),
        [
            (("replicas",), "last.yaml:3"),
            (("hosts", 0), "last.yaml:1"),
            (("image",), "base.yaml:3"),
            (("none",), ""),
            (("replicas", "deeper"), "last.yaml:3"),
        ],
        ids=str,
    )
    def test_any_path_can_be_asked(self, path: Any, origin: str) -> None:
        assert self.merged.origin(path) == origin

    def test_without_lines_the_layer_alone_is_told(self) -> None:
        assert merge_layers([Layer("flags", {"a": 1})]).origins == {("a",): "flags"}

    def test_a_leaf_without_a_line_has_its_parents(self) -> None:
        assert merge_layers([Layer("f", {"a": {"b": 1}}, {("a",): 7})]).origins == {("a", "b"): "f:7"}

    def test_of_nothing_comes_nothing(self) -> None:
        assert merge_layers([]).value == {}
        assert merge_layers([Layer("a", {})]).origins == {}


# lower, upper, what the leaf k (or k.x) is said to stand over
COVERED = [
    ("a scalar by a scalar", "k: 1", "k: 2", ("k",), [Overridden(1, "low:1")]),
    ("a scalar by a mapping", "k: 1", "k: {x: 2}", ("k", "x"), [Overridden(1, "low:1")]),
    ("a mapping by a scalar", "k:\n  x: 1\n  z: 2", "k: 2", ("k",), [Overridden({"x": 1, "z": 2}, "low:2, low:3")]),
    ("a mapping by null", "k: {x: 1}", "k:", ("k",), [Overridden({"x": 1}, "low:1")]),
    ("the same again", "k: 1", "k: 1", ("k",), [Overridden(1, "low:1")]),
    ("null", "k:", "k: 1", ("k",), [Overridden(None, "low:1")]),
    ("nothing, in an empty mapping", "k: {}", "k: {x: 1}", ("k", "x"), []),
    ("nothing at all", "{}", "k: 1", ("k",), []),
]


@pytest.mark.parametrize(("low", "up", "path", "over"), [row[1:] for row in COVERED], ids=[row[0] for row in COVERED])
def test_what_is_covered(low: str, up: str, path: Any, over: list[Overridden]) -> None:
    merged = merge_layers([layer("low", low), layer("up", up)])
    assert merged.origins == {path: "up:1"}
    assert list(merged.overridden.get(path, ())) == over


def test_an_empty_mapping_over_one_with_keys_is_not_said_to_have_set_anything() -> None:
    merged = merge_layers([layer("low", "k: {x: 1}"), layer("up", "k: {}")])
    assert (merged.origins, merged.overridden) == ({("k", "x"): "low:1"}, {})


def test_what_was_covered_as_a_whole_is_not_remembered_when_a_part_comes_back() -> None:
    merged = merge_layers([layer("1", "k: {x: 1}"), layer("2", "k: 0"), layer("3", "k: {x: 3}")])
    assert merged.overridden[("k", "x")] == (Overridden(0, "2:1"), Overridden({"x": 1}, "1:1"))


@given(st.lists(objects, max_size=4))
def test_layers_merge_as_helm_merges_and_every_leaf_has_an_origin(values: list[Any]) -> None:
    merged = merge_layers([Layer(str(number), value) for number, value in enumerate(values)])
    expected: Any = {}
    for value in values:
        expected = merge(expected, value)
    assert exact(merged.value) == exact(expected)
    assert {change.path for change in changed_paths({}, expected)} == {path[:1] for path in merged.origins}
    for path, origin in merged.origins.items():
        assert exact(at(merged.value, path)) == exact(at(values[int(origin)], path))


def at(value: Any, path: Any) -> Any:
    for step in path:
        value = value[step]
    return value


CHANGES = [
    ("nothing", {"a": {"b": [1]}}, {"a": {"b": [1]}}, []),
    ("a leaf", {"a": {"b": 1}}, {"a": {"b": 2}}, ["changed a.b"]),
    ("added and removed", {"a": 1}, {"b": 1}, ["removed a", "added b"]),
    ("a mapping added as a whole", {}, {"a": {"b": 1, "c": 2}}, ["added a"]),
    ("another type", {"a": {"b": 1}}, {"a": [1]}, ["changed a"]),
    ("true is not 1", {"a": 1, "b": [True]}, {"a": True, "b": [1]}, ["changed a", "changed b[0]"]),
    ("1.0 is 1", {"a": 1}, {"a": 1.0}, []),
    ("null is not nothing", {"a": None}, {}, ["removed a"]),
    ("within a list", {"a": [{"b": 1}, 2]}, {"a": [{"b": 3}, 2]}, ["changed a[0].b"]),
    ("a longer list", {"a": [1]}, {"a": [1, 2]}, ["changed a"]),
]


@pytest.mark.parametrize(("old", "new", "told"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_changed_paths(old: Any, new: Any, told: list[str]) -> None:
    assert [f"{change.kind} {path_text(change.path)}" for change in changed_paths(old, new)] == told


@given(objects, objects)
def test_no_change_means_equal(old: Any, new: Any) -> None:
    assert (changed_paths(old, new) == []) == (exact(old) == exact(new))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("a",), "a"),
        (("ingress", "hosts", 0, "host"), "ingress.hosts[0].host"),
        (("annotations", "a.b/c"), 'annotations."a.b/c"'),
        (("a/b-c_d",), "a/b-c_d"),
        (("",), '""'),
        (("a b", 'say "hi"', "c[0]"), '"a b"."say \\"hi\\""."c[0]"'),
        ((0, 1), "[0][1]"),
    ],
    ids=repr,
)
def test_path_text(path: Any, text: str) -> None:
    assert path_text(path) == text
