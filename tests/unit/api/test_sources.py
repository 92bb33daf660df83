"""Where charts come from: every form of ``spec.chart``, ChartSource, and the sources of Flux."""

from __future__ import annotations

from typing import Any

import pytest

from helmops.api.model import ChartRef, GitChart, GitRef, HelmRepoChart, OciChart, PathChart, SecretRef
from tests.unit.api.builders import flux, loaded, obj, one, ours, problems, source

DIGEST = f"sha256:{'a' * 64}"
COMMIT = "b" * 40
AUTH = SecretRef("apps", "login")


# ---------------------------------------------------------------- Release
@pytest.mark.parametrize(
    ("chart", "expected"),
    [
        ({"repo": "https://x/", "name": "a"}, HelmRepoChart("https://x", "a")),
        ({"repo": "https://x", "name": "a", "version": "1.x"}, HelmRepoChart("https://x", "a", "1.x")),
        ({"path": "../a"}, PathChart("/in/apps/../a", "/in")),
        ({"oci": "oci://x/a/"}, OciChart("oci://x/a")),
        (
            {"oci": "oci://x/a", "version": "1.x", "tag": "t", "digest": DIGEST, "insecure": True},
            OciChart("oci://x/a", "1.x", "t", DIGEST, True),
        ),
        ({"git": {"url": "https://x/a", "path": "charts/a"}}, GitChart("https://x/a", "charts/a")),
        (
            {
                "git": {
                    "url": "u",
                    "path": "p",
                    "ref": {"semver": "1.x", "branch": "b"},
                    "reconcileStrategy": "Revision",
                }
            },
            GitChart("u", "p", GitRef(branch="b", semver="1.x"), "Revision"),
        ),
    ],
)
def test_forms(chart: dict[str, Any], expected: ChartRef) -> None:
    assert one(ours("Release", chart=chart)).chart == expected


ONE = "spec.chart: give exactly one of repo, oci, git, source and path"
GIT = {"url": "u", "path": "p"}


@pytest.mark.parametrize(
    ("chart", "told"),
    [
        ({}, ONE),
        ({"name": "a", "version": "1"}, ONE),
        ({"repo": "https://x", "name": "a", "oci": "oci://x/a"}, ONE),
        ({"git": GIT, "path": "p"}, ONE),
        ({"source": {"name": "s"}, "repo": "https://x"}, ONE),
        ({"oci": "https://x/a"}, "spec.chart: oci must be an oci:// URL"),
        ({"oci": "oci://x/a", "name": "a"}, "spec.chart: name: not with oci"),
        ({"oci": "oci://x/a", "digest": "sha256:1"}, "spec.chart.digest: "),
        ({"repo": "https://x", "name": "a", "tag": "t"}, "spec.chart: tag: not with repo"),
        ({"git": GIT, "version": "1"}, "spec.chart: version: not with git; ref, path"),
        ({"git": {"url": "u"}}, "spec.chart.git.path: is required"),
        ({"git": GIT | {"ref": {"commit": "abc"}}}, "spec.chart.git.ref.commit: "),
        ({"git": GIT | {"ref": {"brunch": "abc"}}}, "spec.chart.git.ref.brunch: unknown field; did you mean branch?"),
        ({"source": {"name": "none"}}, "spec.chart.source: no ChartSource apps/none in the input"),
    ],
)
def test_mistakes_in_forms(chart: dict[str, Any], told: str) -> None:
    found = problems(ours("Release", chart=chart))
    assert len(found) == 1
    assert found[0].startswith(told)


HELM = {"helm": {"url": "https://x/"}}
OCI = {"oci": {"url": "oci://x/charts", "insecure": True}}
REPO = {"git": {"url": "https://x/r", "ref": {"tag": "v1"}}}


