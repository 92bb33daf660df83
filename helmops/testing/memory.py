"""A memory that a test can lose, forge or break."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


class FakeMemory:
    """Port ``Memory``. Holds JSON text, so that what comes back is what a disk would give back.

    ``full``: nothing more is kept, as on a full disk.
    """

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self.full = False
        self.saves = 0

    def load(self, scope: str) -> Mapping[str, Any]:
        """What was saved, or an empty mapping; also for what a test broke."""
        try:
            data = json.loads(self._texts.get(scope, "{}"))
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}

    def save(self, scope: str, data: Mapping[str, Any]) -> None:
        """Replace. What is no JSON is not kept."""
        try:
            text = json.dumps(data, allow_nan=False)
        except (TypeError, ValueError):
            return
        if not self.full:
            self.saves += 1
            self._texts[scope] = text

    def wipe(self) -> None:
        """Forget everything."""
        self._texts.clear()

    def forge(self, scope: str, text: str) -> None:
        """Put any text in the place of what was saved."""
        self._texts[scope] = text

    def scopes(self) -> list[str]:
        """What is remembered."""
        return sorted(self._texts)
