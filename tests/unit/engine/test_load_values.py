"""Values: files, ConfigMaps and Secrets of the input, then those of the cluster; in order, by path, and never told."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml

from helmops.api.model import Access, Identity
from helmops.core.values import Merged, merge_layers
from helmops.engine.load import Loaded, load
from helmops.engine.resolve import Unresolved, resolve_all
from helmops.engine.values import as_release, read_values
from helmops.errors import Forbidden, InputErrors
from helmops.testing.charts import FakeCharts
from helmops.testing.cluster import FakeCluster
from helmops.testing.files import FakeFiles

CONFIG = {"kind": "ConfigMap", "name": "base"}
SECRET = {"kind": "Secret", "name": "login"}


def config(values: Any = None, **keys: str) -> dict[str, Any]:
    data = keys if values is None else {"values.yaml": values}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "base", "namespace": "apps"}, "data": data}


def secret(values: str | None = None, **keys: str) -> dict[str, Any]:
    data = keys if values is None else {"values.yaml": values}
    coded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login", "namespace": "apps"}, "data": coded}


def release(*references: Any, name: str = "web", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "apps"}
    spec = {"chart": {"path": "chart"}, "valuesFrom": list(references), **spec}
    return {"apiVersion": "helmops.dev/v1alpha1", "kind": "Release", "metadata": metadata, "spec": spec}


async def read(*documents: Any) -> Loaded:
    files = FakeFiles()
    files.write("all.yaml", yaml.safe_dump_all(documents))
    files.write("values/base.yaml.txt", "a: file\nonly: file\n")
    return await load(files, ["."], namespace="apps", access=Access())


def merged(loaded: Loaded, name: str = "web") -> Merged:
    return merge_layers(loaded.layers["apps", name])


async def told(*documents: Any) -> list[str]:
    with pytest.raises(InputErrors) as found:
        await read(*documents)
    return [f"{one.path}: {one.message}" for one in found.value.problems]


# ---------------------------------------------------------------- of the input
async def test_the_order_is_that_of_the_references_and_inline_comes_last() -> None:
    of_config = config("a: config\nb: config\nc: config\n")
    found = await read(
        release({"file": "values/base.yaml.txt"}, CONFIG, SECRET, values={"c": "inline"}),
        of_config,
        secret("b: secret\n"),
    )
    values = merged(found)
    assert values.value == {"a": "config", "only": "file", "b": "secret", "c": "inline"}
    assert values.origins[("a",)] == "ConfigMap apps/base:values.yaml"
    assert values.origins[("b",)] == "Secret apps/login:values.yaml"
    assert values.secrets == ("secret",)


async def test_what_a_secret_of_the_input_says_as_text_goes_before_its_base64() -> None:
    both = secret(key="old") | {"stringData": {"key": "new"}}
    found = await read(release(SECRET | {"valuesKey": "key", "targetPath": "a"}), both)
    assert merged(found).value == {"a": "new"}


@pytest.mark.parametrize(
    ("text", "more", "expected"),
    [
        ("5", {}, 5),
        ('"5"', {}, "5"),
        ("5", {"literal": True}, "5"),
        ("{a,b}", {}, ["a", "b"]),
        ("a,b", {"literal": True}, "a,b"),
        ("null", {}, None),
    ],
)
async def test_one_value_at_a_path(text: str, more: dict[str, Any], expected: Any) -> None:
    found = await read(release(CONFIG | {"valuesKey": "k", "targetPath": r"a\.b.c", **more}), config(k=text))
    assert merged(found).value == {"a.b": {"c": expected}}
    assert set(merged(found).origins.values()) == {"ConfigMap apps/base:k"}


async def test_a_path_into_a_list_keeps_its_other_items_and_what_stands_beside_it() -> None:
    at = SECRET | {"valuesKey": "k", "targetPath": "l[1].x"}
    found = await read(release(CONFIG, at), config("l: [{x: 0, w: 1}, {z: 2}]\nm: {o: 3}\n"), secret(k="new"))
    assert merged(found).value == {"l": [{"x": 0, "w": 1}, {"z": 2, "x": "new"}], "m": {"o": 3}}


@pytest.mark.parametrize(
    ("reference", "document", "message"),
    [
        (CONFIG, config(), "ConfigMap apps/base has no key values.yaml"),
        (SECRET, secret(other="x"), "Secret apps/login has no key values.yaml"),
        (SECRET, secret("- hunter2"), "Secret apps/login: the key values.yaml must hold a map"),
        (SECRET, secret("a: [hunter2"), "Secret apps/login: the key values.yaml is no YAML"),
        (SECRET, secret() | {"data": {"values.yaml": "hunter2!"}}, "the key values.yaml is no base64 of UTF-8"),
        (SECRET, secret() | {"data": {"values.yaml": "/////w=="}}, "the key values.yaml is no base64 of UTF-8"),
        (CONFIG, config({"a": 1}), "ConfigMap apps/base: the key values.yaml must hold a string"),
        (SECRET, secret() | {"sops": {"mac": "hunter2"}}, "Secret apps/login is encrypted with SOPS"),
        (
            SECRET | {"valuesKey": "k", "targetPath": "a.b"},
            secret(k="hunter2,hunter3"),
            "Secret apps/login: the key k at a.b: a part without `=`",
        ),
    ],
)
async def test_mistakes_name_the_key_and_never_what_it_holds(reference: Any, document: Any, message: str) -> None:
    (found,) = await told(release(reference), document)
    assert found.startswith("spec.valuesFrom: ")
    assert message in found
    assert "hunter" not in found


async def test_optional_is_the_object_and_the_key_but_not_what_is_wrong() -> None:
    optional = CONFIG | {"optional": True}
    assert merged(await read(release(optional), config())).value == {}
    assert "must hold a map" in (await told(release(optional), config("x")))[0]


# ---------------------------------------------------------------- of the cluster
@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster(["apps"])


async def complete(cluster: FakeCluster, loaded: Loaded) -> Loaded:
    return await read_values(cluster, loaded, as_release(Access()))


async def test_what_the_input_has_not_comes_from_the_cluster(cluster: FakeCluster) -> None:
    cluster.write(config("a: live\nb: live\n"), manager="x")
    cluster.write(secret("b: live secret\n"), manager="x")
    loaded = await read(release(CONFIG, SECRET, values={"c": 1}))
    assert merged(loaded).value == {"c": 1}
    found = await complete(cluster, loaded)
    assert merged(found).value == {"a": "live", "b": "live secret", "c": 1}


async def test_the_input_goes_before_the_cluster(cluster: FakeCluster) -> None:
    cluster.write(config("a: live\n"), manager="x")
    found = await complete(cluster, await read(release(CONFIG), config("a: input\n")))
    assert merged(found).value == {"a": "input"}


async def test_everything_that_is_missing_is_told_at_once(cluster: FakeCluster) -> None:
    cluster.write(secret(other="x"), manager="x")
    loaded = await read(release(CONFIG), release(SECRET, CONFIG | {"optional": True}, name="db"))
    with pytest.raises(InputErrors) as found:
        await complete(cluster, loaded)
    assert [one.message for one in found.value.problems] == [
        "no ConfigMap apps/base, neither in the input nor in the cluster",
        "Secret apps/login has no key values.yaml",
    ]
    assert [one.where for one in found.value.problems] == ["all.yaml:10", "all.yaml:22"]


async def test_who_may_not_read_them_loses_only_the_releases_that_name_them(cluster: FakeCluster) -> None:
    loaded = await read(release(SECRET), release(name="other", values={"a": 1}))
    cluster.fail_next("get", Forbidden("no"))
    found = await complete(cluster, loaded)
    charts = FakeCharts()
    charts.place("/input/chart", "chart")
    lost, other = await resolve_all(charts, found)
    assert isinstance(lost, Unresolved)
    assert isinstance(lost.error, Forbidden)
    assert not isinstance(other, Unresolved)


async def test_each_object_is_asked_for_once_and_as_who_deploys_the_release() -> None:
    asked: list[tuple[Access, str]] = []

    class Asked(FakeCluster):
        async def get(self, access: Access, object_id: Any) -> Any:
            asked.append((access, object_id.name))
            return config("a: 1\n")

    loaded = await read(
        release(CONFIG),
        release(CONFIG, CONFIG | {"valuesKey": "values.yaml"}, name="two"),
        release(CONFIG, name="three", serviceAccountName="deployer", kubeConfig={"secretRef": {"name": "prod"}}),
    )
    await complete(Asked(["apps"]), loaded)
    groups = ("system:serviceaccounts", "system:serviceaccounts:apps", "system:authenticated")
    deployer = Access(identity=Identity("system:serviceaccount:apps:deployer", groups))
    assert asked == [(Access(), "base"), (deployer, "base")]


async def test_nobody_is_asked_when_the_input_has_everything() -> None:
    class Nobody(FakeCluster):
        async def get(self, access: Access, object_id: Any) -> Any:
            raise AssertionError(object_id)

    loaded = await read(release(CONFIG), config("a: 1\n"))
    assert (await complete(Nobody(["apps"]), loaded)).layers == loaded.layers


# ---------------------------------------------------------------- built folders
async def test_what_kustomize_built_has_no_lines(cluster: FakeCluster) -> None:
    files = FakeFiles()
    text = yaml.safe_dump_all([release(CONFIG | {"targetPath": "a", "valuesKey": "none"}), config(k="v")])
    files.write_built("production", text)
    with pytest.raises(InputErrors) as found:
        await load(files, ["production"], namespace="x", access=Access())
    assert found.value.problems[0].where == "production (Release apps/web)"
