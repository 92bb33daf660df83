"""What registries answer: manifests and lists of tags, believed as little as any other file from outside."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from helmops.adapters.charts.oci_place import is_digest, is_tag
from helmops.errors import InputError

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.cncf.helm.config.v1+json"
CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)

ACCEPT = ", ".join((MANIFEST, *INDEXES))
"""Indexes too, so that they can be told from what is not there."""

_LINK = r'<([^<>]*)>((?:\s*;\s*[a-z]+\s*=\s*(?:"[^"]*"|[^\s",;]*))*)'
_NEXT = r'rel\s*=\s*"?next"?(?![\w-])'


@dataclass(frozen=True, slots=True)
class Manifest:
    """Of a chart. ``digest``: its own, ``sha256:…``; ``archive``: the packed chart's sha256; ``size``: its bytes."""

    digest: str
    archive: str
    size: int


def digest_of(body: bytes) -> str:
    """The digest that a manifest goes by."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def read_manifest(body: bytes, where: str) -> Manifest:
    """InputError when it is not that of one Helm chart."""
    document = _object(body, where)
    if document.get("mediaType") in INDEXES or "manifests" in document:
        hint = "name the digest of the one that is the chart"
        raise InputError("is an index of several manifests", where=where, hint=hint)
    kind = _media_type(document.get("config"))
    if kind != CONFIG:
        raise InputError(f"is no Helm chart: its config is {kind[:100]!r}, not {CONFIG!r}", where=where)
    layers = document.get("layers")
    charts = [layer for layer in layers if _media_type(layer) == CHART] if isinstance(layers, list) else []
    if len(charts) != 1:
        raise InputError(f"is no Helm chart: it has {len(charts)} layers of {CHART!r}, not one", where=where)
    return Manifest(digest_of(body), *_descriptor(charts[0], where))


def _media_type(descriptor: object) -> str:
    return str(descriptor.get("mediaType", "")) if isinstance(descriptor, dict) else ""


def _descriptor(layer: dict[str, Any], where: str) -> tuple[str, int]:
    digest, size = layer.get("digest"), layer.get("size")
    if not isinstance(digest, str) or not is_digest(digest) or type(size) is not int or size < 0:
        raise InputError("names its packed chart by no sha256 digest and size", where=where)
    return digest.removeprefix("sha256:"), size


def read_tags(body: bytes, where: str) -> list[str]:
    """One page of tags. What can be none is left out."""
    tags = _object(body, where).get("tags") or []
    if not isinstance(tags, list):
        raise InputError("is no list of tags", where=where)
    return [tag for tag in tags if isinstance(tag, str) and is_tag(tag)]


def next_page(link: str) -> str:
    """The question after ``?`` that the header ``Link`` has for the next page; empty on the last one.

    Where to ask it is not the registry's to say: behind a proxy it knows its own address no better than we do, and
    another's address would be sent what only the registry may see.
    """
    for match in re.finditer(_LINK, link):
        if re.search(_NEXT, match[2]):
            try:
                return urlsplit(match[1]).query
            except ValueError:
                return ""
    return ""


def _object(body: bytes, where: str) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except ValueError as error:
        raise InputError(f"cannot be read: {error}", where=where) from error
    if not isinstance(document, dict):
        raise InputError("is no JSON object", where=where)
    return document
