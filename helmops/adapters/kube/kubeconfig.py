"""Kubeconfigs: which files there are, how they merge, and what one context of them says.

Files merge as kubectl merges them: the first to name an entry wins, whole. Relative paths are relative to the file that
has them. Everything is read once, here; what must stay fresh (a token file, a plug-in) is only named in the answer.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from helmops.api.model import ClusterRef
from helmops.core.yaml import loads_fast
from helmops.errors import InputError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
IN_CLUSTER = "in-cluster"
_MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class User:
    """How to say who we are. ``plugin`` is the user entry itself when only a plug-in can tell (and ``base`` where)."""

    token: str = field(default="", repr=False)
    token_file: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)
    plugin: Mapping[str, Any] | None = field(default=None, repr=False)
    base: str = ""
    impersonate: tuple[tuple[str, str], ...] = ()  # headers


@dataclass(frozen=True, slots=True)
class Target:
    """One context, resolved. ``kubeconfig`` is the file (or files, as in KUBECONFIG) it came from."""

    server: str
    context: str
    kubeconfig: str
    namespace: str = "default"
    authority: bytes = b""
    insecure: bool = False
    tls_server_name: str = ""
    proxy: str = ""
    cluster: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the entry as written, for plug-ins
    user: User = User()


@dataclass(frozen=True, slots=True)
class _Entry:
    """A named cluster, user or context, and the file it stands in."""

    file: Path
    section: str
    name: str
    data: Mapping[str, Any]

    def text(self, key: str) -> str:
        value = self.data.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise InputError(f"{self.section} {self.name!r}: {key} must be a string", where=str(self.file))
        return value

    def path(self, key: str) -> Path | None:
        text = self.text(key)
        return self.file.parent / text if text else None

    def content(self, key: str) -> bytes:
        """``<key>-data`` (base64) if there, else the file that ``<key>`` names."""
        data = self.text(f"{key}-data")
        if data:
            return self._decoded(key, data)
        path = self.path(key)
        return self._read(key, path) if path else b""

    def _decoded(self, key: str, data: str) -> bytes:
        try:
            return base64.b64decode(data)
        except (ValueError, binascii.Error):
            message = f"{self.section} {self.name!r}: {key}-data is no base64"
            raise InputError(message, where=str(self.file)) from None

    def _read(self, key: str, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            message = f"{self.section} {self.name!r}: {key} {path}: {error.strerror}"
            raise InputError(message, where=str(self.file)) from None


@dataclass(slots=True)
class _Merged:
    """What a list of files says together."""

    files: tuple[Path, ...]
    current: str = ""
    contexts: dict[str, _Entry] = field(default_factory=dict)
    clusters: dict[str, _Entry] = field(default_factory=dict)
    users: dict[str, _Entry] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        return os.pathsep.join(str(file) for file in self.files)


def load_target(ref: ClusterRef, environ: Mapping[str, str]) -> Target:
    """What ``ref`` means here. InputError names the file and what to do."""
    files = _files(ref, environ)
    if not files:
        return _in_cluster(ref, environ)
    merged = _merge(files)
    name = ref.context or _own_word(ref, environ, "HELM_KUBECONTEXT") or merged.current
    return _overridden(_resolve(merged, name), ref, environ)


def _files(ref: ClusterRef, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The files that are there. A file named alone must exist; of a list, as with kubectl, some may be missing."""
    if ref.kubeconfig:
        path = Path(ref.kubeconfig).expanduser()
        if not path.is_file():
            raise InputError("there is no such kubeconfig", where=str(path))
        return (path.absolute(),)
    listed = environ.get("KUBECONFIG", "")
    if listed:
        found = tuple(Path(part).absolute() for part in dict.fromkeys(listed.split(os.pathsep)) if _is_file(part))
        if not found:
            raise InputError(f"KUBECONFIG names no file that exists: {listed}", hint="correct or unset KUBECONFIG")
        return found
    default = Path(environ.get("HOME") or "~").expanduser() / ".kube" / "config"
    return (default,) if default.is_file() else ()


