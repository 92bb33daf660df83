"""A secret value stands in the Secrets that need it, and nowhere else: no output, log, event, command line or file."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.e2e.helpers import HelmOps, Live
from tests.runners import Helm, Kubectl

FIRST, SECOND, THIRD = "hunter2-first-4f1c9e", "hunter2-second-8d2b7a", "hunter2-third-1e6f3c"
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}}
stringData:
  password: {{ .Values.database.password | quote }}
  dsn: "postgres://app:{{ .Values.database.password }}@db.example.org/app"
"""
FAILING = """\
{{- if .Values.explode }}
{{- fail (printf "cannot connect as app:%s@db" .Values.database.password) }}
{{- end }}
"""


def forms(secret: str) -> list[str]:
    """A secret as it stands, and inside base64 at each of the three offsets."""
    found = [secret]
    for lead in range(3):
        encoded = base64.b64encode(b"x" * lead + secret.encode()).decode()
        found.append(encoded[4:-4])
    return found


def assert_silent(text: str, where: str) -> None:
    """No secret in any form."""
    for secret in (FIRST, SECOND, THIRD):
        for form in forms(secret):
            assert form not in text, f"{form} stands in {where}"


@contextmanager
def watched_command_lines() -> Iterator[set[str]]:
    """The command line of every process that was seen while the block ran."""
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.03):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    seen.add(process.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def describe(ops: HelmOps, password: str, **values: object) -> None:
    """The input: an application with a password."""
    secret = ops.folder / "charts/app/templates/secret.yaml"
    ops.app(lines=FAILING)
    secret.write_text(SECRET)
    ops.write("values/secret.yaml", f"database:\n  password: {password}\n")
    ops.write("web.yaml", ops.release("web", "charts/app", values, valuesFrom=[{"file": "values/secret.yaml"}]))


def patch(kubectl: Kubectl, password: str) -> None:
    """Change the Secret by hand, not on a command line."""
    change = json.dumps({"stringData": {"password": password}})
    kubectl("patch", "secret", "web", "--patch-file", "/dev/stdin", stdin=change)


@pytest.mark.helm3
def test_a_secret_value_stands_nowhere_but_in_secrets(
    ops: HelmOps, live: Live, kubectl: Kubectl, helm: Helm, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    ops = ops.using(TMPDIR=str(temporary))
    name = f"{ops.namespace}/web"
    said: dict[str, str] = {}
    with watched_command_lines() as command_lines:
        describe(ops, FIRST)
        said["plan of an install"] = ops.plan("--debug").text
        said["install"] = ops.sync("--debug").text
        describe(ops, SECOND)
        said["plan of an upgrade"] = ops.plan("--debug").text
        said["plan of an upgrade as JSON"] = ops.plan("-o", "json").text
        said["upgrade"] = ops.sync("--debug", "-o", "json").text
        patch(kubectl, THIRD)
        said["plan of a correction"] = ops.plan("-o", "json").text + ops.plan().text
        said["status"] = ops("status", name).text + ops("status", name, "-o", "json").text
        said["correction"] = ops.sync("--debug").text
        describe(ops, THIRD, explode=True)
        said["failure"] = ops.sync("--debug", code=1).text
        said["failure as JSON"] = ops.sync("-o", "json", code=1).text
        said["template"] = ops("template", name, "--debug", code=1).text
        describe(ops, THIRD)
        said["template"] += ops("template", name, "--debug").text
        said["values"] = ops("values", name).text + ops("values", name, "-o", "json").text
        said["history"] = ops("history", name).text + ops("history", name, "-o", "yaml").text

    assert base64.b64decode(live.get("Secret", "web")["data"]["password"]).decode() == SECOND
    assert "cannot connect as app:" in said["failure"]
    assert any("upgrade web" in line for line in command_lines)  # it did look
    for what, text in said.items():
        assert_silent(text, what)
    assert_silent("\n".join(command_lines), "a command line")
    assert_silent(json.dumps(kubectl("get", "events", "-o", "json")), "an event")
    assert_silent(json.dumps([one["description"] for one in helm.json("history", "web")]), "helm history")
    assert_silent(json.dumps([one["metadata"] for one in live.all("Secret")]), "metadata of Secrets")
    assert list(temporary.iterdir()) == []


def test_what_is_kept_on_disk_holds_no_secret_and_is_private(ops: HelmOps, kubectl: Kubectl, tmp_path: Path) -> None:
    describe(ops, FIRST)
    ops.sync()
    patch(kubectl, THIRD)
    ops.plan()
    describe(ops, SECOND)
    ops.sync()
    cache = tmp_path / "cache"
    assert cache.stat().st_mode & 0o077 == 0
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert any("memory" in path.parts for path in files)
    for path in files:
        assert_silent(path.read_bytes().decode("utf-8", "replace"), str(path))
    for path in (cache / "memory").iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_a_question_on_a_terminal_shows_no_secret_either(ops: HelmOps) -> None:
    describe(ops, FIRST)
    ops.sync()
    describe(ops, SECOND)
    shown = ops.on_a_terminal("sync", ".", answers={"Apply? [y/N]": "y"})
    assert "Secret/web" in shown
    assert_silent(shown, "the terminal")
