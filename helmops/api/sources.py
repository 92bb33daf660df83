"""Sources of charts that are objects of their own: ChartSource, and Flux's.

A source is kept as the reference to a chart that it would be if it named one; whoever uses it adds the name.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pydantic import BaseModel

from helmops.api.chart_form import Chart, GitRefSpec
from helmops.api.document import Document
from helmops.api.model import ChartRef, GitChart, GitRef, HelmRepoChart, OciChart
from helmops.errors import Problem

Source = ChartRef | BaseModel
"""A document of its own where it takes another source to know the chart: Flux's HelmChart."""


@dataclass(slots=True)
class Sources:
    """By (kind, namespace, name)."""

    known: dict[tuple[str, str, str], Source] = field(default_factory=dict)
    where: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def add(self, document: Document, namespace: str, source: Source, problems: list[Problem]) -> None:
        """A second document of the same object is a mistake."""
        ref = document.ref(namespace)
        key = (ref.kind, ref.namespace, ref.name)
        if key in self.known:
            text = f"{ref.kind} {ref.namespace}/{ref.name} is described twice; first at {self.where[key]}"
            problems.append(document.problem(("metadata", "name"), text))
        self.known[key], self.where[key] = source, document.where()

    def find(self, kind: str, namespace: str, name: str) -> Source:
        """ValueError with the next thing to do when the input has none."""
        found = self.known.get((kind, namespace, name))
        if found is None:
            raise ValueError(f"no {kind} {namespace}/{name} in the input; add its file or folder to the paths")
        return found


def git_ref(spec: GitRefSpec) -> GitRef:
    """Left out is empty."""
    return GitRef(**{name: value for name, value in spec if value is not None})


def chart_of_source(chart: Chart, source: Source) -> ChartRef:
    """``spec.chart.source`` with what stands beside it. ValueError when that does not go with the type of source."""
    match source:
        case HelmRepoChart():
            _only(chart, "a Helm repository", "name", "version")
            if not chart.name:
                raise ValueError("a chart of a repository needs a name")
            return replace(source, name=chart.name, version=chart.version or "")
        case OciChart():
            _only(chart, "an OCI source", "name", "version", "tag", "digest")
            url = f"{source.url}/{chart.name}" if chart.name else source.url
            return replace(source, url=url, version=chart.version or "", tag=chart.tag or "", digest=chart.digest or "")
        case GitChart():
            _only(chart, "a git source", "path", "reconcile_strategy")
            if not chart.path:
                raise ValueError("a chart of a git source needs a path")
            return replace(source, path=chart.path, strategy=chart.reconcile_strategy or "ChartVersion")
    raise ValueError("is no source of charts")


def _only(chart: Chart, what: str, *allowed: str) -> None:
    extras = {"name", "version", "tag", "digest", "path", "reconcile_strategy"} - set(allowed)
    if left := sorted(name for name in extras if getattr(chart, name) is not None):
        shown = ", ".join(left).replace("reconcile_strategy", "reconcileStrategy")
        raise ValueError(f"{shown}: not with {what}")
