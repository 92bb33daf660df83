"""The port ``Storage`` in memory, and levers to play helm."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from helmops.api.model import Access
from helmops.core.release.observation import Record, StoredRelease
from helmops.errors import Conflict, NotFound
from helmops.testing.objects import FakeObjects


@dataclass(frozen=True, slots=True)
class _Release:
    record: Record
    body: StoredRelease


class FakeRecords(FakeObjects):
    """Helm's release records.

    Levers: ``put_release`` writes one as helm does (status and revision are the body's), ``drop_release`` deletes it.
    """

    def __init__(self, namespaces: Collection[str] = ("default", "kube-system")) -> None:
        super().__init__(namespaces)
        self._releases: dict[tuple[str, str, int], _Release] = {}

    # ------------------------------------------------------------ the port
    async def records(self, access: Access, namespaces: Collection[str] | None) -> Sequence[Record]:
        """Every record."""
        self._called("records", namespaces)
        wanted = [key for key in sorted(self._releases) if namespaces is None or key[0] in namespaces]
        return [self._releases[key].record for key in wanted]

    async def records_of(self, access: Access, namespace: str, name: str) -> Sequence[Record]:
        """Every revision, oldest first."""
        self._called("records_of", namespace, name)
        return self.revisions(namespace, name)

    async def body(self, access: Access, record: Record) -> StoredRelease:
        """The body."""
        self._called("body", record)
        return self._present(record).body

    async def label(self, access: Access, record: Record, labels: Mapping[str, str | None]) -> Record:
        """Set and remove labels."""
        self._called("label", record, labels)
        found = self._unmoved(record)
        merged = {**found.record.labels, **labels}
        kept = {key: value for key, value in merged.items() if value is not None}
        return self._keep(replace(found, record=replace(found.record, labels=kept)))

    async def mark_failed(self, access: Access, record: Record, description: str) -> Record:
        """Write ``failed``."""
        self._called("mark_failed", record, description)
        found = self._unmoved(record)
        labels = {**found.record.labels, "status": "failed"}
        body = replace(found.body, status="failed", description=description)
        return self._keep(_Release(replace(found.record, status="failed", labels=labels), body))

    # ------------------------------------------------------------ levers
    def revisions(self, namespace: str, name: str) -> list[Record]:
        """Every revision, oldest first, uncounted."""
        return [found.record for key, found in sorted(self._releases.items()) if key[:2] == (namespace, name)]

    def release(self, namespace: str, name: str, revision: int) -> StoredRelease:
        """The body of one revision, uncounted."""
        return self._releases[namespace, name, revision].body

    def put_release(
        self, body: StoredRelease, labels: Mapping[str, str] | None = None, *, namespace: str = ""
    ) -> Record:
        """Create or rewrite a record. Rewriting keeps the labels it had, as helm does, and adds ``labels``.

        ``namespace``: where it is stored, when that is not where its objects are.
        """
        stored_in = namespace or body.namespace
        if not self.has_namespace(stored_in):
            raise NotFound(f'namespaces "{stored_in}" not found')
        old = self._releases.get((stored_in, body.name, body.revision))
        record = Record(
            namespace=stored_in,
            name=body.name,
            revision=body.revision,
            status=body.status,
            uid=old.record.uid if old else f"uid-{self._next()}",
            resource_version="",
            created=body.last_deployed or self.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            labels={**(old.record.labels if old else {}), **(labels or {}), **_own_labels(body)},
        )
        return self._keep(_Release(record, body))

    def drop_release(self, namespace: str, name: str, revision: int | None = None) -> None:
        """Delete one revision, or all of a release."""
        gone = [key for key in self._releases if key[:2] == (namespace, name) and revision in (None, key[2])]
        for key in gone:
            del self._releases[key]

    # ------------------------------------------------------------ inside
    def _keep(self, release: _Release) -> Record:
        record = replace(release.record, resource_version=str(self._next()))
        self._releases[_key(record)] = replace(release, record=record)
        return record

    def _present(self, record: Record) -> _Release:
        found = self._releases.get(_key(record))
        if found is None or found.record.uid != record.uid:
            raise NotFound(f'secrets "{record.secret}" not found')
        return found

    def _unmoved(self, record: Record) -> _Release:
        found = self._present(record)
        if found.record.resource_version != record.resource_version:
            raise Conflict("the release record has moved since it was read")
        return found


def _own_labels(body: StoredRelease) -> dict[str, str]:
    return {"owner": "helm", "name": body.name, "status": body.status, "version": str(body.revision)}


def _key(record: Record) -> tuple[str, str, int]:
    return record.namespace, record.name, record.revision