@pytest.mark.parametrize(
    ("spec", "chart", "expected"),
    [
        (HELM, {"name": "a", "version": "1"}, HelmRepoChart("https://x", "a", "1", AUTH)),
        (OCI, {}, OciChart("oci://x/charts", insecure=True, auth=AUTH)),
        (OCI, {"name": "a", "tag": "t"}, OciChart("oci://x/charts/a", tag="t", insecure=True, auth=AUTH)),
        (REPO, {"path": "p"}, GitChart("https://x/r", "p", GitRef(tag="v1"), auth=AUTH)),
        (
            REPO,
            {"path": "p", "reconcileStrategy": "Revision"},
            GitChart("https://x/r", "p", GitRef(tag="v1"), "Revision", AUTH),
        ),
    ],
)
def test_a_source_and_what_stands_beside_its_name(
    spec: dict[str, Any], chart: dict[str, Any], expected: ChartRef
) -> None:
    release = ours("Release", chart={"source": {"name": "s"}, **chart})
    assert one(release, ours("ChartSource", "s", secretRef={"name": "login"}, **spec)).chart == expected


@pytest.mark.parametrize(
    ("spec", "chart", "told"),
    [
        (HELM, {}, "a chart of a repository needs a name"),
        (HELM, {"name": "a", "path": "p"}, "path: not with a Helm repository"),
        (OCI, {"path": "p", "reconcileStrategy": "Revision"}, "path, reconcileStrategy: not with an OCI source"),
        (REPO, {}, "a chart of a git source needs a path"),
        (REPO, {"path": "p", "version": "1"}, "version: not with a git source"),
    ],
)
def test_what_does_not_go_with_a_source(spec: dict[str, Any], chart: dict[str, Any], told: str) -> None:
    release = ours("Release", chart={"source": {"name": "s"}, **chart})
    assert problems(ours("ChartSource", "s", **spec), release) == [f"spec.chart.source: {told}"]


@pytest.mark.parametrize("spec", [{}, HELM | OCI])
def test_a_source_is_of_one_type(spec: dict[str, Any]) -> None:
    assert problems(ours("ChartSource", "s", **spec)) == ["spec: give exactly one of helm, oci and git"]


def test_a_source_of_another_namespace_and_one_that_is_there_twice() -> None:
    elsewhere = obj("helmops.dev/v1alpha1", "ChartSource", "s", "platform", spec=HELM)
    release = ours("Release", chart={"source": {"name": "s", "namespace": "platform"}, "name": "a"})
    assert one(release, elsewhere).chart == HelmRepoChart("https://x", "a")
    assert "ChartSource platform/s is described twice" in problems(elsewhere, elsewhere)[0]


# ---------------------------------------------------------------- Flux
def chart(kind: str, name: str = "a", **spec: Any) -> dict[str, Any]:
    """``spec.chart`` of a HelmRelease."""
    return {"spec": {"chart": name, "sourceRef": {"kind": kind, "name": "charts"}, **spec}}


