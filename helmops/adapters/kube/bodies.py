"""The body of a release Secret: base64(gzip(JSON)), as Helm writes it, within the limits of a hostile one."""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from collections.abc import Mapping
from typing import Any

import orjson

from helmops.core.release.observation import StoredRelease
from helmops.errors import Refused

MAX_BODY = 128 * 1024 * 1024
"""Most bytes that a body may unpack to. A Secret holds one megabyte; chart and manifest compress some tenfold."""
_GZIP = b"\x1f\x8b\x08"
_GZIP_WINDOW = 31


def decode(data: str, where: str) -> dict[str, Any]:
    """The body as Helm has it, every key of it. ``data`` is ``data.release`` with Kubernetes' own base64 still on."""
    try:
        packed = base64.b64decode(base64.b64decode(data, validate=True), validate=True)
        body = orjson.loads(_unpacked(packed, where))
    except (binascii.Error, ValueError, zlib.error) as error:
        raise _unreadable(type(error).__name__, where) from None
    if not isinstance(body, dict):
        raise _unreadable("no mapping", where)
    return body


def encode(body: Mapping[str, Any]) -> str:
    """The inverse of :func:`decode`."""
    packed = gzip.compress(orjson.dumps(body), mtime=0)
    return base64.b64encode(base64.b64encode(packed)).decode()


def stored_release(body: Mapping[str, Any]) -> StoredRelease:
    """What the core needs of a body."""
    info = body.get("info") or {}
    chart = (body.get("chart") or {}).get("metadata") or {}
    return StoredRelease(
        name=body.get("name", ""),
        namespace=body.get("namespace", ""),
        revision=int(body.get("version", 0)),
        status=info.get("status", ""),
        description=info.get("description", ""),
        chart_name=chart.get("name", ""),
        chart_version=chart.get("version", ""),
        app_version=chart.get("appVersion", ""),
        config=body.get("config") or {},
        manifest=body.get("manifest", ""),
        hooks=tuple(body.get("hooks") or ()),
        notes=info.get("notes", ""),
        first_deployed=info.get("first_deployed", ""),
        last_deployed=info.get("last_deployed", ""),
        apply_method=body.get("apply_method") or "csa",
    )


def _unpacked(packed: bytes, where: str) -> bytes:
    if not packed.startswith(_GZIP):
        return packed  # so did the first of Helm's versions, and Helm still reads it
    inflate = zlib.decompressobj(_GZIP_WINDOW)
    body = inflate.decompress(packed, MAX_BODY)
    if not inflate.eof:
        too_long = f"it unpacks to more than {MAX_BODY >> 20} MiB"
        raise _unreadable(too_long if len(body) == MAX_BODY else "it is cut off", where)
    return body


def _unreadable(why: str, where: str) -> Refused:
    hint = "look at the Secret; Helm itself cannot use it either. Delete it to forget this revision"
    return Refused(f"the body of this release record cannot be read ({why})", where=where, hint=hint)
