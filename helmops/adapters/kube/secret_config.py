"""Kubeconfigs that came out of Secrets: checked, and kept in private files."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from helmops.api.model import ClusterRef
from helmops.core import yaml
from helmops.errors import InputError

_PROGRAMS = ("exec", "auth-provider")
_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


class SecretKubeconfigs:
    """Port ``Kubeconfigs``: files below ``root``, named by their content."""

    def __init__(self, root: str) -> None:
        self._folder = Path(root, "kubeconfigs")

    def keep(self, text: str, *, where: str) -> ClusterRef:
        """The file of this text."""
        _check(text, where)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / hashlib.sha256(text.encode()).hexdigest()[:32]
        if not path.exists():
            descriptor, temporary = tempfile.mkstemp(dir=self._folder)  # mode 0600
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(temporary).replace(path)
        return ClusterRef(str(path), "")


def _check(text: str, where: str) -> None:
    try:
        config = yaml.load(text, file=where).value
    except InputError as error:
        raise InputError("does not hold a kubeconfig that can be read", where=error.where) from None
    if not isinstance(config, Mapping) or not isinstance(config.get("clusters"), list):
        raise InputError("does not hold a kubeconfig", where=where)
    for part in _parts(config):
        for key in (*_PROGRAMS, *_FILES):
            if part.get(key):
                why = "starts a program" if key in _PROGRAMS else "reads a file of this machine"
                hint = "put the credentials themselves into the kubeconfig (token, client-certificate-data, …)"
                raise InputError(f"the kubeconfig {why} ({key}), which one in a Secret may not", where=where, hint=hint)


def _parts(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for section, key in (("clusters", "cluster"), ("users", "user")):
        for entry in config.get(section) or []:
            part = entry.get(key) if isinstance(entry, Mapping) else None
            if isinstance(part, Mapping):
                yield part
