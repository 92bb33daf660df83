"""The kind ``Release`` of ``helmops.dev/v1alpha1`` as a user writes it.

Field names and meanings are Flux's where it has them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from helmops.api.chart_form import Chart
from helmops.api.fields import (
    DataKey,
    Duration,
    Metadata,
    NamespaceName,
    ObjectName,
    ReleaseName,
    Strict,
    TargetPath,
)
from helmops.api.parts import DependsOn, KubeConfig, PostRenderer

API_VERSION = "helmops.dev/v1alpha1"
KIND = "Release"


class ValuesFrom(Strict):
    """One entry of ``spec.valuesFrom``: a file beside this manifest, or a key of a ConfigMap or Secret."""

    file: Annotated[str | None, Field(description="Values file, relative to this file", min_length=1)] = None
    kind: Literal["ConfigMap", "Secret"] | None = None
    name: Annotated[ObjectName | None, Field(description="Of an object in the namespace of the Release")] = None
    values_key: Annotated[DataKey | None, Field(description="Default: values.yaml")] = None
    target_path: Annotated[TargetPath | None, Field(description="The key holds one value, for this path")] = None
    literal: Annotated[bool | None, Field(description="With targetPath: the value is text as it stands")] = None
    optional: Annotated[bool, Field(description="Whether the file, the object or the key may be absent")] = False

    @model_validator(mode="after")
    def _one_form(self) -> ValuesFrom:
        of_object = (self.kind, self.name, self.values_key, self.target_path, self.literal)
        if self.file is not None and any(one is not None for one in of_object):
            raise ValueError("give either file, or kind and name")
        if self.file is None and (self.kind is None or self.name is None):
            raise ValueError("give either file, or kind (ConfigMap or Secret) and name")
        if self.literal and self.target_path is None:
            raise ValueError("literal goes with targetPath")
        return self


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
    target_namespace: Annotated[NamespaceName | None, Field(description="Of the objects; default: storage")] = None
    storage_namespace: Annotated[NamespaceName | None, Field(description="Of Helm's records; default: own")] = None
    service_account_name: Annotated[ObjectName | None, Field(description="Impersonated, in the own namespace")] = None
    kube_config: KubeConfig | None = None
    interval: Annotated[Duration | None, Field(description="How often the daemon looks unasked")] = None
    values: dict[str, Any] = Field(default={})
    values_from: tuple[ValuesFrom, ...] = Field(default=(), strict=False)
    post_renderers: tuple[PostRenderer, ...] = Field(default=(), strict=False)
    depends_on: tuple[DependsOn, ...] = Field(default=(), strict=False)
    timeout: Duration = 300.0
    max_history: Annotated[int, Field(ge=0, description="Revisions kept; 0: all")] = 10
    suspend: bool = False
    install: Install = Install()
    upgrade: Upgrade = Upgrade()
    rollback: Rollback = Rollback()
    uninstall: Uninstall = Uninstall()
    drift_detection: DriftDetection = DriftDetection()


class ReleaseMetadata(Metadata):
    """The object's name is the release's, too."""

    name: ReleaseName


class ReleaseManifest(Strict):
    """A ``Release`` document."""

    api_version: Literal["helmops.dev/v1alpha1"]
    kind: Literal["Release"]
    metadata: ReleaseMetadata
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
