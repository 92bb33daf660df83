"""Charts out of git: what it costs, who may, and what can go wrong."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from helmops.adapters.git import Git
from helmops.adapters.git_objects import Objects
from helmops.adapters.process import Processes
from helmops.api.model import Credentials, GitChart, GitRef, SecretRef
from helmops.errors import Forbidden, HelmopsError, InputError, Transient, Unreachable
from helmops.testing.memory import FakeMemory
from tests.contract.git import ALICE, GitBench, below
from tests.servers.gitserver import GitServer, git
from tests.servers.http import Handler, Server
from tests.unit.adapters.charts.packing import chart


@pytest.fixture
def bench(git_bench: GitBench) -> GitBench:
    return git_bench


@pytest.fixture
def private(tmp_path: Path) -> Iterator[GitServer]:
    with GitServer(tmp_path / "private", (ALICE.username, ALICE.password)) as server:
        yield server


# ---------------------------------------------------------------- what it costs
async def test_an_unmoved_ref_costs_one_process_a_url_and_a_pinned_commit_none(bench: GitBench) -> None:
    more = {path: text for each in range(20) for path, text in below(f"many/{each}", chart(f"c{each}")).items()}
    head = bench.commit(more)
    refs = [bench.ref, *(GitChart(bench.url, f"many/{each}") for each in range(20))]
    pinned = bench.at(commit=head)
    await asyncio.gather(*(bench.charts.resolve(ref) for ref in [*refs, pinned]))
    listing = "/apps.git/info/refs"
    bench.server.forget_requests()
    bench.restart()
    await asyncio.gather(*(bench.charts.resolve(ref) for ref in refs))
    assert (bench.processes.started, bench.server.requests(listing)) == (1, 1)
    bench.server.forget_requests()
    assert (await bench.restart().resolve(pinned)).name == "app"
    assert (bench.processes.started, bench.server.requests(listing)) == (0, 0)


async def test_a_second_fetch_brings_only_what_is_new(bench: GitBench) -> None:
    bench.commit({"elsewhere": "".join(os.urandom(3000).hex() for _ in range(100))})
    await bench.charts.resolve(bench.ref)
    before = _size(bench.folder / "cache" / "git")
    bench.change("1.0.1")
    await bench.restart().resolve(bench.ref)
    assert _size(bench.folder / "cache" / "git") - before < before / 4
    assert bench.processes.started == 3


# ---------------------------------------------------------------- who may
async def test_basic(private: GitServer, tmp_path: Path) -> None:
    bench = GitBench(tmp_path, private)
    assert (await bench.charts.resolve(bench.ref, ALICE)).name == "app"
    inline = bench.url.replace("://", "://alice:not-a-secret@")
    assert (await bench.charts.resolve(GitChart(inline, "charts/app"))).name == "app"
    for wrong in (None, Credentials("alice", "wrong-password"), Credentials("", "")):
        with pytest.raises(Forbidden) as refusal:
            await bench.charts.resolve(bench.ref, wrong)
        assert "wrong-password" not in str(refusal.value)
    await bench.http.close()


async def test_what_one_tenant_fetched_another_is_not_given(private: GitServer, tmp_path: Path) -> None:
    bench = GitBench(tmp_path, private)
    head = git(bench.bare, "rev-parse", "main").strip()
    owner = dataclasses.replace(bench.at(commit=head), auth=SecretRef("team-a", "git"))
    other = dataclasses.replace(owner, auth=SecretRef("team-b", "git"))
    await bench.charts.resolve(owner, ALICE)
    for wrong in (None, Credentials("bob", "wrong-password")):
        with pytest.raises(Forbidden):
            await bench.restart().resolve(other, wrong)
    await bench.http.close()


async def test_a_password_is_on_no_command_line_and_in_no_file(
    private: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    bench = GitBench(tmp_path, private)
    run = Processes.run

    async def noting(self: Processes, argv: list[str], **more: object) -> object:
        seen.extend(argv)
        return await run(self, argv, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Processes, "run", noting)
    await bench.charts.resolve(bench.ref, ALICE)
    assert "fetch" in seen
    assert not any(ALICE.password in word for word in seen)
    for path in (tmp_path / "cache").rglob("*"):
        assert not path.is_file() or ALICE.password.encode() not in path.read_bytes()
    await bench.http.close()


class _Redirect(Handler):
    def respond(self, body: bytes) -> None:
        self.server.headers.append(dict(self.headers.items()))  # type: ignore[attr-defined]
        self.answer(302, {"Location": self.server.target + self.path})  # type: ignore[attr-defined]


async def test_credentials_follow_no_redirect(bench: GitBench) -> None:
    with Server(_Redirect) as door:
        door.headers, door.target = [], bench.server.url  # type: ignore[attr-defined]
        bench.server.forget_requests()
        ref = GitChart(f"{door.url}/apps.git", "charts/app")
        with pytest.raises(InputError, match="redirects"):
            await bench.charts.resolve(ref, ALICE)
        assert "Authorization" in door.headers[0]  # type: ignore[attr-defined]
        assert bench.server.requests("/apps.git/info/refs") == 0
        assert (await bench.charts.resolve(ref)).name == "app"


async def test_files_by_flag_only(bench: GitBench) -> None:
    ref = GitChart(f"file://{bench.bare}", "charts/app")
    with pytest.raises(InputError, match="file://"):
        await bench.charts.resolve(ref)
    bench.environ["HELMOPS_ALLOW_FILE_URLS"] = "1"
    assert (await bench.restart().resolve(ref)).name == "app"


# ---------------------------------------------------------------- faults
async def test_no_such_repository_and_no_server(bench: GitBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helmops.adapters.git._PAUSE", 0.0)
    with pytest.raises(InputError, match="is no git repository"):
        await bench.charts.resolve(GitChart(bench.server.repository_url("none"), "x"))
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1"):
        await bench.charts.resolve(GitChart("http://127.0.0.1:1/apps.git", "x"))
    assert bench.processes.started == 1 + 3


class _Silent(Handler):
    def respond(self, body: bytes) -> None:
        self.server.asked.set()  # type: ignore[attr-defined]
        self.server.release.wait(30)  # type: ignore[attr-defined]


async def test_a_cancelled_question_leaves_no_git_behind(bench: GitBench) -> None:
    with Server(_Silent) as server:
        server.asked, server.release = threading.Event(), threading.Event()  # type: ignore[attr-defined]
        task = asyncio.ensure_future(bench.charts.resolve(GitChart(f"{server.url}/apps.git", "x")))
        await asyncio.to_thread(server.asked.wait, 20)  # type: ignore[attr-defined]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)
        await asyncio.sleep(0.2)
        assert not _running(server.url)
        server.release.set()  # type: ignore[attr-defined]


async def test_a_server_that_says_nothing_is_left_in_time(bench: GitBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helmops.adapters.git.ASK", 0.3)
    monkeypatch.setattr("helmops.adapters.git._ATTEMPTS", 1)
    with Server(_Silent) as server:
        server.asked, server.release = threading.Event(), threading.Event()  # type: ignore[attr-defined]
        with pytest.raises(Unreachable, match=r"did not answer in 0\.3 s"):
            await bench.charts.resolve(GitChart(f"{server.url}/apps.git", "x"))
        server.release.set()  # type: ignore[attr-defined]


async def test_reading_is_kept_in_time_and_can_be_cancelled(bench: GitBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitPython itself would wait for ever."""
    head, port = git(bench.bare, "rev-parse", "main").strip(), bench.git()
    remote = port.remote(bench.url)
    asked = threading.Event()

    def wait(objects: Objects) -> bytes:
        asked.set()
        return objects._take(1)

    async with port.repository(remote) as repository:
        task = asyncio.ensure_future(repository.read(head, wait))
        await asyncio.to_thread(asked.wait, 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)
        monkeypatch.setattr("helmops.adapters.git.READ", 0.1)
        with pytest.raises(Transient, match="could not be read"):
            await repository.read(head, wait)


