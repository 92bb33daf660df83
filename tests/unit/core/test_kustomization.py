"""What a kustomization names: what it would fetch, and what it builds on."""

from __future__ import annotations

from typing import Any

import pytest

from helmops.core.kustomization import built_on, is_component, remote


@pytest.mark.parametrize(
    "name",
    [
        "https://example.org/app.yaml",
        "http://example.org/app",
        "ssh://git@example.org/app",
        "file:///app",
        "git@github.com:org/app",
        "user@example.org:app",
        "github.com/org/app",
        "GitHub.com/org/app",
        "www.github.com/org/app",
        "gh:org/app",
        "git::https://example.org/app",
        "example.org/app.git",
        "example.org/app.git//folder",
        "example.org/_git/app",
        "../base?ref=main",
        "app?timeout=90&ref=main",
    ],
)
@pytest.mark.parametrize("field", ["resources", "bases", "components", "generators", "transformers", "crds"])
def test_what_looks_like_a_url_is_one(field: str, name: str) -> None:
    assert remote({field: ["local.yaml", name]}) == [name]


@pytest.mark.parametrize("name", ["app.yaml", "../base", "./base/", "a/b.c/d", "github/app", "legit.yaml"])
def test_what_does_not(name: str) -> None:
    assert remote({"resources": [name]}) == []


URL = "https://example.org/x"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"patches": [{"path": URL}, {"patch": f"a: {URL}"}]}, [URL]),
        ({"patchesJson6902": [{"path": URL}], "replacements": [{"path": URL}]}, [URL, URL]),
        ({"patchesStrategicMerge": [URL, f"a: {URL}\nb: 1"]}, [URL]),
        ({"configMapGenerator": [{"files": [f"key={URL}", "a"], "envs": [URL], "env": URL}]}, [URL, URL, URL]),
        ({"secretGenerator": [{"files": [URL], "literals": [URL]}]}, [URL]),
        ({"openapi": {"path": URL}}, [URL]),
        ({"helmCharts": [{"name": "a"}]}, ["helmCharts"]),
        ({"helmChartInflationGenerator": [{}]}, ["helmChartInflationGenerator"]),
        ({"images": [{"newName": URL}], "commonAnnotations": {"a": URL}}, []),
        ({"resources": URL, "patches": {"path": URL}, "configMapGenerator": [URL], "openapi": URL}, []),
        (None, []),
        (["a"], []),
    ],
)
def test_every_place_where_a_url_may_stand(value: Any, found: list[str]) -> None:
    assert remote(value) == found


def test_what_it_builds_on() -> None:
    value = {"resources": ["a", 1], "bases": ["b"], "components": ["c"], "crds": ["d"], "kind": "Component"}
    assert built_on(value) == ["a", "b", "c"]
    assert built_on(None) == []
    assert is_component(value)
    assert not is_component({"kind": "Kustomization"})
