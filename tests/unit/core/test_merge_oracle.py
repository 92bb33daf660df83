"""Values are merged as helm merges them: its recorded answers on random pairs (tests/oracles/values_merge.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from helmops.core.merge import coalesce, merge
from tests.unit.core.strategies import exact

CASES: list[Any] = json.loads(Path(__file__).with_name("data").joinpath("merge_helm.json").read_text())["cases"]


def test_merge_is_helms() -> None:
    assert len(CASES) >= 500
    for base, over, merged, _, _ in CASES:
        assert exact(merge(base, over)) == exact(merged), (base, over)


def test_coalesce_is_helm_3s() -> None:
    for defaults, values, _, seen, _ in CASES:
        assert exact(coalesce(defaults, values, helm=3)) == exact(seen), (defaults, values)


def test_coalesce_is_helm_4s() -> None:
    for defaults, values, _, _, seen in CASES:
        assert exact(coalesce(defaults, values)) == exact(seen), (defaults, values)
