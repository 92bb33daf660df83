"""CustomResourceDefinitions, made from the models: what the loader reads is what the API server takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from helmops.api.chart_kind import KIND as CHART_SOURCE
from helmops.api.chart_kind import ChartSourceManifest
from helmops.api.release_kind import API_VERSION, KIND, ReleaseManifest

FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
"""Anything: values belong to the chart."""

# Defaults are the loader's: written into objects they would outlive the version that had them.
_KEPT = frozenset({"type", "description", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "format"})

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "integer", "format": "int64"}
_CONDITION = {
    "type": "object",
    "required": ["type", "status"],
    "properties": {
        "type": _TEXT,
        "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
        "reason": _TEXT,
        "message": _TEXT,
        "observedGeneration": _NUMBER,
        "lastTransitionTime": {"type": "string", "format": "date-time"},
    },
}
_STATUS = {
    "type": "object",
    "properties": {
        "observedGeneration": _NUMBER,
        "conditions": {
            "type": "array",
            "items": _CONDITION,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
        "revision": _NUMBER,
        "state": _TEXT,
        "chart": _TEXT,
        "lastAttemptedGeneration": _NUMBER,
        "lastAttemptedRevision": _TEXT,
        "lastAttemptedDigest": _TEXT,
        "lastAppliedRevision": _TEXT,
    },
}
_AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
_READY = '.status.conditions[?(@.type=="Ready")]'
_RELEASE_COLUMNS = [
    {"name": "Ready", "type": "string", "jsonPath": f"{_READY}.status"},
    {"name": "Revision", "type": "integer", "jsonPath": ".status.revision"},
    {"name": "Chart", "type": "string", "jsonPath": ".status.chart"},
    {"name": "Status", "type": "string", "jsonPath": f"{_READY}.message"},
    _AGE,
]
_SOURCE_COLUMNS = [
    *({"name": kind, "type": "string", "jsonPath": f".spec.{kind.lower()}.url"} for kind in ("Helm", "OCI", "Git")),
    _AGE,
]


def crds() -> Sequence[Mapping[str, Any]]:
    """Every kind of ours that a cluster can hold."""
    return [
        _definition(ReleaseManifest, KIND, "releases", ["hrel"], _RELEASE_COLUMNS, _STATUS),
        _definition(ChartSourceManifest, CHART_SOURCE, "chartsources", ["csrc"], _SOURCE_COLUMNS, FREE),
    ]


def _definition(
    model: type[BaseModel],
    kind: str,
    plural: str,
    short: Sequence[str],
    columns: Sequence[Mapping[str, str]],
    status: Mapping[str, Any],
) -> Mapping[str, Any]:
    group, _, version = API_VERSION.partition("/")
    whole = model.model_json_schema()
    spec = structural(whole["properties"]["spec"], whole["$defs"])
    schema = {"type": "object", "required": ["spec"], "properties": {"spec": spec, "status": status}}
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower(), "shortNames": short}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {**names, "categories": ["helmops"]},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": list(columns),
                }
            ],
        },
    }


def structural(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """A schema as API servers take it: every reference in its place, and none of the words that they refuse.

    What these words said (exactly one form of chart, say) is checked when the object is read, and told in its status.
    """
    schema, nullable = _resolved(schema, definitions)
    found = {word: value for word, value in schema.items() if word in _KEPT}
    if "const" in schema:
        found["enum"] = [schema["const"]]
    if "items" in schema:
        found["items"] = structural(schema["items"], definitions)
    if properties := schema.get("properties"):
        found["properties"] = {name: structural(one, definitions) for name, one in properties.items()}
        if required := schema.get("required"):
            found["required"] = list(required)
    elif schema.get("type") == "object":
        found |= _map(schema, definitions)
    elif "type" not in schema:
        found["x-kubernetes-preserve-unknown-fields"] = True
    return found | ({"nullable": True} if nullable else {})


def _map(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    inner = schema.get("additionalProperties")
    if isinstance(inner, Mapping) and inner:
        return {"additionalProperties": structural(inner, definitions)}
    return dict(FREE)


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Without references, and without ``anyOf`` where that only says that null is allowed, too."""
    nullable = False
    while "$ref" in schema or "anyOf" in schema:
        about = {word: value for word, value in schema.items() if word == "description"}
        if "$ref" in schema:
            inner = definitions[schema["$ref"].rpartition("/")[2]]
        else:
            forms = [one for one in schema["anyOf"] if one.get("type") != "null"]
            nullable = nullable or len(forms) < len(schema["anyOf"])
            inner = forms[0] if len(forms) == 1 else {"x-kubernetes-preserve-unknown-fields": True}
        schema = {**inner, **about}
    return schema, nullable
