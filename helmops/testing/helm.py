"""The port ``Helm`` on a fake cluster: it writes the records and objects that helm would, and fails when told to.

What it does at each step was measured on Helm 3.19 and 4.2 and is held against both in tests/contract/test_helm.py.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from helmops.api.model import Access, ActionOptions
from helmops.core.release.observation import PENDING, Record, StoredRelease
from helmops.core.render.manifest import read
from helmops.core.yaml_dump import dump
from helmops.errors import Bug, FieldConflicts, HelmError, HelmopsError
from helmops.ports import Artifact, HelmChange, HelmRevert, HelmVersion, RenderRequest
from helmops.testing.cluster import FakeCluster
from helmops.testing.helm_objects import FakeObjectsOfHelm

Template = Callable[[RenderRequest], Iterable[Mapping[str, Any]]]
"""A chart: objects (and hooks, by their annotation) of a name, a namespace, values, a chart path, post-renderers."""

_SYSTEM_LABELS = frozenset({"name", "owner", "status", "version", "createdAt", "modifiedAt"})


@dataclass(slots=True)
class _Fault:
    kind: str
    method: str
    message: str
    writes_record: bool
    stuck: bool
    when: Callable[[Any], bool] | None


@dataclass(frozen=True, slots=True)
class _Step:
    """A revision to come. ``old``: whose objects it replaces; ``supersedes``: what a success makes old."""

    method: str
    request: HelmChange | HelmRevert
    new: StoredRelease
    labels: Mapping[str, str]
    old: Record | None
    supersedes: list[Record]


class FakeHelm:
    """helm of major version ``major``; ``template`` is every chart.

    ``calls`` counts each method, ``requests`` keeps what each was asked. ``held``, when set, is waited for by every
    write once its ``pending-*`` record stands; cancelled there, it ends as helm does on SIGTERM.
    """

    def __init__(self, cluster: FakeCluster, template: Template, *, major: int = 4) -> None:
        self.calls: Counter[str] = Counter()
        self.requests: list[RenderRequest | HelmChange | HelmRevert] = []
        self.held: asyncio.Event | None = None
        self._cluster = cluster
        self._template = template
        self._major = major
        self._objects = FakeObjectsOfHelm(cluster, server_side=major > 3)
        self._charts: dict[str, tuple[str, str]] = {}
        self._faults: list[_Fault] = []

    # ------------------------------------------------------------ levers
    def knows(self, artifact: Artifact) -> None:
        """Name and version of the chart at a path, for the records; ``chart`` 0.1.0 where nobody said."""
        self._charts[artifact.path] = (artifact.name, artifact.version)

    def fail_next(
        self,
        kind: str = "timeout",
        *,
        method: str = "",
        message: str = "context deadline exceeded",
        writes_record: bool = True,
        stuck: bool = False,
        when: Callable[[Any], bool] | None = None,
    ) -> None:
        """Let the next call (of ``method``, whose request ``when`` likes) fail after it has applied its objects.

        ``writes_record=False``: before anything was written, as what cannot be rendered or reached. ``stuck``: as
        after SIGKILL, with the ``pending-*`` record left behind.
        """
        self._faults.append(_Fault(kind, method, message, writes_record, stuck, when))

    # ------------------------------------------------------------ the port
    async def version(self) -> HelmVersion:
        """Of the major version asked for."""
        self.calls["version"] += 1
        return HelmVersion(self._major, 0, f"v{self._major}.0.0")

    async def render(self, access: Access, request: RenderRequest) -> str:
        """The template's objects as text."""
        self._heard("render", request)
        if fault := self._fault("render", request):
            raise _error(fault, request.namespace, request.name)
        return _text(self._template(request))

    async def install(self, access: Access, change: HelmChange) -> None:
        """``helm install --replace``."""
        self._heard("install", change)
        known = self._revisions(change)
        if known and known[-1].status not in {"failed", "uninstalled"}:
            raise _said(change, "other", "cannot re-use a name that is still in use")
        if change.options.create_namespace:
            self._cluster.add_namespace(change.target)
        for namespace in (change.namespace, change.target):
            if not self._cluster.has_namespace(namespace):
                raise _said(change, "not-found", f'create: failed to create: namespaces "{namespace}" not found')
        new = self._new(change, known, "pending-install", "Initial install underway")
        await self._write(_Step("install", change, new, change.labels, None, known[-1:]))

    async def upgrade(self, access: Access, change: HelmChange) -> None:
        """``helm upgrade --reset-values``."""
        self._heard("upgrade", change)
        known = self._revisions(change)
        self._check_upgrade(change, known)
        labels = {**_custom(known[-1]), **change.labels}
        kept = {key: value for key, value in labels.items() if value != "null"}
        before = next((record for record in reversed(known) if record.status == "deployed"), known[-1])
        new = self._new(change, known, "pending-upgrade", "Preparing upgrade")
        await self._write(_Step("upgrade", change, new, kept, before, [before]))
        self._prune(change, change.max_history)

    async def rollback(self, access: Access, revert: HelmRevert) -> None:
        """``helm rollback``: body and labels are those of the revision it goes back to."""
        self._heard("rollback", revert)
        known = self._revisions(revert)
        if not known:
            raise _said(revert, "not-found", "release: not found")
        target = next((record for record in known if record.revision == revert.revision), None)
        if target is None:
            raise _said(revert, "not-found", f"release has no {revert.revision} version")
        new = replace(
            self._body(target),
            revision=known[-1].revision + 1,
            status="pending-rollback",
            description=f"Rollback to {revert.revision}",
            last_deployed=self._cluster.now().isoformat(),
        )
        deployed = [record for record in known if record.status == "deployed"]
        await self._write(_Step("rollback", revert, new, _custom(target), known[-1], deployed))
        self._prune(revert, revert.max_history)

    async def uninstall(self, access: Access, revert: HelmRevert) -> None:
        """``helm uninstall``."""
        self._heard("uninstall", revert)
        known = self._revisions(revert)
        if not known:
            text = f"uninstall: Release not loaded: {revert.name}: release: not found"
            raise _said(revert, "not-found", text)
        self._mark(known[-1], "uninstalling", "Deletion in progress (or silently failed)")
        await self._hold()
        if fault := self._fault("uninstall", revert):
            raise _error(fault, revert.namespace, revert.name)
        await self._objects.delete(self._body(known[-1]))
        if revert.options.keep_history:
            self._mark(known[-1], "uninstalled", "Uninstallation complete")
        else:
            self._cluster.drop_release(revert.namespace, revert.name)

    def deadline(self, options: ActionOptions) -> float:
        """Some time after the timeout."""
        return 3 * options.timeout + 90

    # ------------------------------------------------------------ inside
    def _heard(self, method: str, request: RenderRequest | HelmChange | HelmRevert) -> None:
        self.calls[method] += 1
        self.requests.append(request)

    def _fault(self, method: str, request: Any) -> _Fault | None:
        for fault in self._faults:
            if fault.method in ("", method) and (fault.when is None or fault.when(request)):
                self._faults.remove(fault)
                return fault
        return None

    async def _hold(self) -> None:
        if self.held:
            await self.held.wait()

    def _check_upgrade(self, change: HelmChange, known: list[Record]) -> None:
        if known and known[-1].status in PENDING:
            raise _said(change, "pending", "another operation (install/upgrade/rollback) is in progress")
        if not known or known[-1].status == "uninstalled":
            raise _said(change, "not-found", f'"{change.name}" has no deployed releases')

    def _new(self, change: HelmChange, known: list[Record], status: str, description: str) -> StoredRelease:
        objects = list(self._template(_rendering_of(change, is_upgrade=status == "pending-upgrade")))
        hooks = [obj for obj in objects if _is_hook(obj)]
        chart_name, chart_version = self._charts.get(change.chart_path, ("chart", "0.1.0"))
        now = self._cluster.now().isoformat()
        return StoredRelease(
            name=change.name,
            namespace=change.target,
            revision=known[-1].revision + 1 if known else 1,
            status=status,
            description=description,
            chart_name=chart_name,
            chart_version=chart_version,
            app_version="",
            config=change.values,
            manifest=_text(obj for obj in objects if not _is_hook(obj)),
            hooks=tuple(_hook(obj) for obj in hooks),
            first_deployed=self._body(known[0]).first_deployed if known else now,
            last_deployed=now,
            apply_method="ssa" if self._objects.server_side else "csa",
        )

    async def _write(self, step: _Step) -> None:
        """Pending, objects, then deployed or failed."""
        fault = self._fault(step.method, step.request)
        if fault and not fault.writes_record:
            raise _error(fault, step.request.namespace, step.new.name)
        record = self._cluster.put_release(step.new, step.labels, namespace=step.request.namespace)
        try:
            await self._hold()
            await self._objects.replace(self._body(step.old) if step.old else None, step.new, step.request)
        except asyncio.CancelledError:
            if step.method != "rollback":  # helm rollback does not listen to SIGTERM
                self._failed(step, record, "context canceled")
            raise
        except HelmopsError as error:
            self._refused(step, record, error)
        if fault:
            if not fault.stuck:
                self._failed(step, record, fault.message)
            raise _error(fault, step.request.namespace, step.new.name)
        for old in step.supersedes:
            self._mark(old, "superseded")
        self._mark(record, "deployed", _description(step))

    def _failed(self, step: _Step, record: Record, why: str, noun: str = "") -> None:
        noun = noun or ("Upgrade" if step.method == "upgrade" else "Release")
        self._mark(record, "failed", f'{noun} "{step.new.name}" failed: {why}')

    def _refused(self, step: _Step, record: Record, error: HelmopsError) -> None:
        """The API server did not take an object."""
        if step.old and step.method == "rollback":
            self._mark(step.old, "superseded")
            self._failed(step, record, error.message, "Rollback")
        else:
            self._failed(step, record, error.message)
        kind = "conflict" if isinstance(error, FieldConflicts) else "unknown-field"
        raise _said(step.request, kind, error.message) from None

    def _revisions(self, of: HelmChange | HelmRevert) -> list[Record]:
        """Helm that is given another target than the release has would work on objects that are not there."""
        known = self._cluster.revisions(of.namespace, of.name)
        if known and self._body(known[-1]).namespace != of.target:
            raise Bug(f"{of.name} has its objects in {self._body(known[-1]).namespace}, not in {of.target}")
        return known

    def _body(self, record: Record) -> StoredRelease:
        return self._cluster.release(record.namespace, record.name, record.revision)

    def _mark(self, record: Record, status: str, description: str = "") -> None:
        body = self._body(record)
        body = replace(body, status=status, description=description or body.description)
        self._cluster.put_release(body, namespace=record.namespace)

    def _prune(self, of: HelmChange | HelmRevert, limit: int) -> None:
        """Drop the oldest revisions, never the deployed one."""
        known = self._revisions(of)
        droppable = [record for record in known if record.status != "deployed"]
        for record in droppable[: max(0, len(known) - limit)] if limit else []:
            self._cluster.drop_release(record.namespace, record.name, record.revision)


