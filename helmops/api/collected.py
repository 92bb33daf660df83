"""What has been read of the input while it is being read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from helmops.api.document import Document
from helmops.api.model import Namespace, ObjectRef, OwnerConfig, Release
from helmops.api.sources import Sources
from helmops.errors import Problem


@dataclass(slots=True)
class Loading:
    """What has been read so far. ``plain`` are documents that are no Kubernetes objects: perhaps values files."""

    releases: list[Release] = field(default_factory=list)
    namespaces: list[Namespace] = field(default_factory=list)
    ignored: list[ObjectRef] = field(default_factory=list)
    objects: dict[tuple[str, str, str], Mapping[str, Any]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    plain: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    owner: OwnerConfig = field(default_factory=OwnerConfig)
    sources: Sources = field(default_factory=Sources)
    parsed: list[tuple[BaseModel, Document]] = field(default_factory=list)  # releases whose turn is to come
