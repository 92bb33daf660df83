"""helmops as a person runs it, and the cluster as a bystander sees it."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import time
import urllib.error
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from tests.charts import chart, copy_chart
from tests.controlplane.api import Api
from tests.e2e.zygote import Zygote

T = TypeVar("T")

SECONDS = 90.0
QUICK = {"disableHooks": True, "disableWait": True}
"""For releases whose readiness and hooks are not the point of a test."""

_PATHS = {
    "ConfigMap": ("/api/v1", "configmaps"),
    "Secret": ("/api/v1", "secrets"),
    "Service": ("/api/v1", "services"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "Job": ("/apis/batch/v1", "jobs"),
    "Ingress": ("/apis/networking.k8s.io/v1", "ingresses"),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases"),
}

_APP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  message: {{ .Values.message | quote }}
  version: {{ .Chart.Version | quote }}
"""
_PODS = """\
{{- with .Values.pods }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $.Release.Name }}
spec:
  selector:
    matchLabels: &labels {app: {{ $.Release.Name | quote }}}
  template:
    metadata:
      labels: *labels
      annotations: {{ toYaml . | nindent 8 }}
    spec:
      containers: [{name: app, image: "registry.example.org/app:{{ $.Chart.Version }}"}]
{{- end }}
"""


class _Dumper(yaml.SafeDumper):
    """Quotes what Helm would read as a boolean and PyYAML would not."""


_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^[yYnN]$"), list("yYnN"))

NEVER_READY = {"helmops.test/sim": "never-ready"}


def slowly(seconds: float) -> dict[str, str]:
    """Pods of the chart ``app`` that get ready after a while."""
    return {"helmops.test/sim-delay": f"{seconds}s"}


@dataclass(frozen=True)
class Ran:
    """How a run of helmops ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All that was printed."""
        return self.out + self.err

    @property
    def json(self) -> Any:
        """The result after ``-o json``."""
        return json.loads(self.out)


