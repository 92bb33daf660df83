"""The port Storage: Helm's own records."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from helmops.core.release.observation import DESIRED_LABEL, Record, StoredRelease
from helmops.errors import Conflict, NotFound
from tests.contract.kube import RealWorld, World
from tests.runners import Helm

DIGEST = "a" * 40


def release(world: World, name: str = "web", revision: int = 1, status: str = "deployed") -> StoredRelease:
    return StoredRelease(
        name=name,
        namespace=world.namespace,
        revision=revision,
        status=status,
        description="Install complete",
        chart_name="webapp",
        chart_version="1.2.3",
        app_version="9",
        config={"replicas": 2, "password": "topsecret"},
        manifest="---\nkind: ConfigMap\n",
        hooks=({"name": "job", "events": ["pre-install"]},),
        notes="thank you",
        first_deployed="2026-01-01T00:00:00.000000001Z",
        last_deployed="2026-01-01T00:00:00.000000001Z",
        apply_method="ssa",
    )


async def only(world: World, name: str = "web") -> Record:
    (record,) = await world.storage.records_of(world.access, world.namespace, name)
    return record


async def test_a_record_tells_what_metadata_tells(world: World) -> None:
    await world.put_release(release(world), {DESIRED_LABEL: f"1.{DIGEST}"})
    record = await only(world)
    assert (record.namespace, record.name, record.revision) == (world.namespace, "web", 1)
    assert record.status == "deployed"
    assert record.own_digest == DIGEST
    assert record.uid
    assert record.resource_version
    assert record.created.endswith("Z")


async def test_revisions_come_oldest_first_by_number(world: World) -> None:
    for revision in (9, 10, 2):
        await world.put_release(release(world, revision=revision), {})
    await world.put_release(release(world, name="web-2"), {})
    records = await world.storage.records_of(world.access, world.namespace, "web")
    assert [record.revision for record in records] == [2, 9, 10]


async def test_records_of_namespaces_and_of_all(world: World) -> None:
    await world.put_release(release(world, name="b"), {})
    await world.put_release(release(world, name="a", revision=2), {})
    here = await world.storage.records(world.access, [world.namespace, "no-such-namespace"])
    assert [(record.name, record.revision) for record in here] == [("a", 2), ("b", 1)]
    everywhere = await world.storage.records(world.access, None)
    assert set(map(str, here)) <= set(map(str, everywhere))
    assert await world.storage.records(world.access, []) == []


async def test_no_release_no_records(world: World) -> None:
    assert await world.storage.records_of(world.access, world.namespace, "web") == []
    assert await world.storage.records_of(world.access, "no-such-namespace", "web") == []


async def test_the_body_is_what_helm_wrote(world: World) -> None:
    await world.put_release(release(world), {})
    assert await world.storage.body(world.access, await only(world)) == release(world)


async def test_the_body_of_a_gone_record(world: World) -> None:
    await world.put_release(release(world), {})
    record = await only(world)
    await world.drop_release(record)
    with pytest.raises(NotFound):
        await world.storage.body(world.access, record)
    await world.put_release(release(world), {})  # made anew: another record
    with pytest.raises(NotFound):
        await world.storage.body(world.access, record)


async def test_labels_are_set_and_removed_on_what_was_read(world: World) -> None:
    await world.put_release(release(world), {"keep": "1", "drop": "1"})
    read = await only(world)
    written = await world.storage.label(world.access, read, {DESIRED_LABEL: f"1.{DIGEST}", "drop": None})
    assert written == await only(world)
    assert written.own_digest == DIGEST
    assert written.labels["keep"] == "1"
    assert "drop" not in written.labels
    with pytest.raises(Conflict):
        await world.storage.label(world.access, read, {"late": "1"})
    again = await world.storage.label(world.access, written, {"late": "1"})
    assert again.labels["late"] == "1"


async def test_failed_is_written_into_body_and_label(world: World) -> None:
    await world.put_release(release(world, status="pending-upgrade"), {"keep": "1"})
    read = await only(world)
    written = await world.storage.mark_failed(world.access, read, "nobody came back")
    assert written == await only(world)
    assert (written.status, written.labels["keep"]) == ("failed", "1")
    body = await world.storage.body(world.access, written)
    assert body == replace(release(world), status="failed", description="nobody came back")
    with pytest.raises(Conflict):
        await world.storage.mark_failed(world.access, read, "again")


async def test_another_secret_with_helms_label_is_no_record(real: RealWorld) -> None:
    secret = {"metadata": {"name": "other", "labels": {"owner": "helm", "name": "web"}}}
    await real.ask("POST", f"/api/v1/namespaces/{real.namespace}/secrets", secret)
    assert await real.storage.records_of(real.access, real.namespace, "web") == []


async def test_marking_failed_keeps_what_it_does_not_know(real: RealWorld) -> None:
    await real.put_release(release(real), {})
    record = await only(real)
    before = await raw_body(real, record)
    await real.storage.mark_failed(real.access, record, "nobody came back")
    after = await raw_body(real, record)
    before["info"] |= {"status": "failed", "description": "nobody came back"}
    assert after == before
    assert after["of_a_later_helm"] == {"kept": True}


@pytest.mark.helm3
async def test_helm_itself_agrees(real: RealWorld, helm: Helm, tmp_path: Any) -> None:
    chart = tmp_path / "demo"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: demo\nversion: 1.2.3\nappVersion: '7'\n")
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: demo}\ndata: {a: '{{ .Values.a }}'}\n"
    (chart / "templates" / "cm.yaml").write_text(text)
    helm("install", "web", str(chart), "--set", "a=1.5e3")
    record = await only(real)
    body = await real.storage.body(real.access, record)
    assert (body.name, body.chart_name, body.chart_version, body.app_version) == ("web", "demo", "1.2.3", "7")
    assert (body.status, body.description, body.revision) == ("deployed", "Install complete", 1)
    assert body.apply_method == ("ssa" if helm.major == 4 else "csa")
    assert "kind: ConfigMap" in body.manifest

    await real.storage.mark_failed(real.access, record, "said by helmops")
    told = json.loads(helm("history", "web", "-o", "json"))
    assert [(one["status"], one["description"]) for one in told] == [("failed", "said by helmops")]
    helm("upgrade", "web", str(chart), "--set", "a=2")
    records = await real.storage.records_of(real.access, real.namespace, "web")
    assert [one.status for one in records] in (["failed", "deployed"], ["superseded", "deployed"])


async def raw_body(real: RealWorld, record: Record) -> Any:
    path = f"/api/v1/namespaces/{record.namespace}/secrets/{record.secret}"
    secret = await real.ask("GET", path)
    return json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
