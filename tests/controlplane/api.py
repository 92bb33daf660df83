"""The few calls to the API server that starting a cluster needs, with the standard library."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml

FIELD_MANAGER = "helmops-test-bed"


class Api:
    """An API server, seen as the admin or, without ``client``, as a nobody who trusts its authority."""

    def __init__(self, server: str, pki: Path, client: str = "admin") -> None:
        self._server = server
        self._tls = ssl.create_default_context(cafile=pki / "ca.crt")
        self._tls.load_cert_chain(pki / f"{client}.crt", pki / f"{client}.key")

    def ok(self, path: str) -> bool:
        """Whether a GET answers with success."""
        try:
            self.call("GET", path)
        except (OSError, ssl.SSLError):
            return False
        return True

    def call(self, method: str, path: str, body: object = None, content: str = "application/json") -> bytes:
        """One request; an answer of 400 or more raises."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._server + path, data=data, method=method)
        request.add_header("Content-Type", content)
        with urllib.request.urlopen(request, timeout=10, context=self._tls) as answer:
            found: bytes = answer.read()
            return found

    def get(self, path: str) -> Any:
        """An object or a list of them."""
        return json.loads(self.call("GET", path))

    def apply(self, path: str, document: dict[str, Any]) -> None:
        """Server-side apply of one object into the collection at ``path``."""
        target = f"{path}/{document['metadata']['name']}?fieldManager={FIELD_MANAGER}&force=true"
        self.call("PATCH", target, document, "application/apply-patch+yaml")

    def apply_file(self, file: Path, collections: dict[str, str]) -> None:
        """Apply every document of a file; ``collections`` says where each kind lives."""
        for document in yaml.safe_load_all(file.read_text()):
            self.apply(collections[document["kind"]], document)

    def create_namespace(self, name: str) -> None:
        """Make a namespace."""
        self.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})

    def delete_namespace(self, name: str) -> None:
        """Ask for a namespace's deletion; the answer comes before it is gone."""
        try:
            self.call("DELETE", f"/api/v1/namespaces/{name}")
        except urllib.error.HTTPError as error:
            if error.code not in {404, 409}:
                raise
