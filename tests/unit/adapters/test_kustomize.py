"""Which program builds a folder, how, and what is refused before it runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from helmops.adapters import kustomize
from helmops.adapters.kustomize import KustomizePrograms
from helmops.adapters.process import Processes
from helmops.errors import InputError

TELL = 'echo "# $0 $*" | sed s,{bin}/,,; env | grep -iE "proxy|^GIT_|^SECRET" | sort | sed "s/^/# /"\n'


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The only folder on PATH besides the system's own, where no kustomize is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("env", "grep", "sed", "sort", "echo", "sleep", "cat", "yes", "head"):
        found = next(Path(one, name) for one in ("/usr/bin", "/bin") if Path(one, name).exists())
        (folder / name).symlink_to(found)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    return folder


def program(folder: Path, name: str, script: str = "") -> None:
    (folder / name).write_text("#!/bin/sh\n" + (script or TELL.format(bin=folder)))
    (folder / name).chmod(0o755)


def kustomization(folder: Path, text: str = "resources: []\n", name: str = "kustomization.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder


async def build(programs: Path, root: Path, folder: Path) -> str:
    runner = KustomizePrograms(Processes(), {"PATH": str(programs), "SECRET": "hunter2", "HTTPS_PROXY": "http://proxy"})
    return await runner.build(str(folder), root=str(root), shown="apps/production")


async def refused(programs: Path, root: Path, folder: Path) -> str:
    with pytest.raises(InputError) as error:
        await build(programs, root, folder)
    assert error.value.message.startswith("apps/production")
    return error.value.message


async def test_kustomize_goes_before_kubectl_and_neither_may_fetch(programs: Path, root: Path) -> None:
    folder = kustomization(root / "app")
    program(programs, "kubectl")
    assert f"# kubectl kustomize {folder}" in await build(programs, root, folder)
    program(programs, "kustomize")
    told = await build(programs, root, folder)
    assert f"# kustomize build {folder}" in told
    assert "# GIT_ALLOW_PROTOCOL=none" in told
    assert "# HTTPS_PROXY=http://127.0.0.1:1" in told
    assert "hunter2" not in told


async def test_neither_is_there(programs: Path, root: Path) -> None:
    assert "neither kustomize nor kubectl is on PATH" in await refused(programs, root, kustomization(root / "app"))


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
async def test_bases_are_looked_at_too(programs: Path, root: Path, name: str) -> None:
    program(programs, "kustomize")
    kustomization(root / "base", "resources: [https://user:hunter2@example.org/x]\n", name)
    message = await refused(programs, root, kustomization(root / "app", "resources: [../base]\n"))
    assert f"base/{name} names what is not here: https://" in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("resources: [../../outside]\n", "leads out of the input: ../../outside"),
        ("resources: [/etc]\n", "leads out of the input: /etc"),
        ("resources: [missing.yaml]\n", "names what is not there: missing.yaml"),
        ("components: [../empty]\n", "empty has no kustomization.yaml"),
        ("resources: [link]\n", "leads out of the input: link"),
        ("helmCharts: [{name: a}]\n", "names what is not here: helmCharts"),
    ],
)
async def test_what_is_refused_before_it_runs(programs: Path, root: Path, text: str, told: str) -> None:
    program(programs, "kustomize", "touch ran\n")
    (root.parent / "outside").mkdir()
    (root / "empty").mkdir()
    folder = kustomization(root / "app", text)
    (folder / "link").symlink_to(root.parent / "outside")
    assert told in await refused(programs, root, folder)
    assert not (folder / "ran").exists()


async def test_a_circle_of_bases_is_left_to_kustomize(programs: Path, root: Path) -> None:
    program(programs, "kustomize", "echo 'Error: a circle' >&2; exit 1\n")
    kustomization(root / "base", "resources: [../app]\n")
    assert await refused(programs, root, kustomization(root / "app", "resources: [../base]\n")) == (
        "apps/production: kustomize cannot build it: a circle"
    )


async def test_the_error_names_the_folder_and_no_secret(programs: Path, root: Path) -> None:
    folder = kustomization(root / "app")
    program(
        programs, "kustomize", f"echo noise >&2; echo 'error: {folder}: token=x https://me:hunter2@x' >&2; exit 1\n"
    )
    assert await refused(programs, root, folder) == (
        "apps/production: kustomize cannot build it: apps/production: token=x https://***@x"
    )


async def test_limits(programs: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = kustomization(root / "app")
    monkeypatch.setattr(kustomize, "SECONDS", 0.2)
    program(programs, "kustomize", "exec sleep 30\n")
    assert "did not come to an end" in await refused(programs, root, folder)
    monkeypatch.setattr(kustomize, "SECONDS", 20.0)
    monkeypatch.setattr(kustomize, "CAP", 1000)
    program(programs, "kustomize", "yes | head -c 2000\n")
    assert "makes more than" in await refused(programs, root, folder)
    os.truncate(folder / "kustomization.yaml", kustomize.MAX_BYTES + 1)
    assert "is bigger than" in await refused(programs, root, folder)
