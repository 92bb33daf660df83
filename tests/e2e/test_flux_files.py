"""Flux's manifests as they are: an overlay is built, mapped and synced; what is not followed is said."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml

from tests.controlplane import tools
from tests.e2e.conftest import CLONE
from tests.e2e.helpers import CountedHelm, HelmOps, Live
from tests.servers.helmrepo import HelmRepository

EXAMPLE = CLONE / "examples" / "02-flux-overlay"
PRODUCTION = "apps/production"


@pytest.fixture
def overlay(ops: HelmOps, helm_repo: HelmRepository) -> HelmOps:
    """The example, with the repository and the namespace of the test; kubectl is its kustomize."""
    shutil.rmtree(ops.folder)
    shutil.copytree(EXAMPLE, ops.folder)
    (ops.folder / ".git").mkdir()
    edit(ops.folder / "apps/base/webapp/repository.yaml", "https://charts.example.org", helm_repo.url)
    edit(ops.folder / "apps/base/webapp/namespace.yaml", "name: webapp", f"name: {ops.namespace}")
    edit(ops.folder / "apps/base/webapp/kustomization.yaml", "namespace: webapp", f"namespace: {ops.namespace}")
    edit(ops.folder / "apps/production/settings.yaml", "namespace: webapp", f"namespace: {ops.namespace}")
    edit(ops.folder / "helmops.yaml", "examples/flux-overlay", f"examples/{ops.namespace}")
    return ops.using(PATH=os.pathsep.join((str(tools.kubectl().parent), ops.environment["PATH"])))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_overlay_is_synced_as_it_is(overlay: HelmOps, live: Live, counted_helm: CountedHelm) -> None:
    ops = overlay.using(HELM_BIN=str(counted_helm.path))
    planned = ops("plan", PRODUCTION).text
    assert "webapp 1.2.0, not installed yet" in planned
    assert "not followed yet in this HelmRelease: spec.upgrade.remediation.retries" in planned
    assert f"{PRODUCTION} (HelmRelease {ops.namespace}/webapp)" in planned
    assert "a-token-of-production" not in planned

    ops("sync", PRODUCTION, "--yes")
    config, deployment = live.get("ConfigMap", "webapp"), live.get("Deployment", "webapp")
    assert config["data"] == {"greeting": "production", "cache": "off"}
    assert deployment["spec"]["replicas"] == 2
    assert live.get("Secret", "webapp")["data"]["token"] == "YS10b2tlbi1vZi1wcm9kdWN0aW9u"
    assert live.find("ConfigMap", "webapp-settings") is None

    counted_helm.forget()
    assert "Nothing to do" in ops("sync", PRODUCTION, "--yes").out
    assert counted_helm.runs() == []

    edit(ops.folder / PRODUCTION / "settings.yaml", "a-token-of-production", "another-token-of-it")
    told = ops("sync", PRODUCTION, "--yes").text
    assert f"values changed at `secret.token` by Secret {ops.namespace}/webapp-token:token" in told
    assert "token-of" not in told
    assert live.history("webapp") == ["superseded", "deployed"]


def test_what_the_input_has_not_is_read_from_the_cluster(overlay: HelmOps, live: Live) -> None:
    edit(overlay.folder / "apps/production/kustomization.yaml", "  - settings.yaml\n", "")
    told = overlay("sync", PRODUCTION, "--yes", code=1).err
    assert f"no ConfigMap {overlay.namespace}/webapp-settings, neither in the input nor in the cluster" in told
    assert f"no Secret {overlay.namespace}/webapp-token" in told
    assert live.statuses() == {}

    place = f"/api/v1/namespaces/{overlay.namespace}"
    for document in yaml.safe_load_all((overlay.folder / "apps/production/settings.yaml").read_text()):
        live.api.apply(f"{place}/{document['kind'].lower()}s", document)
    overlay("sync", PRODUCTION, "--yes")
    assert live.get("ConfigMap", "webapp")["data"] == {"greeting": "production", "cache": "off"}
    assert live.get("Secret", "webapp")["data"]["token"] == "YS10b2tlbi1vZi1wcm9kdWN0aW9u"

    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "webapp-token"}}
    live.api.apply(f"{place}/secrets", secret | {"data": {"token": "bmV3LXRva2Vu"}})
    assert "1 to upgrade" in overlay("plan", PRODUCTION).out
    overlay("sync", PRODUCTION, "--yes")
    assert live.get("Secret", "webapp")["data"]["token"] == "bmV3LXRva2Vu"


def test_an_overlay_of_several_builds_each_base_once(overlay: HelmOps, live: Live) -> None:
    staging = overlay.folder / "apps/staging"
    shutil.copytree(overlay.folder / PRODUCTION, staging)
    edit(staging / "kustomization.yaml", "      kind: HelmRelease", "      kind: HelmRelease\nnameSuffix: -staging")
    assert overlay("lint", "apps").out.strip() == "2 releases, no problems"
    shutil.rmtree(staging)
    assert overlay("lint", ".").out.strip() == "1 release, no problems"


def test_mistakes_name_the_folder_and_the_object(overlay: HelmOps, live: Live) -> None:
    edit(overlay.folder / "apps/production/webapp.yaml", "  driftDetection:", "  drifDetection: {}\n  driftDetection:")
    edit(overlay.folder / "apps/production/settings.yaml", "  token:", "  tokn:")
    told = overlay("sync", PRODUCTION, "--yes", code=1).err
    here = f"{PRODUCTION} (HelmRelease {overlay.namespace}/webapp)"
    assert f"{here}: spec.drifDetection: unknown field; did you mean driftDetection?" in told

    edit(overlay.folder / "apps/production/webapp.yaml", "  drifDetection: {}\n", "")
    told = overlay("sync", PRODUCTION, "--yes", code=1).err
    assert f"{here}: spec.valuesFrom: Secret {overlay.namespace}/webapp-token has no key token" in told
    assert "a-token-of-production" not in told
    assert live.statuses() == {}


def test_nothing_is_fetched_for_a_folder(overlay: HelmOps, helm_repo: HelmRepository) -> None:
    file = overlay.folder / "apps/production/kustomization.yaml"
    edit(file, "  - settings.yaml", f"  - settings.yaml\n  - {helm_repo.url}/index.yaml")
    before = helm_repo.index_requests()
    told = overlay("lint", PRODUCTION, code=1).text
    assert f"{PRODUCTION}: apps/production/kustomization.yaml names what is not here: {helm_repo.url}" in told
    assert helm_repo.index_requests() == before


def test_ours_and_fluxs_wait_for_each_other(overlay: HelmOps, live: Live) -> None:
    app = overlay.app()
    mine = overlay.release("mine", f"../../{app}", dependsOn=[{"name": "webapp"}])
    overlay.write("apps/production/mine.yaml", mine)
    edit(overlay.folder / "apps/production/kustomization.yaml", "  - settings.yaml", "  - settings.yaml\n  - mine.yaml")
    overlay("sync", PRODUCTION, "--yes")
    assert live.statuses() == {"webapp": "deployed", "mine": "deployed"}
