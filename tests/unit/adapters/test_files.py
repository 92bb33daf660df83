"""The user's files: which are read, how they are called, and which never are."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from helmops.adapters.files import SETTING, DiskFiles
from helmops.errors import InputError, Missing
from helmops.testing.kustomize import FakeKustomizer


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a git repository in it; the repository is the current folder."""
    folder = tmp_path / "repo"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def write(folder: Path, *names: str, text: str = "a: 1\n") -> None:
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


async def shown(*paths: str) -> list[str]:
    return [source.shown for source in await DiskFiles().manifests(paths)]


async def test_a_folder_with_all_below_it(here: Path) -> None:
    write(here, "apps/b.yaml", "apps/a.yml", "apps/deep/er/c.json", "apps/notes.txt", "other.yaml")
    assert await shown("apps") == ["apps/a.yml", "apps/b.yaml", "apps/deep/er/c.json"]
    assert await shown("./apps/") == ["apps/a.yml", "apps/b.yaml", "apps/deep/er/c.json"]
    assert await shown(str(here / "apps/deep")) == [str(here / "apps/deep/er/c.json")]
    assert await shown(".") == ["apps/a.yml", "apps/b.yaml", "apps/deep/er/c.json", "other.yaml"]


async def test_hidden_ones_and_charts_are_left_out(here: Path) -> None:
    write(
        here, "a.yaml", ".b.yaml", ".github/c.yaml", "charts/web/Chart.yaml", "charts/web/values.yaml", "charts/d.yaml"
    )
    assert await shown(".") == ["a.yaml", "charts/d.yaml"]


async def test_a_hidden_file_that_is_named_is_read(here: Path) -> None:
    write(here, ".b.yaml", "deploy.txt")
    assert await shown(".b.yaml", "deploy.txt") == [".b.yaml", "deploy.txt"]


async def test_each_file_once(here: Path) -> None:
    write(here, "apps/a.yaml")
    (here / "apps/link.yaml").symlink_to("a.yaml")
    assert await shown("apps", "apps/a.yaml", str(here), "./apps") == ["apps/a.yaml"]


async def test_a_source_knows_its_path_root_and_text(here: Path) -> None:
    write(here, "apps/a.yaml", text="\ufeffx: ü\n")
    (source,) = await DiskFiles().manifests(["apps"])
    assert (source.path, source.root, source.text) == (str(here / "apps/a.yaml"), str(here), "x: ü\n")


async def test_without_git_the_root_is_the_given_folder(tmp_path: Path) -> None:
    write(tmp_path, "apps/deep/a.yaml", "helmops.yaml")
    for given in ("apps", "apps/deep/a.yaml"):
        (source,) = await DiskFiles().manifests([str(tmp_path / given)])
        assert source.root == str(tmp_path / ("apps" if given == "apps" else "apps/deep"))


async def test_a_worktree_is_a_root_too(here: Path) -> None:
    write(here, "sub/.git", "sub/a.yaml", "helmops.yaml")
    (source,) = await DiskFiles().manifests(["sub"])
    assert source.root == str(here / "sub")


async def test_the_nearest_helmops_yaml_above_is_included(here: Path) -> None:
    write(here, "helmops.yaml", "apps/prod/a.yaml", "apps/dev/a.yaml", "apps/dev/helmops.yml")
    write(here.parent, "helmops.yaml")
    assert await shown("apps/prod") == ["apps/prod/a.yaml", "helmops.yaml"]
    assert await shown("apps/prod/a.yaml") == ["apps/prod/a.yaml", "helmops.yaml"]
    assert await shown("apps/dev") == ["apps/dev/a.yaml", "apps/dev/helmops.yml"]
    assert await shown(".") == ["apps/dev/a.yaml", "apps/dev/helmops.yml", "apps/prod/a.yaml", "helmops.yaml"]


