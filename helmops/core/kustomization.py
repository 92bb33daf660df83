"""What a kustomization.yaml names. PURE.

kustomize takes for a URL whatever looks like one, even where a folder of that name is there; so does this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
COMPONENT = "Component"

_BUILT_ON = ("resources", "bases", "components")
_LISTED = (*_BUILT_ON, "crds", "configurations", "generators", "transformers", "validators", "patchesStrategicMerge")
_WITH_PATH = ("patches", "patchesJson6902", "replacements")
_GENERATORS = ("configMapGenerator", "secretGenerator")
_HELM = ("helmCharts", "helmChartInflationGenerator")
_REMOTE = re.compile(
    r"://|::|^[^/\s]+@|^gh:|^(www\.)?(github|gitlab|bitbucket)\.|_git/|\.git(/|$)|[?&](ref|version|timeout|submodules)=",
    re.IGNORECASE,
)


def is_component(value: Any) -> bool:
    """Whether it is no kustomization of its own."""
    return isinstance(value, Mapping) and value.get("kind") == COMPONENT


def built_on(value: Any) -> list[str]:
    """Files and folders that it builds on, as written; those in other fields are files beside it."""
    if not isinstance(value, Mapping):
        return []
    return [one for name in _BUILT_ON for one in _strings(value.get(name))]


def remote(value: Any) -> list[str]:
    """What it would fetch: URLs, and charts."""
    if not isinstance(value, Mapping):
        return []
    charts = [name for name in _HELM if value.get(name)]
    return [one for one in _named(value) if "\n" not in one and _REMOTE.search(one)] + charts


def _named(value: Mapping[str, Any]) -> Iterator[str]:
    for name in _LISTED:
        yield from _strings(value.get(name))
    for name in _WITH_PATH:
        yield from (one["path"] for one in _maps(value.get(name)) if isinstance(one.get("path"), str))
    for name in _GENERATORS:
        for one in _maps(value.get(name)):
            given = [*_strings(one.get("files")), *_strings(one.get("envs")), *_strings([one.get("env")])]
            yield from (text.partition("=")[2] or text for text in given)
    openapi = value.get("openapi")
    if isinstance(openapi, Mapping):
        yield from _strings([openapi.get("path")])


def _strings(value: Any) -> Iterator[str]:
    yield from (one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _maps(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (one for one in value if isinstance(one, Mapping)) if isinstance(value, list) else ()