@dataclass(frozen=True)
class HelmOps:
    """A folder of manifests, and helmops run in it. ``ops("plan", ".")`` asserts the exit code."""

    folder: Path
    namespace: str
    environment: Mapping[str, str]
    zygote: Zygote

    def using(self, **environment: str) -> HelmOps:
        """The same with other environment variables."""
        return replace(self, environment={**self.environment, **environment})

    def __call__(self, *words: str, code: int = 0, stdin: str | None = None) -> Ran:
        """Run to the end, without a terminal."""
        ran = Ran(*self.zygote.run(words, cwd=self.folder, environment=self.environment, stdin=stdin, seconds=SECONDS))
        assert ran.code == code, f"helmops {' '.join(words)}: exit code {ran.code}, not {code}\n{ran.text}"
        return ran

    def sync(self, *words: str, code: int = 0) -> Ran:
        """Everything in the folder, without a question."""
        return self("sync", ".", "--yes", *words, code=code)

    def plan(self, *words: str, code: int = 0) -> Ran:
        """What sync would do with the folder."""
        return self("plan", ".", *words, code=code)

    def planned(self, *words: str, code: int = 0) -> dict[str, Any]:
        """What sync would do with each release, by name."""
        return {one["name"]: one for one in self.plan("-o", "json", *words, code=code).json["releases"]}

    @contextmanager
    def running(self, *words: str) -> Iterator[Running]:
        """A run in the background; killed at the end if the test left it alive."""
        process = subprocess.Popen(
            self._argv(words),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield Running(process)
        finally:
            if process.poll() is None:
                process.kill()
            with suppress(ValueError):  # the test has read it to the end
                process.communicate()

    def on_a_terminal(self, *words: str, answers: Mapping[str, str], code: int = 0) -> str:
        """Run on a terminal; each answer is typed when its question has been shown. All that the terminal showed."""
        primary, secondary = pty.openpty()
        process = subprocess.Popen(
            self._argv(words),
            cwd=self.folder,
            env={**self.environment, "TERM": "xterm", "COLUMNS": "160"},
            stdin=secondary,
            stdout=secondary,
            stderr=secondary,
            start_new_session=True,
        )
        os.close(secondary)
        try:
            shown = _converse(primary, dict(answers))
            found = process.wait(SECONDS)
        finally:
            os.close(primary)
            if process.poll() is None:
                process.kill()
                process.wait()
        assert found == code, f"helmops {' '.join(words)}: exit code {found}, not {code}\n{shown}"
        return shown

    def write(self, file: str, *documents: Mapping[str, Any] | str) -> Path:
        """Write a manifest: documents, or text as it stands."""
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = [one if isinstance(one, str) else yaml.dump(one, Dumper=_Dumper, sort_keys=False) for one in documents]
        path.write_text("---\n".join(texts))
        return path

    def own(self, owner: str, **cluster: str) -> None:
        """Declare an owner."""
        self.write("helmops.yaml", {"owner": owner, **({"cluster": cluster} if cluster else {})})

    def chart(self, name: str, version: str = "", edits: Mapping[str, tuple[str, str]] | None = None) -> str:
        """Copy one of the project's charts below the folder, in the place of an earlier copy of it."""
        target = self.folder / "charts" / name
        shutil.rmtree(target, ignore_errors=True)
        if version or edits:
            copied = copy_chart(name, self.folder / "charts", version or "1.0.0", replace=edits)
            copied.rename(target)
        else:
            shutil.copytree(chart(name), target)
        return f"charts/{name}"

    def app(self, version: str = "1.0.0", *, lines: str = "") -> str:
        """The least of charts: a ConfigMap; pods where the values ask for some; ``lines`` at its end."""
        target = self.folder / "charts" / "app"
        (target / "templates").mkdir(parents=True, exist_ok=True)
        (target / "Chart.yaml").write_text(f"apiVersion: v2\nname: app\nversion: {version}\n")
        (target / "values.yaml").write_text("message: hello\npods: {}\n")
        (target / "templates" / "configmap.yaml").write_text(_APP + lines)
        (target / "templates" / "deployment.yaml").write_text(_PODS)
        return "charts/app"

    def release(
        self, name: str, chart_: str | Mapping[str, str], values: Mapping[str, Any] | None = None, **spec: Any
    ) -> dict[str, Any]:
        """A Release in the test's namespace (``namespace=`` for another); its chart by path or as it is written."""
        metadata = {"name": name, "namespace": spec.pop("namespace", self.namespace)}
        annotations = spec.pop("annotations", None)
        quick = spec.pop("quick", True)
        options = {action: dict(QUICK) for action in ("install", "upgrade", "rollback")} if quick else {}
        return {
            "apiVersion": "helmops.dev/v1alpha1",
            "kind": "Release",
            "metadata": metadata | ({"annotations": annotations} if annotations else {}),
            "spec": {
                "chart": {"path": chart_} if isinstance(chart_, str) else dict(chart_),
                **({"values": dict(values)} if values else {}),
                "timeout": "20s",
                **options,
                **spec,
            },
        }

    def _argv(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "helmops", *words]


@dataclass
class Running:
    """A helmops in the background."""

    process: subprocess.Popen[str]

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    def signal(self, number: int) -> None:
        """Send a signal to helmops alone."""
        os.kill(self.process.pid, number)

    def end(self) -> Ran:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=SECONDS)
        return Ran(self.process.returncode, out, err)


