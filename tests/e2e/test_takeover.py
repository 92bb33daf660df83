"""A release that somebody else made: taken over as it is when it is what the input says, and handed back."""

from __future__ import annotations

import pytest

from tests.e2e.helpers import HelmOps, Live
from tests.runners import Helm, Kubectl


def labels(live: Live, release: str) -> dict[str, str]:
    """Ours, on the highest revision."""
    found = live.records(release)[-1]["metadata"]["labels"]
    return {key: value for key, value in found.items() if key.startswith("helmops.dev/")}


@pytest.mark.helm3
def test_what_already_is_as_wanted_gets_a_label_and_no_revision(ops: HelmOps, live: Live, helm: Helm) -> None:
    """With hooks, which must not run again."""
    chart = ops.chart("webapp")
    helm("install", "web", ops.folder / chart, "--set", "replicas=0", "-n", live.namespace)
    jobs = {one["metadata"]["uid"] for one in live.all("Job")}
    ops.write("web.yaml", ops.release("web", chart, {"replicas": 0}))
    assert "takes over as it is: no revision, no hook" in ops.plan().out
    assert "Done: 1 labelled" in ops.sync().out
    assert live.history("web") == ["deployed"]
    assert {one["metadata"]["uid"] for one in live.all("Job")} == jobs
    assert labels(live, "web")["helmops.dev/desired"].startswith("1.")
    assert "Nothing to do." in ops.sync().out


def test_what_differs_is_told_and_upgraded(ops: HelmOps, live: Live, helm: Helm) -> None:
    """The plan says what would change, and why."""
    chart = ops.app()
    helm("install", "web", ops.folder / chart, "--set", "message=by-hand", "-n", live.namespace)
    ops.write("web.yaml", ops.release("web", chart, {"message": "from-git"}))
    planned = ops.plan().out
    assert "takes over revision 1, which was made outside helmops" in planned
    assert "-  message: by-hand" in planned
    ops.sync()
    assert live.message("web") == "from-git"
    assert live.history("web") == ["superseded", "deployed"]


def test_the_pass_that_takes_over_tells_drift_and_leaves_it(
    ops: HelmOps, live: Live, helm: Helm, kubectl: Kubectl
) -> None:
    """Who knows why it is so: the next pass puts it right."""
    chart = ops.app()
    helm("install", "web", ops.folder / chart, "-n", live.namespace)
    kubectl("patch", "configmap", "web", "--type=merge", '--patch={"data":{"message":"edited"}}')
    ops.write("web.yaml", ops.release("web", chart))
    first = ops.sync().out
    assert "ConfigMap/web data.message: edited → hello" in first
    assert live.message("web") == "edited"
    ops.sync()
    assert live.message("web") == "hello"


def test_abandon_takes_our_labels_off_and_leaves_the_release(ops: HelmOps, live: Live) -> None:
    """It is nobody's then, until an input names it again."""
    ops.own("me")
    ops.write("web.yaml", ops.release("web", ops.app()))
    ops.sync()
    assert set(labels(live, "web")) == {"helmops.dev/desired", "helmops.dev/owner"}
    ops("abandon", "web", "-n", live.namespace)
    assert labels(live, "web") == {}
    assert live.message("web") == "hello"
    assert live.history("web") == ["deployed"]
    assert "is not managed by helmops" in ops("abandon", "web", "-n", live.namespace, code=1).err
    (ops.folder / "web.yaml").unlink()
    assert "0 to remove" in ops.plan("--prune").out
