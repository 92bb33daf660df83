"""What the planner needs to know of an unpacked chart."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from helmops.adapters.charts import metadata
from helmops.adapters.charts.metadata import decode, read_metadata
from helmops.core import yaml
from helmops.errors import InputError
from helmops.ports import Artifact, ChartContent

FORMAT = "helmops-content/1"

_CRD = re.compile(r"(?:charts/[^/]+/)*crds/.+\.(?:yaml|yml|json)")

# `lookup` where it can be a function's name, between the marks of an action.
_ACTION = re.compile(rb"\{\{|\}\}|(?<![\w.$-])lookup(?![\w-])")


def read_content(artifact: Artifact) -> ChartContent:
    """InputError names the chart and the file in it."""
    top = Path(artifact.path)
    where = artifact.provenance
    about = read_metadata((top / metadata.FILE).read_bytes(), f"{where}/{metadata.FILE}")
    if about.document.get("type") == "library":
        raise InputError(f"{about.name} is a library chart, which cannot be installed", where=where)
    files = dict(_files(artifact.path))
    crds = [(path, file.read_bytes()) for path, file in sorted(files.items()) if _CRD.fullmatch(path)]
    return ChartContent(
        metadata=about.document,
        default_values=_values(files.get("values.yaml"), f"{where}/values.yaml"),
        uses_lookup=any(calls_lookup(file.read_bytes()) for path, file in files.items() if _is_template(path)),
        schema=_schema(files.get("values.schema.json"), f"{where}/values.schema.json"),
        crds=tuple(crd for path, data in crds for crd in _crds(data, f"{where}/{path}")),
    )


def to_json(content: ChartContent) -> dict[str, Any]:
    """For a Memory."""
    return {
        "metadata": content.metadata,
        "default_values": content.default_values,
        "uses_lookup": content.uses_lookup,
        "schema": content.schema,
        "crds": content.crds,
    }


def from_json(data: Mapping[str, Any]) -> ChartContent | None:
    """What a Memory gave back, or None if it is not what was saved."""
    try:
        return ChartContent(**{**data, "crds": tuple(data["crds"])})
    except (KeyError, TypeError):
        return None


def calls_lookup(template: bytes) -> bool:
    """Whether ``lookup`` stands in an action. Comments and strings count too: a needless question to the server costs
    less than a wrong answer."""
    if b"lookup" not in template:
        return False
    inside = False
    for token in _ACTION.finditer(template):
        if token[0] == b"lookup":
            if inside:
                return True
        else:
            inside = token[0] == b"{{"
    return False


def _is_template(path: str) -> bool:
    """Any file may be rendered: through ``tpl`` values and plain files become templates as well."""
    return not path.endswith(".md") and not _CRD.fullmatch(path)


def _files(top: str) -> Iterator[tuple[str, Path]]:
    for folder, _, names in os.walk(top):
        for name in names:
            path = Path(folder, name)
            yield path.relative_to(top).as_posix(), path


def _values(file: Path | None, where: str) -> Mapping[str, Any]:
    if file is None:
        return {}
    documents = yaml.load_all(decode(file.read_bytes(), where), file=where, strict=False)
    value = documents[0].value if documents else {}
    if not isinstance(value, dict):
        raise InputError("must be a mapping", where=f"{where}:1")
    return value


def _schema(file: Path | None, where: str) -> Mapping[str, Any] | None:
    if file is None:
        return None
    try:
        schema = orjson.loads(decode(file.read_bytes(), where))
    except orjson.JSONDecodeError as error:
        raise InputError(f"is no JSON: {error.msg}", where=f"{where}:{error.lineno}") from error
    return schema if isinstance(schema, dict) else None


def _crds(data: bytes, where: str) -> Iterator[Mapping[str, Any]]:
    """The kinds that a file in ``crds/`` defines. What cannot be one is left to helm to refuse."""
    for document in yaml.loads_fast(decode(data, where), file=where):
        if not isinstance(document, dict) or document.get("kind") != "CustomResourceDefinition":
            continue
        try:
            yield _defined(document)
        except (KeyError, TypeError):
            continue


def _defined(crd: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the schemas of its versions: nobody asks for them, and they make up nearly all of it."""
    spec = crd["spec"]
    return {
        "apiVersion": crd["apiVersion"],
        "kind": crd["kind"],
        "metadata": {"name": crd["metadata"]["name"]},
        "spec": {
            "group": spec["group"],
            "scope": spec["scope"],
            "names": {"kind": spec["names"]["kind"], "plural": spec["names"]["plural"]},
            "versions": [{"name": each["name"], "served": each["served"]} for each in spec["versions"]],
        },
    }
