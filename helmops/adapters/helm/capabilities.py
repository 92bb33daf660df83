"""What differs between the versions of helm: one table, keyed on the major version."""

from __future__ import annotations

import re
from dataclasses import dataclass

from helmops.errors import InputError
from helmops.ports import HelmVersion

MINIMUM = {3: 17, 4: 0}
"""Oldest minor version of each major version that helmops is tested with."""

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.\d+\S*")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Flags of one major version. ``force_conflicts``: what makes a server-side apply take fields from others."""

    wait: str
    force_conflicts: tuple[str, ...]


_TABLE = {
    # Helm 3 only knows client-side patches, which meet no conflicts.
    3: Capabilities(wait="--wait", force_conflicts=()),
    # Under `auto`, a release that Helm 3 made (or a rollback to such a revision) stays client-side, and then
    # --force-conflicts fails with "forceConflicts enabled when serverSideApply disabled" and leaves a failed revision:
    # the two flags only go together. helm then turns the old `Update` entry of managedFields into an `Apply` entry.
    4: Capabilities(wait="--wait=watcher", force_conflicts=("--server-side=true", "--force-conflicts")),
}


def parse_version(text: str) -> HelmVersion:
    """``v4.2.3`` or ``v3.19.0+g3d8990f`` as a version. InputError when it is none."""
    found = _VERSION.fullmatch(text.strip())
    if found is None:
        raise InputError(f"this does not look like the version of a helm: {text.strip()[:80]!r}")
    return HelmVersion(int(found[1]), int(found[2]), text.strip())


def capabilities(version: HelmVersion) -> Capabilities:
    """What this helm knows. InputError when helmops does not work with it."""
    table = _TABLE.get(version.major)
    if table is None or version.minor < MINIMUM[version.major]:
        oldest = " or ".join(f"{major}.{minor}" for major, minor in MINIMUM.items())
        raise InputError(
            f"helm {version.text} is not supported: helmops works with Helm {oldest} and newer minor versions",
            hint="install a newer helm, or let HELM_BIN name one",
        )
    return table
