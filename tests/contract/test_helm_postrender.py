"""Post-renderers: the same on both helms, in a rendering and in what is written. Failures name the patch."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from helmops.api.model import ActionOptions, Image, Kustomize, Patch
from helmops.core.objects import ObjectId
from helmops.core.render.manifest import read
from helmops.core.render.postrender import was_post_rendered
from helmops.errors import HelmError
from tests.contract.helm import Bench, bench_of
from tests.contract.kube import RealWorld
from tests.e2e.helpers import until

STRATEGIC = Patch(
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
    "spec: {template: {spec: {containers: [{name: app, env: [{name: A, value: 'yes'}]}]}}}\n"
)
JSON_6902 = Patch("- {op: add, path: /metadata/annotations/who, value: 'a: b'}\n", {"kind": "ConfigMap"})
IMAGE = Image("registry.example.org/app", "mirror.example.org/app", "2.0", "sha256:" + "a" * 64)
ALL = (Kustomize((STRATEGIC, JSON_6902), (IMAGE,)),)
NOBODY = Patch("kind: Deployment\napiVersion: apps/v1\nmetadata: {name: nobody}\nspec: {password: hunter2}\n")


@pytest.fixture(params=["helm4", "helm3"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench_of(request, tmp_path) as found:
        yield found


async def annotation(bench: Bench, suffix: str = "") -> str | None:
    live = await bench.config_map(suffix)
    assert live is not None
    found: Mapping[str, Any] = live["metadata"].get("annotations") or {}
    return found.get("who")


def patched(*patches: Patch) -> dict[str, Any]:
    return {"post_renderers": (Kustomize(patches),)}


async def failure(bench: Bench, **more: Any) -> HelmError:
    with pytest.raises(HelmError) as caught:
        await bench.install(**more)
    assert await bench.statuses() == []
    return caught.value


# ---------------------------------------------------------------- what they do
async def test_patches_and_images_are_what_is_written(bench: Bench) -> None:
    await bench.install(post_renderers=ALL)
    live = await bench.get(bench.deployment)
    assert live is not None
    [container] = live["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"mirror.example.org/app:2.0@sha256:{'a' * 64}"
    assert container["env"] == [{"name": "A", "value": "yes"}]
    assert await annotation(bench) == "a: b"
    await bench.upgrade(values={"message": "new"}, post_renderers=ALL)
    assert await annotation(bench) == "a: b"
    await bench.upgrade()
    assert await annotation(bench) is None
    assert not was_post_rendered((await bench.body(3)).manifest)


async def test_a_rendering_is_what_helm_stores(bench: Bench) -> None:
    values = {"message": "y: 'é' 0x10 \n1e3", "extra": True}
    rendering = read(await bench.render(values=values, post_renderers=ALL))
    await bench.install(values=values, post_renderers=ALL)
    body = await bench.body(1)
    assert was_post_rendered(body.manifest)
    stored = read(body.manifest)
    assert [one.obj for one in rendering.objects] == [one.obj for one in stored.objects]
    assert [one.obj["kind"] for one in stored.objects] == ["ConfigMap", "ConfigMap", "Deployment"]
    assert [hook.obj["metadata"]["name"] for hook in rendering.hooks] == ["web-hook"]
    assert [(hook["name"], hook["path"]) for hook in body.hooks] == [("web-hook", "chart/templates/hook.yaml")]


async def test_hooks_are_left_alone(bench: Bench) -> None:
    await bench.install(post_renderers=ALL)
    assert await annotation(bench, "-hook") is None


async def test_a_live_rendering_is_post_rendered_too(bench: Bench) -> None:
    rendering = read(await bench.render(live=True, post_renderers=ALL))
    found = [one.obj["metadata"].get("annotations") for one in rendering.objects if one.obj["kind"] == "ConfigMap"]
    assert found == [{"who": "a: b"}]


async def test_several_follow_one_another(bench: Bench) -> None:
    replace = Patch("- {op: replace, path: /metadata/annotations/who, value: second}", {"kind": "ConfigMap"})
    await bench.install(post_renderers=(Kustomize((JSON_6902,)), Kustomize((replace,))))
    assert await annotation(bench) == "second"


async def test_a_hook_may_have_the_name_of_an_object(bench: Bench) -> None:
    hook = Path(bench.chart, "templates", "hook.yaml")
    hook.write_text(hook.read_text().replace("-hook", "").replace("post-install", "post-delete"))
    await bench.install(post_renderers=ALL)
    assert await annotation(bench) == "a: b"


async def test_a_chart_of_hooks_alone(bench: Bench) -> None:
    for name in ("deployment", "configmap"):
        Path(bench.chart, "templates", f"{name}.yaml").unlink()
    await bench.install(post_renderers=ALL)
    assert await bench.config_map("-hook") is not None


async def test_with_other_namespaces_and_guards(bench: Bench) -> None:
    """Everything at once: the gate and the post-renderer of one child."""
    await bench.install(post_renderers=ALL)
    await bench.world.scale(bench.deployment, 20)
    await bench.upgrade(values={"message": "new"}, post_renderers=ALL, guarded=bench.guards)
    assert (await bench.replicas(), await annotation(bench)) == (20, "a: b")


async def test_many_lines_pass(bench: Bench) -> None:
    """More than a pipe holds."""
    text = "x" * 200_000
    await bench.install(values={"message": text}, post_renderers=ALL)
    live = await bench.config_map()
    assert live is not None
    assert live["data"]["message"] == text


# ---------------------------------------------------------------- what goes wrong
async def test_the_patch_that_fails_is_named(bench: Bench) -> None:
    error = await failure(bench, **patched(STRATEGIC, JSON_6902, NOBODY, STRATEGIC))
    assert (error.kind, error.where) == ("render", f"{bench.world.namespace}/web")
    assert error.message.startswith("post-renderer: patch 3 (Deployment/nobody) fails: ")
    assert "no matches for Id" in error.message
    with pytest.raises(HelmError) as caught:
        await bench.render(**patched(NOBODY))
    assert "patch 1 (Deployment/nobody)" in caught.value.message


async def test_a_json_patch_that_does_not_fit(bench: Bench) -> None:
    wrong = Patch("- {op: remove, path: /data/none}", {"kind": "ConfigMap", "name": "web"})
    error = await failure(bench, post_renderers=(Kustomize((STRATEGIC,)), Kustomize((JSON_6902, wrong))))
    assert "patch 2 of post-renderer 2 (ConfigMap/web) fails: " in error.message
    assert "helmops-kustomize" not in error.message


async def test_the_text_of_a_patch_is_not_repeated(bench: Bench) -> None:
    error = await failure(bench, **patched(Patch("kind: ConfigMap\nmetadata: [\npassword: hunter2\n")))
    assert "patch 1 fails: " in error.message
    assert "hunter2" not in error.message


async def test_patches_that_leave_nothing(bench: Bench) -> None:
    gone = [Patch("$patch: delete\nkind: X\nmetadata: {name: x}", {"kind": kind}) for kind in ("ConfigMap", "Deploy.*")]
    error = await failure(bench, **patched(*gone))
    assert error.message == "post-renderer: the patches leave no object of the chart"


async def test_a_failed_upgrade_has_written_nothing(bench: Bench) -> None:
    await bench.install()
    with pytest.raises(HelmError):
        await bench.upgrade(**patched(NOBODY))
    assert await bench.statuses() == ["deployed"]


async def test_helms_own_failure_stays_helms(bench: Bench) -> None:
    await bench.install(post_renderers=ALL)
    with pytest.raises(HelmError) as caught:
        await bench.upgrade(values={"ready": False}, options=ActionOptions(timeout=2), post_renderers=ALL)
    assert caught.value.kind == "timeout"


async def test_nothing_is_left_behind(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    await bench.install(post_renderers=ALL)
    with pytest.raises(HelmError):
        await bench.upgrade(**patched(NOBODY))
    assert list(folder.iterdir()) == []


async def test_a_cancelled_transformation(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "kustomize"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/began\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setitem(bench.helm._environ, "PATH", f"{program.parent}:{os.environ['PATH']}")  # type: ignore[attr-defined]
    task = asyncio.create_task(bench.install(post_renderers=ALL))
    while not (tmp_path / "began").exists():
        await asyncio.sleep(0.05)
    task.cancel()
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await bench.statuses() == []


# ---------------------------------------------------------------- helmops dies
KILLED = """
import asyncio, os, sys
from helmops.adapters.helm.postrenderer import serving
from helmops.adapters.process import Processes

