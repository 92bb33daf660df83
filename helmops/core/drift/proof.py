"""Drift, proved by metadata: while an object's metadata repeats what it was when a dry-run found it clean, it is clean.

The proof holds on to everything in the metadata that a write could move:

- ``uid``: the object was deleted and made anew;
- ``manifest``: Helm wants something else now;
- ``metadata``: labels, annotations and all of ``managedFields`` but the status entries. Managers, operations and times
  show most writes; the fields themselves show what changes no time: a finalizer that another removed;
- ``version``: ``generation``, which rises with every write to the spec, even with those that leave no trace in
  managedFields (a value there and back, a list item moved, managedFields reset). Kinds without one, and kinds whose
  generation never rises, use ``resourceVersion``: there a mere status write (a Service's load balancer, an
  HorizontalPodAutoscaler's conditions) breaks the proof and costs one dry-run.

Labels and annotations that only a status entry owns are the controllers' notes and left out (a Deployment's revision).
An object without an entry of Helm's own manager is never provable: who else wrote it, nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helmops.core.digest import canonical_json, sha256_hex
from helmops.core.drift.fields import Added, is_helms
from helmops.core.objects import ManagedEntry, ObjectMeta

STATUS = "status"

_CONSTANT_GENERATION = frozenset({"PriorityClass"})
"""Kinds that show a generation and never raise it (seen on Kubernetes 1.36)."""


@dataclass(frozen=True, slots=True)
class Proof:
    """That an object was clean. ``added``: what others had put on it then, so that each plan can tell it unasked."""

    uid: str
    manifest: str
    metadata: str
    version: str
    added: tuple[Added, ...] = ()

    def to_json(self) -> list[Any]:
        """Compact: thousands of them stand in one cache file."""
        added = [[one.path, one.manager, one.time] for one in self.added]
        return [self.uid, self.manifest, self.metadata, self.version, *([added] if added else [])]

    @classmethod
    def from_json(cls, data: Any) -> Proof | None:
        """None for anything but what ``to_json`` gave: a lost proof costs one dry-run."""
        try:
            uid, manifest, metadata, version, *rest = data
            added = tuple(Added(path, manager, time) for path, manager, time in (rest[0] if rest else ()))
        except (TypeError, ValueError):
            return None
        return cls(uid, manifest, metadata, version, added)


def provable(meta: ObjectMeta) -> bool:
    """Whether metadata can prove anything about the object: Helm has an entry of its own, and it stays."""
    return not meta.deleting and any(is_helms(entry) for entry in meta.managed)


def prove(meta: ObjectMeta, manifest_hash: str, added: Iterable[Added] = ()) -> Proof:
    """The proof of an object that a dry-run has just found clean. ``meta`` is what was read *before* that dry-run."""
    return Proof(meta.uid, manifest_hash, _metadata_hash(meta), _version(meta), tuple(added))


def holds(proof: Proof, meta: ObjectMeta, manifest_hash: str) -> bool:
    """Whether the object is still as it was when it was proved clean."""
    return provable(meta) and prove(meta, manifest_hash, proof.added) == proof


def _version(meta: ObjectMeta) -> str:
    if meta.generation is None or meta.id.kind in _CONSTANT_GENERATION:
        return f"r{meta.resource_version}"
    return f"g{meta.generation}"


def _metadata_hash(meta: ObjectMeta) -> str:
    seen = [
        _lasting(meta.labels, "f:labels", meta.managed),
        _lasting(meta.annotations, "f:annotations", meta.managed),
        [[e.manager, e.operation, e.subresource, e.time, e.fields] for e in meta.managed if e.subresource != STATUS],
    ]
    return sha256_hex(canonical_json(seen))[:32]


def _lasting(texts: Mapping[str, str], field: str, managed: Sequence[ManagedEntry]) -> Mapping[str, str]:
    """Without those that status entries alone own."""
    noted, claimed = (_keys(managed, field, status=status) for status in (True, False))
    return {key: text for key, text in texts.items() if key not in noted or key in claimed}


def _keys(managed: Sequence[ManagedEntry], field: str, *, status: bool) -> set[str]:
    return {
        segment.removeprefix("f:")
        for entry in managed
        if (entry.subresource == STATUS) is status
        for segment in entry.fields.get("f:metadata", {}).get(field, {})
    }
