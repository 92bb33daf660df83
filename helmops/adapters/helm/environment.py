"""The environment of a helm child, and where helm is found. Nothing of the user's helm configuration reaches it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from helmops.adapters.process import HOLDER_VARIABLE
from helmops.errors import InputError

# Measured: 10–15 % less CPU for 5–35 MB; the limit keeps a huge chart from growing without end.
_TUNING = {"GOGC": "400", "GOMEMLIMIT": "512MiB"}


def find_helm(environ: Mapping[str, str]) -> str:
    """HELM_BIN when it says something (it is empty in Helm 4's install hooks), else helm on the PATH."""
    named = environ.get("HELM_BIN", "")
    found = shutil.which(named or "helm", path=environ.get("PATH"))
    if found is None:
        raise InputError(
            f"HELM_BIN names {named}, which is not there or may not be executed"
            if named
            else "helm is not on the PATH",
            hint="install Helm 3.17 or newer (https://helm.sh/docs/intro/install), or set HELM_BIN to it",
        )
    return str(Path(found).absolute())


def child_environment(environ: Mapping[str, str], home: str, *, holder: str = "", gate: str = "") -> dict[str, str]:
    """What a child gets: everything but HELM_*, which would override what is said on its command line.

    ``home`` holds its empty cache, configuration and data. ``gate``: the kubeconfig that leads to the gate; discovery
    read through a gate is kept beside it, because kubectl's cache is keyed by an address that the gate does not keep.
    """
    env = {name: value for name, value in environ.items() if not name.startswith("HELM_")}
    for name in ("CACHE", "CONFIG", "DATA"):
        env[f"HELM_{name}_HOME"] = str(Path(home, name.lower()))
    env["HELM_NO_PLUGINS"] = "1"
    for name, value in _TUNING.items():
        env.setdefault(name, value)
    if holder:
        env[HOLDER_VARIABLE] = holder
    if gate:
        env["KUBECACHEDIR"] = str(Path(gate).parent / "cache")
    return env
