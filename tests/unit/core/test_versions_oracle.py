"""Version ranges are read as helm reads them: its recorded answers (tests/oracles/version_ranges.py)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from helmops.core.versions import Range, best
from helmops.errors import InputError

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("data").joinpath("versions_helm.json").read_text())
VERSIONS: list[str] = RECORDED["versions"]
CASES: list[Any] = RECORDED["cases"]


@pytest.mark.parametrize(("text", "found", "pulled"), CASES, ids=[repr(case[0]) for case in CASES])
def test_as_helm(text: str, found: list[str] | None, pulled: str | None) -> None:
    if found is None:
        with pytest.raises(InputError):
            best(text, VERSIONS)
    else:
        wanted = Range.parse(text or "*")
        assert sorted(version for version in VERSIONS if wanted.matches(version)) == found
        assert best(text, VERSIONS) == pulled


def test_enough_was_asked() -> None:
    assert len(CASES) > 400
    assert sum(1 for _, found, _ in CASES if found is None) > 40
    assert sum(1 for _, _, pulled in CASES if pulled) > 200
