"""What a first sync does: charts from where they are, values as Helm merges them, namespaces first."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.helpers import HelmOps, Live
from tests.runners import Helm, Kubectl
from tests.servers.helmrepo import HelmRepository


@pytest.mark.helm3
def test_a_chart_of_a_repository_in_an_exact_version(
    ops: HelmOps, live: Live, helm: Helm, kubectl: Kubectl, helm_repo: HelmRepository
) -> None:
    chart = {"repo": helm_repo.url, "name": "webapp", "version": "1.1.0"}
    ops.write("web.yaml", ops.release("web", chart, {"replicas": 3}, quick=False))

    done = ops.sync()

    assert f"{ops.namespace}/web  installing" in done.out
    assert "Done: 1 installed" in done.out
    listed = helm.json("list")
    assert [(one["name"], one["chart"], one["status"]) for one in listed] == [("web", "webapp-1.1.0", "deployed")]
    assert helm.json("get", "values", "web") == {"replicas": 3}
    assert kubectl("get", "deployment", "web-webapp", "-o", "json")["status"]["readyReplicas"] == 3
    assert live.leases() == []


@pytest.mark.parametrize(
    ("wanted", "found"), [("~1.1", "1.1.0"), ("1.x", "1.2.0"), ("", "2.0.0"), (">=2.0.0-0 <2.0.0", "2.0.0-rc.1")]
)
def test_a_range_takes_the_newest_version_in_it(
    ops: HelmOps, live: Live, helm_repo: HelmRepository, wanted: str, found: str
) -> None:
    chart = {"repo": helm_repo.url, "name": "webapp"} | ({"version": wanted} if wanted else {})
    ops.write("web.yaml", ops.release("web", chart))
    planned = ops.planned()["web"]
    assert planned["action"] == "install"
    assert planned["chart"]["version"] == found
    assert live.history("web") == []


def test_many_charts_of_one_repository_cost_one_request_for_its_index(
    ops: HelmOps, live: Live, helm_repo: HelmRepository
) -> None:
    helm_repo.forget_requests()
    for number in range(5):
        chart = {"repo": helm_repo.url, "name": "webapp", "version": f"1.{number % 3}.0"}
        ops.write(f"web-{number}.yaml", ops.release(f"web-{number}", chart))
    ops.plan()
    assert helm_repo.index_requests() == 1
    assert helm_repo.requests("/webapp-1.0.0.tgz") == 1
    ops.plan()
    assert helm_repo.requests("/webapp-1.0.0.tgz") == 1


def test_charts_by_path_with_dependencies_crds_and_claims(ops: HelmOps, live: Live, kubectl: Kubectl) -> None:
    ops.write(
        "all.yaml",
        ops.release("gateway", ops.chart("parent"), {"backend": {"enabled": True}}),
        ops.release("data", ops.chart("database")),
        ops.release("gadget", ops.chart("crds"), {"size": "large"}),
    )
    ops.sync()
    assert live.statuses() == {"gateway": "deployed", "data": "deployed", "gadget": "deployed"}
    assert live.find("Deployment", "gateway-backend")
    assert live.find("PersistentVolumeClaim", "data-database-backup")
    assert kubectl("get", "gadgets", "gadget", "-o", "json")["spec"] == {"size": "large"}


@pytest.mark.helm3
def test_values_are_merged_as_helm_merges_them(ops: HelmOps, live: Live, helm: Helm) -> None:
    """Files in order, then what stands in the document; maps are merged, lists replaced, null removes a default."""
    app = ops.app(lines='  values: {{ omit .Values "global" | toJson | quote }}\n')
    ops.write("values/base.yaml", "message: base\nlist: [1, 2]\nmap: {a: 1, b: 2}\ntime: 22:22\n")
    ops.write("values/prod.yaml", "message: prod\nlist: [3]\nmap: {b: 3}\n")
    files = [{"file": "values/base.yaml"}, {"file": "values/prod.yaml"}, {"file": "values/no.yaml", "optional": True}]
    ops.write("web.yaml", ops.release("web", app, {"map": {"c": None, "d": "y"}}, valuesFrom=files))

    ops.sync()

    inline = ops.write("inline.json", '{"map": {"c": null, "d": "y"}}')
    layers = [ops.folder / "values/base.yaml", ops.folder / "values/prod.yaml", inline]
    helm("install", "oracle", ops.folder / app, *(word for layer in layers for word in ("--values", layer)))
    ours, oracle = live.get("ConfigMap", "web")["data"], live.get("ConfigMap", "oracle")["data"]
    assert ours == oracle
    assert ours["message"] == "prod"
    assert helm.json("get", "values", "web") == helm.json("get", "values", "oracle")


def test_namespaces_of_the_input_come_first_as_they_are_written(
    ops: HelmOps, live: Live, kubectl: Kubectl, other_namespace: Callable[[], str]
) -> None:
    written, asked, nowhere = other_namespace(), other_namespace(), other_namespace()
    app = ops.app()
    labelled = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": written, "labels": {"team": "web"}}}
    create = {"createNamespace": True, "disableWait": True}
    ops.write(
        "a.yaml", ops.release("one", app, namespace=written), ops.release("two", app, namespace=asked, install=create)
    )
    ops.write("z.yaml", labelled)

    planned = ops.plan("-o", "json").json
    assert sorted(planned["namespaces"]) == sorted([written, asked])
    ops.sync()
    assert live.message("one", written) == live.message("two", asked) == "hello"
    assert kubectl("get", "namespace", written, "-o", "json")["metadata"]["labels"]["team"] == "web"
    assert ops.sync().out.count("namespace") == 0

    ops.write("b.yaml", ops.release("three", app, namespace=nowhere))
    refused = ops.sync(code=4)
    assert f"namespace {nowhere} does not exist" in refused.text
    assert "createNamespace" in refused.text


def test_other_objects_are_named_as_not_applied(ops: HelmOps, live: Live) -> None:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": ops.namespace}}
    ops.write("apps.yaml", ops.release("web", ops.app()), settings)
    done = ops.sync()
    assert "Not applied by helmops yet: ConfigMap/settings (apps.yaml:" in done.out
    assert live.find("ConfigMap", "settings") is None
    assert live.message("web") == "hello"


def test_helm_itself_tells_why_there_is_a_revision(ops: HelmOps, helm: Helm) -> None:
    ops.write("web.yaml", ops.release("web", ops.app("1.0.0"), {"message": "one"}))
    ops.sync()
    ops.app("1.1.0")
    ops.write("web.yaml", ops.release("web", "charts/app", {"message": "two"}))
    ops.sync()
    first, second = (one["description"] for one in helm.json("history", "web"))
    assert first == "helmops: chart app 1.0.0, not installed yet"
    assert second.startswith("helmops: chart 1.0.0 → 1.1.0; values changed at `message` by web.yaml:")