def _is_file(part: str) -> bool:
    return bool(part) and Path(part).is_file()


def _merge(files: Sequence[Path]) -> _Merged:
    merged = _Merged(tuple(files))
    for file in files:
        document = _read(file)
        current = document.get("current-context")
        merged.current = merged.current or (current if isinstance(current, str) else "")
        for section, into in (("context", merged.contexts), ("cluster", merged.clusters), ("user", merged.users)):
            for entry in _entries(file, document, section):
                into.setdefault(entry.name, entry)
    return merged


def _read(file: Path) -> Mapping[str, Any]:
    try:
        with file.open("rb") as stream:
            raw = stream.read(_MAX_BYTES + 1)
        text = raw.decode()
    except OSError as error:
        raise InputError(f"cannot read this kubeconfig: {error.strerror}", where=str(file)) from None
    except UnicodeDecodeError:
        raise InputError("this kubeconfig is not UTF-8 text", where=str(file)) from None
    if len(raw) > _MAX_BYTES:
        raise InputError(f"this kubeconfig is larger than {_MAX_BYTES >> 20} MiB", where=str(file))
    documents = loads_fast(text, file=str(file))
    if not documents:
        return {}
    if not isinstance(documents[0], Mapping):
        raise InputError("this is no kubeconfig: a mapping is expected", where=str(file))
    return documents[0]


def _entries(file: Path, document: Mapping[str, Any], section: str) -> Iterator[_Entry]:
    for item in document.get(f"{section}s") or ():
        name = item.get("name") if isinstance(item, Mapping) else None
        if not isinstance(name, str):
            raise InputError(f"an entry of {section}s has no name", where=str(file))
        data = item.get(section)
        yield _Entry(file, section, name, data if isinstance(data, Mapping) else {})


def _resolve(merged: _Merged, name: str) -> Target:
    context = _context(merged, name)
    cluster = merged.clusters.get(context.text("cluster"))
    if cluster is None or not cluster.text("server"):
        what = f"context {name!r} names cluster {context.text('cluster')!r}, which has no server"
        raise InputError(what, where=str(context.file), hint="add the cluster with `kubectl config set-cluster`")
    return Target(
        server=_url(cluster),
        context=name,
        kubeconfig=merged.shown,
        namespace=context.text("namespace") or "default",
        authority=cluster.content("certificate-authority"),
        insecure=cluster.data.get("insecure-skip-tls-verify") is True,
        tls_server_name=cluster.text("tls-server-name"),
        proxy=cluster.text("proxy-url"),
        cluster=cluster.data,
        user=_user(merged, context),
    )


def _url(cluster: _Entry) -> str:
    """The server's URL; without a scheme, https when anything speaks of TLS, as kubectl has it."""
    server = cluster.text("server").rstrip("/")
    if "://" not in server:
        secure = any(cluster.data.get(key) for key in ("certificate-authority", "certificate-authority-data"))
        server = f"{'https' if secure else 'http'}://{server}"
    if not server.startswith(("https://", "http://")):
        message = f"cluster {cluster.name!r}: server {server!r} is neither https:// nor http://"
        raise InputError(message, where=str(cluster.file))
    return server


def _context(merged: _Merged, name: str) -> _Entry:
    known = ", ".join(sorted(merged.contexts)) or "none"
    if not name:
        hint = f"name one with --kube-context, or `kubectl config use-context`; there are: {known}"
        raise InputError("no current context is set", where=merged.shown, hint=hint)
    if name not in merged.contexts:
        raise InputError(f"there is no context {name!r}; there are: {known}", where=merged.shown)
    return merged.contexts[name]


