"""The definitions are what API servers take, and what the loader reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from helmops.api.crds import crds

REFUSED = {"$ref", "$defs", "anyOf", "oneOf", "const", "default", "title", "prefixItems", "exclusiveMinimum"}


def walk(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from walk(inner, f"{path}.{name}")
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), Mapping):
            yield from walk(schema[word], f"{path}[]")


def schemas() -> dict[str, dict[str, Mapping[str, Any]]]:
    found = {}
    for one in crds():
        (version,) = one["spec"]["versions"]
        found[one["spec"]["names"]["kind"]] = dict(walk(version["schema"]["openAPIV3Schema"]))
    return found


def test_every_schema_is_structural() -> None:
    for places in schemas().values():
        for path, schema in places.items():
            assert not REFUSED & set(schema), path
            assert "type" in schema or schema.get("x-kubernetes-preserve-unknown-fields"), path


def test_values_are_free_and_the_rest_is_not() -> None:
    places = schemas()["Release"]
    assert places[".spec.values"]["x-kubernetes-preserve-unknown-fields"] is True
    assert "x-kubernetes-preserve-unknown-fields" not in places[".spec"]
    assert places[".spec.driftDetection.mode"]["enum"] == ["enabled", "warn", "disabled"]
    assert places[".spec.chart.git.url"]["type"] == "string"
    assert places[".spec"]["required"] == ["chart"]


def test_kubectl_shows_how_a_release_stands() -> None:
    (version,) = crds()[0]["spec"]["versions"]
    names = [one["name"] for one in version["additionalPrinterColumns"]]
    assert names == ["Ready", "Revision", "Chart", "Status", "Age"]
    assert version["subresources"] == {"status": {}}
