"""Values that only the cluster has: ConfigMaps and Secrets that the input names and does not hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from helmops.api.model import Access, ObjectValues, Release
from helmops.core.objects import ObjectId
from helmops.core.values import Layer
from helmops.engine.layers import Part, object_key, stack
from helmops.engine.load import Loaded, ObjectName
from helmops.engine.scope import service_account
from helmops.errors import HelmopsError, InputErrors, Problem
from helmops.ports import Cluster

AccessOf = Callable[[Release], Access]
"""As whom the objects beside a release are read."""

_Asked = tuple[Access, tuple[str, str, str]]
_Answer = Mapping[str, Any] | HelmopsError | None


def as_release(start: Access) -> AccessOf:
    """Where the pass starts, whichever cluster the release goes to; with the identity that deploys it."""

    def access(release: Release) -> Access:
        identity = service_account(release.ref.namespace, release.service_account)
        return replace(start, identity=identity or start.identity)

    return access


async def read_values(cluster: Cluster, loaded: Loaded, access_of: AccessOf) -> Loaded:
    """``loaded`` with the values of every release; each object is asked for once per identity.

    InputErrors for all that is missing or unreadable. What may pass, or is forbidden, stands in ``Loaded.unread``.
    Nothing is asked where the input has everything.
    """
    waiting = [one for one in loaded.desired.releases if _awaited(loaded, one)]
    asked = list(dict.fromkeys((access_of(one), key) for one in waiting for key in _awaited(loaded, one)))
    answers = dict(zip(asked, await asyncio.gather(*(_get(cluster, one) for one in asked)), strict=True))
    problems: list[Problem] = []
    layers: dict[ObjectName, tuple[Layer, ...]] = {}
    unread: dict[ObjectName, HelmopsError] = {}
    for release in waiting:
        found: dict[tuple[str, str, str], Mapping[str, Any] | None] = dict(loaded.desired.objects)
        for key in _awaited(loaded, release):
            answer = answers[access_of(release), key]
            if isinstance(answer, HelmopsError):
                unread[release.described] = answer
            else:
                found[key] = answer
        if release.described not in unread:
            layers[release.described] = stack(loaded.parts[release.described], found, problems)
    if problems:
        raise InputErrors(problems)
    return replace(loaded, layers={**loaded.layers, **layers}, unread=unread)


def _awaited(loaded: Loaded, release: Release) -> Sequence[tuple[str, str, str]]:
    parts: Sequence[Part] = loaded.parts.get(release.described, ())
    keys = (object_key(part) for part in parts if isinstance(part, ObjectValues))
    return [key for key in keys if key not in loaded.desired.objects]


async def _get(cluster: Cluster, asked: _Asked) -> _Answer:
    access, (kind, namespace, name) = asked
    try:
        return await cluster.get(access, ObjectId("v1", kind, namespace, name))
    except HelmopsError as error:
        return error
