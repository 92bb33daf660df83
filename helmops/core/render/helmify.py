"""What Helm adds to every object of a release before it sends it; a stored manifest lacks all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
RELEASE_NAME_ANNOTATION = "meta.helm.sh/release-name"
RELEASE_NAMESPACE_ANNOTATION = "meta.helm.sh/release-namespace"


def helmify(obj: Mapping[str, Any], release: str, release_namespace: str) -> Mapping[str, Any]:
    """``obj`` as Helm would send it: its marks win over what a chart wrote under the same keys."""
    metadata = obj.get("metadata") or {}
    labels = {**(metadata.get("labels") or {}), MANAGED_BY_LABEL: "Helm"}
    marks = {RELEASE_NAME_ANNOTATION: release, RELEASE_NAMESPACE_ANNOTATION: release_namespace}
    annotations = {**(metadata.get("annotations") or {}), **marks}
    return {**obj, "metadata": {**metadata, "labels": labels, "annotations": annotations}}
