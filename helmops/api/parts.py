"""Parts of ``spec`` that Release shares with Flux's HelmRelease, and what they mean in the internal model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated, Any

from pydantic import BaseModel, Field

from helmops.api.fields import NamespaceName, ObjectName, Strict
from helmops.api.model import ActionOptions, Image, KubeConfigRef, Kustomize, Patch, SecretRef

PRUNE_ANNOTATIONS = ("helmops.dev/prune", "kustomize.toolkit.fluxcd.io/prune")
_OPTIONS = frozenset(one.name for one in fields(ActionOptions))


class SecretName(Strict):
    """A Secret in the namespace of the object that names it."""

    name: ObjectName


class SecretKey(SecretName):
    """One key of it."""

    key: Annotated[str | None, Field(description="Default: value, then value.yaml")] = None


class KubeConfig(Strict):
    """``spec.kubeConfig``: another cluster."""

    secret_ref: SecretKey


class Selector(Strict):
    """Which objects a patch is for; names are regular expressions."""

    group: str | None = None
    version: str | None = None
    kind: str | None = None
    name: str | None = None
    namespace: str | None = None
    label_selector: str | None = None
    annotation_selector: str | None = None


class KustomizePatch(Strict):
    """A strategic merge or JSON 6902 patch, as text."""

    patch: str
    target: Selector | None = None


class KustomizeImage(Strict):
    """Another name, tag or digest for an image."""

    name: str
    new_name: str | None = None
    new_tag: str | None = None
    digest: str | None = None


class KustomizePart(Strict):
    """``kustomize`` of a post-renderer."""

    patches: tuple[KustomizePatch, ...] = Field(default=(), strict=False)
    images: tuple[KustomizeImage, ...] = Field(default=(), strict=False)


class PostRenderer(Strict):
    """One entry of ``spec.postRenderers``."""

    kustomize: KustomizePart = KustomizePart()


class DependsOn(Strict):
    """One entry of ``spec.dependsOn``."""

    name: ObjectName
    namespace: NamespaceName | None = None


def action_options(part: BaseModel, timeout: float, **more: Any) -> ActionOptions:
    """Same field names on both sides, so that an option is written down once."""
    given = {name: value for name, value in part if name in _OPTIONS and value is not None}
    return ActionOptions(**({"timeout": timeout} | given | more))


def kustomizations(renderers: Sequence[PostRenderer]) -> tuple[Kustomize, ...]:
    """Those that do anything."""
    found = (Kustomize(_patches(one.kustomize), _images(one.kustomize)) for one in renderers)
    return tuple(one for one in found if one != Kustomize())


def _patches(part: KustomizePart) -> tuple[Patch, ...]:
    return tuple(
        Patch(one.patch, one.target.model_dump(by_alias=True, exclude_none=True) if one.target else {})
        for one in part.patches
    )


def _images(part: KustomizePart) -> tuple[Image, ...]:
    return tuple(Image(one.name, one.new_name or "", one.new_tag or "", one.digest or "") for one in part.images)


def kube_config(given: KubeConfig | None, namespace: str) -> KubeConfigRef | None:
    """The kubeconfig stands beside the object, whatever the release's own namespaces are."""
    if given is None:
        return None
    return KubeConfigRef(SecretRef(namespace, given.secret_ref.name), given.secret_ref.key or "")


def secret(given: SecretName | None, namespace: str) -> SecretRef | None:
    """A Secret beside the object that names it."""
    return SecretRef(namespace, given.name) if given else None


def prunes(annotations: dict[str, str]) -> bool:
    """Whether the release goes when its object does."""
    return all(annotations.get(name) != "disabled" for name in PRUNE_ANNOTATIONS)
