"""Kubeconfigs merge as kubectl merges them, and every mistake names its file."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from helmops.adapters.kube import kubeconfig
from helmops.adapters.kube.kubeconfig import Target, load_target
from helmops.api.model import ClusterRef
from helmops.core.yaml import dump
from helmops.errors import InputError

AMBIENT = ClusterRef()


def document(name: str, server: str = "", user: Mapping[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": f"{name}-space"}}],
        "clusters": [{"name": name, "cluster": {"server": server or f"https://{name}.example.org:6443/", **cluster}}],
        "users": [{"name": name, "user": dict(user or {"token": f"{name}-token"})}],
    }


def authority(file: str, user: Mapping[str, Any] | None = None) -> dict[str, Any]:
    words: dict[str, Any] = {"certificate-authority": file}
    return document("prod", user=user, **words)


def write(path: Path, content: Mapping[str, Any]) -> str:
    path.write_text(dump(dict(content)))
    return str(path)


def load(path: Path, content: Mapping[str, Any], context: str = "", **environ: str) -> Target:
    return load_target(ClusterRef(write(path, content), context), environ)


def test_one_file(tmp_path: Path) -> None:
    target = load(tmp_path / "config", document("prod"))
    assert (target.server, target.context, target.namespace) == ("https://prod.example.org:6443", "prod", "prod-space")
    assert target.user.token == "prod-token"
    assert target.kubeconfig == str(tmp_path / "config")
    assert "prod-token" not in repr(target)


def test_the_default_file_is_in_home(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    write(tmp_path / ".kube" / "config", document("home"))
    assert load_target(AMBIENT, {"HOME": str(tmp_path)}).context == "home"


def test_of_several_files_the_first_to_say_wins(tmp_path: Path) -> None:
    first = document("a")
    del first["current-context"]
    second = {**document("b"), "clusters": [*document("b")["clusters"], *document("a", "https://late")["clusters"]]}
    files = [write(tmp_path / "1", first), str(tmp_path / "absent"), write(tmp_path / "2", second), "", "/"]
    environ = {"KUBECONFIG": os.pathsep.join(files)}
    assert load_target(AMBIENT, environ).context == "b"
    named = load_target(ClusterRef(context="a"), environ)
    assert named.server == "https://a.example.org:6443"
    assert named.kubeconfig == os.pathsep.join([files[0], files[2]])


def test_an_unknown_context_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are: prod") as caught:
        load(tmp_path / "config", document("prod"), "prd")
    assert caught.value.where == str(tmp_path / "config")


def test_no_current_context_says_how_to_name_one(tmp_path: Path) -> None:
    content = document("prod")
    del content["current-context"]
    with pytest.raises(InputError) as caught:
        load(tmp_path / "config", content)
    assert "--kube-context" in caught.value.hint
    assert "prod" in caught.value.hint


@pytest.mark.parametrize(
    ("section", "told"), [("clusters", "has no server"), ("users", "not there")], ids=["cluster", "user"]
)
def test_dangling_names(tmp_path: Path, section: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        load(tmp_path / "config", {**document("prod"), section: []})


@pytest.mark.parametrize("text", ["- a\n", "a: [", "\x00", "contexts: [{context: {}}]", "contexts: [7]"])
def test_what_is_no_kubeconfig(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_target(ClusterRef(str(path)), {})
    assert str(path) in str(caught.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        load_target(ClusterRef(str(path)), {})


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such kubeconfig"):
        load_target(ClusterRef(str(tmp_path / "absent")), {})
    with pytest.raises(InputError, match="KUBECONFIG names no file"):
        load_target(AMBIENT, {"KUBECONFIG": str(tmp_path / "absent")})
    with pytest.raises(InputError, match="no kubeconfig was found"):
        load_target(AMBIENT, {"HOME": str(tmp_path)})


def test_paths_are_relative_to_their_file(tmp_path: Path) -> None:
    folder = tmp_path / "sub"
    folder.mkdir()
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).write_text(name)
    user = {"client-certificate": "cert.pem", "client-key": "key.pem"}
    target = load(folder / "config", authority("ca.pem", user))
    assert target.authority == b"ca.pem"
    assert (target.user.certificate, target.user.key) == (b"cert.pem", b"key.pem")
    tokens = load(folder / "config", document("prod", user={"tokenFile": "token"}))
    assert tokens.user.token_file == str(folder / "token")


def test_data_goes_before_files(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("file")
    both: dict[str, Any] = {
        "certificate-authority": "ca.pem",
        "certificate-authority-data": base64.b64encode(b"data").decode(),
    }
    assert load(tmp_path / "config", document("prod", **both)).authority == b"data"


def test_a_named_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"certificate-authority .*ca\.pem"):
        load(tmp_path / "config", authority("ca.pem"))


def test_values_of_the_wrong_type(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="token must be a string"):
        load(tmp_path / "config", document("prod", user={"token": 123}))
    no_base64: dict[str, Any] = {"certificate-authority-data": "é"}
    with pytest.raises(InputError, match="no base64"):
        load(tmp_path / "config", document("prod", **no_base64))


def test_the_words_about_tls_and_proxies(tmp_path: Path) -> None:
    words: dict[str, Any] = {
        "insecure-skip-tls-verify": True,
        "tls-server-name": "inner",
        "proxy-url": "http://proxy:3128",
    }
    target = load(tmp_path / "config", document("prod", **words))
    assert (target.insecure, target.tls_server_name, target.proxy) == (True, "inner", "http://proxy:3128")


@pytest.mark.parametrize(
    ("server", "cluster", "url"),
    [
        ("https://rancher/k8s/clusters/c-1/", {}, "https://rancher/k8s/clusters/c-1"),
        ("localhost:8080", {}, "http://localhost:8080"),
        ("host:6443", {"certificate-authority-data": "eA=="}, "https://host:6443"),
    ],
)
def test_server_urls(tmp_path: Path, server: str, cluster: dict[str, Any], url: str) -> None:
    assert load(tmp_path / "config", document("prod", server, **cluster)).server == url


def test_a_server_of_another_scheme(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither"):
        load(tmp_path / "config", document("prod", "unix:///run/x"))


def test_impersonation_of_the_user(tmp_path: Path) -> None:
    user = {"as": "bob", "as-uid": "7", "as-groups": ["a", "b"], "as-user-extra": {"scopes": ["x", "y"]}}
    target = load(tmp_path / "config", document("prod", user=user))
    assert target.user.impersonate == (
        ("Impersonate-User", "bob"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-scopes", "x"),
        ("Impersonate-Extra-scopes", "y"),
    )


def test_a_plugin_counts_only_without_plain_credentials(tmp_path: Path) -> None:
    plugin = {"exec": {"command": "login", "apiVersion": "client.authentication.k8s.io/v1"}}
    assert load(tmp_path / "config", document("prod", user=plugin)).user.plugin == plugin
    assert load(tmp_path / "config", document("prod", user={**plugin, "token": "t"})).user.plugin is None
    assert load(tmp_path / "config", document("prod", user={"auth-provider": {"name": "oidc"}})).user.plugin


def test_helms_own_flags_count_for_the_ambient_cluster(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("other")
    environ = {
        "KUBECONFIG": write(tmp_path / "config", {**document("a"), "contexts": document("b")["contexts"]}),
        "HELM_KUBEAPISERVER": "https://elsewhere:1/",
        "HELM_KUBETOKEN": "given",
        "HELM_KUBECAFILE": str(tmp_path / "ca"),
        "HELM_KUBEASUSER": "bob",
        "HELM_KUBEASGROUPS": "x,y",
        "HELM_KUBEINSECURE_SKIP_TLS_VERIFY": "false",
        "HELM_KUBETLS_SERVER_NAME": "inner",
    }
    write(tmp_path / "config", document("a"))
    target = load_target(AMBIENT, environ)
    assert (target.server, target.user.token, target.authority) == ("https://elsewhere:1", "given", b"other")
    assert (target.insecure, target.tls_server_name) == (False, "inner")
    assert target.user.impersonate[0] == ("Impersonate-User", "bob")
    assert target.user.impersonate[1:] == (("Impersonate-Group", "x"), ("Impersonate-Group", "y"))


def test_helms_flags_never_mix_with_another_cluster(tmp_path: Path) -> None:
    path = write(tmp_path / "config", document("a"))
    environ = {"KUBECONFIG": path, "HELM_KUBETOKEN": "given", "HELM_KUBECONTEXT": "b"}
    assert load_target(ClusterRef(path), environ).user.token == "a-token"
    assert load_target(ClusterRef(context="a"), environ).user.token == "a-token"
    with pytest.raises(InputError, match="'b'"):
        load_target(AMBIENT, environ)


def test_in_a_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconfig, "SERVICE_ACCOUNT", tmp_path)
    for name, text in (("token", "t"), ("ca.crt", "ca"), ("namespace", "apps\n")):
        (tmp_path / name).write_text(text)
    pod = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443", "HOME": str(tmp_path)}
    target = load_target(AMBIENT, pod)
    assert (target.server, target.context, target.namespace) == ("https://[fd00::1]:443", "in-cluster", "apps")
    assert target.user.token_file == str(tmp_path / "token")
    assert target.authority == b"ca"
    with pytest.raises(InputError, match="prod"):
        load_target(ClusterRef(context="prod"), pod)


def test_a_file_goes_before_the_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconfig, "SERVICE_ACCOUNT", tmp_path)
    (tmp_path / "token").write_text("t")
    path = write(tmp_path / "config", document("a"))
    assert load_target(AMBIENT, {"KUBECONFIG": path, "KUBERNETES_SERVICE_HOST": "10.0.0.1"}).context == "a"


def test_a_kubeconfig_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconfig, "_MAX_BYTES", 10)
    with pytest.raises(InputError, match="larger than"):
        load(tmp_path / "config", document("prod"))