@pytest.mark.parametrize(
    ("given", "wanted", "expected"),
    [
        (
            source("HelmRepository", url="https://x/", secretRef={"name": "login"}),
            chart("HelmRepository"),
            HelmRepoChart("https://x", "a", "", AUTH),
        ),
        (
            source("HelmRepository", url="https://x"),
            chart("HelmRepository", version=">=1.0.0"),
            HelmRepoChart("https://x", "a", ">=1.0.0"),
        ),
        (
            source("HelmRepository", url="oci://x/c/", type="oci", insecure=True, secretRef={"name": "login"}),
            chart("HelmRepository", version="1.x"),
            OciChart("oci://x/c/a", "1.x", insecure=True, auth=AUTH),
        ),
        (
            source("GitRepository", url="https://x/r", secretRef={"name": "login"}),
            chart("GitRepository", "./charts/a/", version="9.9.9"),
            GitChart("https://x/r", "charts/a", GitRef(branch="master"), auth=AUTH),
        ),
        (
            source("GitRepository", url="https://x/r", ref={"branch": "main", "commit": COMMIT}),
            chart("GitRepository", "./", reconcileStrategy="Revision"),
            GitChart("https://x/r", ".", GitRef(branch="main", commit=COMMIT), "Revision"),
        ),
    ],
)
def test_charts_of_fluxs_sources(given: Any, wanted: Any, expected: ChartRef) -> None:
    assert one(flux(chart=wanted), given).chart == expected
    old = given | {"apiVersion": "source.toolkit.fluxcd.io/v1beta2"}
    assert one(old, flux(chart=wanted)).chart == expected


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        (None, {"tag": "latest"}),
        ({}, {"tag": "latest"}),
        ({"tag": "1.2.3"}, {"tag": "1.2.3"}),
        ({"semver": "1.x"}, {"version": "1.x"}),
        ({"digest": DIGEST, "semver": "1.x", "tag": "t"}, {"digest": DIGEST, "version": "1.x", "tag": "t"}),
    ],
)
def test_a_chart_of_an_oci_repository(ref: Any, expected: dict[str, Any]) -> None:
    given = source("OCIRepository", "podinfo", url="oci://x/podinfo", ref=ref, secretRef={"name": "login"})
    found = one(given, flux(chartRef={"kind": "OCIRepository", "name": "podinfo"}))
    assert found.chart == OciChart("oci://x/podinfo", auth=AUTH, **expected)


def test_a_helm_chart_names_a_source_beside_itself() -> None:
    helm_chart = source("HelmChart", "podinfo", "flux", **chart("HelmRepository", version="6.x")["spec"])
    repository = source("HelmRepository", "charts", "flux", url="https://x")
    release = flux(chartRef={"kind": "HelmChart", "name": "podinfo", "namespace": "flux"})
    assert one(release, helm_chart, repository).chart == HelmRepoChart("https://x", "a", "6.x")
    assert problems(release, helm_chart) == [
        "spec.chartRef: no HelmRepository flux/charts in the input; add its file or folder to the paths"
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (source("HelmRepository", url="https://x", type="oci"), "spec: an oci:// URL goes with type: oci"),
        (source("HelmRepository", url="ftp://x"), "spec.url: "),
        (source("OCIRepository", url="oci://x", verify={"provider": "cosign"}), "spec.verify: is not supported yet"),
        (source("OCIRepository", url="oci://x", ref={"semverFilter": "x"}), "spec.ref.semverFilter: is not supported"),
        (source("GitRepository", url="https://x", verify={"mode": "HEAD"}), "spec.verify: is not supported yet"),
        (source("GitRepository", url="https://x", referenc={}), "spec.referenc: unknown field"),
    ],
)
def test_mistakes_in_fluxs_sources(given: Any, told: str) -> None:
    found = problems(given)
    assert len(found) == 1
    assert found[0].startswith(told)


LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (source("HelmRepository", url="https://x", provider="generic", passCredentials=False), ""),
        (source("OCIRepository", url="oci://x", layerSelector={"mediaType": LAYER, "operation": "copy"}), ""),
        (source("OCIRepository", url="oci://x", layerSelector={"mediaType": "x"}), "spec.layerSelector"),
        (source("OCIRepository", url="oci://x", provider="aws", timeout="1m"), "spec.timeout, spec.provider"),
        (source("GitRepository", url="https://x", include=[{}]), "spec.include"),
        (source("HelmRepository", url="https://x", certSecretRef={"name": "ca"}), "spec.certSecretRef"),
    ],
)  # fmt: skip
def test_what_of_sources_is_not_followed(given: Any, told: str) -> None:
    found = loaded(given)
    kind = given["kind"]
    assert found.warnings == ([f"apps/web.yaml:1: not followed yet in this {kind}: {told}"] if told else [])


def test_a_helm_repository_of_a_registry_needs_no_interval() -> None:
    given = obj("source.toolkit.fluxcd.io/v1", "HelmRepository", "r", spec={"url": "oci://x", "type": "oci"})
    assert problems(given) == []
