"""The kind ``Release`` of ``helmops.dev/v1alpha1`` as a user writes it.

Field names and meanings are Flux's where it has them.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

API_VERSION = "helmops.dev/v1alpha1"
KIND = "Release"
PRUNE_ANNOTATION = "helmops.dev/prune"

_DURATION = re.compile(r"^(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$")
_DNS_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
_DNS_NAME = re.compile(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")


def seconds(text: object) -> float:
    """A Go duration (``5m``, ``1h30m``, ``90s``, ``500ms``) in seconds."""
    found = _DURATION.match(text) if isinstance(text, str) and text else None
    if not found:
        raise ValueError("must be a duration like 5m, 1h30m or 90s")
    hours, minutes, secs, millis = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + secs + millis / 1000


def _release_name(text: str) -> str:
    if len(text) > 53 or not _DNS_NAME.match(text):
        raise ValueError(
            "must be a release name: at most 53 of a-z, 0-9, '-' and '.', starting and ending with a letter or digit"
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
ObjectName = Annotated[str, AfterValidator(_release_name)]


class Strict(BaseModel):
    """Unknown fields are errors; fields are camelCase in files."""

    model_config = ConfigDict(
        extra="forbid", alias_generator=to_camel, populate_by_name=False, frozen=True, strict=True
    )


class Metadata(Strict):
    """``metadata``, as kubectl writes it; what the server fills in is accepted and ignored."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, frozen=True, strict=True)

    name: ObjectName
    namespace: NamespaceName | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Chart(Strict):
    """``spec.chart``: exactly one form of source."""

    repo: Annotated[str | None, Field(description="URL of a Helm HTTP repository")] = None
    path: Annotated[str | None, Field(description="Chart directory or .tgz, relative to this file")] = None
    name: Annotated[str | None, Field(description="Chart name in the repository")] = None
    version: Annotated[str | None, Field(description="Exact version or a range as Helm reads it (6.x, ^6.5)")] = None

    @model_validator(mode="after")
    def _one_form(self) -> Chart:
        if (self.repo is None) == (self.path is None):
            raise ValueError("give exactly one of repo and path")
        if self.repo is not None and not self.repo.startswith(("http://", "https://")):
            raise ValueError("repo must be an http:// or https:// URL")
        if self.repo is not None and not self.name:
            raise ValueError("a chart of a repository needs a name")
        if self.path is not None and (self.name or self.version):
            raise ValueError("name and version stand in the chart at path; leave them out")
        return self


class ValuesFrom(Strict):
    """One entry of ``spec.valuesFrom``: a file beside this manifest."""

    file: Annotated[str, Field(description="Values file, relative to this file", min_length=1)]
    optional: Annotated[bool, Field(description="Whether the file may be absent")] = False


class DependsOn(Strict):
    """One entry of ``spec.dependsOn``."""

    name: ObjectName
    namespace: NamespaceName | None = None


class Install(Strict):
    """``spec.install``."""

    timeout: Duration | None = None
    create_namespace: bool = False
    disable_hooks: bool = False
    disable_wait: bool = False
    disable_wait_for_jobs: bool = False
    disable_schema_validation: bool = False
    crds: Literal["Create", "Skip"] = "Create"


class Remediation(Strict):
    """``spec.upgrade.remediation``."""

    remediate_last_failure: Annotated[bool, Field(description="Roll a failed upgrade back")] = True


class Upgrade(Strict):
    """``spec.upgrade``."""

    timeout: Duration | None = None
    disable_hooks: bool = False
    disable_wait: bool = False
    disable_wait_for_jobs: bool = False
    disable_schema_validation: bool = False
    cleanup_on_fail: bool = False
    remediation: Remediation = Remediation()


class Rollback(Strict):
    """``spec.rollback``."""

    timeout: Duration | None = None
    disable_hooks: bool = False
    disable_wait: bool = False
    disable_wait_for_jobs: bool = False
    cleanup_on_fail: bool = False


class Uninstall(Strict):
    """``spec.uninstall``."""

    timeout: Duration | None = None
    disable_hooks: bool = False
    disable_wait: bool = False
    keep_history: bool = False


class DriftDetection(Strict):
    """``spec.driftDetection``."""

    mode: Annotated[Literal["enabled", "warn", "disabled"], Field(description="enabled: drift is corrected")] = (
        "enabled"
    )


class Spec(Strict):
    """``spec``."""

    chart: Chart
    release_name: ReleaseName | None = None
    values: dict[str, Any] = {}
    values_from: tuple[ValuesFrom, ...] = Field(default=(), strict=False)
    depends_on: tuple[DependsOn, ...] = Field(default=(), strict=False)
    timeout: Duration = 300.0
    max_history: Annotated[int, Field(ge=0, description="Revisions kept; 0: all")] = 10
    suspend: bool = False
    install: Install = Install()
    upgrade: Upgrade = Upgrade()
    rollback: Rollback = Rollback()
    uninstall: Uninstall = Uninstall()
    drift_detection: DriftDetection = DriftDetection()


class ReleaseManifest(Strict):
    """A ``Release`` document."""

    api_version: Literal["helmops.dev/v1alpha1"]
    kind: Literal["Release"]
    metadata: Metadata
    spec: Spec
    status: Annotated[Any, Field(description="Written by helmops, ignored in input")] = None


class ClusterConfig(Strict):
    """``cluster`` in helmops.yaml."""

    context: str | None = None
    uid: str | None = None


class OwnerManifest(Strict):
    """``helmops.yaml``: who deploys, and where it may."""

    owner: Annotated[str, Field(min_length=1, max_length=200, description="Declared owner id, e.g. platform/apps")]
    cluster: ClusterConfig = ClusterConfig()
