"""Where charts lie in registries, and the names that the distribution specification allows there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from helmops.adapters.http import shown_url
from helmops.errors import InputError

# Texts, not patterns: who has no chart in a registry need not wait until they are compiled.
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_PLACE = rf"oci://(?P<host>{_HOST})/(?P<repository>{_COMPONENT}(?:/{_COMPONENT})*)/?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}"
_LONGEST = 512

# It answers elsewhere than its images are named after.
_SERVERS = {"docker.io": "registry-1.docker.io"}


@dataclass(frozen=True, slots=True)
class Place:
    """A repository in a registry: one chart in all its versions. ``insecure``: over plain HTTP."""

    host: str
    repository: str
    insecure: bool = False

    @classmethod
    def of(cls, url: str, *, insecure: bool = False) -> Place:
        """InputError for what is no ``oci://host/path/chart``."""
        match = re.fullmatch(_PLACE, url) if len(url) <= _LONGEST else None
        if match is None:
            hint = "the form is oci://host/path/chart; tag, version, digest and credentials have fields of their own"
            raise InputError(f"{shown_url(url)[:_LONGEST]} names no chart in a registry", hint=hint)
        return cls(match["host"].lower(), match["repository"], insecure)

    def __str__(self) -> str:
        return f"oci://{self.host}/{self.repository}"

    def url(self, path: str) -> str:
        """Where the registry answers to ``path`` below this repository."""
        scheme = "http" if self.insecure else "https"
        return f"{scheme}://{_SERVERS.get(self.host, self.host)}/v2/{self.repository}/{path}"


def named(place: Place, reference: str) -> str:
    """As people write it: ``…:tag`` or ``…@sha256:…``."""
    return f"{place}{'@' if is_digest(reference) else ':'}{reference}"


def is_tag(text: str) -> bool:
    """Whether a registry may have a tag of this name."""
    return re.fullmatch(_TAG, text) is not None


def is_digest(text: str) -> bool:
    """Whether it is a digest, of the one kind that is taken."""
    return re.fullmatch(_DIGEST, text) is not None