@dataclass(frozen=True)
class Live:
    """The cluster, read without helmops, helm or kubectl."""

    api: Api
    namespace: str

    def find(self, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """An object, or None."""
        base, plural = _PATHS[kind]
        try:
            found: dict[str, Any] = self.api.get(f"{base}/namespaces/{namespace or self.namespace}/{plural}/{name}")
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 404:
                    raise
            return None
        return found

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        """An object that must be there."""
        found = self.find(kind, name, namespace)
        assert found is not None, f"{kind} {name} is not there"
        return found

    def all(self, kind: str, namespace: str = "") -> list[dict[str, Any]]:
        """Every object of a kind in a namespace."""
        base, plural = _PATHS[kind]
        items: list[dict[str, Any]] = self.api.get(f"{base}/namespaces/{namespace or self.namespace}/{plural}")["items"]
        return items

    def message(self, release: str, namespace: str = "") -> str:
        """What the ConfigMap of the chart ``app`` says."""
        return str(self.get("ConfigMap", release, namespace)["data"]["message"])

    def records(self, release: str, namespace: str = "") -> list[dict[str, Any]]:
        """Helm's Secrets of a release, oldest first."""
        found = [one for one in self.all("Secret", namespace) if one["type"] == "helm.sh/release.v1"]
        mine = [one for one in found if one["metadata"]["labels"]["name"] == release]
        return sorted(mine, key=lambda one: int(one["metadata"]["labels"]["version"]))

    def history(self, release: str, namespace: str = "") -> list[str]:
        """The status of each revision, oldest first."""
        return [str(one["metadata"]["labels"]["status"]) for one in self.records(release, namespace)]

    def statuses(self) -> dict[str, str]:
        """The status of the highest revision of every release of the namespace."""
        found = [one["metadata"]["labels"] for one in self.all("Secret") if one["type"] == "helm.sh/release.v1"]
        ordered = sorted(found, key=lambda labels: int(labels["version"]))
        return {labels["name"]: labels["status"] for labels in ordered}

    def leases(self, namespace: str = "") -> list[str]:
        """Leases of helmops that are there."""
        names = [str(one["metadata"]["name"]) for one in self.all("Lease", namespace)]
        return [name for name in names if name.startswith("helmops-")]


@dataclass(frozen=True)
class CountedHelm:
    """A helm that notes each of its processes: begin and end, with the pid and the words."""

    path: Path
    log: Path

    @classmethod
    def around(cls, helm: Path, folder: Path) -> CountedHelm:
        """A script in the folder that runs the helm."""
        path, log = folder / "counted-helm", folder / "counted-helm.log"
        path.write_text(
            f'#!/bin/sh\nexec 3<&0\necho "begin $$ $*" >>"{log}"\n"{helm}" "$@" <&3 &\ntrap "kill $!" TERM\n'
            f'wait $!\ncode=$?\necho "end $$ $*" >>"{log}"\nexit $code\n'
        )
        path.chmod(0o755)
        return cls(path, log)

    def lines(self) -> list[str]:
        """What was noted."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def runs(self) -> list[str]:
        """The words of every process."""
        return [line.split(" ", 2)[2] for line in self.lines() if line.startswith("begin ")]

    def forget(self) -> None:
        """Count anew."""
        self.log.unlink(missing_ok=True)


@dataclass(frozen=True)
class Child:
    """A running process, as /proc shows it."""

    pid: int
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)


def helm_children(helm: Path, holder_of: int) -> list[Child]:
    """The helm processes that the helmops with this pid started to write something, whoever their parent is by now."""
    return [
        child
        for child in processes()
        if child.argv[:1] == (str(helm),) and f"_{holder_of}_" in child.environment.get("HELMOPS_HOLDER", "")
    ]


def processes() -> Iterator[Child]:
    """Every process that may be looked at."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                argv = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                pairs = (entry / "environ").read_bytes().decode("utf-8", "replace").split("\0")
                environment = dict(pair.partition("=")[::2] for pair in pairs)
                yield Child(int(entry.name), tuple(argv[:-1]), environment)


def until(condition: Callable[[], T], what: str, seconds: float = 30.0) -> T:
    """Wait until a condition gives something true; give that back."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"after {seconds:.0f} s still not: {what}"
        time.sleep(0.05)
    return found


def _converse(terminal: int, answers: dict[str, str]) -> str:
    shown = b""
    with suppress(OSError):  # the other end is closed
        while chunk := os.read(terminal, 4096):
            shown += chunk
            for question in [one for one in answers if one.encode() in shown]:
                os.write(terminal, f"{answers.pop(question)}\n".encode())
    return shown.decode("utf-8", "replace")
