"""Scalars that more than one kind uses, and what all kinds have in common."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

_DURATION = re.compile(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$")
_PART = re.compile(r"([0-9.]+)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DNS_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
_DNS_NAME = re.compile(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
_TARGET_PATH = r"^([a-zA-Z0-9_\-.\\\/]|\[[0-9]{1,5}\])+$"
_SERVERS = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "managedFields",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
_KEY = r"^[\-._a-zA-Z0-9]+$"


def seconds(text: object) -> float:
    """A Go duration (``5m``, ``1h30m``, ``90s``, ``500ms``) in seconds."""
    if not isinstance(text, str) or not _DURATION.match(text):
        raise ValueError("must be a duration like 5m, 1h30m or 90s")
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


def _release_name(text: str) -> str:
    if len(text) > 53 or not _DNS_NAME.match(text):
        raise ValueError(
            "must be a release name: at most 53 of a-z, 0-9, '-' and '.', starting and ending with a letter or digit"
        )
    return text


def _object_name(text: str) -> str:
    if len(text) > 253 or not _DNS_NAME.match(text):
        raise ValueError(
            "must be an object's name: at most 253 of a-z, 0-9, '-' and '.', starting and ending with a letter or digit"
        )
    return text


def _namespace(text: str) -> str:
    if len(text) > 63 or not _DNS_LABEL.match(text):
        raise ValueError("must be a namespace name: at most 63 of a-z, 0-9 and '-'")
    return text


Duration = Annotated[
    float, BeforeValidator(seconds), Field(json_schema_extra={"type": "string", "pattern": _DURATION.pattern})
]
ReleaseName = Annotated[str, AfterValidator(_release_name)]
NamespaceName = Annotated[str, AfterValidator(_namespace)]
ObjectName = Annotated[str, AfterValidator(_object_name)]
TargetPath = Annotated[str, Field(pattern=_TARGET_PATH)]
DataKey = Annotated[str, Field(pattern=_KEY, max_length=253)]


class Strict(BaseModel):
    """Unknown fields are errors; fields are camelCase in files."""

    model_config = ConfigDict(
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=False,
        frozen=True,
        strict=True,
        defer_build=True,  # only whole documents are read: their parts need no validators of their own
    )


class Metadata(Strict):
    """``metadata``, as kubectl writes it; what the server fills in is accepted and ignored."""

    name: ObjectName
    namespace: NamespaceName | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}

    @model_validator(mode="before")
    @classmethod
    def _without_what_the_server_writes(cls, value: Any) -> Any:
        return {key: item for key, item in value.items() if key not in _SERVERS} if isinstance(value, dict) else value
