"""Checkouts of a real git server: what is written, when something is fetched, what is refused."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from helmops.adapters.files import DiskFiles
from helmops.adapters.git_checkouts import PASSWORD, USERNAME, GitCheckouts
from helmops.errors import Forbidden, HelmopsError, InputError
from tests.contract.git import ALICE, GitBench, push
from tests.servers.gitserver import GitServer


@pytest.fixture
async def checkouts(git_bench: GitBench, tmp_path: Path) -> AsyncIterator[GitCheckouts]:
    found = GitCheckouts(git_bench.git, str(tmp_path / "cache"), {})
    yield found
    await found.close()


async def test_the_newest_commit_in_private_files(checkouts: GitCheckouts, git_bench: GitBench) -> None:
    folder = Path(await checkouts.folder(git_bench.url, ""))
    assert (folder / "charts/app/values.yaml").read_text() == "replicas: 1\n"
    below = [folder, *folder.rglob("*")]
    assert {one.stat().st_mode & 0o777 for one in below if one.is_dir()} == {0o700}
    assert {one.stat().st_mode & 0o777 for one in below if one.is_file()} == {0o600}


async def test_the_same_commit_asks_for_refs_alone(checkouts: GitCheckouts, git_bench: GitBench) -> None:
    first = await checkouts.folder(git_bench.url, "main")
    git_bench.processes.started = 0
    assert await checkouts.folder(git_bench.url, "main") == first
    assert git_bench.processes.started == 1


async def test_what_is_not_used_any_more_goes(checkouts: GitCheckouts, git_bench: GitBench) -> None:
    first = await checkouts.folder(git_bench.url, "main")
    git_bench.change()
    second = await checkouts.folder(git_bench.url, "main", used=[f"{first}/charts"])
    assert second != first
    assert Path(first).is_dir()
    assert await checkouts.folder(git_bench.url, "main", used=[second]) == second
    assert not Path(first).exists()
    await checkouts.close()
    assert not Path(second).exists()


async def test_a_branch_a_tag_and_neither(checkouts: GitCheckouts, git_bench: GitBench) -> None:
    tagged = git_bench.change("2.0.0", tag="v2")
    git_bench.change("3.0.0")
    assert Path(await checkouts.folder(git_bench.url, "v2")).name == tagged
    assert await checkouts.folder(git_bench.url, "refs/heads/main") == await checkouts.folder(git_bench.url, "")
    with pytest.raises(InputError, match="no branch or tag 'mian'; nearest: main"):
        await checkouts.folder(git_bench.url, "mian")


@pytest.mark.parametrize("target", ["../outside", "/etc/passwd", ".git/../../x", "charts/../../../x"])
async def test_links_that_leave_it_are_refused(
    checkouts: GitCheckouts, git_bench: GitBench, tmp_path: Path, target: str
) -> None:
    push(git_bench, tmp_path, {}, {"link": target})
    with pytest.raises(InputError, match="link leads out of the repository"):
        await checkouts.folder(git_bench.url, "")
    assert not [one for one in (tmp_path / "cache/checkouts").rglob("*") if one.is_file()]


async def test_links_inside_it_are_links(checkouts: GitCheckouts, git_bench: GitBench, tmp_path: Path) -> None:
    push(git_bench, tmp_path, {"a/b.yaml": "b: 1\n"}, {"c/link": "../a/b.yaml", "folder": "a", "nowhere": "not/there"})
    folder = Path(await checkouts.folder(git_bench.url, ""))
    assert (folder / "c/link").read_text() == (folder / "folder/b.yaml").read_text() == "b: 1\n"
    assert (folder / "nowhere").is_symlink()


async def test_the_checkout_is_the_root_wherever_the_cache_lies(
    checkouts: GitCheckouts, git_bench: GitBench, tmp_path: Path
) -> None:
    """Below somebody's work tree, too: what lies beside the cache is not the repository's to read."""
    (tmp_path / ".git").mkdir()
    git_bench.commit({"releases/web.yaml": "kind: Release\n"})
    folder = await checkouts.folder(git_bench.url, "")
    sources = await DiskFiles().manifests([f"{folder}/releases"])
    assert [one.root for one in sources] == [os.path.realpath(folder)]


async def test_too_much_is_refused(checkouts: GitCheckouts, git_bench: GitBench) -> None:
    git_bench.commit({f"files/{number}": "x" * 10_000 for number in range(10)})
    git_bench.environ["HELMOPS_MAX_GIT_BYTES"] = "60000"
    with pytest.raises(InputError, match="more than 60,000 bytes") as refusal:
        await checkouts.folder(git_bench.url, "")
    assert "HELMOPS_MAX_GIT_BYTES" in refusal.value.hint


async def test_credentials_come_by_environment(tmp_path: Path) -> None:
    (tmp_path / "served").mkdir()
    with GitServer(tmp_path / "served", (ALICE.username, ALICE.password)) as server:
        bench = GitBench(tmp_path, server)
        given = {USERNAME: ALICE.username, PASSWORD: ALICE.password}
        known = GitCheckouts(bench.git, str(tmp_path / "cache"), given)
        assert Path(await known.folder(bench.url, "")).is_dir()
        with pytest.raises(Forbidden):
            await GitCheckouts(bench.git, str(tmp_path / "cache"), {}).folder(bench.url, "")
        await known.close()
        await bench.http.close()


async def test_a_server_that_is_away(checkouts: GitCheckouts, git_bench: GitBench) -> None:
    folder = await checkouts.folder(git_bench.url, "")
    away = git_bench.url.replace("/apps.git", "/gone.git")
    with pytest.raises(HelmopsError):
        await checkouts.folder(away, "", used=[folder])
    assert Path(folder).is_dir()


async def test_what_a_killed_process_left_goes(git_bench: GitBench, tmp_path: Path) -> None:
    left = tmp_path / "cache/checkouts/left"
    left.mkdir(parents=True)
    os.utime(left, (1, 1))
    one, other = (GitCheckouts(git_bench.git, str(tmp_path / "cache"), {}) for _ in range(2))
    first = Path(await one.folder(git_bench.url, ""))
    os.utime(first.parent, (1, 1))
    await other.folder(git_bench.url, "")
    assert not left.exists()
    assert first.is_dir()
    await one.close()
    await other.close()
