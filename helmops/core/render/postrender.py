"""Post-renderers: what kustomize is given of a rendering, and what is made of its answer.

Hooks are left out. Helm 3 has no way to post-render them and Helm 4 sends them along, so they are taken out here and
put back as they were: a release is the same on both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from helmops.api.model import Image, Kustomize, Patch
from helmops.core.render.manifest import parts
from helmops.core.yaml import loads_fast
from helmops.core.yaml_dump import dump
from helmops.errors import InputError

FILENAME_ANNOTATION = "postrenderer.helm.sh/postrender-filename"
"""Helm 4 marks with it what it sends. To patches it is not there, as it is not on Helm 3."""

RESOURCES = "resources.yaml"
_EMPTY = "---\n# no objects\n"  # Helm 4 takes no answer at all for a failure
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Stream:
    """What helm rendered. ``objects`` is the text for kustomize, ``hooks`` are documents as they came."""

    objects: str
    hooks: tuple[str, ...]

    def joined(self, objects: str) -> str:
        """The whole again, with other objects."""
        documents = [text for text in (objects, *self.hooks) if text.strip()]
        return "".join(f"---\n{text.strip(chr(10))}\n" for text in documents) or _EMPTY


def split(text: str) -> Stream:
    """Objects from hooks. InputError for what is no YAML."""
    found = list(parts(text))
    objects = "---\n".join(dump(_unmarked(part.document)) for part in found if not part.is_hook)
    return Stream(objects, tuple(part.text for part in found if part.is_hook))


def _unmarked(document: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = document.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    if not isinstance(metadata, Mapping) or not isinstance(annotations, Mapping):
        return document
    kept = {key: value for key, value in annotations.items() if key != FILENAME_ANNOTATION}
    if kept == annotations:
        return document
    rest = {key: value for key, value in metadata.items() if key != "annotations"}
    return {**document, "metadata": {**rest, **({"annotations": kept} if kept else {})}}


def was_post_rendered(manifest: str) -> bool:
    """Whether a stored manifest came from one: Helm 3 then keeps no source of its objects, Helm 4 a made-up one."""
    return bool(manifest.strip()) and ("# Source: " not in manifest or "# Source: generated-by-postrender" in manifest)


# ---------------------------------------------------------------- for kustomize
def folders(renderers: Sequence[Kustomize]) -> Mapping[str, str]:
    """Files by path: a folder for each post-renderer, the first with the objects, each further on top of the last.

    Everything is said inline. No field that fetches, generates or runs something is ever written.
    """
    return {f"{number}/kustomization.yaml": _kustomization(number, one) for number, one in enumerate(renderers)}


def _kustomization(number: int, renderer: Kustomize) -> str:
    said: dict[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "sortOptions": {"order": "fifo"},  # helm's order
        "resources": [f"../{number - 1}" if number else RESOURCES],
        "patches": [_patch(patch) for patch in renderer.patches],
        "images": [_image(image) for image in renderer.images],
    }
    return json.dumps(said)


def _patch(patch: Patch) -> dict[str, Any]:
    return {"patch": patch.patch, **({"target": dict(patch.target)} if patch.target else {})}


def _image(image: Image) -> dict[str, str]:
    said = {"name": image.name, "newName": image.new_name, "newTag": image.new_tag, "digest": image.digest}
    return {key: value for key, value in said.items() if value}


def wanted(renderers: Sequence[Kustomize]) -> list[Any]:
    """Post-renderers as they go into the desired digest. What is empty is left out: new fields change no old digest."""
    return [_told(one) for one in renderers]


def _told(value: Any) -> Any:
    if is_dataclass(value):
        told = {field.name: _told(getattr(value, field.name)) for field in fields(value)}
        return {name: item for name, item in told.items() if item}
    if isinstance(value, tuple):
        return [_told(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


# ---------------------------------------------------------------- what went wrong
def count(renderers: Sequence[Kustomize]) -> int:
    """How many patches there are in all."""
    return sum(len(one.patches) for one in renderers)


def first(renderers: Sequence[Kustomize], patches: int) -> tuple[Kustomize, ...]:
    """Only what comes before patch number ``patches`` (from 0) or, behind the last one, before its images."""
    kept: list[Kustomize] = []
    for one in renderers:
        if patches <= len(one.patches):
            return (*kept, replace(one, patches=one.patches[:patches], images=()))
        kept.append(one)
        patches -= len(one.patches)
    return tuple(kept)


def name_of(renderers: Sequence[Kustomize], patch: int) -> str:
    """Patch number ``patch`` (from 0) as people find it."""
    for number, one in enumerate(renderers, 1):
        if patch < len(one.patches):
            where = f" of post-renderer {number}" if len(renderers) > 1 else ""
            return f"patch {patch + 1}{where}{_aim(one.patches[patch])}"
        patch -= len(one.patches)
    return "a patch"


def _aim(patch: Patch) -> str:
    aim = dict(patch.target) or next(_documents(patch), {})
    said = "/".join(str(aim[key]) for key in ("kind", "name") if aim.get(key))
    return f" ({said})" if said else ""


def _documents(patch: Patch) -> Iterator[dict[str, Any]]:
    try:
        documents = loads_fast(patch.patch)
    except InputError:
        return
    for document in documents:
        if isinstance(document, Mapping):
            metadata = document.get("metadata")
            named = {"name": metadata.get("name")} if isinstance(metadata, Mapping) else {}
            yield {"kind": document.get("kind"), **named}


_LOG = re.compile(r'^[EF]\d{4} [^\]]*\] "command failed" err=', re.MULTILINE)
_PATCH_TEXT = re.compile(r"trouble configuring builtin \w+ with config: `.*`: |(?<=patch) from \[.*\]\s*$", re.DOTALL)
_BASES = re.compile(r"^.*recursed accumulation of path '[^']*': ", re.DOTALL)  # one post-renderer on top of another


def reason(stderr: str) -> str:
    """What kustomize says, without what its log wraps around it and without the patch, which may hold a secret."""
    text = _LOG.sub("", stderr.strip()).strip()
    if text.startswith("<\n"):
        text = text[2:].rstrip("> \n")
    elif text.startswith('"'):
        text = text[1:-1].replace('\\"', '"')
    text = _PATCH_TEXT.sub("", _BASES.sub("", text.removeprefix("Error: ")))
    text = re.sub(r"\s+", " ", text).strip()
    return (text[:_LONGEST] + " …" if len(text) > _LONGEST else text) or "kustomize did not say why"
