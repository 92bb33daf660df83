"""Port ``Charts``: every form of source behind one door."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from helmops.adapters.charts import content
from helmops.adapters.charts.archives import Archives
from helmops.adapters.charts.cache import ChartCache
from helmops.adapters.charts.indexes import Indexes
from helmops.adapters.charts.limits import Limits
from helmops.adapters.charts.local import LocalCharts
from helmops.adapters.charts.oci import Registries
from helmops.adapters.charts.once import Once
from helmops.adapters.charts.repository import Repositories
from helmops.adapters.http import Http
from helmops.adapters.process import Processes
from helmops.api.model import ChartRef, Credentials, GitChart, HelmRepoChart, OciChart, PathChart
from helmops.errors import Transient
from helmops.ports import Artifact, ChartContent, Memory

if TYPE_CHECKING:
    from helmops.adapters.charts.git import GitCharts
    from helmops.adapters.git import Git


class ChartSources:
    """Charts of Helm repositories, registries, git repositories and of this machine, kept unpacked below ``root``.

    ``http`` belongs to the caller, who closes it. ``git`` is called for the first chart in git: most have none, and
    need not import it. Without it, git has the environment of this process.
    """

    def __init__(
        self,
        root: str,
        http: Http,
        memory: Memory,
        limits: Limits | None = None,
        git: Callable[[], Git] | None = None,
    ) -> None:
        limits = limits or Limits()
        self._root = root
        self._limits = limits
        self._memory = memory
        self._cache = ChartCache(root)
        self._local = LocalCharts(self._cache, memory, limits)
        self._http = http
        self._archives = Archives(self._cache, memory, limits)
        self._make_git = git or self._own_git
        self._git: GitCharts | None = None
        self.forget()

    def forget(self) -> None:
        """Ask all sources anew from now on, for who lives longer than their answers. The cache on disk stays."""
        self._repositories = Repositories(
            self._http, Indexes(self._root, self._http, self._limits), self._archives, self._limits
        )
        self._registries = Registries(self._http, self._archives, self._memory, self._limits)
        if self._git is not None:
            self._git.forget()
        self._resolved: Once[Artifact] = Once()
        self._contents: Once[ChartContent] = Once()

    async def resolve(self, ref: ChartRef, credentials: Credentials | None = None) -> Artifact:
        """Find the version, fetch what is not in the cache. The same question is asked once per process."""
        return await self._resolved.get((ref, credentials), lambda: self._resolve(ref, credentials))

    async def content(self, artifact: Artifact) -> ChartContent:
        """Read the unpacked chart, once per digest as long as the memory lasts."""
        return await self._contents.get(artifact.digest, lambda: asyncio.to_thread(self._content, artifact))

    async def close(self) -> None:
        """Remove what could not be cached."""
        if self._git is not None:
            await self._git.close()
        await asyncio.to_thread(self._cache.close)

    async def _resolve(self, ref: ChartRef, credentials: Credentials | None) -> Artifact:
        match ref:
            case PathChart():
                return await asyncio.to_thread(self._local.resolve, ref)
            case HelmRepoChart():
                return await self._repositories.resolve(ref, credentials)
            case OciChart():
                return await self._registries.resolve(ref, credentials)
            case GitChart():
                return await self._git_charts().resolve(ref, credentials)

    def _git_charts(self) -> GitCharts:
        from helmops.adapters.charts.git import GitCharts

        if self._git is None:
            self._git = GitCharts(self._make_git(), self._cache, self._memory, self._limits)
        return self._git

    def _own_git(self) -> Git:
        from helmops.adapters.git import Git

        return Git(self._root, Processes(), os.environ)

    def _content(self, artifact: Artifact) -> ChartContent:
        scope = f"{content.FORMAT} of {artifact.digest}"
        known = content.from_json(self._memory.load(scope))
        if known is None:
            known = _read(artifact)
            self._memory.save(scope, content.to_json(known))
        return known


def _read(artifact: Artifact) -> ChartContent:
    try:
        return content.read_content(artifact)
    except OSError as error:
        raise Transient(f"{artifact.provenance} has gone from the cache: {error.strerror}") from error
