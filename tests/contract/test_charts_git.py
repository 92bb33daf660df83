"""Charts out of git, against git's own HTTP server."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from helmops.adapters.charts import ChartSources, Limits
from helmops.adapters.git import Git
from helmops.adapters.git_objects import Objects
from helmops.adapters.http import Http
from helmops.adapters.process import Processes
from helmops.api.model import Credentials, GitChart, GitRef, PathChart, SecretRef
from helmops.errors import Forbidden, HelmopsError, InputError, Transient, Unreachable
from helmops.testing.memory import FakeMemory
from tests.servers.gitserver import GIT_ENV, GitServer, git
from tests.servers.http import Handler, Server
from tests.unit.adapters.charts.packing import chart, pack, write

ALICE = Credentials("alice", "not-a-secret")
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n"


class Bench:
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
    return {f"{folder}/{path}": text for path, text in files.items()}


@pytest.fixture
async def bench(git_server: GitServer, tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path, git_server)
    yield bench
    await bench.charts.close()
    await bench.http.close()


@pytest.fixture
def private(tmp_path: Path) -> Iterator[GitServer]:
    with GitServer(tmp_path / "private", (ALICE.username, ALICE.password)) as server:
        yield server


# ---------------------------------------------------------------- what a chart is
async def test_the_same_chart_as_on_disk(bench: Bench, tmp_path: Path) -> None:
    folder = write(tmp_path / "input" / "app", chart("app"))
    local = await bench.charts.resolve(PathChart(str(folder), str(tmp_path / "input")))
    artifact = await bench.charts.resolve(bench.ref)
    assert (artifact.name, artifact.version, artifact.digest) == ("app", "1.0.0", local.digest)
    head = git(bench.bare, "rev-parse", "main").strip()
    assert f"{bench.url} at main@sha1:{head}" in artifact.provenance
    assert (await bench.charts.content(artifact)).default_values == {"replicas": 1}


async def test_the_root_of_the_repository_and_a_packed_chart(bench: Bench, tmp_path: Path) -> None:
    root = await bench.charts.resolve(GitChart(bench.server.create("root", chart("top")), "./"))
    assert root.name == "top"
    (tmp_path / "work").mkdir()
    git(tmp_path, "clone", "--quiet", bench.url, str(tmp_path / "work"))
    (tmp_path / "work" / "app.tgz").write_bytes(pack(chart("packed")))
    git(tmp_path / "work", "add", ".")
    git(tmp_path / "work", "commit", "--quiet", "-m", "Pack")
    git(tmp_path / "work", "push", "--quiet", "origin", "HEAD:main")
    assert (await bench.charts.resolve(GitChart(bench.url, "app.tgz"))).name == "packed"


async def test_attributes_of_the_repository_change_nothing(bench: Bench) -> None:
    before = await bench.charts.resolve(bench.ref)
    bench.commit({".gitattributes": "values.yaml export-ignore\n*.yaml export-subst text eol=crlf\n"})
    after = await bench.restart().resolve(dataclasses.replace(bench.ref, ref=GitRef(branch="main")))
    assert after.digest == before.digest


async def test_what_helmignore_names_is_not_even_read(bench: Bench) -> None:
    plain = await bench.charts.resolve(bench.ref)
    bench.commit({"charts/app/.helmignore": "*.bin\n", "charts/app/big.bin": "x" * 200_000})
    bench.limits = Limits(chart=1_000_000)
    assert (await bench.restart().resolve(bench.at(branch="main"))).digest == plain.digest


async def test_links_are_followed_inside_the_repository_as_on_disk(bench: Bench, tmp_path: Path) -> None:
    files = below("charts/app", chart("app")) | {"shared/values.yaml": "replicas: 7\n", "shared/tpl/x.yaml": "a: 1\n"}
    links = {
        "charts/app/values.yaml": "../../shared/values.yaml",
        "charts/app/templates/more": "../../../shared/hop",
        "shared/hop": "tpl",
    }
    push(bench, tmp_path, files, links)
    artifact = await bench.restart().resolve(bench.ref)
    on_disk = PathChart(str(tmp_path / "push" / "charts" / "app"), str(tmp_path / "push"))
    assert artifact.digest == (await bench.charts.resolve(on_disk)).digest
    assert (Path(artifact.path) / "values.yaml").read_text() == "replicas: 7\n"
    assert (Path(artifact.path) / "templates/more/x.yaml").read_text() == "a: 1\n"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("../../../outside", "leads out"),
        ("/etc/passwd", "leads out"),
        ("hop", "leads out"),
        ("nothing", "nothing"),
        ("link", "itself"),
        ("../..", "lies in"),
        ("Chart.yaml/x", "file"),
    ],
)
async def test_other_links_are_refused(bench: Bench, tmp_path: Path, target: str, said: str) -> None:
    links = {"charts/app/link": target, "charts/app/hop": "../hop", "charts/hop": "../../etc"}
    push(bench, tmp_path, {}, links if target == "hop" else {"charts/app/link": target})
    with pytest.raises(InputError) as refusal:
        await bench.restart().resolve(bench.ref)
    assert said in str(refusal.value)


async def test_a_chart_folder_that_is_a_link(bench: Bench, tmp_path: Path) -> None:
    push(bench, tmp_path, {}, {"linked": "charts/app", "out": "../elsewhere"})
    assert (await bench.restart().resolve(GitChart(bench.url, "linked"))).name == "app"
    with pytest.raises(InputError, match="leads out of the repository"):
        await bench.charts.resolve(GitChart(bench.url, "out"))


async def test_submodules_are_left_out_and_told(bench: Bench) -> None:
    bench.server.commit("apps", {}, "Begin a submodule")
    head = git(bench.bare, "rev-parse", "main").strip()
    lines = "commit refs/heads/main\ncommitter A <a@example.org> now\ndata 0\nfrom refs/heads/main^0\n"
    entry = f"M 160000 {head} charts/app/charts/sub\nM 160000 {head} vendored\n"
    git(bench.bare, "fast-import", "--quiet", "--date-format=now", stdin=lines + entry)
    for sources in (bench.restart(), bench.restart()):
        assert "without the submodules charts/sub" in (await sources.resolve(bench.ref)).provenance
    for path in ("vendored", "vendored/chart"):
        with pytest.raises(InputError, match="vendored is a git submodule"):
            await bench.charts.resolve(GitChart(bench.url, path))


async def test_lfs_pointers_are_named(bench: Bench) -> None:
    bench.commit({"charts/app/files/big.bin": LFS})
    with pytest.raises(InputError, match=r"files/big\.bin is a Git LFS pointer"):
        await bench.charts.resolve(bench.ref)


async def test_subcharts_that_are_not_there(bench: Bench) -> None:
    text = chart("app")["Chart.yaml"] + "dependencies: [{name: base, version: 1.x, repository: 'file://../base'}]\n"
    bench.commit({"charts/app/Chart.yaml": text})
    with pytest.raises(InputError, match="base") as refusal:
        await bench.charts.resolve(bench.ref)
    assert "charts/app/Chart.yaml" in refusal.value.where


async def test_too_big_names_the_cap(bench: Bench) -> None:
    bench.commit({"charts/app/files/big": "x" * 300_000})
    bench.limits = Limits(chart=1_000_000)
    with pytest.raises(InputError, match="files/big is bigger") as refusal:
        await bench.restart().resolve(bench.ref)
    assert "HELMOPS_MAX_CHART_BYTES" in refusal.value.hint


async def test_too_big_a_repository_is_not_kept(bench: Bench) -> None:
    noise = "".join(os.urandom(3000).hex() for _ in range(100))
    bench.commit({"elsewhere": noise})
    bench.environ["HELMOPS_MAX_GIT_BYTES"] = "50000"
    with pytest.raises(InputError, match="bigger than 50,000") as refusal:
        await bench.restart().resolve(bench.ref)
    assert "HELMOPS_MAX_GIT_BYTES" in refusal.value.hint
    assert not list((bench.folder / "cache" / "git").glob("*/objects"))


async def test_trees_no_git_would_make_are_refused(bench: Bench, tmp_path: Path) -> None:
    """A server may send a folder called ``..``; a chart is written to disk by its names."""
    blob = git(bench.bare, "hash-object", "-w", "--stdin", stdin="owned").strip()
    evil = b"100644 ..\0" + bytes.fromhex(blob)
    tree = _object(bench.bare, evil)
    head = _object(bench.bare, b"40000 app\0" + bytes.fromhex(tree))
    commit = git(bench.bare, "commit-tree", "-m", "Evil", head).strip()
    git(bench.bare, "update-ref", "refs/heads/main", commit)
    with pytest.raises(InputError, match="not inside the chart"):
        await bench.charts.resolve(GitChart(bench.url, "app"))


# ---------------------------------------------------------------- refs and versions
async def test_every_form_of_ref(bench: Bench) -> None:
    first = bench.change("1.0.0", "replicas: 10\n", tag="v1.0.0")
    second = bench.change("1.1.0", "replicas: 11\n", tag="v1.1.0")
    git(bench.bare, "tag", "-a", "-m", "Marked", "v1.2.0", first)
    git(bench.bare, "branch", "dev", first)
    git(bench.bare, "update-ref", "refs/pull/7/head", first)
    last = bench.change("2.0.0", "replicas: 20\n")
    wanted = {
        GitRef(): ("2.0.0", f"main@sha1:{last}"),
        GitRef(branch="dev"): ("1.0.0", f"dev@sha1:{first}"),
        GitRef(tag="v1.1.0"): ("1.1.0", f"v1.1.0@sha1:{second}"),
        GitRef(semver="~1.1"): ("1.1.0", f"v1.1.0@sha1:{second}"),
        GitRef(semver="1.x"): ("1.0.0", f"v1.2.0@sha1:{first}"),
        GitRef(name="refs/pull/7/head"): ("1.0.0", f"refs/pull/7/head@sha1:{first}"),
        GitRef(commit=second): ("1.1.0", f"sha1:{second}"),
    }
    for ref, (version, shown) in wanted.items():
        artifact = await bench.charts.resolve(dataclasses.replace(bench.ref, ref=ref))
        assert artifact.version == version
        assert shown in artifact.provenance


async def test_a_version_is_what_was_seen_first_of_it(bench: Bench) -> None:
    first = await bench.charts.resolve(bench.ref)
    assert "first seen" in first.provenance
    moved = bench.change()
    again = await bench.restart().resolve(bench.ref)
    assert (again.version, again.digest, again.path) == (first.version, first.digest, first.path)
    assert f"main@sha1:{moved} has other content" in again.provenance
    bench.change("1.0.1")
    bumped = await bench.restart().resolve(bench.ref)
    assert (bumped.version, bumped.digest != first.digest) == ("1.0.1", True)


async def test_a_first_seen_chart_that_left_the_cache_is_fetched_again(bench: Bench) -> None:
    first = await bench.charts.resolve(bench.ref)
    bench.change()
    shutil.rmtree(bench.folder / "cache")
    again = await bench.restart().resolve(bench.ref)
    assert again.digest == first.digest


async def test_a_first_seen_commit_that_nobody_has_any_more(bench: Bench) -> None:
    first = await bench.charts.resolve(bench.ref)
    old = git(bench.bare, "rev-parse", "main").strip()
    git(bench.bare, "update-ref", "-d", "refs/heads/main")
    bench.change()
    git(bench.bare, "reflog", "expire", "--expire=now", "--all")
    git(bench.bare, "gc", "--quiet", "--prune=now")
    shutil.rmtree(bench.folder / "cache")
    now = await bench.restart().resolve(bench.ref)
    assert now.digest != first.digest
    assert f"main@sha1:{old} is gone" in now.provenance


async def test_without_a_memory_a_version_is_what_it_is_now(bench: Bench) -> None:
    first = await bench.charts.resolve(bench.ref)
    bench.change()
    bench.memory = FakeMemory()
    now = await bench.restart().resolve(bench.ref)
    assert (now.version, now.digest != first.digest) == ("1.0.0", True)
    assert "first seen" in now.provenance


async def test_two_branches_with_one_version_are_two_charts(bench: Bench) -> None:
    git(bench.bare, "branch", "dev", "main")
    bench.change()
    main = await bench.charts.resolve(bench.at(branch="main"))
    assert (await bench.charts.resolve(bench.at(branch="dev"))).digest != main.digest


async def test_revision_is_another_chart_with_each_commit(bench: Bench) -> None:
    ref = dataclasses.replace(bench.ref, strategy="Revision")
    bench.commit({"charts/app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 6.0.3+build.7\n"})
    commit = bench.commit({"README": "elsewhere"})
    artifact = await bench.charts.resolve(ref)
    assert artifact.version == f"6.0.3+{commit[:12]}"
    assert (await bench.charts.content(artifact)).metadata["version"] == artifact.version
    after = bench.commit({"README": "again"})
    assert (await bench.restart().resolve(ref)).version == f"6.0.3+{after[:12]}"


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ({"branch": "mian"}, "nearest: main"),
        ({"tag": "--upload-pack=touch owned"}, "no tag"),
        ({"branch": "main\n--upload-pack=x"}, "no branch"),
        ({"name": "--output=x"}, "no ref"),
        ({"commit": "--upload-pack=touch owned"}, "is no commit"),
        ({"commit": "a" * 40}, f"no commit {'a' * 40}"),
        ({"semver": "not a range"}, "no version"),
        ({"semver": "1.x"}, "no tag"),
    ],
)
async def test_refs_that_are_none(bench: Bench, ref: dict[str, str], said: str) -> None:
    with pytest.raises(InputError) as refusal:
        await bench.charts.resolve(bench.at(**ref))
    assert said in refusal.value.message


async def test_a_path_that_is_not_there_names_the_nearest(bench: Bench) -> None:
    wrong = {"charts/ap": "no charts/ap in", "chart/app": "no chart in", "charts/app/x/y": "no charts/app/x in"}
    for path, said in wrong.items():
        with pytest.raises(InputError, match=said) as refusal:
            await bench.charts.resolve(GitChart(bench.url, path))
        assert ("nearest: charts" in refusal.value.message) is ("x" not in path)
    with pytest.raises(InputError, match=r"no Chart\.yaml"):
        await bench.charts.resolve(GitChart(bench.url, "charts"))


# ---------------------------------------------------------------- what it costs
async def test_an_unmoved_ref_costs_one_process_a_url_and_a_pinned_commit_none(bench: Bench) -> None:
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


async def test_a_second_fetch_brings_only_what_is_new(bench: Bench) -> None:
    bench.commit({"elsewhere": "".join(os.urandom(3000).hex() for _ in range(100))})
    await bench.charts.resolve(bench.ref)
    before = _size(bench.folder / "cache" / "git")
    bench.change("1.0.1")
    await bench.restart().resolve(bench.ref)
    assert _size(bench.folder / "cache" / "git") - before < before / 4
    assert bench.processes.started == 3


# ---------------------------------------------------------------- who may
async def test_basic(private: GitServer, tmp_path: Path) -> None:
    bench = Bench(tmp_path, private)
    assert (await bench.charts.resolve(bench.ref, ALICE)).name == "app"
    inline = bench.url.replace("://", "://alice:not-a-secret@")
    assert (await bench.charts.resolve(GitChart(inline, "charts/app"))).name == "app"
    for wrong in (None, Credentials("alice", "wrong-password"), Credentials("", "")):
        with pytest.raises(Forbidden) as refusal:
            await bench.charts.resolve(bench.ref, wrong)
        assert "wrong-password" not in str(refusal.value)
    await bench.http.close()


async def test_what_one_tenant_fetched_another_is_not_given(private: GitServer, tmp_path: Path) -> None:
    bench = Bench(tmp_path, private)
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
    bench = Bench(tmp_path, private)
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


async def test_credentials_follow_no_redirect(bench: Bench) -> None:
    with Server(_Redirect) as door:
        door.headers, door.target = [], bench.server.url  # type: ignore[attr-defined]
        bench.server.forget_requests()
        ref = GitChart(f"{door.url}/apps.git", "charts/app")
        with pytest.raises(InputError, match="redirects"):
            await bench.charts.resolve(ref, ALICE)
        assert "Authorization" in door.headers[0]  # type: ignore[attr-defined]
        assert bench.server.requests("/apps.git/info/refs") == 0
        assert (await bench.charts.resolve(ref)).name == "app"


async def test_files_by_flag_only(bench: Bench) -> None:
    ref = GitChart(f"file://{bench.bare}", "charts/app")
    with pytest.raises(InputError, match="file://"):
        await bench.charts.resolve(ref)
    bench.environ["HELMOPS_ALLOW_FILE_URLS"] = "1"
    assert (await bench.restart().resolve(ref)).name == "app"


# ---------------------------------------------------------------- faults
async def test_no_such_repository_and_no_server(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_a_cancelled_question_leaves_no_git_behind(bench: Bench) -> None:
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


async def test_a_server_that_says_nothing_is_left_in_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helmops.adapters.git.ASK", 0.3)
    monkeypatch.setattr("helmops.adapters.git._ATTEMPTS", 1)
    with Server(_Silent) as server:
        server.asked, server.release = threading.Event(), threading.Event()  # type: ignore[attr-defined]
        with pytest.raises(Unreachable, match=r"did not answer in 0\.3 s"):
            await bench.charts.resolve(GitChart(f"{server.url}/apps.git", "x"))
        server.release.set()  # type: ignore[attr-defined]


async def test_reading_is_kept_in_time_and_can_be_cancelled(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_what_is_no_commit(bench: Bench) -> None:
    blob = git(bench.bare, "rev-parse", "main:charts/app/values.yaml").strip()
    with pytest.raises(InputError, match="holds no files"):
        await bench.charts.resolve(dataclasses.replace(bench.at(commit=blob), path=""))


async def test_a_damaged_copy_is_made_anew(bench: Bench) -> None:
    await bench.charts.resolve(bench.ref)
    for path in (bench.folder / "cache" / "git").rglob("objects/*/*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(b"\0" * 20)
    (next((bench.folder / "cache" / "git").glob("*/config")).parent / "shallow.lock").touch()
    bench.memory = FakeMemory()
    assert (await bench.restart().resolve(bench.ref)).name == "app"


async def test_a_server_that_gives_nothing_by_id(bench: Bench) -> None:
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


async def test_a_cache_that_cannot_be_written(bench: Bench) -> None:
    (bench.folder / "cache").write_text("a file in its place")
    sources = bench.restart()
    assert (await sources.resolve(bench.ref)).name == "app"
    await sources.close()


async def test_the_environment_of_a_git_hook_has_no_say(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_OBJECT_DIRECTORY", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, "/nowhere")
        bench.environ[name] = "/nowhere"
    assert (await bench.restart().resolve(bench.ref)).name == "app"


async def test_two_processes_on_one_cache(bench: Bench) -> None:
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


async def test_another_process_that_keeps_the_copy(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helmops.adapters.git_folders.PATIENCE", 0.1)
    git_port = bench.git()
    async with git_port.repository(git_port.remote(bench.url)):
        with pytest.raises(Transient, match="another helmops"):
            await bench.charts.resolve(bench.ref)


# ---------------------------------------------------------------- helpers
def push(bench: Bench, folder: Path, files: Mapping[str, str], links: Mapping[str, str]) -> None:
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


def _object(bare: Path, tree: bytes) -> str:
    argv = ["git", "-C", str(bare), "hash-object", "-t", "tree", "-w", "--literally", "--stdin"]
    return subprocess.run(argv, input=tree, env=GIT_ENV, capture_output=True, check=True).stdout.decode().strip()


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
