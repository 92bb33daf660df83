"""A git repository is followed: a new commit wakes what it changes, and what was right stays while it is away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from helmops.api.model import Access
from helmops.cli.running import Repository, of_git
from helmops.daemon.folder import FolderSource
from helmops.daemon.log import Log
from helmops.engine.plan import Key
from helmops.errors import Transient
from helmops.testing.checkouts import FakeCheckouts
from tests.unit.daemon.test_daemon import REPO, make_stage

URL = "https://git.example.org/apps.git"
REMOTE = {"repo": REPO, "name": "chart", "version": "1.0.0"}


class Followed:
    """A source over the fakes; ``woken`` since the last look."""

    def __init__(self) -> None:
        self.stage, self.clock = make_stage()
        self.checkouts = FakeCheckouts()
        self.lines: list[str] = []
        self.woken: list[tuple[Key, str]] = []
        self.source = FolderSource(
            self.stage.ports,
            Access(),
            of_git(self.checkouts, Repository(URL, "main", "releases")),
            Log(self.clock, self.lines.append),
            namespace="default",
            every=5.0,
        )

    def commit(self, name: str, messages: Sequence[str], chart: dict[str, str] | None = None) -> None:
        """Releases r0, r1, … with these values, in the checkout of their own that a commit gets."""
        files = self.stage.files
        files.root = f"/checkouts/{name}"
        files.contents.clear()
        for number, message in enumerate(messages):
            spec = {"chart": chart or REMOTE, "valuesFrom": [{"file": f"../shared/r{number}.yaml"}]}
            meta = {"name": f"r{number}", "namespace": "default"}
            manifest = {"apiVersion": "helmops.dev/v1alpha1", "kind": "Release", "metadata": meta, "spec": spec}
            files.write(f"releases/r{number}.yaml", json.dumps(manifest))
            files.write(f"shared/r{number}.yaml", f"message: {message}\n")
        self.checkouts.commits[URL, "main"] = name

    async def poll(self) -> list[tuple[str, str]]:
        """Who was woken at the next look, and why."""
        self.woken.clear()
        self.clock.advance(5.0)
        for _ in range(200):
            await asyncio.sleep(0)
        return [(name, why) for (_, name), why in self.woken]

    def start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.source.watch(lambda key, why: self.woken.append((key, why))))


async def test_a_new_commit_wakes_what_it_changes() -> None:
    followed = Followed()
    followed.commit("one", ["a", "b"])
    task = followed.start()
    assert await followed.poll() == [("r0", "changed"), ("r1", "changed")]
    assert await followed.poll() == []
    followed.commit("two", ["a", "changed"])
    assert await followed.poll() == [("r1", "changed")]
    followed.commit("three", ["a"])
    assert await followed.poll() == [("r1", "deleted")]
    await followed.poll()
    assert followed.checkouts.used == ("/checkouts/three/releases",)
    task.cancel()


async def test_a_chart_beside_the_manifests_is_looked_at_with_every_commit() -> None:
    followed = Followed()
    followed.commit("one", ["a"], {"path": "../charts/app"})
    task = followed.start()
    await followed.poll()
    followed.commit("two", ["a"], {"path": "../charts/app"})
    assert await followed.poll() == [("r0", "changed")]
    task.cancel()


async def test_a_server_that_is_away_is_told_once_each_time() -> None:
    followed = Followed()
    followed.commit("one", ["a"])
    task = followed.start()
    await followed.poll()
    for times in (1, 2):
        followed.checkouts.error = Transient("git.example.org does not answer")
        assert await followed.poll() == await followed.poll() == []
        assert followed.source.knows(("default", "r0"))
        assert "\n".join(followed.lines).count("stays wanted: git.example.org does not answer") == times
        followed.checkouts.error = None
        await followed.poll()
        assert "can be read again" in followed.lines[-1]
    task.cancel()


async def test_the_last_good_commit_stays_in_use() -> None:
    followed = Followed()
    followed.commit("one", ["a"])
    task = followed.start()
    await followed.poll()
    for name in ("bad", "worse"):
        followed.commit(name, ["a"])
        followed.stage.files.write("releases/r0.yaml", "kind: [")
        assert await followed.poll() == []
        assert followed.checkouts.used == ("/checkouts/one/releases",)
    task.cancel()
