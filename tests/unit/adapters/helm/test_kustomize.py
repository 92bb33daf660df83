"""What kustomize is given and how its failures are told, on a kustomize that only notes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from helmops.adapters.helm import kustomize
from helmops.adapters.helm.kustomize import Kustomizer
from helmops.adapters.process import Processes
from helmops.api.model import Kustomize, Patch
from helmops.errors import HelmError

TEXT = "kind: Secret\napiVersion: v1\nmetadata: {name: a}\ndata: {password: aHVudGVyMg==}\n"
ONE = (Kustomize((Patch("kind: X\nmetadata: {name: x}"),)),)
Make = Callable[..., Kustomizer]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A kustomize that does what a script says in the folder that it is to build."""

    def it(script: str, *, program: str = "kustomize") -> Kustomizer:
        path = tmp_path / "bin" / program
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\nlog={tmp_path}/log\ncd "$2" || exit 9\n{script}\n')
        path.chmod(0o755)
        environ = {"PATH": f"{path.parent}:/usr/bin:/bin", "AWS_SECRET_ACCESS_KEY": "k", "HTTPS_PROXY": "p"}
        return Kustomizer(Processes(), environ, ONE, where="apps/web", scrub=lambda text: text.replace("boom", "***"))

    return it


async def test_its_files_are_private_and_its_environment_is_bare(make: Make, tmp_path: Path) -> None:
    await make('stat -c "%a" . .. ../0/* >"$log"; env >>"$log"; echo "$1" >>"$log"; cat ../0/resources.yaml').transform(
        TEXT
    )
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines[:4] == ["700", "700", "600", "600"]
    assert lines[-1] == "build"
    names = {line.partition("=")[0] for line in lines[4:-1]}
    assert names <= {"PATH", "HOME", "XDG_CONFIG_HOME", "PWD", "OLDPWD", "SHLVL", "_"}


async def test_kubectl_does_where_there_is_no_kustomize(make: Make, tmp_path: Path) -> None:
    await make('echo "$1" >"$log"; cat resources.yaml', program="kubectl").transform(TEXT)
    assert (tmp_path / "log").read_text() == "kustomize\n"


async def test_no_objects_no_process(make: Make, tmp_path: Path) -> None:
    hook = "kind: Job\nmetadata: {name: a, annotations: {helm.sh/hook: test}}\n"
    assert hook in await make('touch "$log"').transform(hook)
    assert not (tmp_path / "log").exists()


async def failure(kustomizer: Kustomizer, text: str = TEXT) -> str:
    with pytest.raises(HelmError) as caught:
        await kustomizer.transform(text)
    assert (caught.value.kind, caught.value.where) == ("render", "apps/web")
    return caught.value.message


async def test_whose_fault_it_is(make: Make) -> None:
    assert await failure(make("echo no boom >&2; exit 1")) == (
        "post-renderer: kustomize does not take what the chart renders: no ***"
    )
    patched = "grep -q X kustomization.yaml && { echo Error: bad >&2; exit 1; }; exit 0"
    assert await failure(make(patched)) == "post-renderer: patch 1 (X/x) fails: bad"


async def test_an_answer_that_is_none(make: Make) -> None:
    assert await failure(make("exit 0")) == "post-renderer: the patches leave no object of the chart"


async def test_no_end_and_too_much(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kustomize, "_SECONDS", 0.3)
    assert "was ended after" in await failure(make("exec sleep 20"))
    monkeypatch.setattr(kustomize, "_SECONDS", 20)
    monkeypatch.setattr(kustomize, "_CAP", 1024)
    assert "answers with more than" in await failure(make("head -c 2000 /dev/zero"))


async def test_what_the_chart_renders_is_no_yaml(make: Make) -> None:
    assert "cannot read what the chart renders" in await failure(make("exit 0"), "a: [")
