"""Charts out of git, against git's own HTTP server: what is read, and which commit of it."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from helmops.adapters.charts import Limits
from helmops.api.model import GitChart, GitRef, PathChart
from helmops.errors import InputError
from helmops.testing.memory import FakeMemory
from tests.contract.git import GitBench, below, push
from tests.servers.gitserver import GIT_ENV, git
from tests.unit.adapters.charts.packing import chart, pack, write

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n"


@pytest.fixture
def bench(git_bench: GitBench) -> GitBench:
    return git_bench


# ---------------------------------------------------------------- what a chart is
async def test_the_same_chart_as_on_disk(bench: GitBench, tmp_path: Path) -> None:
    folder = write(tmp_path / "input" / "app", chart("app"))
    local = await bench.charts.resolve(PathChart(str(folder), str(tmp_path / "input")))
    artifact = await bench.charts.resolve(bench.ref)
    assert (artifact.name, artifact.version, artifact.digest) == ("app", "1.0.0", local.digest)
    head = git(bench.bare, "rev-parse", "main").strip()
    assert f"{bench.url} at main@sha1:{head}" in artifact.provenance
    assert (await bench.charts.content(artifact)).default_values == {"replicas": 1}


async def test_the_root_of_the_repository_and_a_packed_chart(bench: GitBench, tmp_path: Path) -> None:
    root = await bench.charts.resolve(GitChart(bench.server.create("root", chart("top")), "./"))
    assert root.name == "top"
    (tmp_path / "work").mkdir()
    git(tmp_path, "clone", "--quiet", bench.url, str(tmp_path / "work"))
    (tmp_path / "work" / "app.tgz").write_bytes(pack(chart("packed")))
    git(tmp_path / "work", "add", ".")
    git(tmp_path / "work", "commit", "--quiet", "-m", "Pack")
    git(tmp_path / "work", "push", "--quiet", "origin", "HEAD:main")
    assert (await bench.charts.resolve(GitChart(bench.url, "app.tgz"))).name == "packed"


async def test_attributes_of_the_repository_change_nothing(bench: GitBench) -> None:
    before = await bench.charts.resolve(bench.ref)
    bench.commit({".gitattributes": "values.yaml export-ignore\n*.yaml export-subst text eol=crlf\n"})
    after = await bench.restart().resolve(dataclasses.replace(bench.ref, ref=GitRef(branch="main")))
    assert after.digest == before.digest


async def test_what_helmignore_names_is_not_even_read(bench: GitBench) -> None:
    plain = await bench.charts.resolve(bench.ref)
    bench.commit({"charts/app/.helmignore": "*.bin\n", "charts/app/big.bin": "x" * 200_000})
    bench.limits = Limits(chart=1_000_000)
    assert (await bench.restart().resolve(bench.at(branch="main"))).digest == plain.digest


async def test_links_are_followed_inside_the_repository_as_on_disk(bench: GitBench, tmp_path: Path) -> None:
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
async def test_other_links_are_refused(bench: GitBench, tmp_path: Path, target: str, said: str) -> None:
    links = {"charts/app/link": target, "charts/app/hop": "../hop", "charts/hop": "../../etc"}
    push(bench, tmp_path, {}, links if target == "hop" else {"charts/app/link": target})
    with pytest.raises(InputError) as refusal:
        await bench.restart().resolve(bench.ref)
    assert said in str(refusal.value)


async def test_a_chart_folder_that_is_a_link(bench: GitBench, tmp_path: Path) -> None:
    push(bench, tmp_path, {}, {"linked": "charts/app", "out": "../elsewhere"})
    assert (await bench.restart().resolve(GitChart(bench.url, "linked"))).name == "app"
    with pytest.raises(InputError, match="leads out of the repository"):
        await bench.charts.resolve(GitChart(bench.url, "out"))


async def test_submodules_are_left_out_and_told(bench: GitBench) -> None:
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


async def test_lfs_pointers_are_named(bench: GitBench) -> None:
    bench.commit({"charts/app/files/big.bin": LFS})
    with pytest.raises(InputError, match=r"files/big\.bin is a Git LFS pointer"):
        await bench.charts.resolve(bench.ref)


async def test_subcharts_that_are_not_there(bench: GitBench) -> None:
    text = chart("app")["Chart.yaml"] + "dependencies: [{name: base, version: 1.x, repository: 'file://../base'}]\n"
    bench.commit({"charts/app/Chart.yaml": text})
    with pytest.raises(InputError, match="base") as refusal:
        await bench.charts.resolve(bench.ref)
    assert "charts/app/Chart.yaml" in refusal.value.where


async def test_too_big_names_the_cap(bench: GitBench) -> None:
    bench.commit({"charts/app/files/big": "x" * 300_000})
    bench.limits = Limits(chart=1_000_000)
    with pytest.raises(InputError, match="files/big is bigger") as refusal:
        await bench.restart().resolve(bench.ref)
    assert "HELMOPS_MAX_CHART_BYTES" in refusal.value.hint


async def test_too_big_a_repository_is_not_kept(bench: GitBench) -> None:
    noise = "".join(os.urandom(3000).hex() for _ in range(100))
    bench.commit({"elsewhere": noise})
    bench.environ["HELMOPS_MAX_GIT_BYTES"] = "50000"
    with pytest.raises(InputError, match="bigger than 50,000") as refusal:
        await bench.restart().resolve(bench.ref)
    assert "HELMOPS_MAX_GIT_BYTES" in refusal.value.hint
    assert not list((bench.folder / "cache" / "git").glob("*/objects"))


async def test_trees_no_git_would_make_are_refused(bench: GitBench, tmp_path: Path) -> None:
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
async def test_every_form_of_ref(bench: GitBench) -> None:
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


async def test_a_version_is_what_was_seen_first_of_it(bench: GitBench) -> None:
    first = await bench.charts.resolve(bench.ref)
    assert "first seen" in first.provenance
    moved = bench.change()
    again = await bench.restart().resolve(bench.ref)
    assert (again.version, again.digest, again.path) == (first.version, first.digest, first.path)
    assert f"main@sha1:{moved} has other content" in again.provenance
    bench.change("1.0.1")
    bumped = await bench.restart().resolve(bench.ref)
    assert (bumped.version, bumped.digest != first.digest) == ("1.0.1", True)


async def test_a_first_seen_chart_that_left_the_cache_is_fetched_again(bench: GitBench) -> None:
    first = await bench.charts.resolve(bench.ref)
    bench.change()
    shutil.rmtree(bench.folder / "cache")
    again = await bench.restart().resolve(bench.ref)
    assert again.digest == first.digest


async def test_a_first_seen_commit_that_nobody_has_any_more(bench: GitBench) -> None:
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


async def test_without_a_memory_a_version_is_what_it_is_now(bench: GitBench) -> None:
    first = await bench.charts.resolve(bench.ref)
    bench.change()
    bench.memory = FakeMemory()
    now = await bench.restart().resolve(bench.ref)
    assert (now.version, now.digest != first.digest) == ("1.0.0", True)
    assert "first seen" in now.provenance


async def test_two_branches_with_one_version_are_two_charts(bench: GitBench) -> None:
    git(bench.bare, "branch", "dev", "main")
    bench.change()
    main = await bench.charts.resolve(bench.at(branch="main"))
    assert (await bench.charts.resolve(bench.at(branch="dev"))).digest != main.digest


async def test_revision_is_another_chart_with_each_commit(bench: GitBench) -> None:
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
async def test_refs_that_are_none(bench: GitBench, ref: dict[str, str], said: str) -> None:
    with pytest.raises(InputError) as refusal:
        await bench.charts.resolve(bench.at(**ref))
    assert said in refusal.value.message


async def test_a_path_that_is_not_there_names_the_nearest(bench: GitBench) -> None:
    wrong = {"charts/ap": "no charts/ap in", "chart/app": "no chart in", "charts/app/x/y": "no charts/app/x in"}
    for path, said in wrong.items():
        with pytest.raises(InputError, match=said) as refusal:
            await bench.charts.resolve(GitChart(bench.url, path))
        assert ("nearest: charts" in refusal.value.message) is ("x" not in path)
    with pytest.raises(InputError, match=r"no Chart\.yaml"):
        await bench.charts.resolve(GitChart(bench.url, "charts"))


def _object(bare: Path, tree: bytes) -> str:
    argv = ["git", "-C", str(bare), "hash-object", "-t", "tree", "-w", "--literally", "--stdin"]
    return subprocess.run(argv, input=tree, env=GIT_ENV, capture_output=True, check=True).stdout.decode().strip()
