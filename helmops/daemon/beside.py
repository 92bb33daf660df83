"""What a release refers to: ConfigMaps, Secrets and ChartSources. When one changes, the release is woken."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator

from helmops.api.chart_kind import KIND as CHART_SOURCE
from helmops.api.model import Access, ObjectValues, Release
from helmops.api.release_kind import API_VERSION
from helmops.core.objects import ObjectId
from helmops.daemon.log import Log
from helmops.engine.plan import Key
from helmops.errors import HelmopsError, NotFound
from helmops.ports import Change, Cluster

KINDS = (("v1", "ConfigMap"), ("v1", "Secret"), (API_VERSION, CHART_SOURCE))
HELM = "helm"


class Beside:
    """Watches by metadata alone: no Secret's content passes here."""

    def __init__(
        self, cluster: Cluster, access: Access, log: Log, wake: Callable[[Key, str], None], *, namespace: str
    ) -> None:
        self._namespace = namespace or None
        self._cluster = cluster
        self._access = access
        self._log = log
        self._wake = wake
        self._readers: defaultdict[ObjectId, set[Key]] = defaultdict(set)
        self._read: dict[Key, frozenset[ObjectId]] = {}
        self._stored: dict[tuple[str, str], Key] = {}

    def learn(self, key: Key, release: Release, source: tuple[str, str] | None) -> None:
        """What a release refers to now; ``source`` is its ChartSource."""
        self.forget(key)
        found = frozenset(_referred(release))
        if source:
            found |= {ObjectId(API_VERSION, CHART_SOURCE, *source)}
        for one in found:
            self._readers[one].add(key)
        self._read[key] = found
        if release.kube_config is None:
            self._stored[release.namespace, release.name] = key

    def forget(self, key: Key) -> None:
        """Nobody asks for this release any more."""
        for one in self._read.pop(key, ()):
            self._readers[one].discard(key)
            if not self._readers[one]:
                del self._readers[one]
        self._stored = {stored: other for stored, other in self._stored.items() if other != key}

    async def watch(self) -> None:
        """All kinds, without end."""
        async with asyncio.TaskGroup() as group:
            for api_version, kind in KINDS:
                group.create_task(self._watch(api_version, kind))

    async def _watch(self, api_version: str, kind: str) -> None:
        try:
            async for change in self._cluster.watch_metadata(self._access, api_version, kind, self._namespace):
                if change:
                    self._seen(change)
        except NotFound:
            return  # the input is files, and the cluster knows no ChartSources
        except HelmopsError as error:
            self._log.error(kind, f"changes are seen at intervals only: {error}")

    def _seen(self, change: Change) -> None:
        meta = change.meta
        for key in tuple(self._readers.get(meta.id, ())):
            self._wake(key, f"{meta.id.kind} {meta.id.namespace}/{meta.id.name}")
        if meta.labels.get("owner") == HELM and meta.id.kind == "Secret":
            stored = self._stored.get((meta.id.namespace, meta.labels.get("name", "")))
            if stored:
                self._wake(stored, HELM)


def _referred(release: Release) -> Iterator[ObjectId]:
    for one in release.values:
        if isinstance(one, ObjectValues):
            yield ObjectId("v1", one.kind, one.namespace, one.name)
    secrets = [release.kube_config.secret] if release.kube_config else []
    auth = getattr(release.chart, "auth", None)
    for secret in [*secrets, *([auth] if auth else [])]:
        yield ObjectId("v1", "Secret", secret.namespace, secret.name)
