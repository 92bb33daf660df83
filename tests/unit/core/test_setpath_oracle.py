"""Paths and values are read as helm reads --set: its recorded answers (tests/oracles/set_path.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from helmops.core.setpath import Mode, assign
from helmops.errors import InputError
from tests.unit.core.strategies import exact

CASES: list[Any] = json.loads(Path(__file__).with_name("data").joinpath("set_path_helm.json").read_text())["cases"]
MODES: dict[str, Mode] = {"--set": "typed", "--set-string": "string", "--set-literal": "literal"}


def ours(flag: str, base: Any, path: str, value: str) -> Any:
    try:
        return assign(base, path, value, MODES[flag])
    except InputError:
        return None


def test_set_is_helms() -> None:
    assert len(CASES) >= 400
    wrong = []
    for flag, base, path, value, seen3, seen4 in CASES:
        found = ours(flag, base, path, value)
        if found is not None and (exact(found) != exact(seen3) or exact(found) != exact(seen4)):
            wrong.append((flag, path, value, found, seen3, seen4))
    assert wrong == []


def test_only_broken_paths_are_refused_though_helm_takes_them() -> None:
    refused = {
        path
        for flag, base, path, value, seen3, seen4 in CASES
        if ours(flag, base, path, value) is None and (seen3 is not None or seen4 is not None)
    }
    assert refused == {"[0]", "a[", "l[0]."}
