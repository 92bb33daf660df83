"""What a helm child gets and does not get, on a helm that only notes it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helmops.adapters.helm.runner import HelmRunner
from helmops.adapters.process import BEHIND, GRACE, Processes
from helmops.api.model import Access, ActionOptions, ClusterRef, Identity, Kustomize
from helmops.core.objects import GuardedFields, ObjectId
from helmops.errors import HelmError, InputError
from helmops.ports import HelmChange, HelmRevert, RenderRequest, SplitRelease
from helmops.testing.memory import FakeMemory

# Notes what it is given. `boom` in its values makes it fail as helm does.
SCRIPT = """#!/bin/sh
if [ "$1" = version ]; then echo v4.2.3; exit 0; fi
cd "{folder}"
n=$(ls | grep -c argv)
printf '%s\\n' "$@" > argv.$n
env > env.$n
cat > stdin.$n
if grep -q boom stdin.$n; then echo 'Error: UPGRADE FAILED: boom: context deadline exceeded' >&2; exit 1; fi
if grep -q hang stdin.$n; then trap 'exit 1' TERM; while :; do sleep 0.02; done; fi
if [ "$1" = template ]; then echo '---'; echo 'a: 1'; fi
case "$*" in *dry-run*) if grep -q nonsense stdin.$n; then echo Pulled; else cat <<'END'
{{"manifest":"---\\na: 1\\n","hooks":[{{"path":"c/h.yaml","manifest":"b: 2"}}]}}
END
fi;; esac
"""
CHANGE = HelmChange(
    name="web",
    namespace="apps",
    chart_path="/charts/web",
    values={"password": "s3cret"},
    options=ActionOptions(timeout=60),
    labels={"helmops.dev/owner": "platform"},
    description="because",
    max_history=5,
    holder="a_b_1_2_3",
)
GUARDED = (GuardedFields(ObjectId("apps/v1", "Deployment", "apps", "web"), ("/spec/replicas",)),)
REVERT = HelmRevert("web", "apps", ActionOptions(timeout=60), revision=3, holder="a_b_1_2_3")


class NotingGate:
    """Leads nowhere, and notes who went through."""

    def __init__(self) -> None:
        self.opened: list[Sequence[GuardedFields]] = []
        self.split: list[SplitRelease | None] = []
        self.wants = False

    async def wanted(self, access: Access) -> bool:
        return self.wants

    @asynccontextmanager
    async def open(
        self, access: Access, guarded: Sequence[GuardedFields], split: SplitRelease | None = None
    ) -> AsyncIterator[str]:
        self.opened.append(guarded)
        self.split.append(split)
        yield "/gate/kubeconfig"


class Bench:
    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder / "calls"
        self.folder.mkdir()
        self.helm = folder / "helm"
        self.helm.write_text(SCRIPT.format(folder=self.folder))
        self.helm.chmod(0o755)
        self.gate, self.memory, self.processes = NotingGate(), FakeMemory(), Processes()
        self.environ = {"PATH": "/usr/bin:/bin", "HOME": "/home/me", "HELM_BIN": str(self.helm), **environ}
        self.runner = self.make()

    def make(self, parallel: int = 8) -> HelmRunner:
        return HelmRunner(
            environ=self.environ,
            home="/private/helm",
            memory=self.memory,
            processes=self.processes,
            gate=self.gate,
            scrubber=lambda values: lambda text: text.replace("boom", "***"),
            parallel=parallel,
        )

    def add_kustomize(self) -> None:
        """One that must never be called."""
        program = self.folder.parent / "kustomize"
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
        self.environ["PATH"] = f"{program.parent}:{self.environ['PATH']}"

    def argv(self, call: int = 0) -> list[str]:
        return (self.folder / f"argv.{call}").read_text().splitlines()

    def env(self, call: int = 0) -> dict[str, str]:
        lines = (self.folder / f"env.{call}").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def stdin(self, call: int = 0) -> Any:
        return json.loads((self.folder / f"stdin.{call}").read_text() or "null")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_values_go_to_stdin_and_nowhere_else(bench: Bench) -> None:
    await bench.runner.install(Access(), CHANGE)
    assert bench.stdin() == {"password": "s3cret"}
    assert "s3cret" not in " ".join(bench.argv()) + str(bench.env())


async def test_nothing_of_the_users_helm_reaches_the_child(tmp_path: Path) -> None:
    bench = Bench(tmp_path, HELM_NAMESPACE="other", HELM_KUBETOKEN="t", HELM_DRIVER="memory", AWS_PROFILE="me")
    await bench.runner.upgrade(Access(), CHANGE)
    env = bench.env()
    assert not {"HELM_NAMESPACE", "HELM_KUBETOKEN", "HELM_DRIVER", "HELM_BIN"} & env.keys()
    assert env["HELM_CACHE_HOME"] == "/private/helm/cache"
    assert env["HELM_DATA_HOME"] == "/private/helm/data"
    assert (env["AWS_PROFILE"], env["HELMOPS_HOLDER"]) == ("me", "a_b_1_2_3")


async def test_the_users_tuning_of_go_wins(tmp_path: Path) -> None:
    bench = Bench(tmp_path, GOGC="50")
    await bench.runner.upgrade(Access(), CHANGE)
    assert (bench.env()["GOGC"], bench.env()["GOMEMLIMIT"]) == ("50", "512MiB")


async def test_cluster_and_identity_are_flags(bench: Bench) -> None:
    access = Access(ClusterRef("/k", "prod"), Identity("jane", ("a", "b")))
    await bench.runner.install(access, CHANGE)
    assert bench.argv()[-10:] == [
        *("--kubeconfig", "/k", "--kube-context", "prod"),
        *("--kube-as-user", "jane", "--kube-as-group", "a", "--kube-as-group", "b"),
    ]
    assert bench.gate.opened == []


async def test_guarded_fields_lead_through_the_gate(bench: Bench) -> None:
    guarded = HelmRevert("web", "apps", ActionOptions(timeout=60), revision=3, guarded=GUARDED)
    await bench.runner.rollback(Access(ClusterRef("/k", "prod")), guarded)
    assert bench.gate.opened == [GUARDED]
    assert bench.argv()[-2:] == ["--kubeconfig", "/gate/kubeconfig"]
    assert "/k" not in bench.argv()
    assert bench.env()["KUBECACHEDIR"] == "/gate/cache"


async def test_records_apart_lead_through_the_gate_to_the_target(bench: Bench) -> None:
    split = SplitRelease("web", "apps", "site")
    await bench.runner.install(Access(), replace(CHANGE, target_namespace="site"))
    await bench.runner.rollback(Access(), replace(REVERT, target_namespace="site"))
    await bench.runner.uninstall(Access(), replace(REVERT, target_namespace="site"))
    request = RenderRequest("web", "apps", "/charts/web", {}, live=True, target_namespace="site")
    await bench.runner.render(Access(), request)
    await bench.runner.render(Access(), replace(request, live=False))  # needs no cluster
    for call in range(5):
        argv = bench.argv(call)
        assert argv[argv.index("--namespace") + 1] == "site"
    assert bench.gate.split == [split] * 4


async def test_the_same_namespace_said_twice_is_no_split(bench: Bench) -> None:
    await bench.runner.install(Access(), replace(CHANGE, target_namespace="apps"))
    assert bench.gate.opened == []


async def test_errors_name_the_release_by_where_it_is_stored(bench: Bench) -> None:
    with pytest.raises(HelmError) as caught:
        await bench.runner.install(Access(), replace(CHANGE, values={"a": "boom"}, target_namespace="site"))
    assert caught.value.where == "apps/web"


async def test_only_who_has_post_renderers_gets_a_plugin(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.add_kustomize()
    await bench.runner.install(Access(), CHANGE)
    assert bench.env()["HELM_NO_PLUGINS"] == "1"
    assert "--post-renderer" not in bench.argv()
    await bench.runner.install(Access(), replace(CHANGE, post_renderers=(Kustomize(),)))
    assert bench.argv(1)[-2:] == ["--post-renderer", "helmops-postrender"]
    assert "HELM_NO_PLUGINS" not in bench.env(1)
    assert not Path(bench.env(1)["HELM_PLUGINS"]).exists()


async def test_post_renderers_without_kustomize(tmp_path: Path) -> None:
    bench = Bench(tmp_path, PATH=str(tmp_path))
    with pytest.raises(InputError, match="neither kustomize nor kubectl"):
        await bench.runner.install(Access(), replace(CHANGE, post_renderers=(Kustomize(),)))


async def test_a_credential_program_leads_through_the_gate(bench: Bench) -> None:
    bench.gate.wants = True
    await bench.runner.install(Access(), CHANGE)
    await bench.runner.render(Access(), RenderRequest("web", "apps", "/charts/web", {}, live=True))
    assert bench.gate.opened == [(), ()]
    await bench.runner.render(Access(), RenderRequest("web", "apps", "/charts/web", {}))  # needs no cluster
    assert len(bench.gate.opened) == 2


async def test_rollback_and_uninstall_as_pyhelm3_says_them(bench: Bench) -> None:
    await bench.runner.rollback(Access(), REVERT)
    assert bench.argv() == [
        *("rollback", "web", "3", "--history-max", "10", "--timeout", "60s", "--namespace", "apps"),
        *("--wait=watcher", "--wait-for-jobs"),
    ]
    options = ActionOptions(timeout=30, keep_history=True, disable_hooks=True)
    await bench.runner.uninstall(Access(), HelmRevert("web", "apps", options))
    assert bench.argv(1) == [
        *("uninstall", "web", "--timeout", "30s", "--keep-history", "--namespace", "apps", "--no-hooks", "--wait"),
    ]


async def test_failures_are_told_without_the_values(bench: Bench) -> None:
    change = HelmChange(**{name: getattr(CHANGE, name) for name in CHANGE.__slots__} | {"values": {"a": "boom"}})
    with pytest.raises(HelmError) as caught:
        await bench.runner.upgrade(Access(), change)
    error = caught.value
    assert (error.kind, error.where, error.message) == ("timeout", "apps/web", "***: context deadline exceeded")


async def test_the_hard_deadline_ends_helm(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helmops.adapters.helm.runner._MARGIN", 0.1)
    options = ActionOptions(timeout=0.1)
    change = HelmChange(
        **{name: getattr(CHANGE, name) for name in CHANGE.__slots__} | {"values": {"a": "hang"}, "options": options}
    )
    with pytest.raises(HelmError, match="its hard deadline") as caught:
        await bench.runner.upgrade(Access(), change)
    assert caught.value.kind == "timeout"


def test_the_deadline_covers_three_operations_and_the_grace(bench: Bench) -> None:
    assert bench.runner.deadline(ActionOptions(timeout=300)) == 3 * 300 + 60 + BEHIND + GRACE


async def test_live_renderings_read_like_templates(bench: Bench) -> None:
    text = await bench.runner.render(Access(), RenderRequest("web", "apps", "/charts/web", {}, live=True))
    assert text == "---\na: 1\n---\n# Source: c/h.yaml\nb: 2\n"


async def test_a_dry_run_that_answers_nonsense(bench: Bench) -> None:
    with pytest.raises(HelmError, match="does not answer with JSON"):
        await bench.runner.render(Access(), RenderRequest("web", "apps", "/charts/web", {"a": "nonsense"}, live=True))


async def test_a_name_that_looks_like_a_flag(bench: Bench) -> None:
    with pytest.raises(InputError, match="cannot be the name"):
        await bench.runner.render(Access(), RenderRequest("--kubeconfig=/x", "apps", "/charts/web", {}))


async def test_a_script_is_asked_for_its_version_each_time(bench: Bench) -> None:
    assert (await bench.runner.version()).text == "v4.2.3"
    assert bench.memory.scopes() == []
    assert bench.processes.started == 1
    await asyncio.gather(*(bench.runner.version() for _ in range(3)))
    assert bench.processes.started == 1


async def test_a_binarys_version_is_remembered(bench: Bench) -> None:
    bench.memory.save("helm-version", {})
    bench.helm.write_bytes(b"\x7fELF")  # starting it would fail
    status = bench.helm.stat()
    stamp = f"{status.st_mtime_ns}:{status.st_size}:{bench.helm.resolve()}"
    bench.memory.save("helm-version", {str(bench.helm): {"stamp": stamp, "version": "v3.19.0"}})
    assert (await bench.make().version()).minor == 19
    assert bench.processes.started == 0


async def test_no_helm_at_all(bench: Bench) -> None:
    bench.environ |= {"HELM_BIN": "", "PATH": str(bench.folder)}
    with pytest.raises(InputError, match="not on the PATH") as caught:
        await bench.make().version()
    assert "https://helm.sh" in caught.value.hint
    bench.environ |= {"HELM_BIN": "/nowhere/helm"}
    with pytest.raises(InputError, match="/nowhere/helm"):
        await bench.make().version()


async def test_parallel_children_are_bounded(bench: Bench) -> None:
    runner = bench.make(parallel=1)
    first = await hanging(bench, runner)
    second = asyncio.create_task(runner.upgrade(Access(), CHANGE))
    await asyncio.sleep(0.2)
    assert not second.done()
    first.cancel()
    await second
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_who_waited_too_long_for_a_place_starts_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = bench.make(parallel=1)
    first = await hanging(bench, runner)
    monkeypatch.setattr("helmops.adapters.helm.runner._MARGIN", -119.9)
    second = asyncio.create_task(runner.upgrade(Access(), CHANGE))
    await asyncio.sleep(0.3)
    first.cancel()
    with pytest.raises(HelmError, match="no helm could be started in time"):
        await second
    with pytest.raises(asyncio.CancelledError):
        await first


async def hanging(bench: Bench, runner: HelmRunner) -> asyncio.Task[None]:
    """An upgrade that has started and does not end."""
    fields = {name: getattr(CHANGE, name) for name in CHANGE.__slots__}
    task = asyncio.create_task(runner.upgrade(Access(), HelmChange(**fields | {"values": {"a": "hang"}})))
    while not (bench.folder / "stdin.0").exists():
        await asyncio.sleep(0.01)
    return task
