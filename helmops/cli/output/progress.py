"""Progress in one line. PURE."""

from __future__ import annotations

from helmops.cli.output.paint import Paint, clean
from helmops.ports import Progress

FINISHED = frozenset({"done", "failed", "blocked", "skipped"})

_STYLES = {"done": "green", "failed": "red", "blocked": "yellow", "skipped": "dim"}


def line(progress: Progress, paint: Paint) -> str:
    """``apps/web  upgrading  the input has changed``."""
    style = _STYLES.get(progress.phase, "cyan")
    parts = [clean(progress.release), paint(progress.phase, style), clean(progress.message)]
    if progress.phase == "done" and progress.seconds >= 0.05:
        parts.append(f"{progress.seconds:.1f} s")
    return "  ".join(part for part in parts if part)
