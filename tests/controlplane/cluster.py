"""Bring one control plane up in a folder, find it again, take it down."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from . import components
from .api import Api
from .build import Binaries, build
from .cache import cache_root, locked, say
from .components import Layout
from .pki import PKI, write_kubeconfig
from .processes import PidFile, Process, end, spawn

HERE = Path(__file__).resolve().parent
READY_SECONDS = 90.0
PARTS = ("kwok", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd")
# a polite kube-apiserver takes many seconds to leave, for the sake of clients that are not here
AT_ONCE = frozenset({"kube-apiserver"})
COLLECTIONS = {"StorageClass": "/apis/storage.k8s.io/v1/storageclasses", "Node": "/api/v1/nodes"}


class ClusterError(Exception):
    """The control plane cannot be started; the text says why."""


@dataclass(frozen=True)
class Status:
    """What is known of the cluster in a folder."""

    healthy: bool
    server: str | None
    running: tuple[Process, ...]


class Cluster:
    """One folder with certificates, data, logs, ``pids.json`` and ``admin.kubeconfig``."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.kubeconfig = self.root / "admin.kubeconfig"
        self._state = self.root / "cluster.json"
        self._pids = PidFile(self.root / "pids.json")

    def up(self) -> Path:
        """Make sure that a healthy cluster of this very source runs; return its admin kubeconfig."""
        self._refuse_foreign_folder()
        programs = build()
        with self._locked():
            if not self._healthy(programs):
                self._clear()
                self._start(programs)
        return self.kubeconfig

    def down(self, unless: Callable[[], bool] = lambda: False) -> bool:
        """End what runs here and remove its data; say whether anything ran.

        ``unless`` is asked while nobody else can start or end the cluster.
        """
        if not self._state.exists():
            return False
        with self._locked():
            return not unless() and self._clear()

    def status(self) -> Status:
        """Look, without starting or ending anything."""
        layout = self._layout()
        running = tuple(process for process in self._pids.read() if process.alive())
        server = layout.server if layout and running else None
        return Status(self._answers(layout), server, running)

    def api(self) -> Api:
        """The admin's access to the API server."""
        layout = self._layout()
        if layout is None:
            raise ClusterError(f"no control plane in {self.root}")
        return Api(layout.server, layout.pki)

    # --- finding it again -------------------------------------------------

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self.root / "lock")

    def _healthy(self, programs: Binaries) -> bool:
        state = self._read_state()
        return state.get("source") == _source(programs) and self._answers(self._layout())

    def _answers(self, layout: Layout | None) -> bool:
        alive = {process.name for process in self._pids.read() if process.alive()}
        if layout is None or alive != set(PARTS) or not self.kubeconfig.exists():
            return False
        api = Api(layout.server, layout.pki)
        return api.ok("/readyz") and _node_is_ready(api)

    def _read_state(self) -> dict[str, object]:
        try:
            found = json.loads(self._state.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return found if isinstance(found, dict) else {}

    def _layout(self) -> Layout | None:
        ports = self._read_state().get("ports")
        return Layout(self.root, **ports) if isinstance(ports, dict) else None

    # --- clearing ---------------------------------------------------------

    def _refuse_foreign_folder(self) -> None:
        entries = {entry.name for entry in self.root.iterdir()} if self.root.is_dir() else set()
        if entries - {"lock", "runs"} and not self._state.exists():
            raise ClusterError(f"{self.root} holds something else than a cluster; choose another folder")

    def _clear(self) -> bool:
        """End what an earlier start left, crashed or not. The logs stay until the next start."""
        left = self._pids.read()
        running = [process for process in left if process.alive()]
        end(running, AT_ONCE)
        self._pids.remove()
        for folder in ("etcd", "pki"):
            shutil.rmtree(self.root / folder, ignore_errors=True)
        for kubeconfig in self.root.glob("*.kubeconfig"):
            kubeconfig.unlink()
        return bool(running)

    # --- starting ---------------------------------------------------------

    def _start(self, programs: Binaries) -> None:
        began = time.monotonic()
        layout = Layout.new(self.root)
        ports = {name: port for name, port in asdict(layout).items() if name != "root"}
        self._state.write_text(json.dumps({"source": _source(programs), "ports": ports}, indent=1))
        try:
            self._start_parts(layout, programs)
        except BaseException:
            self._clear()
            raise
        say(f"control plane ready in {time.monotonic() - began:.1f} s")

    def _start_parts(self, layout: Layout, programs: Binaries) -> None:
        PKI(layout.pki).issue_all()
        etcd = self._spawn("etcd", components.etcd(layout, programs))
        probe = Api(layout.etcd_url, layout.pki)
        self._wait(etcd, lambda: probe.ok("/health"))
        apiserver = self._spawn("kube-apiserver", components.apiserver(layout, programs))
        api = Api(layout.server, layout.pki)
        self._wait(apiserver, lambda: api.ok("/readyz"))
        for client in ("admin", "kube-controller-manager", "kube-scheduler", "kwok"):
            write_kubeconfig(layout.kubeconfig(client), layout.pki, client, layout.server)
        controllers = self._spawn("kube-controller-manager", components.controllers(layout, programs))
        scheduler = self._spawn("kube-scheduler", components.scheduler(layout, programs))
        kwok = self._spawn("kwok", components.kwok(layout, programs))
        api.apply_file(HERE / "simclass.yaml", COLLECTIONS)
        for process, port in ((controllers, layout.controllers), (scheduler, layout.scheduler)):
            health = Api(f"https://127.0.0.1:{port}", layout.pki)
            self._wait(process, lambda health=health: health.ok("/healthz"))  # type: ignore[misc]
        self._wait(kwok, lambda: _node_is_ready(api))

    def _spawn(self, name: str, argv: list[str | Path]) -> Process:
        log = self._log(name)
        log.unlink(missing_ok=True)
        # HOME is this folder: no part reads a configuration of the user's, KUBECONFIG least of all
        env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.root), "GOGC": "200"}
        process = Process.of(name, spawn(name, argv, log, env).pid)
        self._pids.write([*self._pids.read(), process])
        return process

    def _wait(self, process: Process, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not ready():
            if not process.alive():
                raise ClusterError(f"{process.name} ended:\n{self._tail(process.name)}")
            if time.monotonic() > deadline:
                tail = self._tail(process.name)
                raise ClusterError(f"{process.name} is not ready after {READY_SECONDS:.0f} s:\n{tail}")
            time.sleep(0.05)

    def _log(self, name: str) -> Path:
        return self.root / f"{name}.log"

    def _tail(self, name: str) -> str:
        return "\n".join(self._log(name).read_text(errors="replace").splitlines()[-15:])


def cluster_of_person() -> Cluster:
    """The one that ``python -m tests.controlplane up`` starts."""
    return Cluster(cache_root() / "cluster")


def cluster_of_test_runs() -> Cluster:
    """The one of this clone's test runs."""
    clone = str(HERE.parents[1])
    return Cluster(cache_root() / f"test-cluster-{hashlib.sha256(clone.encode()).hexdigest()[:8]}")


def _source(programs: Binaries) -> str:
    """What a running cluster must have been started from to be taken as it is."""
    digest = hashlib.sha256(programs.folder.name.encode())
    for file in ("stages.yaml", "simclass.yaml", "components.py"):
        digest.update((HERE / file).read_bytes())
    return digest.hexdigest()[:16]


def _node_is_ready(api: Api) -> bool:
    try:
        nodes = api.get("/api/v1/nodes")["items"]
    except OSError:
        return False
    conditions = [condition for node in nodes for condition in node.get("status", {}).get("conditions", [])]
    return any(found["type"] == "Ready" and found["status"] == "True" for found in conditions)
