"""Who we are to a cluster: static words are read by ourselves, plug-ins are run by the ``kubernetes`` package.

That package takes a quarter of a second to import, so it is imported here alone, only for users that need it, and in
a thread.
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import importlib
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helmops.adapters.kube.kubeconfig import Target, User
from helmops.adapters.kube.tls import load_client_certificate
from helmops.errors import Forbidden, InputError

_EARLY = 60.0
"""Seconds before its expiry at which a credential is renewed."""
_UNDATED = 60.0
"""Seconds for which a credential without an expiry of its own is trusted: a token file rotates, OIDC tokens expire."""


@dataclass(frozen=True, slots=True)
class _Credential:
    """``until``: seconds since the epoch, None for ever."""

    authorization: str = field(default="", repr=False)
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)
    until: float | None = None

    def fresh(self) -> bool:
        return self.until is None or time.time() < self.until


class Credentials:
    """The credentials of one context, renewed when about to expire or distrusted."""

    def __init__(self, target: Target, tls: ssl.SSLContext | None) -> None:
        self._target = target
        self._tls = tls
        self._lock = asyncio.Lock()
        self._credential: _Credential | None = None
        user = target.user
        if user.certificate and tls:
            load_client_certificate(tls, user.certificate, user.key, where=target.kubeconfig)

    async def authorization(self) -> str:
        """Value of the Authorization header, "" when a certificate says it all."""
        if self._credential is None or not self._credential.fresh():
            await self._renew(self._credential)
        return self._credential.authorization if self._credential else ""

    def distrust(self, authorization: str) -> bool:
        """The server answered ``authorization`` with 401. False when asking again would bring the same."""
        if self._credential and self._credential.authorization == authorization:
            self._credential = None
        return bool(self._target.user.plugin or self._target.user.token_file)

    async def _renew(self, stale: _Credential | None) -> None:
        async with self._lock:
            if self._credential is not stale:
                return  # another task has done it
            self._credential = await self._obtain()
            if self._credential.certificate and self._tls:
                certificate, key = self._credential.certificate, self._credential.key
                load_client_certificate(self._tls, certificate, key, where=self._target.kubeconfig)

    async def _obtain(self) -> _Credential:
        user = self._target.user
        if user.plugin is None:
            return _static(user, self._target.kubeconfig)
        if user.plugin.get("exec"):
            return await asyncio.to_thread(_from_exec, self._target, user.plugin["exec"])
        return await asyncio.to_thread(_from_auth_provider, self._target)


def _static(user: User, where: str) -> _Credential:
    if user.token_file:
        return _Credential(f"Bearer {_token_file(user.token_file, where)}", until=time.time() + _UNDATED)
    if user.token:
        return _Credential(f"Bearer {user.token}")
    if user.username:
        pair = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
        return _Credential(f"Basic {pair}")
    return _Credential()


def _token_file(path: str, where: str) -> str:
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read tokenFile {path}: {error}", where=where) from None


def _package(module: str) -> Any:
    return importlib.import_module(f"kubernetes.{module}")


def _from_exec(target: Target, settings: Mapping[str, Any]) -> _Credential:
    config = _package("config.kube_config")
    command = str(settings.get("command", ""))
    node = config.ConfigNode("exec", {**settings, "command": _located(command, target.user.base)})
    cluster = config.ConfigNode("cluster", _cluster_info(target))
    try:
        status = config.ExecProvider(node, None, cluster).run()
    except FileNotFoundError:
        hint = str(settings.get("installHint") or f"install {command}")
        raise InputError(
            f"the credential plug-in {command!r} is not installed", where=target.kubeconfig, hint=hint
        ) from None
    except (config.ConfigException, OSError) as error:
        hint = "log in again as your provider tells, then repeat"
        message = f"the credential plug-in {command!r} failed: {error}"
        raise Forbidden(message, where=target.kubeconfig, hint=hint) from None
    return _from_status(status, command, target)


def _located(command: str, base: str) -> str:
    """A command with a slash is relative to its kubeconfig, one without is looked up in PATH."""
    return str(Path(base) / command) if "/" in command else command


def _cluster_info(target: Target) -> dict[str, Any]:
    """What ``provideClusterInfo`` hands to the plug-in: data in place of file names."""
    known = ("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url", "extensions")
    info = {key: target.cluster[key] for key in known if target.cluster.get(key)}
    if target.authority:
        info["certificate-authority-data"] = base64.b64encode(target.authority).decode()
    return info


def _from_status(status: Mapping[str, Any], command: str, target: Target) -> _Credential:
    token, certificate = status.get("token", ""), status.get("clientCertificateData", "")
    if not token and not (certificate and status.get("clientKeyData")):
        message = f"the credential plug-in {command!r} gave neither a token nor a certificate with its key"
        raise Forbidden(message, where=target.kubeconfig)
    return _Credential(
        authorization=f"Bearer {token}" if token else "",
        certificate=str(certificate).encode(),
        key=str(status.get("clientKeyData", "")).encode(),
        until=_until(status.get("expirationTimestamp")),
    )


def _until(stamp: object) -> float | None:
    if not isinstance(stamp, str) or not stamp:
        return None
    try:
        return dt.datetime.fromisoformat(stamp).timestamp() - _EARLY
    except ValueError:
        return time.time() + _UNDATED


def _from_auth_provider(target: Target) -> _Credential:
    """OIDC and its kin. The package renews the token and, as kubectl does, writes it back into the kubeconfig."""
    configuration = _package("client").Configuration()
    load = _package("config").load_kube_config
    try:
        load(target.kubeconfig, target.context, configuration, persist_config=True)
    except Exception as error:  # the package lets the errors of three HTTP libraries through
        message = f"the auth-provider of context {target.context!r} failed: {type(error).__name__}"
        raise Forbidden(message, where=target.kubeconfig, hint="log in again") from error
    token = configuration.api_key.get("BearerToken", "")
    if not token:
        message = f"the auth-provider of context {target.context!r} gave no token"
        raise Forbidden(message, where=target.kubeconfig, hint="log in again")
    return _Credential(token, until=time.time() + _UNDATED)
