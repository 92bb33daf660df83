"""What passes between a source of releases, those who work on them, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from helmops.api.model import Release
from helmops.core.release.status import Status
from helmops.engine.load import Loaded
from helmops.engine.plan import Key, Planned
from helmops.engine.reconcile import Result

Wake = Callable[[Key, str], None]
"""Something about a release has changed: its key, and what."""


@dataclass(frozen=True, slots=True)
class Item:
    """One release as it is wanted now: the input of one pass. ``before`` is how it was last told.

    ``live`` is the object that describes it, where there is one in the cluster.
    """

    key: Key
    loaded: Loaded
    generation: int = 0
    before: Status = field(default_factory=Status)
    live: dict[str, Any] = field(default_factory=dict, repr=False)
    chart_source: tuple[str, str] | None = None  # (namespace, name) of the ChartSource that it names

    @property
    def release(self) -> Release:
        """The one release of the input."""
        return self.loaded.desired.releases[0]


@dataclass(frozen=True, slots=True)
class Report:
    """How a pass ended. ``planned`` and ``result`` are None where it did not come to that."""

    status: Status
    planned: Planned | None = None
    result: Result | None = None


class Unreadable(Exception):
    """The description of a release is wrong. ``item`` says whose status tells it."""

    def __init__(self, item: Item, message: str) -> None:
        super().__init__(message)
        self.item = item
        self.message = message


class Source(Protocol):
    """Where releases are described, and where it is told how they stand."""

    async def watch(self, wake: Wake) -> None:
        """Wake for every release that is there, and for each that changes or goes. Without end."""

    async def read(self, key: Key) -> Item | None:
        """The release as it is described now; None when it is not any more. Unreadable, HelmopsError."""

    def knows(self, key: Key) -> bool:
        """Whether it is described, as far as the watch has told."""

    async def tell(self, item: Item, report: Report) -> None:
        """How it stands now. Nothing is written where nothing has changed."""
