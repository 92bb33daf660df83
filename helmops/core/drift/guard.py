"""Which fields of an object rightly stay with another, so that neither helm nor a correction writes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from helmops.core.drift.fields import is_helms, owners
from helmops.core.objects import ObjectId, ObjectMeta, meta_of

REPLICAS = "/spec/replicas"
_REPLICAS_PATH = ("f:spec", "f:replicas")


@dataclass(frozen=True, slots=True)
class HpaTargets:
    """What HorizontalPodAutoscalers point at: (namespace, API group, kind, name)."""

    keys: frozenset[tuple[str, str, str, str]]

    def has(self, object_id: ObjectId) -> bool:
        """Whether one points at the object."""
        return (object_id.namespace, object_id.group, object_id.kind, object_id.name) in self.keys


def hpa_targets(hpas: Iterable[Mapping[str, Any]]) -> HpaTargets:
    """The index of ``spec.scaleTargetRef`` of HorizontalPodAutoscalers; one on its way out counts no more."""
    return HpaTargets(frozenset(_target(hpa) for hpa in hpas if "deletionTimestamp" not in hpa["metadata"]))


def guarded(
    live: Mapping[str, Any] | ObjectMeta, targets: HpaTargets, extra_managers: Collection[str] = ()
) -> tuple[str, ...]:
    """JSON pointers of the fields that stay with their owner: ``spec.replicas`` once an autoscaler has it.

    A field that Helm still owns is not among them: left out, it would fall back to its default. While an autoscaler
    points at the object, ``replicas`` that left Helm's entry stay whoever holds them now: a person in between or
    a reset of managedFields must not throw 20 replicas back to the chart's 2. Without an autoscaler, what somebody set
    by ``kubectl scale`` is drift. ``extra_managers`` scale by right, without a HorizontalPodAutoscaler.
    """
    meta = live if isinstance(live, ObjectMeta) else meta_of(live)
    found = owners(meta.managed, _REPLICAS_PATH)
    if any(is_helms(entry) for entry in found):
        return ()
    by_right = targets.has(meta.id) or any(entry.manager in extra_managers for entry in found)
    return (REPLICAS,) if by_right else ()


def _target(hpa: Mapping[str, Any]) -> tuple[str, str, str, str]:
    ref = hpa["spec"]["scaleTargetRef"]
    group = str(ref.get("apiVersion", "")).rpartition("/")[0]
    return hpa["metadata"].get("namespace", ""), group, ref["kind"], ref["name"]