async def test_stdin(here: Path) -> None:
    write(here, "helmops.yaml", "apps/x/a.yaml")
    os.chdir(here / "apps")
    found = await DiskFiles(stdin=io.BytesIO(b"a: 1\n")).manifests(["-"])
    assert [(source.path, source.shown, source.root, source.text) for source in found] == [
        (str(here / "apps/<stdin>"), "<stdin>", str(here), "a: 1\n"),
        (str(here / "helmops.yaml"), str(here / "helmops.yaml"), str(here), "a: 1\n"),
    ]


@pytest.mark.parametrize("name", ["absent", "absent/file.yaml", "../absent", "a.yaml/b.yaml"])
async def test_a_missing_path_is_told(here: Path, name: str) -> None:
    write(here, "a.yaml")
    with pytest.raises(InputError) as refusal:
        await DiskFiles().manifests([name])
    assert name in refusal.value.message


async def test_a_chart_is_no_folder_of_manifests(here: Path) -> None:
    write(here, "web/Chart.yaml")
    with pytest.raises(InputError, match="web is a chart"):
        await DiskFiles().manifests(["web"])


async def test_sizes_are_capped(here: Path) -> None:
    write(here, "apps/a.yaml", text="x" * 100)
    small = DiskFiles(max_file=99, stdin=io.BytesIO(b"x" * 100))
    for path in ("apps", "apps/a.yaml", "-"):
        with pytest.raises(InputError, match="bigger than 99 bytes") as refusal:
            await small.manifests([path])
        assert SETTING in refusal.value.hint
    write(here, *(f"many/{number}.yaml" for number in range(30)), text="x" * 99)
    with pytest.raises(InputError, match="bytes of manifests"):
        await small.manifests(["many"])


async def test_the_cap_is_a_setting(here: Path) -> None:
    write(here, "a.yaml", text="x" * 100)
    with pytest.raises(InputError, match="bigger"):
        await DiskFiles.of({SETTING: "99"}, FakeKustomizer()).read(str(here / "a.yaml"), str(here))
    assert len(await DiskFiles.of({}, FakeKustomizer()).read(str(here / "a.yaml"), str(here))) == 100
    with pytest.raises(InputError, match=SETTING):
        DiskFiles.of({SETTING: "1M"}, FakeKustomizer())


async def test_what_is_not_utf8_is_told_with_its_line(here: Path) -> None:
    (here / "a.yaml").write_bytes(b"a: 1\nb: \xff\n")
    for path, shown in (("a.yaml", "a.yaml"), ("-", "<stdin>")):
        with pytest.raises(InputError) as refusal:
            await DiskFiles(stdin=io.BytesIO(b"a: 1\nb: \xff\n")).manifests([path])
        assert refusal.value.where == f"{shown}:2"


# ---------------------------------------------------------------- containment
OUTSIDE = ["../secret.yaml", "apps/../../secret.yaml", "/etc/passwd", "apps/nothing/../../../secret.yaml"]


@pytest.mark.parametrize("name", OUTSIDE)
async def test_paths_that_leave_the_root_get_one_answer_whatever_is_there(here: Path, name: str) -> None:
    async def refusal() -> str:
        with pytest.raises(InputError, match="leads out of") as refusal:
            await DiskFiles().read(str(here / name), str(here))
        return refusal.value.message

    before = await refusal()
    write(here.parent, "secret.yaml")
    assert await refusal() == before


@pytest.mark.parametrize(
    "name", ["%2e%2e/secret.yaml", "https://evil/x.yaml", "file:///etc/passwd", "~/x", "$HOME/x", "apps"]
)
async def test_what_only_looks_like_a_way_out_is_a_name(here: Path, name: str) -> None:
    write(here, "apps/a.yaml")
    write(here.parent, "secret.yaml")
    with pytest.raises(InputError, match=r"no such file|is no file"):
        await DiskFiles().read(str(here / name), str(here))


async def test_names_that_cannot_be(here: Path) -> None:
    for name in ("a\0b", "x" * 300):
        with pytest.raises(InputError):
            await DiskFiles().read(f"{here}/{name}", str(here))


async def test_absent_is_told_apart_for_optional_files(here: Path) -> None:
    with pytest.raises(Missing):
        await DiskFiles().read(str(here / "absent.yaml"), str(here))


