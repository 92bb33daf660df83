"""What Helm adds to every object. That the real Helm adds the same: tests/e2e/test_drift_facts.py."""

from __future__ import annotations

from typing import Any

import pytest

from helmops.core.render.helmify import helmify

MARKS = {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "apps"}
LABEL = {"app.kubernetes.io/managed-by": "Helm"}


@pytest.mark.parametrize(
    ("metadata", "labels", "annotations"),
    [
        pytest.param({}, LABEL, MARKS, id="to an object without any"),
        pytest.param({"labels": None, "annotations": None}, LABEL, MARKS, id="to nulls"),
        pytest.param(
            {"labels": {"a": "b"}, "annotations": {"c": "d"}}, {"a": "b"} | LABEL, {"c": "d"} | MARKS, id="to some"
        ),
        pytest.param({"labels": {"app.kubernetes.io/managed-by": "me"}}, LABEL, MARKS, id="over the chart's own label"),
        pytest.param({"annotations": {"meta.helm.sh/release-name": "x"}}, LABEL, MARKS, id="over the chart's own mark"),
    ],
)
def test_marks(metadata: dict[str, Any], labels: dict[str, str], annotations: dict[str, str]) -> None:
    obj = {"kind": "ConfigMap", "metadata": {"name": "a", **metadata}, "data": {}}
    marked = helmify(obj, "web", "apps")
    assert marked == {
        "kind": "ConfigMap",
        "metadata": {"name": "a", "labels": labels, "annotations": annotations},
        "data": {},
    }
    assert obj["metadata"] == {"name": "a", **metadata}
