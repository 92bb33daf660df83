"""Proxies, as Go reads the environment."""

from __future__ import annotations

import pytest

from helmops.adapters.kube.proxies import is_loopback, proxy_for
from helmops.errors import InputError

SERVER = "https://api.prod.example.org:6443"
PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": PROXY}, PROXY),
        ({"https_proxy": PROXY}, PROXY),
        ({"HTTPS_PROXY": "proxy:3128"}, PROXY),
        ({"HTTP_PROXY": PROXY}, None),
        ({"HTTPS_PROXY": PROXY, "https_proxy": "http://other"}, PROXY),
    ],
)
def test_the_environment(environ: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(SERVER, "", environ) == proxy


@pytest.mark.parametrize(
    ("no_proxy", "excepted"),
    [
        ("*", True),
        ("example.org", True),
        (".example.org", True),
        ("*.example.org", True),
        ("api.prod.example.org", True),
        (".api.prod.example.org", False),
        ("*.api.prod.example.org", False),
        ("ample.org", False),
        ("example.org:6443", True),
        ("example.org:443", False),
        ("other.org, EXAMPLE.org", True),
        ("10.0.0.0/8", False),
        (",", False),
    ],
)
def test_exceptions(no_proxy: str, excepted: bool) -> None:
    found = proxy_for(SERVER, "", {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy})
    assert (found is None) == excepted


@pytest.mark.parametrize(
    ("server", "no_proxy", "excepted"),
    [
        ("https://10.1.2.3:6443", "10.0.0.0/8", True),
        ("https://10.1.2.3:6443", "10.1.2.3", True),
        ("https://11.1.2.3:6443", "10.0.0.0/8,fd00::/8", False),
        ("https://[fd00::1]:6443", "fd00::/8", True),
        ("https://127.0.0.1:6443", "", True),
        ("https://localhost", "", True),
    ],
)
def test_addresses(server: str, no_proxy: str, excepted: bool) -> None:
    assert (proxy_for(server, "", {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}) is None) == excepted


def test_the_kubeconfigs_own_word_needs_no_leave() -> None:
    assert proxy_for("https://127.0.0.1", PROXY, {"NO_PROXY": "*"}) == PROXY


def test_what_is_not_supported_is_said() -> None:
    with pytest.raises(InputError, match="socks5"):
        proxy_for(SERVER, "socks5://proxy:1080", {})


def test_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "localhost")))
    assert not any(map(is_loopback, ("10.0.0.1", "example.org", "")))
