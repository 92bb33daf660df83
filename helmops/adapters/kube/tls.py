"""TLS to the API server: one context per cluster, client keys that touch no disk."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helmops.adapters.kube.kubeconfig import Target
from helmops.errors import InputError


class _NamedContext(ssl.SSLContext):
    """Checks the certificate against ``tls-server-name``, whatever host the caller dials.

    Done here, so that everyone who uses the session gets it without a word.
    """

    expected_name: str = ""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        name = self.expected_name or server_hostname
        return super().wrap_bio(incoming, outgoing, server_side, name, session)


def context_for(target: Target) -> ssl.SSLContext | None:
    """The TLS context of a cluster, without client certificate; None for a plain http server."""
    if not target.server.startswith("https://"):
        return None
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.expected_name = target.tls_server_name
    if target.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif target.authority:
        _trust(context, target)
    else:
        context.load_default_certs()
    return context


def _trust(context: ssl.SSLContext, target: Target) -> None:
    try:
        context.load_verify_locations(cadata=target.authority.decode())
    except (ssl.SSLError, UnicodeDecodeError):
        message = f"certificate-authority of context {target.context!r} holds no PEM certificate"
        raise InputError(message, where=target.kubeconfig) from None


def load_client_certificate(context: ssl.SSLContext, certificate: bytes, key: bytes, *, where: str) -> None:
    """Present ``certificate`` on every connection made from now on."""
    try:
        with _as_file(certificate + b"\n" + key) as path:
            context.load_cert_chain(path, password=_no_password)
    except (ssl.SSLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        message = f"the client certificate and its key cannot be used ({reason}); an encrypted key is not supported"
        raise InputError(message, where=where) from None


def _no_password(*_: Any) -> str:
    """Instead of OpenSSL's own prompt on the terminal."""
    return ""


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A path that OpenSSL can read: memory where the system has such files, else a private file for a moment."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("helmops"), "wb") as memory:
            memory.write(content)
            memory.flush()
            yield f"/proc/self/fd/{memory.fileno()}"
        return
    descriptor, name = tempfile.mkstemp(prefix="helmops-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        yield name
    finally:
        Path(name).unlink(missing_ok=True)
