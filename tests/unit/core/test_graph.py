"""Order: dependencies first, and what is wrong told in full."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helmops.core.graph import order
from helmops.errors import InputError


def test_every_node_comes_after_what_it_depends_on_else_as_given() -> None:
    assert order({"web": ["db", "cache"], "cache": [], "db": []}).sequence == ("cache", "db", "web")
    assert order({"b": [], "a": []}).sequence == ("b", "a")
    assert order({}).sequence == ()


@pytest.mark.parametrize(
    ("nodes", "path"),
    [
        ({"a": ["a"]}, "a → a"),
        ({"a": ["b"], "b": ["a"]}, "a → b → a|b → a → b"),
        ({"a": ["b"], "b": ["c"], "c": ["d"], "d": ["b"]}, "b → c → d → b|c → d → b → c|d → b → c → d"),
    ],
    ids=["itself", "two", "not from the start"],
)
def test_a_cycle_is_told_as_a_path(nodes: dict[str, list[str]], path: str) -> None:
    with pytest.raises(InputError, match=f"^these depend on each other: ({path})$"):
        order(nodes)


def test_every_unknown_dependency_is_told() -> None:
    with pytest.raises(InputError, match=r"^depends on what is not there: a → x, b → y$"):
        order({"a": ["x", "b"], "b": ["y"]})


def test_a_dependency_said_twice_is_one() -> None:
    graph = order({"a": ["b", "b"], "b": []})
    assert graph.dependencies["a"] == ("b",)
    assert graph.dependents["b"] == ("a",)


def test_a_failure_blocks_only_what_depends_on_it() -> None:
    graph = order({"db": [], "api": ["db"], "web": ["api"], "docs": [], "all": ["web", "docs"]})
    assert graph.blocked_by("api") == {"web", "all"}
    assert graph.blocked_by("db") == {"api", "web", "all"}
    assert graph.blocked_by("all") == frozenset()


def test_the_sorter_offers_what_may_run_side_by_side() -> None:
    sorter = order({"web": ["db", "cache"], "cache": [], "db": []}).sorter()
    assert sorter.get_ready() == ("cache", "db")
    sorter.done("cache")
    assert sorter.get_ready() == ()
    sorter.done("db")
    assert sorter.get_ready() == ("web",)


@given(st.dictionaries(st.integers(0, 9), st.sets(st.integers(0, 9))))
def test_any_graph_without_cycles_is_ordered(wanted: dict[int, set[int]]) -> None:
    nodes = {node: sorted(one for one in needed if one < node and one in wanted) for node, needed in wanted.items()}
    graph = order(nodes)
    assert sorted(graph.sequence) == sorted(nodes)
    for node, needed in nodes.items():
        assert all(graph.sequence.index(one) < graph.sequence.index(node) for one in needed)
        assert all(node in graph.blocked_by(one) for one in needed)
