"""What is observed of a release: Helm's own records, who holds its Lease, who else manages it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DESIRED_LABEL = "helmops.dev/desired"
OWNER_LABEL = "helmops.dev/owner"
PRUNE_LABEL = "helmops.dev/prune"

PENDING = frozenset({"pending-install", "pending-upgrade", "pending-rollback", "uninstalling"})


@dataclass(frozen=True, slots=True)
class Record:
    """The metadata of one release Secret (``sh.helm.release.v1.<name>.v<N>``): one revision."""

    namespace: str
    name: str
    revision: int
    status: str  # deployed | superseded | failed | uninstalled | uninstalling | pending-*
    uid: str
    resource_version: str
    created: str  # RFC 3339
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def secret(self) -> str:
        """Name of the Secret."""
        return f"sh.helm.release.v1.{self.name}.v{self.revision}"

    @property
    def desired(self) -> tuple[int, str] | None:
        """(revision, digest) of the desired label, or None where there is none (or no valid one)."""
        revision, dot, digest = self.labels.get(DESIRED_LABEL, "").partition(".")
        return (int(revision), digest) if dot and revision.isdecimal() and digest else None

    @property
    def own_digest(self) -> str:
        """Digest that this very revision was made for; "" when the label was only carried over."""
        desired = self.desired
        return desired[1] if desired and desired[0] == self.revision else ""

    @property
    def owner(self) -> str:
        """Value of the owner label, "" when there is none."""
        return self.labels.get(OWNER_LABEL, "")


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """A release Secret's body, decoded. ``config`` holds user values and may hold secrets: never print it raw."""

    name: str
    namespace: str
    revision: int
    status: str
    description: str
    chart_name: str
    chart_version: str
    app_version: str
    config: Mapping[str, Any]
    manifest: str
    hooks: tuple[Mapping[str, Any], ...] = ()
    notes: str = ""
    first_deployed: str = ""
    last_deployed: str = ""
    apply_method: str = "csa"  # "ssa" when Helm 4 applied server-side


@dataclass(frozen=True, slots=True)
class LeaseView:
    """The Lease of a release, as one process sees it.

    ``live``: renewed within its duration. ``writers_gone``: True when the holder ran on this machine and neither it
    nor a helm child of it is alive; False when one is alive; None when it cannot be known from here.
    ``orphaned``: the holder is known to be gone, but a helm child of it is alive and will finish what it was told.
    ``deadline``: after it no helm process of the holder can be running any more.
    """

    holder: str
    live: bool
    writers_gone: bool | None
    deadline: dt.datetime
    orphaned: bool = False


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something else that manages the release. ``how`` tells how to suspend it there."""

    manager: str
    how: str
