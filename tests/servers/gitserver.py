"""A git server over smart HTTP, with git's own http-backend behind it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from .http import Handler, Server

AUTHOR = {
    "GIT_AUTHOR_NAME": "Test Bed",
    "GIT_AUTHOR_EMAIL": "test-bed@example.org",
    "GIT_COMMITTER_NAME": "Test Bed",
    "GIT_COMMITTER_EMAIL": "test-bed@example.org",
}
# nothing of the user's configuration takes part, and nobody is asked for a password
GIT_ENV = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    **AUTHOR,
}


class GitServer(Server):
    """Serves every bare repository below a folder, for fetching and pushing."""

    def __init__(self, folder: Path, credentials: tuple[str, str] | None = None) -> None:
        super().__init__(_Handler, credentials)
        self.folder = folder.resolve()

    def create(self, name: str, files: Mapping[str, str] | None = None) -> str:
        """Make a bare repository ``name`` with a first commit on ``main``; return its URL."""
        bare = self.folder / f"{name}.git"
        bare.mkdir(parents=True)
        git(bare, "init", "--bare", "--initial-branch=main", ".")
        if files:
            self.commit(name, files, "Begin")
        return self.repository_url(name)

    def repository_url(self, name: str) -> str:
        """The URL of a repository, without any password."""
        return f"{self.url}/{name}.git"

    def commit(self, name: str, files: Mapping[str, str], message: str, tag: str | None = None) -> str:
        """Add or change files on ``main`` without a work tree; return the commit's id."""
        bare = self.folder / f"{name}.git"
        lines = [f"commit refs/heads/main\ncommitter Test Bed <test-bed@example.org> now\n{_data(message)}"]
        if git(bare, "branch", "--list", "main"):
            lines.append("from refs/heads/main^0\n")
        lines += [f"M 100644 inline {path}\n{_data(content)}" for path, content in files.items()]
        if tag:
            lines.append(f"reset refs/tags/{tag}\nfrom refs/heads/main\n")
        git(bare, "fast-import", "--quiet", "--date-format=now", stdin="".join(lines))
        return git(bare, "rev-parse", "main").strip()


def git(folder: Path, *words: str, stdin: str = "") -> str:
    """Run git in a folder; its output, or its complaint as an error."""
    argv = ["git", "-C", str(folder), *words]
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, env=GIT_ENV, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)} failed: {done.stderr}")
    return done.stdout


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"


class _Handler(Handler):
    server: GitServer

    def respond(self, body: bytes) -> None:
        argv = ["git", "http-backend"]
        done = subprocess.run(argv, input=body, env=self._environment(body), capture_output=True, check=False)
        head, _, payload = done.stdout.partition(b"\r\n\r\n")
        pairs = [line.partition(": ") for line in head.decode("latin-1").split("\r\n") if line]
        headers = {name: value for name, _, value in pairs}
        status = int(headers.pop("Status", "200").split()[0]) if pairs else HTTPStatus.INTERNAL_SERVER_ERROR
        self.answer(status, headers, payload)

    def _environment(self, body: bytes) -> dict[str, str]:
        url = urlsplit(self.path)
        return GIT_ENV | {
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_USER": self.server.credentials[0] if self.server.credentials else "anybody",
            "REMOTE_ADDR": self.client_address[0],
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "http.receivepack",
            "GIT_CONFIG_VALUE_0": "true",
            "GIT_CONFIG_KEY_1": "safe.directory",
            "GIT_CONFIG_VALUE_1": "*",
        }
