"""The daemon on a git repository: a commit is an upgrade, and a server that is away changes nothing."""

from __future__ import annotations

import json
import signal
import time
from typing import Any

from tests.e2e.helpers import HelmOps, Live, until
from tests.servers.gitserver import GitServer

TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {message: {{ .Values.message | quote }}}
"""
CHART = {
    "charts/app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n",
    "charts/app/templates/configmap.yaml": TEMPLATE,
}


def values(message: str) -> dict[str, str]:
    return {"shared/values.yaml": f"message: {message}\n"}


def manifest(ops: HelmOps, **spec: Any) -> dict[str, str]:
    """A release whose chart and values lie elsewhere in the repository."""
    written = ops.release("web", "../charts/app", valuesFrom=[{"file": "../shared/values.yaml"}], **spec)
    return {"releases/web.yaml": json.dumps(written)}


def test_a_commit_is_an_upgrade(ops: HelmOps, live: Live, git_server: GitServer) -> None:
    url = git_server.create("apps", CHART | values("one") | manifest(ops))
    words = ("--git", url, "--ref", "main", "--git-path", "releases", "--poll", "300ms")
    with ops.running("daemon", *words) as running:
        until(lambda: live.history("web") == ["deployed"], "installed")
        git_server.commit("apps", {"README.md": "nothing that matters\n"}, "Read me")
        time.sleep(2.0)
        assert live.history("web") == ["deployed"]
        git_server.commit("apps", values("two"), "Change values")
        until(lambda: live.history("web") == ["superseded", "deployed"], "upgraded")
        assert live.message("web") == "two"

        bare = git_server.folder / "apps.git"
        bare.rename(bare.with_name("away.git"))
        time.sleep(2.0)
        bare.with_name("away.git").rename(bare)
        changed = {"charts/app/templates/configmap.yaml": TEMPLATE.replace("message:", "other: chart, message:")}
        git_server.commit("apps", changed, "Change the chart")
        until(lambda: len(live.history("web")) == 3, "upgraded to the other chart")
        running.signal(signal.SIGTERM)
        ran = running.end()
    assert ran.code == 0, ran.text
    assert ran.text.count("stays wanted") == ran.text.count("can be read again") == 1
    assert f"follows releases of {url} at main" in ran.text
    assert live.history("web") == ["superseded", "superseded", "deployed"]
    assert not list((ops.folder.parent / "cache" / "checkouts").iterdir())
