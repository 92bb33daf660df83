"""What is told to who asked for something that is not there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence

from helmops.core import versions


def nearest(wanted: str, known: Sequence[str]) -> str:
    """``; nearest: …`` when there is something like it, else nothing."""
    found = ", ".join(difflib.get_close_matches(wanted, known, n=3))
    return f"; nearest: {found}" if found else ""


def newest(known: Iterable[str], count: int = 5) -> Iterator[str]:
    """The newest versions, prereleases too."""
    left = list(known)
    while count and (best := versions.best(">=0.0.0-0", left)):
        yield best
        left.remove(best)
        count -= 1