async def test_what_is_no_commit(bench: GitBench) -> None:
    blob = git(bench.bare, "rev-parse", "main:charts/app/values.yaml").strip()
    with pytest.raises(InputError, match="holds no files"):
        await bench.charts.resolve(dataclasses.replace(bench.at(commit=blob), path=""))


async def test_a_damaged_copy_is_made_anew(bench: GitBench) -> None:
    await bench.charts.resolve(bench.ref)
    for path in (bench.folder / "cache" / "git").rglob("objects/*/*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(b"\0" * 20)
    (next((bench.folder / "cache" / "git").glob("*/config")).parent / "shallow.lock").touch()
    bench.memory = FakeMemory()
    assert (await bench.restart().resolve(bench.ref)).name == "app"


async def test_a_server_that_gives_nothing_by_id(bench: GitBench) -> None:
    """A dumb server: plain files, no shallow copies."""
    from tests.unit.adapters.charts.server import RepositoryServer

    old = git(bench.bare, "rev-parse", "main").strip()
    bench.change("1.0.1")
    git(bench.bare, "update-server-info")
    with RepositoryServer() as dumb:
        dumb.files = {f"/x.git/{path.relative_to(bench.bare)}": path.read_bytes() for path in _files(bench.bare)}
        ref = GitChart(f"{dumb.url}/x.git", "charts/app")
        assert (await bench.charts.resolve(ref)).version == "1.0.1"
        pinned = dataclasses.replace(ref, ref=GitRef(commit=old))
        assert (await bench.charts.resolve(pinned)).version == "1.0.0"
        with pytest.raises(InputError, match="no commit"):
            await bench.charts.resolve(dataclasses.replace(ref, ref=GitRef(commit="b" * 40)))


async def test_a_cache_that_cannot_be_written(bench: GitBench) -> None:
    (bench.folder / "cache").write_text("a file in its place")
    sources = bench.restart()
    assert (await sources.resolve(bench.ref)).name == "app"
    await sources.close()


async def test_the_environment_of_a_git_hook_has_no_say(bench: GitBench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_OBJECT_DIRECTORY", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, "/nowhere")
        bench.environ[name] = "/nowhere"
    assert (await bench.restart().resolve(bench.ref)).name == "app"


async def test_two_processes_on_one_cache(bench: GitBench) -> None:
    script = (
        "import asyncio, os, sys\n"
        "from helmops.adapters.charts import ChartSources\n"
        "from helmops.adapters.http import Http\n"
        "from helmops.adapters.state import DiskMemory\n"
        "from helmops.api.model import GitChart\n"
        "async def main(root, url):\n"
        "    charts = ChartSources(root, Http(), DiskMemory(root))\n"
        "    print((await charts.resolve(GitChart(url, 'charts/app'))).digest)\n"
        "asyncio.run(main(*sys.argv[1:]))\n"
    )
    argv = [sys.executable, "-c", script, str(bench.folder / "cache"), bench.url]
    children = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    answers = [await asyncio.to_thread(child.communicate, timeout=60) for child in children]
    assert len({out for out, _ in answers}) == 1, answers
    assert (await bench.charts.resolve(bench.ref)).digest in answers[0][0]


async def test_another_process_that_keeps_the_copy(bench: GitBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helmops.adapters.git_folders.PATIENCE", 0.1)
    git_port = bench.git()
    async with git_port.repository(git_port.remote(bench.url)):
        with pytest.raises(Transient, match="another helmops"):
            await bench.charts.resolve(bench.ref)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in _files(folder))


def _running(text: str) -> bool:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if text.encode() in words:
                return True
    return False


def test_errors_of_the_adapter_are_ours() -> None:
    """What leaves it is in the tree of errors, also where git itself is missing."""
    with pytest.raises(HelmopsError, match="git"):
        asyncio.run(_without_git())


async def _without_git() -> None:
    port = Git("/nowhere", Processes(), {"PATH": "/nowhere"})
    await port.refs(port.remote("https://git.example.org/apps.git"))
