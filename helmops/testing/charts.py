"""Charts in memory."""

from __future__ import annotations

import asyncio
import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from helmops.api.model import ChartRef, Credentials, GitChart, HelmRepoChart, OciChart, PathChart
from helmops.core import versions
from helmops.errors import HelmopsError, InputError, NotFound
from helmops.ports import Artifact, ChartContent


class FakeCharts:
    """Port ``Charts``.

    ``asked`` lists every resolution in order, ``given`` the credentials of each; ``held``, when set, lets nobody pass
    until it is.
    """

    def __init__(self) -> None:
        self._repositories: dict[str, dict[str, dict[str, Artifact]]] = {}
        self._paths: dict[str, Artifact] = {}
        self._registries: dict[str, dict[str, Artifact]] = {}
        self._contents: dict[str, ChartContent] = {}
        self._failures: dict[str, HelmopsError] = {}
        self.asked: list[ChartRef] = []
        self.given: list[Credentials | None] = []
        self.held: asyncio.Event | None = None
        self.forgotten = 0

    def publish(self, repo: str, name: str, version: str, **about: Any) -> Artifact:
        """A version of a chart in a repository; ``about`` as for :meth:`place`."""
        artifact = self._make(name, version, f"{name} {version} from {repo}", **about)
        self._repositories.setdefault(repo, {}).setdefault(name, {})[version] = artifact
        return artifact

    def push(self, url: str, version: str, tag: str = "", **about: Any) -> str:
        """A chart in a registry, under its version's tag unless another is given; the digest of its manifest."""
        tag = tag or version.replace("+", "_")
        name = url.rpartition("/")[2]
        artifact = self._make(name, version, f"{name} {version} from {url}:{tag}", **about)
        self._registries.setdefault(url, {})[tag] = artifact
        return f"sha256:{artifact.digest}"

    def place(self, path: str, name: str = "", version: str = "0.1.0", **about: Any) -> Artifact:
        """A chart on disk. ``about``: values, schema, uses_lookup, crds, and text, any change of which is a change of
        the chart."""
        artifact = self._make(name or path.rpartition("/")[2], version, path, **about)
        self._paths[path] = artifact
        return artifact

    def fail(self, source: str, error: HelmopsError | None) -> None:
        """Let a repository or path fail from now on; None mends it."""
        self._failures.pop(source, None)
        if error:
            self._failures[source] = error

    async def resolve(self, ref: ChartRef, credentials: Credentials | None = None) -> Artifact:
        """As the real one, without its memory: each question is answered from what is published now."""
        self.asked.append(ref)
        self.given.append(credentials)
        if self.held:
            await self.held.wait()
        source = _source(ref)
        if source in self._failures:
            raise self._failures[source]
        match ref:
            case PathChart():
                return self._at(ref)
            case HelmRepoChart():
                return self._in(ref)
            case OciChart():
                return self._pulled(ref)
            case GitChart():
                raise InputError(f"no chart at {source}")

    def forget(self) -> None:
        """Nothing was remembered; ``forgotten`` counts."""
        self.forgotten += 1

    async def content(self, artifact: Artifact) -> ChartContent:
        """What was said of the chart when it was published."""
        if artifact.digest not in self._contents:
            raise NotFound(f"no chart {artifact.digest}")
        return self._contents[artifact.digest]

    def _at(self, ref: PathChart) -> Artifact:
        if ref.path not in self._paths:
            raise InputError(f"no chart at {ref.path}")
        return self._paths[ref.path]

    def _in(self, ref: HelmRepoChart) -> Artifact:
        if ref.repo not in self._repositories:
            raise InputError(f"{ref.repo} is no Helm repository")
        charts = self._repositories[ref.repo]
        if ref.name not in charts:
            raise InputError(f"{ref.repo} has no chart {ref.name!r}{_nearest(ref.name, list(charts))}")
        known = charts[ref.name]
        version = versions.best(ref.version, known)
        if version is None:
            raise InputError(f"{ref.repo} has no version {ref.version!r} of {ref.name}; newest: {', '.join(known)}")
        return known[version]

    def _pulled(self, ref: OciChart) -> Artifact:
        if ref.url not in self._registries:
            raise InputError(f"{ref.url} is no chart: the registry has no such repository")
        tags = self._registries[ref.url]
        if ref.digest:
            return _by_digest(tags, ref)
        if ref.tag and not ref.version:
            if ref.tag not in tags:
                raise InputError(f"{ref.url} has no tag {ref.tag!r}{_nearest(ref.tag, list(tags))}")
            return tags[ref.tag]
        known = {tag.replace("_", "+"): artifact for tag, artifact in tags.items()}
        version = versions.best(ref.version, known)
        if version is None:
            raise InputError(f"{ref.url} has no version {ref.version!r}; newest: {', '.join(known)}")
        return known[version]

    def _make(
        self,
        name: str,
        version: str,
        provenance: str,
        *,
        values: Mapping[str, Any] | None = None,
        schema: Mapping[str, Any] | None = None,
        uses_lookup: bool = False,
        crds: Sequence[Mapping[str, Any]] = (),
        text: str = "",
    ) -> Artifact:
        about = {"apiVersion": "v2", "name": name, "version": version}
        content = ChartContent(about, values or {}, uses_lookup, schema, tuple(crds))
        identity = json.dumps([about, values, schema, uses_lookup, list(crds), text], sort_keys=True)
        digest = hashlib.sha256(identity.encode()).hexdigest()
        self._contents[digest] = content
        return Artifact(name, version, digest, f"/cache/charts/{digest}/chart", provenance)


def _by_digest(tags: Mapping[str, Artifact], ref: OciChart) -> Artifact:
    for artifact in tags.values():
        if ref.digest == f"sha256:{artifact.digest}":
            return artifact
    raise InputError(f"{ref.url} has no {ref.digest}")


def _source(ref: ChartRef) -> str:
    match ref:
        case PathChart():
            return ref.path
        case HelmRepoChart():
            return ref.repo
        case OciChart() | GitChart():
            return ref.url


def _nearest(name: str, names: Sequence[str]) -> str:
    found = ", ".join(difflib.get_close_matches(name, names, n=3))
    return f"; nearest: {found}" if found else ""
