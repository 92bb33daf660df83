"""Git servers: which addresses are taken, what a git child is told of them, and what its complaints mean."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from helmops.api.model import Credentials
from helmops.core.redact import Redactor
from helmops.errors import Forbidden, HelmopsError, InputError, Transient, Unreachable

ALLOW_FILES: Final = "HELMOPS_ALLOW_FILE_URLS"

# Which protocols git may speak on behalf of an address: redirects may step up from http, and nowhere else.
_PROTOCOLS = {"https": "https", "http": "http:https", "ssh": "ssh", "file": "file"}
_KEPT = frozenset({"GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"})
_ASKING = frozenset({"SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "LANGUAGE"})
_LONGEST = 2048


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository as git is told of it. ``url`` holds no password; ``shown`` is fit for people."""

    url: str
    shown: str
    scheme: str
    credentials: Credentials | None = None

    @classmethod
    def of(cls, url: str, credentials: Credentials | None, environ: Mapping[str, str]) -> Remote:
        """InputError for an address that git would take for an option, a program or a local path."""
        parts = _split(url)
        if parts.scheme == "file":
            return cls(url, url, "file") if environ.get(ALLOW_FILES) == "1" else _refuse_file()
        host = parts.netloc.rpartition("@")[2]
        if parts.scheme not in _PROTOCOLS or not parts.hostname or host.startswith("-") or parts.netloc.startswith("-"):
            raise InputError(
                "an address of a git repository that is neither https://, http:// nor ssh://",
                hint="git@host:path is written ssh://git@host/path",
            )
        bare = parts._replace(netloc=host, fragment="").geturl()
        shown = parts._replace(netloc=host, query="", fragment="").geturl()
        if parts.scheme == "ssh":
            return cls(_with_user(parts, host), shown, "ssh")
        return cls(bare, shown, parts.scheme, credentials or _written(parts))

    @property
    def origin(self) -> str:
        """Scheme, host and port: how far its credentials go."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}/"


def environment(remote: Remote, environ: Mapping[str, str], git_dir: str) -> dict[str, str]:
    """The whole environment of a git child: none of the user's git configuration, nobody to ask, one protocol.

    Credentials stand here alone, never on a command line.
    """
    env = {name: value for name, value in environ.items() if _may_stay(name)}
    if remote.scheme != "ssh":
        env["HOME"] = git_dir  # else libcurl reads .netrc, and sends passwords nobody spoke of
    env.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    settings = _settings(remote)
    for number, (key, value) in enumerate(settings):
        env[f"GIT_CONFIG_KEY_{number}"], env[f"GIT_CONFIG_VALUE_{number}"] = key, value
    return (
        env
        | isolation(git_dir)
        | {
            "GIT_ALLOW_PROTOCOL": _PROTOCOLS[remote.scheme],
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
    )


def isolation(git_dir: str) -> dict[str, str]:
    """What keeps git to one repository, whatever stands around it, and its messages in English."""
    return {
        "GIT_DIR": git_dir,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
    }


def failure(remote: Remote, stderr: bytes, *, timed_out: bool, seconds: float) -> HelmopsError:
    """What git's complaint means for the caller."""
    if timed_out:
        return Unreachable(f"{remote.shown} did not answer in {seconds:g} s")
    text = stderr.decode("utf-8", "replace")
    said = _scrubbed(remote, _complaint(text))
    for pattern, make in _MEANINGS:
        if pattern.search(text):
            return make(remote.shown, said)
    return Transient(f"{remote.shown}: {said}")


def _may_stay(name: str) -> bool:
    return name in _KEPT or not (name.startswith("GIT_") or name in _ASKING)


def _settings(remote: Remote) -> list[tuple[str, str]]:
    """Git's configuration for one job. A redirect to another server would take the header along, so none is followed
    with credentials."""
    settings = [
        ("core.hooksPath", os.devnull),
        ("core.askPass", ""),
        ("credential.helper", ""),
        ("gc.auto", "0"),
        ("maintenance.auto", "false"),
        ("http.lowSpeedLimit", "1"),
        ("http.lowSpeedTime", "30"),
    ]
    if remote.credentials is not None:
        pair = f"{remote.credentials.username}:{remote.credentials.password}"
        header = "Authorization: Basic " + base64.b64encode(pair.encode()).decode()
        settings += [(f"http.{remote.origin}.extraHeader", header), ("http.followRedirects", "false")]
    return settings


def _split(url: str) -> SplitResult:
    """The text is not repeated in an error: it may hold a password."""
    if len(url) > _LONGEST or url.startswith("-") or any(sign <= " " or sign == "\x7f" for sign in url):
        raise InputError("an address of a git repository that cannot be one")
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises what else would be raised later
    except ValueError as error:
        raise InputError("an address of a git repository that cannot be read") from error
    return parts


def _refuse_file() -> Remote:
    raise InputError("git repositories of this machine are not read by file://", hint=f"{ALLOW_FILES}=1 allows them")


def _with_user(parts: SplitResult, host: str) -> str:
    if parts.password is not None:
        raise InputError(f"ssh://{host} is given a password, which ssh does not take", hint="ssh wants a key")
    return parts._replace(fragment="").geturl()


def _written(parts: SplitResult) -> Credentials | None:
    """User and password that stand in the address itself."""
    if "@" not in parts.netloc:
        return None
    return Credentials(unquote(parts.username or ""), unquote(parts.password or ""))


def _complaint(text: str) -> str:
    """Git's own last words; what the server says comes before them and may be anything."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    own = [line for line in lines if line.startswith(("fatal: ", "error: ", "git: "))] or lines or ["git says nothing"]
    return "".join(sign for sign in own[-1] if sign.isprintable())[:300]


def _scrubbed(remote: Remote, text: str) -> str:
    given = remote.credentials
    if given is None:
        return Redactor().scrub(text)
    pair = base64.b64encode(f"{given.username}:{given.password}".encode()).decode()
    return Redactor.of([given.password, pair]).scrub(text)


def _forbidden(shown: str, said: str) -> HelmopsError:
    return Forbidden(f"{shown} cannot be read: {said}", hint="it wants other credentials than it was given")


def _absent(shown: str, said: str) -> HelmopsError:
    hint = "check the address; many servers answer so, too, when credentials are missing"
    return InputError(f"{shown} is no git repository: {said}", hint=hint)


def _moved(shown: str, said: str) -> HelmopsError:
    return InputError(f"{shown} redirects: {said}", hint="write the address it leads to: credentials are not sent on")


def _untrusted(shown: str, said: str) -> HelmopsError:
    hint = "name the file with the authority's certificate in GIT_SSL_CAINFO"
    return InputError(f"{shown}: {said}", hint=hint)


def _unreachable(shown: str, said: str) -> HelmopsError:
    return Unreachable(f"{shown} does not answer: {said}")


_MEANINGS = [
    (re.compile(r"error: 30[1278]\b|unable to update url base from redirection"), _moved),
    (
        re.compile(
            r"Authentication failed|could not read (?:Username|Password)|error: 40[137]\b|Access denied"
            r"|Permission denied \(|Host key verification failed"
        ),
        _forbidden,
    ),
    (re.compile(r"(?i)repository .*not found|error: 4(?:04|10)\b|does not appear to be a git repository"), _absent),
    (re.compile(r"(?i)certificate|SSL: no alternative"), _untrusted),
    (re.compile(r"Could not resolve|Failed to connect|Connection (?:refused|timed out|reset)|Couldn't"), _unreachable),
]
