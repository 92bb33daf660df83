"""People with few rights: who may work in one namespace alone works there; what is forbidden is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.helpers import HelmOps, Live

EVERYTHING = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
ONLY_LOOK = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
DRY_RUN = [*ONLY_LOOK, {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "patch"]}]


@pytest.fixture
def someone(ops: HelmOps, live: Live, tmp_path: Path) -> Callable[..., HelmOps]:
    """helmops as a person who may do this in the test's namespace, and nothing elsewhere."""
    space = f"namespaces/{ops.namespace}"
    rbac = f"/apis/rbac.authorization.k8s.io/v1/{space}"

    def become(rules: list[dict[str, Any]]) -> HelmOps:
        subject = {"kind": "ServiceAccount", "name": "someone", "namespace": ops.namespace}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "someone"}
        live.api.call("POST", f"/api/v1/{space}/serviceaccounts", {"metadata": {"name": "someone"}})
        live.api.call("POST", f"{rbac}/roles", {"metadata": {"name": "someone"}, "rules": rules})
        binding = {"metadata": {"name": "someone"}, "subjects": [subject], "roleRef": role}
        live.api.call("POST", f"{rbac}/rolebindings", binding)
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}}
        answer = live.api.call("POST", f"/api/v1/{space}/serviceaccounts/someone/token", asked)
        config = yaml.safe_load(Path(ops.environment["KUBECONFIG"]).read_text())
        config["users"][0]["user"] = {"token": json.loads(answer)["status"]["token"]}
        kubeconfig = tmp_path / "someone.yaml"
        kubeconfig.write_text(yaml.safe_dump(config))
        kubeconfig.chmod(0o600)
        return ops.using(KUBECONFIG=str(kubeconfig))

    return become


@pytest.mark.helm3
def test_one_namespace_is_enough(someone: Callable[..., HelmOps], live: Live) -> None:
    ops = someone(EVERYTHING)
    app = ops.app()
    ops.write("web.yaml", ops.release("web", app, {"message": "one"}))
    assert "only the namespaces of the input were looked at" in ops.sync().out
    ops.write("web.yaml", ops.release("web", app, {"message": "two"}))
    ops.sync()
    assert live.message("web") == "two"
    assert "1 unchanged" in ops.plan("--detailed-exitcode").out
    assert "web" in ops("status", "-n", ops.namespace).out
    assert live.leases() == []
    ops("rollback", f"{ops.namespace}/web", "--yes")
    ops("uninstall", f"{ops.namespace}/web", "--yes")
    assert live.statuses() == {}
    assert "forbidden" in ops("status", "-A", code=1).err.lower()


def test_who_may_not_write_is_told_what_is_missing_and_nothing_is_written(
    someone: Callable[..., HelmOps], live: Live
) -> None:
    ops = someone(ONLY_LOOK)
    ops.write("web.yaml", ops.release("web", ops.app()))
    told = ops.plan(code=1).text
    assert "configmaps" in told
    assert "patch" in told
    ops.sync(code=1)
    assert live.statuses() == {}


def test_who_may_not_lock_is_told_so(someone: Callable[..., HelmOps], live: Live) -> None:
    ops = someone(DRY_RUN)
    ops.write("web.yaml", ops.release("web", ops.app()))
    ops.plan()
    told = ops.sync(code=1).text
    assert "leases" in told
    assert "create" in told
    assert live.statuses() == {}
