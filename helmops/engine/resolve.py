"""Desired → what exactly: the chart as an immutable artifact, the merged values, the digest of both."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from helmops.api.model import Release
from helmops.core.digest import desired_digest
from helmops.core.redact import Redactor
from helmops.core.render.postrender import wanted
from helmops.core.values import Merged, merge_layers
from helmops.engine.load import Loaded
from helmops.errors import HelmopsError, InputError, InputErrors, Problem
from helmops.ports import Artifact, Charts


@dataclass(frozen=True, slots=True)
class Resolved:
    """One release with everything that Helm would be given. ``values`` may hold secrets."""

    release: Release
    artifact: Artifact
    values: Merged
    digest: str

    @property
    def secrets(self) -> Redactor:
        """Takes what came out of Secrets, and what sounds like a secret, out of what is shown."""
        return Redactor.of((*Redactor.of_values(self.values.value).secrets, *self.values.secrets))

    @property
    def id(self) -> tuple[str, str]:
        """(storage namespace, name)."""
        return self.release.namespace, self.release.name


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A release whose chart could not be had this time."""

    release: Release
    error: HelmopsError


async def resolve_all(charts: Charts, loaded: Loaded) -> Sequence[Resolved | Unresolved]:
    """Every release, side by side. What the user must mend is raised for all at once; what may pass is returned."""
    releases = loaded.desired.releases
    found = await asyncio.gather(*(_resolve(charts, release, loaded) for release in releases))
    problems = [
        Problem(one.release.ref.where, "spec.chart", _told(one.error))
        for one in found
        if isinstance(one, Unresolved) and isinstance(one.error, InputError)
    ]
    if problems:
        raise InputErrors(problems)
    return found


def _told(error: HelmopsError) -> str:
    return f"{error} ({error.hint})" if error.hint else str(error)


async def _resolve(charts: Charts, release: Release, loaded: Loaded) -> Resolved | Unresolved:
    if unread := loaded.unread.get(release.described):
        return Unresolved(release, unread)
    try:
        artifact = await charts.resolve(release.chart, loaded.credentials.get(release.described))
    except HelmopsError as error:
        return Unresolved(release, error)
    values = merge_layers(loaded.layers[release.described])
    return Resolved(release, artifact, values, digest_of(release, artifact, values))


def digest_of(release: Release, artifact: Artifact, values: Merged) -> str:
    """The desired digest: the chart's content, the values, and what else changes what Helm would write."""
    target = release.target_namespace if release.target_namespace != release.namespace else ""
    return desired_digest(
        {
            "chart": artifact.digest,
            "version": artifact.version,
            "values": dict(values.value),
            "targetNamespace": target,
            "postRenderers": wanted(release.post_renderers),
        }
    )
