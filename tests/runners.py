"""Helm and kubectl as tests call them: one cluster, one namespace, nothing of the user's settings."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 120.0


class CommandFailed(Exception):
    """A command ended with another exit code than 0."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        super().__init__(f"{' '.join(done.args)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        self.code = done.returncode
        self.stderr = done.stderr


@dataclass(frozen=True)
class Kubectl:
    """``kubectl(...)`` answers with text, or with parsed JSON after ``-o json``."""

    path: Path
    kubeconfig: Path
    namespace: str

    def __call__(self, *words: str, stdin: str | None = None) -> Any:
        # a --namespace among the words comes later and wins
        fixed = (f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}")
        done = _run((str(self.path), *fixed, *words), clean_environment(), stdin)
        if done.returncode:
            raise CommandFailed(done)
        return json.loads(done.stdout) if {"json", "-ojson", "--output=json"} & set(words) else done.stdout


@dataclass(frozen=True)
class Helm:
    """``helm(...)`` answers with the standard output; ``run`` lets a command fail."""

    path: Path
    major: int
    environment: Mapping[str, str]

    def __call__(self, *words: str | Path) -> str:
        done = self.run(*words)
        if done.returncode:
            raise CommandFailed(done)
        return done.stdout

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a helm command that may fail."""
        return _run((str(self.path), *map(str, words)), self.environment)

    def json(self, *words: str | Path) -> Any:
        """The answer of a command that knows ``--output json``."""
        return json.loads(self(*words, "--output", "json"))


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without what configures Helm, Kubernetes or a proxy."""
    drop = ("HELM_", "KUBE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(drop)}
    return kept | more


def _run(
    argv: tuple[str, ...], environment: Mapping[str, str], stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        env=environment,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
