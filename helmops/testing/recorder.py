"""Remembers what was told."""

from __future__ import annotations

from helmops.ports import Progress


class FakeRecorder:
    """Port ``Recorder``."""

    def __init__(self) -> None:
        self.told: list[Progress] = []

    def record(self, progress: Progress) -> None:
        """Keep it."""
        self.told.append(progress)

    def phases(self, release: str) -> list[str]:
        """What happened to one release, in order."""
        return [progress.phase for progress in self.told if progress.release == release]
