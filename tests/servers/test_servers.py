"""Each server does with its real client what it is there for."""

from __future__ import annotations

import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.charts import WEBAPP_VERSIONS, chart
from tests.controlplane import tools
from tests.runners import Helm
from tests.servers.gitserver import GitServer, git
from tests.servers.helmrepo import HelmRepository

ALICE = ("alice", "not-a-secret")


@pytest.fixture
def offline_helm(helm_path: Path, helm_environment: dict[str, str]) -> Helm:
    """Helm without a cluster."""
    return Helm(helm_path, 4 if helm_path == tools.helm4() else 3, helm_environment)


@pytest.mark.helm3
def test_helm_finds_and_pulls_from_the_repository(
    offline_helm: Helm, helm_repo: HelmRepository, tmp_path: Path
) -> None:
    offline_helm("repo", "add", "bed", helm_repo.url)
    found = offline_helm.json("search", "repo", "bed/webapp", "--versions", "--devel")
    assert {entry["version"] for entry in found} == set(WEBAPP_VERSIONS)

    offline_helm("pull", "bed/webapp", "--version", "~1.1", "--destination", tmp_path)
    pulled = tmp_path / "webapp-1.1.0.tgz"
    assert pulled.read_bytes() == helm_repo.package("webapp", "1.1.0").read_bytes()


def test_the_repository_counts_and_knows_etags(helm_repo: HelmRepository) -> None:
    url = f"{helm_repo.url}/index.yaml"
    helm_repo.forget_requests()
    with urllib.request.urlopen(url) as answer:
        tag = answer.headers["ETag"]
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(urllib.request.Request(url, headers={"If-None-Match": tag}))
    assert raised.value.code == HTTPStatus.NOT_MODIFIED
    raised.value.close()
    assert helm_repo.index_requests() == 2
    assert helm_repo.requests("/webapp-1.0.0.tgz") == 0


def test_the_repository_can_ask_for_a_password(offline_helm: Helm, tmp_path: Path) -> None:
    user, password = ALICE
    with HelmRepository(tmp_path / "charts", tools.helm4(), credentials=ALICE) as repository:
        repository.add([chart("webapp")])
        refused = offline_helm.run("repo", "add", "private", repository.url)
        assert "401" in refused.stderr
        offline_helm("repo", "add", "private", repository.url, "--username", user, "--password", password)
        offline_helm("pull", "private/webapp", "--destination", tmp_path)
    assert (tmp_path / "webapp-1.0.0.tgz").exists()


@pytest.mark.helm3
def test_the_registry_takes_and_gives_charts(
    offline_helm: Helm, helm_repo: HelmRepository, oci_registry: str, tmp_path: Path
) -> None:
    package = helm_repo.package("webapp", "1.2.0")
    offline_helm("push", package, f"oci://{oci_registry}/charts", "--plain-http")
    source = f"oci://{oci_registry}/charts/webapp"
    offline_helm("pull", source, "--version", "1.2.0", "--plain-http", "--destination", tmp_path)
    assert (tmp_path / "webapp-1.2.0.tgz").read_bytes() == package.read_bytes()


def test_git_clones_and_pushes(git_server: GitServer, tmp_path: Path) -> None:
    url = git_server.create("apps", {"README": "one", "charts/x/values.yaml": "a: 1\n"})
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", url, str(clone))
    assert (clone / "charts/x/values.yaml").read_text() == "a: 1\n"

    (clone / "README").write_text("two")
    git(clone, "commit", "--quiet", "--all", "--message", "Say two")
    git(clone, "push", "--quiet", "origin", "main")
    assert git(clone, "ls-remote", url, "main").split()[0] == git(clone, "rev-parse", "main").strip()

    tagged = git_server.commit("apps", {"README": "three"}, "Say three", tag="v1.0.0")
    git(clone, "pull", "--quiet", "--tags")
    assert git(clone, "rev-parse", "v1.0.0^0").strip() == tagged
    assert (clone / "README").read_text() == "three"
    assert (clone / "charts/x/values.yaml").exists()


def test_git_can_ask_for_a_password(tmp_path: Path) -> None:
    with GitServer(tmp_path / "git", credentials=ALICE) as server:
        url = server.create("private", {"README": "secret"})
        with pytest.raises(RuntimeError, match="could not read Username"):
            git(tmp_path, "clone", url, "refused")
        git(tmp_path, "clone", "--quiet", url.replace("//", "//alice:not-a-secret@"), "admitted")
    assert (tmp_path / "admitted" / "README").read_text() == "secret"
