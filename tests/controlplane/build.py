"""Build helmops-cp (the control plane in one binary) and kwok into the cache."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from .cache import cache_root, fill, run_telling, say
from .golang import MODULE, Go, find_go, go_env, go_install, mod_version

KWOK = "v0.8.0"
SOURCES = ("go.mod", "go.sum", "main.go")


@dataclass(frozen=True)
class Binaries:
    """Where the two programs lie."""

    folder: Path

    @property
    def control_plane(self) -> Path:
        """etcd, kube-apiserver, kube-controller-manager and kube-scheduler in one."""
        return self.folder / "helmops-cp"

    @property
    def kwok(self) -> Path:
        """The simulator of nodes and their pods."""
        return self.folder / "kwok"


def build() -> Binaries:
    """Return the programs, built first if the cache has none of this very source."""
    go = find_go()
    target = cache_root() / "controlplane" / _key(go)
    return Binaries(fill(target, lambda folder: _build(go, folder)))


def _key(go: Go) -> str:
    digest = hashlib.sha256()
    for part in (*((MODULE / name).read_text() for name in SOURCES), KWOK, _ldflags(), go.version):
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()[:16]


def _ldflags() -> str:
    """Give the binary its version; without it the server calls itself v0.0.0."""
    version = mod_version("k8s.io/kubernetes")
    major, minor, _ = version.removeprefix("v").split(".")
    values = {
        "gitVersion": version,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "0" * 40,
        "buildDate": "2026-07-23T00:00:00Z",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    defined = [f"-X {package}.{name}={value}" for package in packages for name, value in values.items()]
    return " ".join(["-s", "-w", *defined])


def _build(go: Go, folder: Path) -> None:
    version = mod_version("k8s.io/kubernetes")
    say(f"building a Kubernetes {version} control plane and kwok {KWOK} with {go.version}")
    say("  the first build on a machine takes 6 to 9 minutes on two cores; the result is kept in the cache")
    argv: list[str | Path] = [go.executable(), "build", "-v", "-ldflags", _ldflags(), "-o", folder / "helmops-cp", "."]
    run_telling("building helmops-cp", argv, cwd=MODULE, env=go_env())
    go_install(go, f"sigs.k8s.io/kwok/cmd/kwok@{KWOK}", folder)
