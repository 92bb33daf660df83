"""Where the records of a release are, as helm sees it through the gate, and where they really are. PURE.

helm has one ``-n`` for the objects of a release and for its records. Of a split release it is given the target, and the
gate leads what it asks of the release's own Secrets there to the storage namespace. Nothing else is led astray: a chart
may have Secrets, too.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from urllib.parse import parse_qs, unquote

from helmops.ports import SplitRelease

_TYPE = "helm.sh/release.v1"
_PREFIX = "sh.helm.release.v1"
_PROTOBUF = b"k8s\0"


class Records:
    """The Secrets of one split release."""

    def __init__(self, split: SplitRelease) -> None:
        self._name = split.name
        self._here = f"/api/v1/namespaces/{split.target}/secrets"
        self._there = f"/api/v1/namespaces/{split.storage}/secrets"
        self._secret = re.compile(rf"{re.escape(_PREFIX)}\.{re.escape(split.name)}\.v\d+")

    def lead(self, method: str, path: str, body: bytes) -> str:
        """The path (with its query) at the API server of what the child asks."""
        plain, _, query = path.partition("?")
        if not plain.startswith(self._here):
            return path
        name = plain.removeprefix(self._here)
        ours = self._is_ours(body) if method == "POST" else self._selects(query)
        if (not name and ours) or (name[:1] == "/" and self._secret.fullmatch(unquote(name[1:]))):
            return f"{self._there}{path.removeprefix(self._here)}"
        return path

    def _selects(self, query: str) -> bool:
        """Whether a list is of this release's records."""
        terms = {term.strip() for selector in parse_qs(query).get("labelSelector", ()) for term in selector.split(",")}
        return {"owner=helm", f"name={self._name}"} <= terms

    def _is_ours(self, body: bytes) -> bool:
        """Whether a new Secret is a record. helm's storage speaks protobuf, and what comes of a chart is JSON."""
        if body.startswith(_PROTOBUF):
            return _TYPE.encode() in body and f"{_PREFIX}.{self._name}.v".encode() in body
        with suppress(ValueError, TypeError, KeyError):
            secret = json.loads(body)
            return secret["type"] == _TYPE and self._secret.fullmatch(secret["metadata"]["name"]) is not None
        return False
