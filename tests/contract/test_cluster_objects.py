"""The port Cluster: reading objects and their metadata, server-side apply, who owns what."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from helmops.core.objects import ManagedEntry, ObjectEvent, ObjectId, meta_of
from helmops.errors import Conflict, FieldConflicts, NotFound, Rejected
from tests.contract.kube import World


def config(world: World, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": world.namespace, "labels": {"app": "web"}},
        "data": data,
    }


def deployment(world: World, **spec: Any) -> dict[str, Any]:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": world.namespace},
        "spec": {"paused": True, "selector": {"matchLabels": labels}, "template": template, **spec},
    }


def settings(world: World) -> ObjectId:
    return ObjectId("v1", "ConfigMap", world.namespace, "settings")


def web(world: World) -> ObjectId:
    return ObjectId("apps/v1", "Deployment", world.namespace, "web")


async def put(world: World, obj: dict[str, Any], **how: Any) -> Any:
    return await world.cluster.apply(world.access, obj, **{"force": False, "dry_run": False, **how})


async def data(world: World) -> Any:
    live = await world.cluster.get(world.access, settings(world))
    return live and live["data"]


def entry(live: Any, manager: str) -> ManagedEntry | None:
    return next((found for found in meta_of(live).managed if found.manager == manager), None)


async def test_the_cluster_says_who_it_is(world: World) -> None:
    first = await world.cluster.uid(world.access)
    assert first
    assert await world.cluster.uid(world.access) == first


async def test_target_is_told_without_the_server(world: World) -> None:
    target = await world.cluster.target(world.access)
    assert target.context
    assert target.namespace == "default"
    assert target.server.startswith("https://")


async def test_kinds_are_known_by_version_and_kind(world: World) -> None:
    kinds = await world.cluster.kinds(world.access)
    found = kinds.find("apps/v1", "Deployment")
    assert found is not None
    assert (found.plural, found.namespaced) == ("deployments", True)
    assert {"get", "list", "patch"} <= found.verbs
    namespace = kinds.find("v1", "Namespace")
    assert namespace is not None
    assert not namespace.namespaced
    assert kinds.find("apps/v1", "Deploymint") is None
    assert kinds.version.startswith("v1.")


async def test_an_absent_object_is_none(world: World) -> None:
    assert await world.cluster.get(world.access, settings(world)) is None
    nowhere = ObjectId("v1", "ConfigMap", "no-such-namespace", "settings")
    assert await world.cluster.get(world.access, nowhere) is None


async def test_a_kind_that_is_not_served_is_named(world: World) -> None:
    unknown = ObjectId("example.org/v9", "Widget", world.namespace, "w")
    with pytest.raises(NotFound, match="Widget"):
        await world.cluster.get(world.access, unknown)
    with pytest.raises(NotFound, match="Widget"):
        await world.cluster.list_metadata(world.access, "example.org/v9", "Widget", None)
    with pytest.raises(NotFound, match="Widget"):
        await world.cluster.list_objects(world.access, "example.org/v9", "Widget", world.namespace)
    with pytest.raises(NotFound, match="Widget"):
        await put(world, {**config(world), "apiVersion": "example.org/v9", "kind": "Widget"})


async def test_apply_creates_and_owns(world: World) -> None:
    made = await put(world, config(world, color="red"))
    assert made["metadata"]["uid"]
    assert await world.cluster.get(world.access, settings(world)) == made
    helm = entry(made, "helm")
    assert helm is not None
    assert (helm.operation, helm.subresource) == ("Apply", "")
    assert helm.fields["f:data"] == {"f:color": {}}


async def test_a_dry_run_tells_and_leaves_nothing(world: World) -> None:
    told = await put(world, config(world, color="red"), dry_run=True)
    assert told["data"] == {"color": "red"}
    assert await data(world) is None


async def test_a_namespace_that_is_not_there(world: World) -> None:
    lost = config(world)
    lost["metadata"]["namespace"] = "no-such-namespace"
    for dry_run in (True, False):
        with pytest.raises(NotFound, match="no-such-namespace"):
            await put(world, lost, dry_run=dry_run)


async def test_an_unknown_field_is_refused_by_name(world: World) -> None:
    with pytest.raises(Rejected, match=r"\.dta") as caught:
        await put(world, {**config(world), "dta": {"color": "red"}}, dry_run=True, strict=True)
    assert caught.value.where == "ConfigMap/settings"
    with pytest.raises(Rejected, match=r"\.spec\.replics"):
        await put(world, deployment(world, replics=2), dry_run=True, strict=True)


async def test_the_same_again_moves_nothing(world: World) -> None:
    first = await put(world, config(world, color="red"))
    second = await put(world, config(world, color="red"))
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_what_another_changed_is_a_conflict_until_forced(world: World) -> None:
    await put(world, config(world, color="red", size="1"))
    await world.edit(settings(world), lambda live: live["data"].update(color="blue"), "kubectl-edit")
    with pytest.raises(FieldConflicts) as caught:
        await put(world, config(world, color="red", size="1"))
    assert caught.value.fields == (("kubectl-edit", ".data.color"),)
    assert await data(world) == {"color": "blue", "size": "1"}

    forced = await put(world, config(world, color="red", size="1"), force=True)
    assert forced["data"] == {"color": "red", "size": "1"}
    assert entry(forced, "kubectl-edit") is None


async def test_a_conflict_inside_a_list_names_the_item(world: World) -> None:
    await put(world, deployment(world))

    def change(live: dict[str, Any]) -> None:
        live["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2"

    await world.edit(web(world), change, "kubectl-set")
    with pytest.raises(FieldConflicts) as caught:
        await put(world, deployment(world), dry_run=True)
    assert caught.value.fields == (("kubectl-set", '.spec.template.spec.containers[name="web"].image'),)


async def test_what_others_added_stays(world: World) -> None:
    await put(world, config(world, color="red"))
    await world.edit(settings(world), lambda live: live["data"].update(extra="1"), "kubectl-edit")
    live = await put(world, config(world, color="green"), force=True)
    assert live["data"] == {"color": "green", "extra": "1"}
    added = entry(live, "kubectl-edit")
    assert added is not None
    assert added.fields == {"f:data": {"f:extra": {}}}


async def test_what_is_wanted_no_more_goes_unless_another_has_it(world: World) -> None:
    await put(world, config(world, color="red", size="1"))
    await put(world, config(world, size="1"), manager="somebody")
    live = await put(world, config(world))
    assert live.get("data") == {"size": "1"}


async def test_scaled_replicas_belong_to_who_scaled(world: World) -> None:
    await put(world, deployment(world, replicas=2))
    await world.scale(web(world), 20)
    with pytest.raises(FieldConflicts) as caught:
        await put(world, deployment(world, replicas=2))
    assert caught.value.fields == (("kubectl", ".spec.replicas"),)
    live = await put(world, deployment(world))
    assert live["spec"]["replicas"] == 20
    scaled = entry(live, "kubectl")
    assert scaled is not None
    assert (scaled.subresource, scaled.operation, scaled.time) == ("scale", "Update", "")
    assert scaled.fields == {"f:spec": {"f:replicas": {}}}


async def test_a_field_left_out_by_its_sole_owner_falls_back(world: World) -> None:
    await put(world, deployment(world, replicas=2))
    live = await put(world, deployment(world))
    assert live["spec"]["replicas"] == 1


async def test_generation_counts_changes_of_the_spec(world: World) -> None:
    first = meta_of(await put(world, deployment(world, replicas=2)))
    await world.edit(web(world), lambda live: live["metadata"].update(labels={"x": "y"}), "kubectl-label")
    labelled = meta_of(await world.cluster.get(world.access, web(world)) or {})
    second = meta_of(await put(world, deployment(world, replicas=3)))
    assert (first.generation, labelled.generation, second.generation) == (1, 1, 2)
    assert meta_of(await put(world, config(world))).generation is None


async def test_a_patch_tests_first(world: World) -> None:
    made = await put(world, config(world, color="red"))
    uid = {"op": "test", "path": "/metadata/uid", "value": made["metadata"]["uid"]}
    paint = {"op": "replace", "path": "/data/color", "value": "blue"}
    live = await world.cluster.patch(world.access, settings(world), [uid, paint], manager="painter")
    assert live["data"] == {"color": "blue"}
    assert entry(live, "painter") is not None

    stale = {"op": "test", "path": "/data/color", "value": "red"}
    with pytest.raises(Conflict):
        await world.cluster.patch(world.access, settings(world), [stale, paint])


async def test_a_patch_that_does_not_fit_is_refused(world: World) -> None:
    await put(world, config(world, color="red"))
    with pytest.raises(Rejected):
        await world.cluster.patch(world.access, settings(world), [{"op": "remove", "path": "/data/size"}])
    with pytest.raises(NotFound):
        absent = ObjectId("v1", "ConfigMap", world.namespace, "absent")
        await world.cluster.patch(world.access, absent, [{"op": "remove", "path": "/data/size"}])


async def test_lists_by_namespace_and_for_all(world: World) -> None:
    made = meta_of(await put(world, config(world, color="red")))
    here = await world.cluster.list_metadata(world.access, "v1", "ConfigMap", world.namespace)
    everywhere = await world.cluster.list_metadata(world.access, "v1", "ConfigMap", None)
    assert made in here
    assert made in everywhere
    assert all(found.id.namespace == world.namespace for found in here)
    full = await world.cluster.list_objects(world.access, "v1", "ConfigMap", world.namespace)
    mine = next(obj for obj in full if obj["metadata"]["name"] == "settings")
    assert (mine["apiVersion"], mine["kind"], mine["data"]) == ("v1", "ConfigMap", {"color": "red"})
    assert await world.cluster.list_metadata(world.access, "v1", "ConfigMap", "no-such-namespace") == []


async def test_namespaces_are_objects_too(world: World) -> None:
    found = await world.cluster.list_metadata(world.access, "v1", "Namespace", None)
    assert {world.namespace, "kube-system"} <= {meta.id.name for meta in found}
    assert all(meta.id.namespace == "" for meta in found)


async def test_events_come_oldest_first(world: World) -> None:
    about = settings(world)
    times = ["2026-01-01T00:00:03Z", "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"]
    for time in times:
        await world.add_event(ObjectEvent(about, "Warning", "Failed", f"at {time}", 2, time))
    found = [event for event in await world.cluster.events(world.access, world.namespace) if event.id == about]
    assert [event.time for event in found] == sorted(times)
    assert found[0] == ObjectEvent(about, "Warning", "Failed", f"at {times[1]}", 2, times[1])


async def test_a_new_kind_is_found_on_refresh(world: World) -> None:
    group = f"g{uuid.uuid4().hex[:8]}.example.org"
    await world.cluster.kinds(world.access)
    await put(world, definition(group))
    async with asyncio.timeout(10):
        while (await world.cluster.kinds(world.access, refresh=True)).find(f"{group}/v1", "Widget") is None:
            await asyncio.sleep(0.05)
    widget = {
        "apiVersion": f"{group}/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "namespace": world.namespace},
        "spec": {"size": 1},
    }
    made = await put(world, widget, strict=True)
    assert made["spec"] == {"size": 1}
    await world.remove(ObjectId("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", f"widgets.{group}"))


def definition(group: str) -> dict[str, Any]:
    spec = {"type": "object", "properties": {"size": {"type": "integer"}}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
