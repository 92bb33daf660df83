"""``spec.chart`` of a Release: where the chart is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from helmops.api.fields import NamespaceName, ObjectName, Strict

SOURCE_KIND = "ChartSource"

Strategy = Literal["ChartVersion", "Revision"]


class GitRefSpec(Strict):
    """What to check out; of several the first counts: commit, name, semver, tag, branch."""

    branch: str | None = None
    tag: str | None = None
    semver: Annotated[str | None, Field(description="Range over the tags")] = None
    commit: Annotated[str | None, Field(pattern=r"^[0-9a-f]{40,64}$", description="Full hash")] = None
    name: Annotated[str | None, Field(description="Full name of a ref, e.g. refs/heads/main")] = None


class GitForm(Strict):
    """``spec.chart.git``."""

    url: Annotated[str, Field(min_length=1)]
    ref: GitRefSpec = GitRefSpec()
    path: Annotated[str, Field(description="Chart folder in the repository", min_length=1)]
    reconcile_strategy: Strategy = "ChartVersion"


class SourceName(Strict):
    """``spec.chart.source``: a ChartSource of the input."""

    name: ObjectName
    namespace: NamespaceName | None = None


_FORMS = ("repo", "oci", "git", "source", "path")
_EXTRAS = ("name", "version", "tag", "digest", "insecure", "reconcileStrategy")
_ALLOWED: Mapping[str, frozenset[str]] = {
    "repo": frozenset({"name", "version"}),
    "oci": frozenset({"version", "tag", "digest", "insecure"}),
    "git": frozenset(),
    "path": frozenset(),
    "source": frozenset({"name", "version", "tag", "digest", "path", "reconcileStrategy"}),
}


class Chart(Strict):
    """``spec.chart``: exactly one form of source."""

    repo: Annotated[str | None, Field(description="URL of a Helm HTTP repository")] = None
    oci: Annotated[str | None, Field(description="oci://registry/path/chart")] = None
    git: GitForm | None = None
    path: Annotated[
        str | None, Field(description="Chart directory or .tgz, relative to this file; with source: folder in git")
    ] = None
    source: SourceName | None = None
    name: Annotated[str | None, Field(description="Chart name in the repository")] = None
    version: Annotated[str | None, Field(description="Exact version or a range as Helm reads it (6.x, ^6.5)")] = None
    tag: Annotated[str | None, Field(description="OCI tag, instead of a version")] = None
    digest: Annotated[str | None, Field(pattern=r"^sha256:[0-9a-f]{64}$", description="OCI manifest digest")] = None
    insecure: Annotated[bool | None, Field(description="OCI registry over plain HTTP")] = None
    reconcile_strategy: Annotated[Strategy | None, Field(description="For a git source")] = None

    @model_validator(mode="after")
    def _one_form(self) -> Chart:
        given = {name for name in (*_FORMS, *_EXTRAS) if getattr(self, _attribute(name)) is not None}
        forms = [name for name in _FORMS if name in given and not (name == "path" and "source" in given)]
        if len(forms) != 1:
            raise ValueError(f"give exactly one of {', '.join(_FORMS[:-1])} and {_FORMS[-1]}")
        _check_form(self, forms[0], given - {forms[0]})
        return self


def _check_form(chart: Chart, form: str, given: set[str]) -> None:
    if form == "repo" and not (chart.repo or "").startswith(("http://", "https://")):
        raise ValueError("repo must be an http:// or https:// URL")
    if form == "repo" and not chart.name:
        raise ValueError("a chart of a repository needs a name")
    if form == "oci" and not (chart.oci or "").startswith("oci://"):
        raise ValueError("oci must be an oci:// URL")
    if form == "path" and given:
        raise ValueError("name and version stand in the chart at path; leave them out")
    if left := sorted(given - _ALLOWED[form]):
        raise ValueError(f"{', '.join(left)}: not with {form}{_instead(form)}")


def _instead(form: str) -> str:
    return "; ref, path and reconcileStrategy stand under git" if form == "git" else ""


def _attribute(name: str) -> str:
    return "reconcile_strategy" if name == "reconcileStrategy" else name
