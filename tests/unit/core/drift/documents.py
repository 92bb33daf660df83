"""JSON documents for properties, with lists of named items among them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

KEYS = st.sampled_from(["a", "b", "c/d", "e~f", "name", ""])
SCALARS = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["x", "y", ""])
NAMED = st.lists(st.fixed_dictionaries({"name": st.sampled_from(["x", "y", "z"])}, optional={"v": SCALARS}), max_size=3)


def _larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4) | NAMED


VALUES = st.recursive(SCALARS, _larger, max_leaves=12)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=4)
