"""What Flux adds to helm's --set, and what errors say."""

from __future__ import annotations

from typing import Any

import pytest

from helmops.core.setpath import set_path
from helmops.errors import InputError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("8", 8),
        ('"8"', "8"),
        ("'true'", "true"),
        ("'a'b'", "a'b"),
        ("'", "'"),
        ('"8', '"8'),
        ("a\\,b", "a,b"),
        ("", ""),
    ],
)
def test_quotes_make_a_string(value: str, expected: Any) -> None:
    assert set_path({}, "a.b", value) == {"a": {"b": expected}}


@pytest.mark.parametrize("value", ["8", "'8'", "a,b=1", "{a}", "a\\,b", "null", "k: v\n"])
def test_a_literal_is_taken_as_it_is(value: str) -> None:
    assert set_path({"a": {"x": 1}}, r"a.b\.c", value, literal=True) == {"a": {"x": 1, "b.c": value}}


def test_the_base_stays_as_it_is() -> None:
    base = {"l": [{"a": 1}]}
    assert set_path(base, "l[0].b", "2") == {"l": [{"a": 1, "b": 2}]}
    assert base == {"l": [{"a": 1}]}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("a", "hunter2,hunter3", "a part without `=`"),
        ("a", "{hunter2", "has to end with `}`"),
        ("a.", "hunter2", "empty name"),
        ("a[x]", "hunter2", "a number in brackets"),
        ("a[70000]", "hunter2", "between 0 and 65536"),
        ("a[0]b", "hunter2", "followed by"),
        ("text.b", "hunter2", "what is no map"),
        ("text[0]", "hunter2", "what is no list"),
        (".".join("x" * 40), "hunter2", "more than 31 names"),
    ],
)
def test_errors_say_what_is_wrong_and_never_the_value(path: str, value: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as told:
        set_path({"text": "t"}, path, value)
    assert "hunter" not in str(told.value)
