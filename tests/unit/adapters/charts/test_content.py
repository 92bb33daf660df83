"""What is read of an unpacked chart."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from helmops.adapters.charts import ChartSources
from helmops.adapters.charts.content import calls_lookup
from helmops.adapters.http import Http
from helmops.errors import InputError, Transient
from helmops.ports import Artifact, ChartContent
from helmops.testing.memory import FakeMemory
from tests.unit.adapters.charts.packing import chart, write

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
  - {name: v1beta1, served: false, storage: false}
"""


def artifact(folder: Path, **more: str) -> Artifact:
    write(folder / "demo", chart(**more))
    return Artifact("demo", "1.0.0", "d1gest", str(folder / "demo"), "charts/demo")


def sources(folder: Path, memory: FakeMemory) -> ChartSources:
    return ChartSources(str(folder / "cache"), Http(), memory)


async def read(folder: Path, **more: str) -> ChartContent:
    return await sources(folder, FakeMemory()).content(artifact(folder, **more))


async def test_a_plain_chart(tmp_path: Path) -> None:
    content = await read(tmp_path)
    assert content.metadata == {"apiVersion": "v2", "name": "demo", "version": "1.0.0"}
    assert content == ChartContent(content.metadata, {"replicas": 1}, uses_lookup=False)


async def test_schema_and_values(tmp_path: Path) -> None:
    content = await read(tmp_path, values_yaml="\ufeffa: y\nb: 1e3\n")
    assert content.default_values == {"a": True, "b": 1000}
    write(tmp_path / "demo", {"values.schema.json": '{"type": "object"}', "values.yaml": ""})
    again = await sources(tmp_path, FakeMemory()).content(Artifact("demo", "1", "d", str(tmp_path / "demo"), "demo"))
    assert (again.schema, again.default_values) == ({"type": "object"}, {})


@pytest.mark.parametrize(
    "path", ["crds/a.yaml", "crds/deep/a.yml", "charts/lib/crds/a.json", "charts/a/charts/b/crds/c.yaml"]
)
async def test_crds_of_the_chart_and_its_subcharts_without_their_schemas(tmp_path: Path, path: str) -> None:
    found = artifact(tmp_path)
    write(tmp_path / "demo", {path: CRD + "---\nkind: ConfigMap\n---\nkind: CustomResourceDefinition\n"})
    (crd,) = (await sources(tmp_path, FakeMemory()).content(found)).crds
    assert crd == {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.org"},
        "spec": {
            "group": "example.org",
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things"},
            "versions": [{"name": "v1", "served": True}, {"name": "v1beta1", "served": False}],
        },
    }


@pytest.mark.parametrize("path", ["templates/crds.yaml", "crds/README.md", "files/crds/a.yaml"])
async def test_what_is_no_crd_of_the_chart(tmp_path: Path, path: str) -> None:
    found = artifact(tmp_path)
    write(tmp_path / "demo", {path: CRD})
    assert (await sources(tmp_path, FakeMemory()).content(found)).crds == ()


@pytest.mark.parametrize(
    ("template", "calls"),
    [
        ('{{ lookup "v1" "Secret" "ns" "name" }}', True),
        ('{{- if not (lookup "v1" "Secret" .Release.Namespace "x") -}}', True),
        ('{{ $s := "v1"\n   | lookup }}', True),
        ("{{ a }} lookup {{ b }}", False),
        ("# lookup", False),
        ("{{ .Values.lookup }}", False),
        ("{{ $lookup }}", False),
        ("{{ lookupHost }}{{ my-lookup }}", False),
        ("}} {{ x }} lookup", False),
        ('{{ tpl "{{ lookup }}" . }}', True),
        ("", False),
    ],
)
def test_lookup_is_a_word_in_an_action(template: str, calls: bool) -> None:
    assert calls_lookup(template.encode()) is calls


def test_looking_for_lookup_takes_no_long_even_in_strange_files() -> None:
    assert not calls_lookup(b"lookup " * 500_000)
    assert not calls_lookup(b"{{" * 1_000_000 + b"}}lookup")


@pytest.mark.parametrize("path", ["charts/lib/templates/_h.tpl", "values.yaml", "files/x.tpl"])
async def test_lookup_counts_wherever_helm_may_render_it(tmp_path: Path, path: str) -> None:
    found = artifact(tmp_path)
    write(tmp_path / "demo", {path: "a: '{{ lookup }}'", "README.md": "{{ lookup }}"})
    assert (await sources(tmp_path, FakeMemory()).content(found)).uses_lookup
    write(tmp_path / "demo", {path: "a: b"})
    assert not (await sources(tmp_path, FakeMemory()).content(found)).uses_lookup


@pytest.mark.parametrize(
    ("path", "text", "where"),
    [
        ("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\ntype: library\n", "charts/demo"),
        ("values.yaml", "- a\n", "charts/demo/values.yaml:1"),
        ("values.yaml", "a: b: c\n", "charts/demo/values.yaml:1"),
        ("values.schema.json", "{\n,}", "charts/demo/values.schema.json:2"),
        ("crds/a.yaml", "a: [\n", "charts/demo/crds/a.yaml:2"),
    ],
)
async def test_mistakes_are_told_with_file_and_line(tmp_path: Path, path: str, text: str, where: str) -> None:
    found = artifact(tmp_path)
    write(tmp_path / "demo", {path: text})
    with pytest.raises(InputError) as refusal:
        await sources(tmp_path, FakeMemory()).content(found)
    assert refusal.value.where.startswith(where)


async def test_what_was_read_once_is_remembered(tmp_path: Path) -> None:
    memory = FakeMemory()
    found = artifact(tmp_path)
    write(tmp_path / "demo", {"crds/a.yaml": CRD, "values.schema.json": "{}"})
    first = await sources(tmp_path, memory).content(found)
    shutil.rmtree(found.path)
    assert await sources(tmp_path, memory).content(found) == first


@pytest.mark.parametrize("forged", ["{}", "[]", '{"crds": 1}', '{"crds": [], "else": 1}', "{"])
async def test_a_forged_memory_costs_a_reading_only(tmp_path: Path, forged: str) -> None:
    memory = FakeMemory()
    found = artifact(tmp_path)
    first = await sources(tmp_path, memory).content(found)
    (scope,) = memory.scopes()
    memory.forge(scope, forged)
    assert await sources(tmp_path, memory).content(found) == first


async def test_a_chart_that_has_gone_may_come_again(tmp_path: Path) -> None:
    found = artifact(tmp_path)
    shutil.rmtree(found.path)
    with pytest.raises(Transient, match="gone from the cache"):
        await sources(tmp_path, FakeMemory()).content(found)
