"""Credentials of chart sources: the Secrets that they name, from the input or else from the cluster."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from helmops.api.model import Access, Credentials, PathChart, Release, SecretRef
from helmops.core.objects import ObjectId
from helmops.engine.load import Loaded
from helmops.engine.values import AccessOf, as_release, read_values
from helmops.errors import HelmopsError, InputError, NotFound
from helmops.ports import Cluster


async def completed(cluster: Cluster, start: Access, loaded: Loaded) -> Loaded:
    """``loaded`` with all that only the cluster has: values and credentials."""
    access_of = as_release(start)
    return await read_credentials(cluster, await read_values(cluster, loaded, access_of), access_of)


async def read_credentials(cluster: Cluster, loaded: Loaded, access_of: AccessOf) -> Loaded:
    """Each Secret is asked for once per identity. What cannot be had stands in ``Loaded.unread``."""
    refs = {one.described: ref for one in loaded.desired.releases if (ref := _auth(one))}
    asked = {(access_of(one), refs[one.described]) for one in loaded.desired.releases if one.described in refs}
    answers = dict(zip(asked, await asyncio.gather(*(_read(cluster, loaded, *one) for one in asked)), strict=True))
    found: dict[tuple[str, str], Credentials] = {}
    unread = dict(loaded.unread)
    for release in loaded.desired.releases:
        if release.described in refs:
            answer = answers[access_of(release), refs[release.described]]
            if isinstance(answer, Credentials):
                found[release.described] = answer
            else:
                unread.setdefault(release.described, answer)
    return replace(loaded, credentials=found, unread=unread)


def _auth(release: Release) -> SecretRef | None:
    return None if isinstance(release.chart, PathChart) else release.chart.auth


async def _read(cluster: Cluster, loaded: Loaded, access: Access, ref: SecretRef) -> Credentials | HelmopsError:
    where = f"Secret {ref.namespace}/{ref.name}"
    secret = loaded.desired.objects.get(("Secret", ref.namespace, ref.name))
    try:
        secret = secret or await cluster.get(access, ObjectId("v1", "Secret", ref.namespace, ref.name))
        if secret is None:
            return NotFound(f"{where}, which holds the credentials of the chart's source, is not there")
        return Credentials(_value(secret, "username", where), _value(secret, "password", where))
    except HelmopsError as error:
        return error


def _value(secret: Mapping[str, Any], key: str, where: str) -> str:
    plain = (secret.get("stringData") or {}).get(key)
    encoded = (secret.get("data") or {}).get(key)
    if plain is None and encoded is None:
        raise InputError(f"{where} has no key {key}", hint="a source takes the keys username and password")
    try:
        return str(plain) if plain is not None else base64.b64decode(str(encoded), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise InputError(f"{where}: its key {key} is no base64 of a text") from None
