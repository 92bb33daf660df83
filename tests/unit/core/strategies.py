"""JSON data for hypothesis, small enough to collide: the same few keys, every type under each."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

keys = st.sampled_from(["a", "b", "c", "a.b", ""])
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "y\nz", 1.5])
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
objects: st.SearchStrategy[dict[str, Any]] = st.dictionaries(keys, values, max_size=3)


def exact(value: Any) -> str:
    """Equal for equal JSON only: Python holds 1, 1.0 and True for the same."""
    return json.dumps(value, sort_keys=True)
