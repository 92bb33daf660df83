"""``HelmRelease`` of ``helm.toolkit.fluxcd.io/v2`` as Flux has it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from helmops.api.fields import DataKey, Duration, Metadata, NamespaceName, ObjectName, ReleaseName, TargetPath
from helmops.api.flux.base import LATER, LATER_IF_SET, FluxModel, NotFollowed
from helmops.api.parts import DependsOn, PostRenderer, SecretKey, Selector

GROUP = "helm.toolkit.fluxcd.io"
VERSIONS = ("v2",)
KIND = "HelmRelease"

Strategy = Literal["ChartVersion", "Revision"]
Crds = Literal["Skip", "Create", "CreateReplace"]
OtherVersion = Annotated[Literal["enabled", "disabled", "auto"] | None, LATER]

_VALUES_FILES = NotFollowed(like=((), ("values.yaml",)), refused="the release would get other values than it asks for")
_SIGNED = NotFollowed(refused="the chart would be installed without its signature having been checked")
_ELSEWHERE = NotFollowed(refused="the release would go to another cluster than it asks for")
_OLD_VALUES = NotFollowed(like=(False,), refused="the release would get other values than it asks for")


class SourceRef(FluxModel):
    """``spec.chart.spec.sourceRef``."""

    api_version: str | None = None
    kind: Literal["HelmRepository", "GitRepository", "Bucket"]
    name: ObjectName
    namespace: NamespaceName | None = None


class ChartTemplateSpec(FluxModel):
    """``spec.chart.spec``; also the spec of a HelmChart."""

    chart: Annotated[str, Field(min_length=1)]
    version: str = "*"
    source_ref: SourceRef
    interval: Duration | None = None
    reconcile_strategy: Strategy = "ChartVersion"
    values_files: Annotated[tuple[str, ...], Field(strict=False), _VALUES_FILES] = ()
    ignore_missing_values_files: Annotated[bool, LATER_IF_SET] = False
    verify: Annotated[Any, _SIGNED] = None


class ChartTemplate(FluxModel):
    """``spec.chart``."""

    metadata: Annotated[Any, NotFollowed(like=({},))] = None
    spec: ChartTemplateSpec


class ChartRef(FluxModel):
    """``spec.chartRef``."""

    api_version: str | None = None
    kind: Literal["OCIRepository", "HelmChart", "ExternalArtifact"]
    name: ObjectName
    namespace: NamespaceName | None = None


class FluxDependsOn(FluxModel, DependsOn):
    """One entry of ``spec.dependsOn``."""

    ready_expr: Annotated[str | None, LATER] = None


class ObjectReference(FluxModel):
    """One entry of ``spec.valuesFrom`` that names a ConfigMap or Secret."""

    kind: Literal["ConfigMap", "Secret"]
    name: ObjectName
    values_key: DataKey = "values.yaml"
    target_path: TargetPath | None = None
    literal: Annotated[bool, Field(description="With targetPath: the value is text as it stands")] = False
    optional: bool = False


class FluxKubeConfig(FluxModel):
    """``spec.kubeConfig``: exactly one of the two."""

    secret_ref: SecretKey | None = None
    config_map_ref: Annotated[Any, _ELSEWHERE] = None

    @model_validator(mode="after")
    def _one(self) -> FluxKubeConfig:
        if (self.secret_ref is None) == (self.config_map_ref is None):
            raise ValueError("give exactly one of secretRef and configMapRef")
        return self


class Strategies(FluxModel):
    """``strategy`` of install and upgrade."""

    name: Annotated[Literal["RemediateOnFailure", "RetryOnFailure"], NotFollowed(like=("RemediateOnFailure",))]
    retry_interval: Annotated[Duration | None, LATER] = None


class InstallRemediation(FluxModel):
    """``spec.install.remediation``."""

    retries: Annotated[int, NotFollowed(like=(0,))] = 0
    ignore_test_failures: Annotated[bool, LATER_IF_SET] = False
    remediate_last_failure: Annotated[bool, LATER_IF_SET] = False


class UpgradeRemediation(FluxModel):
    """``spec.upgrade.remediation``."""

    retries: Annotated[int, NotFollowed(like=(0,))] = 0
    ignore_test_failures: Annotated[bool, LATER_IF_SET] = False
    remediate_last_failure: bool | None = None
    strategy: Annotated[Literal["rollback", "uninstall"], NotFollowed(like=("rollback",))] = "rollback"


class Action(FluxModel):
    """What the actions have in common."""

    timeout: Duration | None = None
    disable_hooks: bool = False
    disable_wait: bool = False


class Change(Action):
    """What install and upgrade have in common."""

    disable_wait_for_jobs: bool = False
    disable_schema_validation: bool = False
    disable_open_api_validation: Annotated[bool, Field(alias="disableOpenAPIValidation"), LATER_IF_SET] = False
    disable_take_ownership: Annotated[bool, NotFollowed(like=(True,))] = False
    strategy: Strategies | None = None


class Install(Change):
    """``spec.install``."""

    create_namespace: bool = False
    crds: Annotated[Crds, NotFollowed(like=("Create", "Skip"))] = "Create"
    replace: Annotated[bool, LATER_IF_SET] = False
    remediation: InstallRemediation = InstallRemediation()
    server_side_apply: Annotated[bool, NotFollowed(like=(True,))] = True
    skip_crds: Annotated[bool, Field(alias="skipCRDs")] = False


class Upgrade(Change):
    """``spec.upgrade``."""

    cleanup_on_fail: bool = False
    crds: Annotated[Crds, NotFollowed(like=("Skip",))] = "Create"
    force: Annotated[bool, LATER_IF_SET] = False
    preserve_values: Annotated[bool, _OLD_VALUES] = False
    remediation: UpgradeRemediation = UpgradeRemediation()
    server_side_apply: OtherVersion = None
    chart_name_change_strategy: Annotated[str | None, LATER] = None


class Rollback(Action):
    """``spec.rollback``."""

    disable_wait_for_jobs: bool = False
    cleanup_on_fail: bool = False
    force: Annotated[bool, LATER_IF_SET] = False
    recreate: Annotated[bool, LATER_IF_SET] = False
    server_side_apply: OtherVersion = None


class Uninstall(Action):
    """``spec.uninstall``."""

    keep_history: bool = False
    deletion_propagation: Annotated[
        Literal["background", "foreground", "orphan"], NotFollowed(like=("background",))
    ] = "background"


class IgnoreRule(FluxModel):
    """One entry of ``spec.driftDetection.ignore``."""

    paths: tuple[str, ...] = Field(strict=False)
    target: Selector | None = None


class DriftDetection(FluxModel):
    """``spec.driftDetection``."""

    mode: Literal["enabled", "warn", "disabled"] = "disabled"
    ignore: Annotated[tuple[IgnoreRule, ...], Field(strict=False), NotFollowed(like=((),))] = ()


class Test(FluxModel):
    """``spec.test``."""

    enable: Annotated[bool, LATER_IF_SET] = False
    timeout: Duration | None = None
    ignore_failures: bool = False
    filters: Any = None


class Spec(FluxModel):
    """``spec``: exactly one of chart and chartRef."""

    chart: ChartTemplate | None = None
    chart_ref: ChartRef | None = None
    interval: Duration
    kube_config: FluxKubeConfig | None = None
    suspend: bool = False
    release_name: ReleaseName | None = None
    target_namespace: NamespaceName | None = None
    storage_namespace: NamespaceName | None = None
    depends_on: tuple[FluxDependsOn, ...] = Field(default=(), strict=False)
    timeout: Duration = 300.0
    max_history: Annotated[int, Field(ge=0)] = 5
    service_account_name: ObjectName | None = None
    persistent_client: bool = True  # how Flux talks to the server: nothing of ours
    drift_detection: DriftDetection = DriftDetection()
    install: Install = Install()
    upgrade: Upgrade = Upgrade()
    test: Test = Test()
    rollback: Rollback = Rollback()
    uninstall: Uninstall = Uninstall()
    values_from: tuple[ObjectReference, ...] = Field(default=(), strict=False)
    values: dict[str, Any] = Field(default_factory=dict)
    post_renderers: tuple[PostRenderer, ...] = Field(default=(), strict=False)
    post_render_strategy: Annotated[
        Literal["nohooks", "combined", "separate"] | None, NotFollowed(like=("combined",))
    ] = None
    common_metadata: Annotated[Any, NotFollowed(like=({},))] = None
    health_check_exprs: Annotated[tuple[Any, ...], Field(strict=False), NotFollowed(like=((),))] = ()
    wait_strategy: Annotated[Any, LATER] = None

    @model_validator(mode="after")
    def _one_chart(self) -> Spec:
        if (self.chart is None) == (self.chart_ref is None):
            raise ValueError("give exactly one of chart and chartRef")
        return self


class HelmReleaseManifest(FluxModel):
    """A ``HelmRelease`` document."""

    api_version: str
    kind: Literal["HelmRelease"]
    metadata: Metadata
    spec: Spec
    status: Any = None
