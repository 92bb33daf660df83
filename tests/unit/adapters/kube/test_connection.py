"""Connections: one a cluster, one identity an Access, trusted both ways."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import os
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from helmops.adapters.kube.client import Client, Request
from helmops.adapters.kube.connection import Connections
from helmops.api.model import Access, Identity
from helmops.errors import InputError, Unreachable
from tests.unit.adapters.kube.scripted import Answer, client_of, running, write_kubeconfig


class Pki:
    """An authority, a server's certificate and a client's, in a folder."""

    def __init__(self, folder: Path, server: x509.GeneralName) -> None:
        self.key, self.name = ec.generate_private_key(ec.SECP256R1()), named("authority")
        self.authority = self.signed(self.name, self.key, authority=True)
        self.server = pem_pair(folder / "server.pem", *self.issue("server", server))
        self.client = pem_pair(folder / "client.pem", *self.issue("client"))

    def issue(self, name: str, *alternatives: x509.GeneralName) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        key = ec.generate_private_key(ec.SECP256R1())
        return self.signed(named(name), key, *alternatives), key

    def signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *alternatives: x509.GeneralName,
        authority: bool = False,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder(self.name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
        )
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def authority_data(self) -> str:
        return base64.b64encode(self.authority.public_bytes(serialization.Encoding.PEM)).decode()

    def context(self) -> ssl.SSLContext:
        """What the server listens with: it wants a certificate of the client."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        context.load_verify_locations(cadata=self.authority.public_bytes(serialization.Encoding.PEM).decode())
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def user(self) -> dict[str, str]:
        return {"client-certificate": str(self.client), "client-key": str(self.client)}


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def pem_pair(path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Path:
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path, x509.IPAddress(ipaddress.ip_address("127.0.0.1")))


async def whoami(client: Client, access: Access) -> Any:
    return await client.request(access, Request("GET", "/whoami"))


def tell_peer(request: web.Request) -> Answer:
    certificate = request.get_extra_info("peercert") or {}
    return {"peer": [value for part in certificate.get("subject", ()) for _, value in part]}


@pytest.mark.parametrize("in_memory", [True, False])
async def test_client_certificates_leave_no_file(
    tmp_path: Path, pki: Pki, in_memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    cluster = {"certificate-authority-data": pki.authority_data()}
    async with running(ssl_context=pki.context()) as server, client_of() as client:
        server.script = tell_peer
        access = write_kubeconfig(tmp_path / "config", server.url, pki.user(), **cluster)
        assert await whoami(client, access) == {"peer": ["client"]}
    assert list(scratch.iterdir()) == []


async def test_a_server_that_is_not_trusted(tmp_path: Path, pki: Pki) -> None:
    other = Pki(tmp_path, x509.DNSName("other"))
    async with running(ssl_context=pki.context()) as server, client_of() as client:
        cluster = {"certificate-authority-data": other.authority_data()}
        access = write_kubeconfig(tmp_path / "config", server.url, {}, **cluster)
        with pytest.raises(Unreachable, match="no trusted connection") as caught:
            await whoami(client, access)
        assert "certificate-authority" in caught.value.hint


async def test_a_certificate_of_another_name(tmp_path: Path) -> None:
    pki = Pki(tmp_path, x509.DNSName("inner.example.org"))
    cluster = {"certificate-authority-data": pki.authority_data()}
    async with running(ssl_context=pki.context()) as server, client_of() as client:
        server.script = tell_peer
        wrong = write_kubeconfig(tmp_path / "wrong", server.url, pki.user(), **cluster)
        with pytest.raises(Unreachable, match="no trusted connection"):
            await whoami(client, wrong)
        told = {**cluster, "tls-server-name": "inner.example.org"}
        right = write_kubeconfig(tmp_path / "right", server.url, pki.user(), **told)
        assert await whoami(client, right) == {"peer": ["client"]}
        unchecked = {"insecure-skip-tls-verify": True}
        assert await whoami(client, write_kubeconfig(tmp_path / "any", server.url, pki.user(), **unchecked))


@pytest.mark.parametrize(
    ("user", "cluster", "told"),
    [
        ({"client-certificate-data": "eA==", "client-key-data": "eA=="}, {}, "client certificate"),
        ({}, {"certificate-authority-data": "eA=="}, "no PEM certificate"),
    ],
)
async def test_certificates_that_are_none(
    tmp_path: Path, user: Mapping[str, str], cluster: Mapping[str, str], told: str
) -> None:
    access = write_kubeconfig(tmp_path / "config", "https://127.0.0.1:1", user, **cluster)
    connections = Connections({})
    with pytest.raises(InputError, match=told):
        await connections.get(access)
    await connections.close()


async def test_one_session_for_all_identities_of_a_cluster(tmp_path: Path) -> None:
    access = write_kubeconfig(tmp_path / "config", "http://127.0.0.1:1", {"token": "t", "as": "robot"})
    connections = Connections({})
    mine = await connections.get(access)
    bobs = await connections.get(Access(access.cluster, Identity("bob", ("a", "b"))))
    assert await connections.get(access) is mine
    assert bobs.session is mine.session
    assert (await mine.headers()).getall("Impersonate-User") == ["robot"]
    headers = await bobs.headers()
    assert headers.getall("Impersonate-User") == ["bob"]
    assert headers.getall("Impersonate-Group") == ["a", "b"]
    assert headers["Authorization"] == "Bearer t"
    await connections.close()
    assert mine.session.closed


async def test_what_a_connection_tells(tmp_path: Path) -> None:
    access = write_kubeconfig(tmp_path / "config", "http://127.0.0.1:1/prefix/", {})
    connections = Connections({})
    connection = await connections.get(access)
    assert (connection.server, connection.context) == ("http://127.0.0.1:1/prefix", "here")
    assert (connection.namespace, connection.kubeconfig) == ("default", str(tmp_path / "config"))
    assert not connection.uses_plugin
    assert dict(await connection.headers()) == {}
    await connections.close()


async def test_through_a_proxy(tmp_path: Path) -> None:
    async with running() as proxy, client_of() as client:
        proxy.script = lambda request: {"asked": str(request.url)}
        access = write_kubeconfig(tmp_path / "config", "http://api.example.org:8080", {}, **{"proxy-url": proxy.url})
        assert await whoami(client, access) == {"asked": "http://api.example.org:8080/whoami"}


async def test_compression_only_where_it_pays(tmp_path: Path) -> None:
    async with running() as server, client_of() as client:
        await whoami(client, write_kubeconfig(tmp_path / "config", server.url, {}))
        far = write_kubeconfig(tmp_path / "far", "http://api.example.org", {}, **{"proxy-url": server.url})
        await whoami(client, far)
        assert [request.headers["Accept-Encoding"] for request in server.seen] == ["identity", "gzip"]
