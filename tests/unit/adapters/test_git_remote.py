"""Addresses of git servers, the environment of a git child, and what its complaints mean."""

from __future__ import annotations

import base64
import os

import pytest

from helmops.adapters.git_remote import Remote, environment, failure
from helmops.api.model import Credentials
from helmops.errors import Forbidden, HelmopsError, InputError, Transient, Unreachable

ALICE = Credentials("alice", "not-a-secret")
URL = "https://git.example.org/team/apps.git"


def remote(url: str = URL, credentials: Credentials | None = None) -> Remote:
    return Remote.of(url, credentials, {})


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% /tmp/owned",
        "ext::sh",
        "--upload-pack=touch",
        "-oProxyCommand=touch",
        "ssh://-oProxyCommand=touch/apps",
        "ssh://git@-oProxyCommand=touch/apps",
        "https://git.example.org/apps.git\nhelper",
        "https://git.example.org/a b",
        "https:///apps.git",
        "https://git.example.org:none/apps.git",
        "https://[::1/apps.git",
        "git://git.example.org/apps.git",
        "fd::7",
        "git@git.example.org:apps.git",
        "/srv/apps.git",
        "../apps.git",
        "file:///srv/apps.git",
        "ssh://git:not-a-secret@git.example.org/apps.git",
        "https://git.example.org/" + "a" * 3000,
        "",
    ],
)
def test_what_git_would_take_for_something_else_is_refused(url: str) -> None:
    with pytest.raises(InputError) as refusal:
        remote(url)
    assert "not-a-secret" not in str(refusal.value)


def test_files_only_by_flag() -> None:
    assert Remote.of("file:///srv/apps.git", None, {"HELMOPS_ALLOW_FILE_URLS": "1"}).scheme == "file"


def test_a_password_in_the_address_goes_the_way_of_any_other() -> None:
    found = remote("https://al%40ice:p%2Fw@git.example.org/apps.git")
    assert found.url == found.shown == "https://git.example.org/apps.git"
    assert found.credentials == Credentials("al@ice", "p/w")
    assert remote("https://a:b@git.example.org/apps.git", ALICE).credentials == ALICE


def test_ssh_keeps_its_user_and_gets_no_password() -> None:
    found = remote("ssh://git@git.example.org:2222/apps.git", ALICE)
    assert (found.url, found.credentials) == ("ssh://git@git.example.org:2222/apps.git", None)


def test_credentials_are_bound_to_the_server_and_follow_no_redirect() -> None:
    env = environment(remote(credentials=ALICE), {}, "/cache/git/x")
    settings = _settings(env)
    header = base64.b64encode(b"alice:not-a-secret").decode()
    assert settings["http.https://git.example.org/.extraHeader"] == f"Authorization: Basic {header}"
    assert settings["http.followRedirects"] == "false"
    assert "http.followRedirects" not in _settings(environment(remote(), {}, "/cache/git/x"))


@pytest.mark.parametrize(
    ("url", "allowed"),
    [(URL, "https"), ("http://git.example.org/a", "http:https"), ("ssh://git@git.example.org/a", "ssh")],
)
def test_one_protocol(url: str, allowed: str) -> None:
    assert environment(remote(url), {}, "/cache/git/x")["GIT_ALLOW_PROTOCOL"] == allowed


def test_nothing_of_what_stands_around_reaches_git() -> None:
    around = {
        "PATH": "/bin",
        "HOME": "/home/alice",
        "GIT_DIR": "/elsewhere",
        "GIT_WORK_TREE": "/elsewhere",
        "GIT_CONFIG_PARAMETERS": "'http.proxy=evil'",
        "GIT_ASKPASS": "ask",
        "SSH_ASKPASS": "ask",
        "GIT_SSL_NO_VERIFY": "1",
        "GIT_SSL_CAINFO": "/ca.pem",
        "https_proxy": "http://proxy:3128",
    }
    env = environment(remote(), around, "/cache/git/x")
    assert (env["GIT_DIR"], env["PATH"], env["https_proxy"]) == ("/cache/git/x", "/bin", "http://proxy:3128")
    assert (env["GIT_CONFIG_GLOBAL"], env["GIT_TERMINAL_PROMPT"]) == (os.devnull, "0")
    assert env["GIT_SSL_CAINFO"] == "/ca.pem"
    assert env["HOME"] != "/home/alice"  # .netrc
    assert not {"GIT_WORK_TREE", "GIT_CONFIG_PARAMETERS", "GIT_ASKPASS", "SSH_ASKPASS", "GIT_SSL_NO_VERIFY"} & set(env)
    assert environment(remote("ssh://git@git.example.org/a"), around, "/x")["HOME"] == "/home/alice"


@pytest.mark.parametrize(
    ("stderr", "kind"),
    [
        ("fatal: Authentication failed for 'https://git.example.org/team/apps.git/'", Forbidden),
        ("fatal: could not read Username for 'https://git.example.org': terminal prompts disabled", Forbidden),
        ("fatal: unable to access 'https://…/': The requested URL returned error: 403", Forbidden),
        ("git@git.example.org: Permission denied (publickey).\nfatal: Could not read from remote", Forbidden),
        ("Host key verification failed.\nfatal: Could not read from remote repository.", Forbidden),
        ("remote: Not here\nfatal: repository 'https://git.example.org/x/' not found", InputError),
        ("fatal: '/x' does not appear to be a git repository", InputError),
        ("fatal: unable to access 'x': SSL certificate problem: self-signed certificate", InputError),
        ("fatal: unable to access 'x': The requested URL returned error: 301", InputError),
        ("fatal: unable to access 'x': Could not resolve host: git.example.org", Unreachable),
        ("fatal: unable to access 'x': Failed to connect to git.example.org port 443", Unreachable),
        ("fatal: unable to access 'x': The requested URL returned error: 503", Transient),
        ("error: RPC failed; curl 18 transfer closed\nfatal: early EOF", Transient),
        ("", Transient),
    ],
)
def test_complaints(stderr: str, kind: type[HelmopsError]) -> None:
    error = failure(remote(), stderr.encode(), timed_out=False, seconds=60)
    assert type(error) is kind
    assert "git.example.org/team/apps.git" in error.message


def test_a_deadline_that_passed() -> None:
    assert "60 s" in failure(remote(), b"", timed_out=True, seconds=60).message


def test_what_a_server_says_gives_no_secret_away_and_no_control_characters() -> None:
    pair = base64.b64encode(b"alice:not-a-secret").decode()
    stderr = f"fatal: \x1b[2Jno not-a-secret, no {pair}".encode()
    message = failure(remote(credentials=ALICE), stderr, timed_out=False, seconds=60).message
    assert "not-a-secret" not in message
    assert pair not in message
    assert "\x1b" not in message


def _settings(env: dict[str, str]) -> dict[str, str]:
    count = int(env["GIT_CONFIG_COUNT"])
    return {env[f"GIT_CONFIG_KEY_{number}"]: env[f"GIT_CONFIG_VALUE_{number}"] for number in range(count)}
