"""JSON pointers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helmops.core.pointer import get, join, split, without
from helmops.errors import InputError

DOCUMENT: dict[str, Any] = {"a": {"b/c": 1, "d~e": 2}, "l": [{"x": 1}, {"x": 2}, 3], "": {"": "deep"}, "t": "text"}


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        pytest.param("", DOCUMENT, id="the whole document"),
        pytest.param("/a/b~1c", 1, id="a slash"),
        pytest.param("/a/d~0e", 2, id="a tilde"),
        pytest.param("/l/1/x", 2, id="an item"),
        pytest.param("//", "deep", id="empty keys"),
        pytest.param("/l/3", None, id="beyond the end"),
        pytest.param("/l/-", None, id="the place behind the end"),
        pytest.param("/l/01", None, id="an index with a zero in front"),
        pytest.param("/l/²", None, id="a digit that is none"),
        pytest.param("/t/0", None, id="inside of a text"),
        pytest.param("/x/y", None, id="nothing there"),
    ],
)
def test_get(pointer: str, expected: Any) -> None:
    assert get(DOCUMENT, pointer) == expected


def test_get_says_what_it_was_told_to_say() -> None:
    assert get(DOCUMENT, "/x", "absent") == "absent"


@given(st.lists(st.text()))
def test_join_and_split_undo_each_other(tokens: list[str]) -> None:
    assert split(join(tokens)) == tuple(tokens)


def test_what_is_no_pointer_is_refused() -> None:
    with pytest.raises(InputError, match="'spec' is not a JSON pointer"):
        split("spec")


@pytest.mark.parametrize(
    ("pointers", "expected"),
    [
        pytest.param([], {"a": {"b": 1, "c": 2}, "l": [0, 1, 2]}, id="nothing"),
        pytest.param(["/a/b"], {"a": {"c": 2}, "l": [0, 1, 2]}, id="a key"),
        pytest.param(["/a"], {"l": [0, 1, 2]}, id="all below a key"),
        pytest.param(["/a", "/a/b"], {"l": [0, 1, 2]}, id="a key and one below it"),
        pytest.param(["/l/0", "/l/1"], {"a": {"b": 1, "c": 2}, "l": [2]}, id="two items, as they were numbered"),
        pytest.param(["/x", "/l/9", "/a/b/c"], {"a": {"b": 1, "c": 2}, "l": [0, 1, 2]}, id="what is not there"),
    ],
)
def test_without(pointers: list[str], expected: Any) -> None:
    document = {"a": {"b": 1, "c": 2}, "l": [0, 1, 2]}
    assert without(document, pointers) == expected
    assert document == {"a": {"b": 1, "c": 2}, "l": [0, 1, 2]}


def test_what_is_not_touched_is_shared() -> None:
    assert without(DOCUMENT, ["/a/b~1c"])["l"] is DOCUMENT["l"]