async def test_links_out_of_the_root_are_refused_several_hops_deep(here: Path) -> None:
    write(here.parent, "secret.yaml")
    (here / "one").symlink_to("../secret.yaml")
    (here / "apps").mkdir()
    (here / "apps/two.yaml").symlink_to("../one")
    for refused in (DiskFiles().manifests(["apps"]), DiskFiles().read(str(here / "apps/two.yaml"), str(here))):
        with pytest.raises(InputError, match=r"two\.yaml leads out of"):
            await refused


async def test_links_inside_the_root_are_followed_linked_folders_are_not(here: Path) -> None:
    write(here, "shared/a.yaml")
    write(here.parent, "outside/b.yaml")
    (here / "apps").mkdir()
    (here / "apps/link.yaml").symlink_to("../shared/a.yaml")
    (here / "apps/shared").symlink_to("../shared")
    (here / "apps/outside").symlink_to(here.parent / "outside")
    assert await shown("apps") == ["apps/link.yaml"]
    assert await DiskFiles().read(str(here / "apps/link.yaml"), str(here)) == "a: 1\n"


async def test_broken_links_and_pipes_are_told(here: Path) -> None:
    (here / "a").mkdir()
    (here / "a/gone.yaml").symlink_to("nowhere")
    with pytest.raises(Missing, match=r"gone\.yaml"):
        await DiskFiles().manifests(["a"])
    (here / "b").mkdir()
    os.mkfifo(here / "b/pipe.yaml")
    with pytest.raises(InputError, match=r"pipe\.yaml is no file"):
        await DiskFiles().manifests(["b"])


async def test_a_named_link_is_followed_wherever_the_user_points(here: Path) -> None:
    write(here.parent, "elsewhere/a.yaml")
    (here / "apps").symlink_to("../elsewhere")
    (source,) = await DiskFiles().manifests(["apps"])
    assert (source.shown, source.root) == ("apps/a.yaml", str(here.parent / "elsewhere"))


# ---------------------------------------------------------------- kustomizations
def made(folder: Path, *names: str) -> FakeKustomizer:
    return FakeKustomizer({str(folder / name): f"made of {name}" for name in names})


async def texts(kustomizer: FakeKustomizer, *paths: str) -> dict[str, str]:
    return {one.shown: one.text.strip() for one in await DiskFiles(kustomizer=kustomizer).manifests(paths)}


@pytest.mark.parametrize("path", ["apps", "apps/kustomization.yaml", "./apps/"])
async def test_a_folder_with_a_kustomization_is_what_is_built_of_it(here: Path, path: str) -> None:
    write(here, "apps/kustomization.yaml", "apps/web.yaml", "apps/more/db.yaml", "apps/helmops.yaml")
    found = await texts(made(here, "apps"), path)
    assert list(found.values()) == ["a: 1", "made of apps"]
    (built,) = (one for one in await DiskFiles(kustomizer=made(here, "apps")).manifests([path]) if one.built)
    assert (built.path, built.root) == (str(here / "apps/kustomization.yaml"), str(here))


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
async def test_below_a_folder_each_is_built_once_where_it_is_used(here: Path, name: str) -> None:
    write(here, "plain.yaml", "component/part.yaml")
    write(here, f"base/{name}", text="resources: [web.yaml]\n")
    write(here, f"production/{name}", text="resources: [../base]\ncomponents: [../component]\n")
    write(here, f"other/{name}", text="resources: [web.yaml]\n")
    write(here, f"component/{name}", f"unused/{name}", text="kind: Component\n")
    assert await texts(made(here, "production", "other"), ".") == {
        "plain.yaml": "a: 1",
        "production": "made of production",
        "other": "made of other",
    }
    assert await texts(made(here, "base"), "base") == {"base": "made of base"}


async def test_without_kustomize_such_a_folder_is_an_error(here: Path) -> None:
    write(here, "apps/kustomization.yaml")
    with pytest.raises(InputError, match=r"apps has a kustomization\.yaml"):
        await DiskFiles().manifests(["apps"])
