"""The port Helm: what each action leaves behind in records and objects, on the fakes and on both helms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from helmops.api.model import ActionOptions
from helmops.core.objects import HELM_MANAGER
from helmops.core.release.observation import DESIRED_LABEL, OWNER_LABEL
from helmops.core.render.manifest import read
from helmops.errors import HelmError
from helmops.testing.helm import FakeHelm
from tests.contract.helm import Bench, bench_of, real_bench
from tests.controlplane import tools

ONE, TWO = f"1.{'a' * 40}", f"2.{'b' * 40}"
WAITING = ActionOptions(timeout=60)


@pytest.fixture(params=["fake4", "fake3", "helm4", "helm3"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench_of(request, tmp_path) as found:
        yield found


async def failure(action: Awaitable[None]) -> HelmError:
    with pytest.raises(HelmError) as caught:
        await action
    return caught.value


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


# ---------------------------------------------------------------- install and upgrade
async def test_install_leaves_a_deployed_record_with_our_labels(bench: Bench) -> None:
    await bench.install(labels={DESIRED_LABEL: ONE, OWNER_LABEL: "platform"}, values={"message": "x"}, options=WAITING)
    [record] = await bench.records()
    assert (record.status, record.own_digest, record.owner) == ("deployed", "a" * 40, "platform")
    body = await bench.body(1)
    assert (body.description, body.config) == ("helmops: as the input says", {"message": "x"})
    assert (body.chart_name, body.chart_version) == ("chart", "0.1.0")
    assert body.apply_method == ("ssa" if bench.major == 4 else "csa")


async def test_objects_carry_helms_marks_and_its_manager(bench: Bench) -> None:
    await bench.install()
    live = await bench.get(bench.deployment)
    assert live is not None
    assert live["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    assert live["metadata"]["annotations"]["meta.helm.sh/release-name"] == "web"
    [entry] = [one for one in live["metadata"]["managedFields"] if one["manager"] == HELM_MANAGER]
    assert entry["operation"] == ("Apply" if bench.major == 4 else "Update")


async def test_hooks_stand_apart_from_the_manifest(bench: Bench) -> None:
    await bench.install()
    body = await bench.body(1)
    assert "web-hook" not in body.manifest
    assert [(hook["name"], hook["events"]) for hook in body.hooks] == [("web-hook", ["post-install"])]


async def test_upgrade_supersedes_and_labels_add_up(bench: Bench) -> None:
    await bench.install(labels={DESIRED_LABEL: ONE, OWNER_LABEL: "platform"})
    await bench.upgrade(labels={DESIRED_LABEL: TWO}, values={"message": "new"})
    old, new = await bench.records()
    assert (old.status, new.status) == ("superseded", "deployed")
    assert (new.own_digest, new.owner) == ("b" * 40, "platform")
    config_map = await bench.config_map()
    assert config_map is not None
    assert config_map["data"] == {"message": "new", "upgrade": "true"}


async def test_null_takes_a_label_away(bench: Bench) -> None:
    await bench.install(labels={OWNER_LABEL: "platform"})
    await bench.upgrade(labels={OWNER_LABEL: "null"})
    assert (await bench.records())[-1].owner == ""


async def test_an_upgrade_by_somebody_else_carries_our_label_over(bench: Bench) -> None:
    await bench.install(labels={DESIRED_LABEL: ONE})
    await bench.upgrade(description="", labels={})
    record = (await bench.records())[-1]
    assert record.desired == (1, "a" * 40)
    assert record.own_digest == ""
    assert (await bench.body(2)).description == "Upgrade complete"


async def test_no_values_are_no_values(bench: Bench) -> None:
    await bench.install(values={"message": "old", "replicas": 1})
    await bench.upgrade(values={})
    assert (await bench.body(2)).config == {}
    assert await bench.replicas() == 2


async def test_what_left_the_chart_is_removed(bench: Bench) -> None:
    await bench.install(values={"extra": True})
    assert await bench.config_map("-extra") is not None
    await bench.upgrade()
    assert await bench.config_map("-extra") is None


async def test_awkward_texts_arrive_as_they_are(bench: Bench) -> None:
    note = 'a\u0085b\u2028c\u007fd\U0001f600"\\/\ttrue\ufeff: {{ }}'
    await bench.install(values={"note": note})
    assert (await bench.body(1)).config == {"note": note}


async def test_history_is_bounded(bench: Bench) -> None:
    await bench.install()
    for number in range(4):
        await bench.upgrade(values={"message": str(number)}, max_history=3)
    assert [record.revision for record in await bench.records()] == [3, 4, 5]


# ---------------------------------------------------------------- what helm refuses
async def test_a_name_that_is_taken(bench: Bench) -> None:
    await bench.install()
    assert "still in use" in (await failure(bench.install())).message
    assert await bench.statuses() == ["deployed"]


async def test_an_upgrade_of_nothing(bench: Bench) -> None:
    error = await failure(bench.upgrade())
    assert (error.kind, error.message) == ("not-found", '"web" has no deployed releases')


async def test_a_namespace_that_is_not_there(bench: Bench) -> None:
    error = await failure(bench.install(namespace="not-there"))
    assert (error.kind, error.where) == ("not-found", "not-there/web")


async def test_a_revision_that_is_not_there(bench: Bench) -> None:
    assert (await failure(bench.rollback(1))).kind == "not-found"
    await bench.install()
    assert (await failure(bench.rollback(7))).message == "release has no 7 version"


async def test_a_release_that_another_helm_writes(bench: Bench) -> None:
    await bench.install()
    pending = {"revision": 2, "status": "pending-upgrade"}
    body = await bench.body(1)
    await bench.world.put_release(type(body)(**{name: getattr(body, name) for name in body.__slots__} | pending), {})
    assert (await failure(bench.upgrade())).kind == "pending"


# ---------------------------------------------------------------- failure and rollback
async def test_a_failed_upgrade_leaves_the_older_one_deployed(bench: Bench) -> None:
    await bench.install(labels={DESIRED_LABEL: ONE})
    error = await failure(bench.upgrade(labels={DESIRED_LABEL: TWO}, **bench.failing()))
    assert error.kind == "timeout"
    old, new = await bench.records()
    assert (old.status, new.status, new.own_digest) == ("deployed", "failed", "b" * 40)
    assert (await bench.body(2)).description.startswith('Upgrade "web" failed: ')


async def test_a_rollback_copies_body_and_labels_of_its_target(bench: Bench) -> None:
    await bench.install(labels={DESIRED_LABEL: ONE}, values={"message": "good"})
    await failure(bench.upgrade(labels={DESIRED_LABEL: TWO}, **bench.failing()))
    await bench.rollback(1)
    assert await bench.statuses() == ["superseded", "failed", "deployed"]
    record, body = (await bench.records())[-1], await bench.body(3)
    assert (record.desired, record.own_digest) == ((1, "a" * 40), "")
    assert (body.description, body.config) == ("Rollback to 1", {"message": "good"})


async def test_an_upgrade_after_a_failed_one(bench: Bench) -> None:
    await bench.install()
    await failure(bench.upgrade(**bench.failing()))
    await bench.upgrade()
    assert await bench.statuses() == ["superseded", "failed", "deployed"]


async def test_a_rollback_that_waits_in_vain_reads_like_a_failed_install(bench: Bench) -> None:
    """Only its label, carried over from its target, tells it apart."""
    failing = bench.failing()
    await bench.install(labels={DESIRED_LABEL: ONE}, values=failing["values"])
    await bench.upgrade(labels={DESIRED_LABEL: TWO})
    assert (await failure(bench.rollback(1, options=failing["options"]))).kind == "timeout"
    assert await bench.statuses() == ["superseded", "deployed", "failed"]
    assert (await bench.body(3)).description.startswith('Release "web" failed: ')
    assert (await bench.records())[-1].desired == (1, "a" * 40)


async def test_a_failed_rollback_hook_leaves_the_release_pending(bench: Bench) -> None:
    """As SIGTERM does: helm rollback marks a release failed only for its objects. The engine marks what is left."""
    await bench.install(**bench.failing_rollback_hook())
    await bench.upgrade()
    await failure(bench.rollback(1))
    assert await bench.statuses() == ["superseded", "deployed", "pending-rollback"]
    assert (await bench.body(3)).description == "Rollback to 1"


# ---------------------------------------------------------------- uninstall
async def test_uninstall_removes_objects_and_records(bench: Bench) -> None:
    await bench.install()
    await bench.uninstall(options=WAITING)
    assert await bench.records() == []
    assert await bench.get(bench.deployment) is None
    assert (await failure(bench.uninstall())).kind == "not-found"


async def test_a_kept_history_leaves_the_name_free(bench: Bench) -> None:
    await bench.install()
    await bench.uninstall(options=ActionOptions(timeout=60, keep_history=True))
    assert await bench.statuses() == ["uninstalled"]
    await bench.install()
    assert await bench.statuses() == ["superseded", "deployed"]


# ---------------------------------------------------------------- fields of others
@pytest.mark.parametrize("force", [True, False], ids=["forced", "unforced"])
async def test_guarded_replicas_stay_through_upgrade_failure_and_rollback(bench: Bench, force: bool) -> None:
    await bench.install()
    await bench.world.scale(bench.deployment, 20)
    more = {"guarded": bench.guards, "force_conflicts": force}
    await bench.upgrade(values={"message": "new"}, **more)
    assert await bench.replicas() == 20
    await failure(bench.upgrade(**bench.failing(), **more))
    assert await bench.replicas() == 20
    await bench.rollback(1, **more)
    assert await bench.replicas() == 20
    config_map = await bench.config_map()
    assert config_map is not None
    assert config_map["data"]["message"] == "hello"


async def test_without_a_guard_helm_takes_the_replicas_back(bench: Bench) -> None:
    await bench.install()
    await bench.world.scale(bench.deployment, 20)
    if bench.major == 4:
        error = await failure(bench.upgrade(values={"message": "new"}))
        assert error.kind == "conflict"
        assert await bench.statuses() == ["deployed", "failed"]
    await bench.upgrade(values={"message": "new"}, force_conflicts=True)
    assert await bench.replicas() == 2


async def test_a_refused_rollback_supersedes_what_failed(bench: Bench) -> None:
    if bench.major == 3:
        pytest.skip("Helm 3 meets no conflicts")
    await bench.install()
    await bench.upgrade(values={"message": "new"})
    await bench.world.scale(bench.deployment, 20)
    assert (await failure(bench.rollback(1))).kind == "conflict"
    assert await bench.statuses() == ["superseded", "superseded", "failed"]
    assert (await bench.body(3)).description.startswith('Rollback "web" failed: ')
    await bench.rollback(1, force_conflicts=True)
    assert await bench.replicas() == 2


# ---------------------------------------------------------------- rendering
async def test_a_rendering_is_what_helm_would_store(bench: Bench) -> None:
    values = {"message": "é: \u2028", "extra": True}
    rendering = read(await bench.render(values=values))
    assert [hook.obj["metadata"]["name"] for hook in rendering.hooks] == ["web-hook"]
    await bench.install(values=values)
    stored = read((await bench.body(1)).manifest)
    assert [one.obj for one in rendering.objects] == [one.obj for one in stored.objects]


async def test_a_rendering_knows_that_it_is_an_upgrade(bench: Bench) -> None:
    assert "'true'" in (await bench.render(is_upgrade=True)).replace('"', "'")


# ---------------------------------------------------------------- cancelling
async def start(bench: Bench, action: Awaitable[None], status: str) -> asyncio.Task[None]:
    """Begin something that does not end by itself, and wait for its record."""
    if isinstance(bench.helm, FakeHelm):
        bench.helm.held = asyncio.Event()
    task = asyncio.ensure_future(action)

    async def begun() -> bool:
        return (await bench.statuses())[-1:] == [status]

    await until(begun)
    return task


async def cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


NEVER_READY = {"values": {"ready": False}, "options": WAITING}


async def test_a_cancelled_install_is_marked_failed(bench: Bench) -> None:
    await cancel(await start(bench, bench.install(**NEVER_READY), "pending-install"))
    assert await bench.statuses() == ["failed"]
    assert (await bench.body(1)).description == 'Release "web" failed: context canceled'


async def test_a_cancelled_upgrade_is_marked_failed(bench: Bench) -> None:
    await bench.install()
    await cancel(await start(bench, bench.upgrade(**NEVER_READY), "pending-upgrade"))
    assert await bench.statuses() == ["deployed", "failed"]
    assert (await bench.body(2)).description == 'Upgrade "web" failed: context canceled'


async def test_a_cancelled_rollback_stays_pending(bench: Bench) -> None:
    """helm rollback does not listen to SIGTERM; the engine marks what is left."""
    await bench.install(values={"ready": False})
    await bench.upgrade()
    await cancel(await start(bench, bench.rollback(1, options=WAITING), "pending-rollback"))
    assert await bench.statuses() == ["superseded", "deployed", "pending-rollback"]


# ---------------------------------------------------------------- from Helm 3 to Helm 4
async def test_helm4_takes_over_what_helm3_installed(kubeconfig: Path, namespace: str, tmp_path: Path) -> None:
    """Left to itself Helm 4 goes on with client-side patches, and then refuses --force-conflicts."""
    async with (
        real_bench(tools.helm3(), 3, kubeconfig, namespace, tmp_path / "3") as three,
        real_bench(tools.helm4(), 4, kubeconfig, namespace, tmp_path / "4") as four,
    ):
        await three.install(values={"ready": False})
        await four.world.scale(four.deployment, 20)
        await four.upgrade(guarded=four.guards, force_conflicts=True)
        assert (await four.body(2)).apply_method == "ssa"
        live = await four.get(four.deployment)
        assert live is not None
        assert "helmops.test/sim" not in live["spec"]["template"]["metadata"]["annotations"]
        assert [one["operation"] for one in live["metadata"]["managedFields"] if one["manager"] == HELM_MANAGER] == [
            "Apply"
        ]
        await four.rollback(1, guarded=four.guards, force_conflicts=True)
        assert await four.replicas() == 20
        assert (await four.statuses())[-1] == "deployed"
