"""Connections to API servers: one session per cluster, one identity per ``Access`` on top of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from multidict import CIMultiDict

from helmops.adapters.kube.credentials import Credentials
from helmops.adapters.kube.kubeconfig import Target, load_target
from helmops.adapters.kube.proxies import is_loopback, proxy_for
from helmops.adapters.kube.tls import context_for
from helmops.api.model import Access, ClusterRef, Identity

IN_FLIGHT = 16
"""Requests of ours at one time and cluster: more makes the server slower, not us faster. It is no limit of the pool:
the watches of helm's children hold theirs for minutes, and a full pool would lock everyone out."""
_KEEP_ALIVE = 75.0
_CONNECT_SECONDS = 10.0


@dataclass(slots=True)
class _Link:
    """What all identities of one cluster share. ``answered``: whether the server ever did."""

    target: Target
    session: ClientSession
    credentials: Credentials
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT))
    answered: bool = False


class Connection:
    """One cluster as one identity.

    ``server`` is the base URL, without a slash at its end. ``session`` has TLS, proxy and pool in it; it adds no
    credentials: each request carries ``await headers()``.
    """

    def __init__(self, link: _Link, identity: Identity) -> None:
        self._link = link
        self._impersonate = _impersonation(link.target, identity)
        self.server = link.target.server
        self.session = link.session
        self.context = link.target.context
        self.kubeconfig = link.target.kubeconfig
        self.namespace = link.target.namespace
        self.uses_plugin = link.target.user.plugin is not None

    @property
    def slots(self) -> asyncio.Semaphore:
        """Held around each request of ours."""
        return self._link.slots

    @property
    def answered(self) -> bool:
        """Whether the server has ever answered: a server that has is worth waiting for when it falls silent."""
        return self._link.answered

    def mark_answered(self) -> None:
        """The server has answered."""
        self._link.answered = True

    async def headers(self) -> CIMultiDict[str]:
        """Authorization and Impersonate-*. Multi-valued (``Impersonate-Group``): extend with it, do not update."""
        headers: CIMultiDict[str] = CIMultiDict(self._impersonate)
        authorization = await self._link.credentials.authorization()
        if authorization:
            headers["Authorization"] = authorization
        return headers

    def distrust(self, headers: Mapping[str, str]) -> bool:
        """The server answered these ``headers`` with 401. False when another try would bring the same."""
        return self._link.credentials.distrust(headers.get("Authorization", ""))


class Connections:
    """Makes connections, keeps them, closes them. ``environ`` says where the ambient kubeconfig is."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._links: dict[ClusterRef, _Link] = {}
        self._connections: dict[Access, Connection] = {}

    async def get(self, access: Access) -> Connection:
        """The connection of ``access``. InputError when the kubeconfig does not say how; no request is made."""
        connection = self._connections.get(access)
        if connection is None:
            connection = self._connections[access] = Connection(self._link(access.cluster), access.identity)
        return connection

    async def close(self) -> None:
        """Close every session."""
        links = list(self._links.values())
        self._links.clear()
        self._connections.clear()
        for link in links:
            await link.session.close()

    def _link(self, ref: ClusterRef) -> _Link:
        link = self._links.get(ref)
        if link is None:
            link = self._links[ref] = self._open(ref)
        return link

    def _open(self, ref: ClusterRef) -> _Link:
        target = load_target(ref, self._environ)
        tls = context_for(target)
        credentials = Credentials(target, tls)
        session = ClientSession(
            connector=TCPConnector(limit=0, ssl=tls or True, keepalive_timeout=_KEEP_ALIVE),
            proxy=proxy_for(target.server, target.proxy, self._environ),
            headers={"Accept-Encoding": _encoding(target.server), "User-Agent": "helmops"},
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
        )
        return _Link(target, session, credentials)


def _encoding(server: str) -> str:
    """On loopback compression only costs; elsewhere it makes long lists ten times shorter."""
    return "identity" if is_loopback(urlsplit(server).hostname or "") else "gzip"


def _impersonation(target: Target, identity: Identity) -> tuple[tuple[str, str], ...]:
    """The identity that was asked for, else the kubeconfig's own ``as``."""
    if not identity.user:
        return target.user.impersonate
    return (("Impersonate-User", identity.user), *(("Impersonate-Group", group) for group in identity.groups))