async def main(helm, major, chart, namespace):
    async def transform(text):
        print(os.getpid(), flush=True)
        await asyncio.sleep(60)

    async with serving(transform, helm=major) as post:
        argv = [helm, "install", "web", chart, "-n", namespace, *post.flags]
        await Processes().run(argv, env={**os.environ, **post.env}, deadline=60)

asyncio.run(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
"""


async def test_a_killed_helmops_leaves_nothing_written(bench: Bench, tmp_path: Path) -> None:
    world = bench.world
    assert isinstance(world, RealWorld)
    helm = bench.helm._environ["HELM_BIN"]  # type: ignore[attr-defined]
    mark = f"HELMOPS_TEST_MARK={world.namespace}"
    own = {"KUBECONFIG": str(world.kubeconfig), "HELMOPS_TEST_MARK": world.namespace, "TMPDIR": str(tmp_path)}
    environment = os.environ | own
    argv = [sys.executable, "-c", KILLED, helm, str(bench.major), bench.chart, world.namespace]
    process = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert await asyncio.to_thread(process.stdout.readline)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    until(lambda: not _marked(mark), "helm and the script are gone", 10)
    assert await bench.statuses() == []
    assert await bench.get(ObjectId("v1", "ConfigMap", world.namespace, "web")) is None


def _marked(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(entry.name)
            except OSError:
                continue
    return found
