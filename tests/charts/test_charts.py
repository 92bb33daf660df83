"""The charts are sound in both versions of Helm."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.charts import NAMES, WEBAPP_VERSIONS, chart, copy_chart, copy_webapp

pytestmark = pytest.mark.helm3


@pytest.fixture
def offline_helm(helm_path: Path, helm_environment: dict[str, str], tmp_path: Path) -> OfflineHelm:
    """Helm without a cluster."""
    return OfflineHelm(helm_path, helm_environment | {"KUBECONFIG": str(tmp_path / "absent")})


class OfflineHelm:
    """Runs helm; a failure fails the test."""

    def __init__(self, path: Path, environment: dict[str, str]) -> None:
        self._path = path
        self._environment = environment

    def __call__(self, *words: str | Path) -> str:
        argv = [str(self._path), *map(str, words)]
        done = subprocess.run(argv, capture_output=True, text=True, env=self._environment, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def kinds(self, path: Path, *words: str) -> list[str]:
        """The kinds of what the chart renders to."""
        documents = yaml.safe_load_all(self("template", "web", path, *words))
        return sorted(document["kind"] for document in documents if document)


@pytest.mark.parametrize("name", NAMES)
def test_lints_and_renders(offline_helm: OfflineHelm, name: str) -> None:
    assert "[WARNING]" not in offline_helm("lint", "--strict", chart(name))
    assert offline_helm.kinds(chart(name))


def test_webapp_has_the_usual_objects(offline_helm: OfflineHelm) -> None:
    assert offline_helm.kinds(chart("webapp"), "--set=autoscaling.enabled=true") == [
        "ConfigMap",
        "Deployment",
        "HorizontalPodAutoscaler",
        "Ingress",
        "Job",
        "Job",
        "Pod",
        "PodDisruptionBudget",
        "Secret",
        "Service",
        "ServiceAccount",
    ]


@pytest.mark.parametrize(
    ("values", "replicas"),
    [
        ([], 2),
        (["--set=autoscaling.enabled=true"], None),
        (["--set=autoscaling.enabled=true,autoscaling.keepReplicas=true"], 2),
    ],
)
def test_webapp_leaves_replicas_to_the_autoscaler(
    offline_helm: OfflineHelm, values: list[str], replicas: int | None
) -> None:
    only = ["--show-only", "templates/deployment.yaml"]
    deployment = yaml.safe_load(offline_helm("template", "web", chart("webapp"), *only, *values))
    assert deployment["spec"].get("replicas") == replicas


@pytest.mark.parametrize("version", WEBAPP_VERSIONS)
def test_copies_are_versions_of_their_own(offline_helm: OfflineHelm, tmp_path: Path, version: str) -> None:
    rendered = offline_helm("template", "web", copy_webapp(tmp_path, version))
    assert f"image: registry.example.org/webapp:{version}\n" in rendered
    assert (f'generation: "{version}"' in rendered) == version.startswith("2.")


def test_a_copy_that_would_change_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not in"):
        copy_chart("webapp", tmp_path, "9.9.9", replace={"values.yaml": ("no such text", "")})
