"""Which proxy leads to a server: the kubeconfig's own word, else the environment's, read as Go reads it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from helmops.errors import InputError

LOOPBACK_NAME = "localhost"


def proxy_for(server: str, configured: str, environ: Mapping[str, str]) -> str | None:
    """The proxy's URL, or None. ``configured`` is ``proxy-url`` of the kubeconfig and needs no NO_PROXY."""
    url = urlsplit(server)
    if configured:
        return _supported(configured)
    found = _variable(environ, f"{url.scheme}_proxy")
    if not found or is_loopback(url.hostname or "") or _excepted(url, _variable(environ, "no_proxy")):
        return None
    return _supported(found if "://" in found else f"http://{found}")


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == LOOPBACK_NAME


def _variable(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name.upper()) or environ.get(name) or ""


def _supported(proxy: str) -> str:
    scheme = urlsplit(proxy).scheme
    if scheme not in ("http", "https"):
        hint = "use an http:// or https:// proxy, or a tunnel on this machine"
        raise InputError(f"a {scheme}:// proxy to the API server is not supported", hint=hint)
    return proxy


def _excepted(url: SplitResult, no_proxy: str) -> bool:
    return any(_matches(entry.strip().lower(), url) for entry in no_proxy.split(",") if entry.strip())


def _matches(entry: str, url: SplitResult) -> bool:
    host = url.hostname or ""
    if entry == "*":
        return True
    if _in_network(entry, host):
        return True
    name, _, port = entry.partition(":") if entry.count(":") == 1 else (entry, "", "")
    if port and port != str(url.port or (443 if url.scheme == "https" else 80)):
        return False
    domain = name.removeprefix("*").removeprefix(".")
    return host.endswith(f".{domain}") or (host == domain and not name.startswith((".", "*.")))


def _in_network(entry: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except (ValueError, TypeError):
        return False