def _custom(record: Record) -> dict[str, str]:
    return {key: value for key, value in record.labels.items() if key not in _SYSTEM_LABELS}


def _description(step: _Step) -> str:
    if isinstance(step.request, HelmRevert):
        return f"Rollback to {step.request.revision}"
    return step.request.description or f"{step.method.capitalize()} complete"


def _rendering_of(change: HelmChange, *, is_upgrade: bool) -> RenderRequest:
    return RenderRequest(
        change.name,
        change.namespace,
        change.chart_path,
        change.values,
        is_upgrade=is_upgrade,
        target_namespace=change.target_namespace,
        post_renderers=change.post_renderers,
    )


def _text(objects: Iterable[Mapping[str, Any]]) -> str:
    """As ``helm template`` prints them."""
    parts = (f"---\n# Source: chart/templates/{obj['kind'].lower()}.yaml\n{dump(obj)}" for obj in objects)
    return "".join(parts)


def _is_hook(obj: Mapping[str, Any]) -> bool:
    return bool(read(_text([obj])).hooks)


def _hook(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """As helm stores it."""
    events = list(read(_text([obj])).hooks[0].events)
    name, kind = obj["metadata"]["name"], obj["kind"]
    path = f"chart/templates/{kind.lower()}.yaml"
    return {"name": name, "kind": kind, "path": path, "manifest": dump(obj), "events": events, "weight": 0}


def _error(fault: _Fault, namespace: str, name: str) -> HelmError:
    return HelmError(fault.message, kind=fault.kind, where=f"{namespace}/{name}")


def _said(of: HelmChange | HelmRevert, kind: str, message: str) -> HelmError:
    return HelmError(message, kind=kind, where=f"{of.namespace}/{of.name}")