def _user(merged: _Merged, context: _Entry) -> User:
    name = context.text("user")
    if not name:
        return User()
    entry = merged.users.get(name)
    if entry is None:
        message = f"context {context.name!r} names user {name!r}, which is not there"
        raise InputError(message, where=str(context.file))
    token_file = entry.path("tokenFile")
    return User(
        token=entry.text("token"),
        token_file=str(token_file) if token_file else "",
        username=entry.text("username"),
        password=entry.text("password"),
        certificate=entry.content("client-certificate"),
        key=entry.content("client-key"),
        plugin=_plugin(entry),
        base=str(entry.file.parent),
        impersonate=tuple(_impersonation(entry)),
    )


def _plugin(entry: _Entry) -> Mapping[str, Any] | None:
    """The user entry when it needs a plug-in. What stands there in plain goes before, as with kubectl."""
    if any(entry.data.get(key) for key in ("token", "tokenFile", "username")):
        return None
    return entry.data if entry.data.get("exec") or entry.data.get("auth-provider") else None


def _impersonation(entry: _Entry) -> Iterator[tuple[str, str]]:
    if entry.text("as"):
        yield "Impersonate-User", entry.text("as")
    if entry.text("as-uid"):
        yield "Impersonate-Uid", entry.text("as-uid")
    for group in entry.data.get("as-groups") or ():
        yield "Impersonate-Group", str(group)
    for key, values in (entry.data.get("as-user-extra") or {}).items():
        for value in values:
            yield f"Impersonate-Extra-{key}", str(value)


def _own_word(ref: ClusterRef, environ: Mapping[str, str], name: str) -> str:
    """A HELM_KUBE* variable: what the user told helm, which swallowed the flag. Never mixed with another cluster."""
    own = not ref.kubeconfig and ref.context in ("", environ.get("HELM_KUBECONTEXT", ""))
    return environ.get(name, "") if own else ""


def _overridden(target: Target, ref: ClusterRef, environ: Mapping[str, str]) -> Target:
    """``target`` as helm's own flags (--kube-apiserver, --kube-token …) would have it."""
    server = _own_word(ref, environ, "HELM_KUBEAPISERVER")
    token = _own_word(ref, environ, "HELM_KUBETOKEN")
    authority = _own_word(ref, environ, "HELM_KUBECAFILE")
    insecure = _own_word(ref, environ, "HELM_KUBEINSECURE_SKIP_TLS_VERIFY")
    user = replace(target.user, token=token, token_file="", plugin=None) if token else target.user
    return replace(
        target,
        server=server.rstrip("/") or target.server,
        user=_impersonated(user, ref, environ),
        authority=_bytes(Path(authority)) if authority else target.authority,
        insecure=target.insecure or insecure.lower() in ("true", "1"),
        tls_server_name=_own_word(ref, environ, "HELM_KUBETLS_SERVER_NAME") or target.tls_server_name,
    )


def _impersonated(user: User, ref: ClusterRef, environ: Mapping[str, str]) -> User:
    name = _own_word(ref, environ, "HELM_KUBEASUSER")
    if not name:
        return user
    groups = [group for group in _own_word(ref, environ, "HELM_KUBEASGROUPS").split(",") if group]
    headers = (("Impersonate-User", name), *(("Impersonate-Group", group) for group in groups))
    return replace(user, impersonate=headers)


def _in_cluster(ref: ClusterRef, environ: Mapping[str, str]) -> Target:
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "443")
    token = SERVICE_ACCOUNT / "token"
    if not host or not token.is_file():
        hint = "set KUBECONFIG, or write ~/.kube/config (your provider's command line does it)"
        raise InputError("no kubeconfig was found, and this is not inside a cluster", hint=hint)
    if ref.context not in ("", IN_CLUSTER):
        raise InputError(
            f"there is no context {ref.context!r}: no kubeconfig was found, only the pod's service account"
        )
    shown = f"[{host}]" if ":" in host else host
    return Target(
        server=f"https://{shown}:{port}",
        context=IN_CLUSTER,
        kubeconfig="",
        namespace=_bytes(SERVICE_ACCOUNT / "namespace").decode().strip() or "default",
        authority=_bytes(SERVICE_ACCOUNT / "ca.crt"),
        user=User(token_file=str(token)),
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read it: {error.strerror}", where=str(path)) from None
