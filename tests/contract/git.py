"""A git server with a chart in it, and a helmops that can be started anew."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

from helmops.adapters.charts import ChartSources, Limits
from helmops.adapters.git import Git
from helmops.adapters.http import Http
from helmops.adapters.process import Processes
from helmops.api.model import Credentials, GitChart, GitRef
from helmops.testing.memory import FakeMemory
from tests.servers.gitserver import GitServer, git
from tests.unit.adapters.charts.packing import chart, write

ALICE = Credentials("alice", "not-a-secret")


class GitBench:
    """A git server with one repository, and a helmops that may be started anew."""

    def __init__(self, folder: Path, server: GitServer, **environ: str) -> None:
        self.folder = folder
        self.server = server
        self.memory = FakeMemory()
        self.processes = Processes()
        self.limits = Limits()
        self.environ = {**os.environ, **environ}
        self.http = Http()
        self.url = server.create("apps", below("charts/app", chart("app")))
        self.ref = GitChart(self.url, "charts/app")
        self.charts = self.restart()

    def restart(self) -> ChartSources:
        """Another process, as far as memory and caches go. The count of processes begins anew."""
        self.processes.started = 0
        cache = str(self.folder / "cache")
        self.charts = ChartSources(cache, self.http, self.memory, self.limits, self.git)
        return self.charts

    def git(self) -> Git:
        """Git alone, on the same cache."""
        return Git(str(self.folder / "cache"), self.processes, self.environ)

    def commit(self, files: Mapping[str, str], tag: str | None = None) -> str:
        """Files at their paths in the repository."""
        return self.server.commit("apps", files, "More", tag)

    def change(self, version: str = "1.0.0", text: str = "replicas: 2\n", tag: str | None = None) -> str:
        """Another content of the chart."""
        return self.commit(below("charts/app", chart("app", version, values_yaml=text)), tag)

    def at(self, **ref: str) -> GitChart:
        """The chart at another ref."""
        return dataclasses.replace(self.ref, ref=GitRef(**ref))

    @property
    def bare(self) -> Path:
        """The repository on the server's disk."""
        return self.server.folder / "apps.git"


def below(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    """The files, in a folder."""
    return {f"{folder}/{path}": text for path, text in files.items()}


def push(bench: GitBench, folder: Path, files: Mapping[str, str], links: Mapping[str, str]) -> None:
    """A commit with links in it, by a work tree, which stays at ``push``."""
    work = folder / "push"
    git(folder, "clone", "--quiet", bench.url, str(work))
    write(work, files)
    for path, target in links.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).unlink(missing_ok=True)
        (work / path).symlink_to(target)
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "Link")
    git(work, "push", "--quiet", "origin", "HEAD:main")
