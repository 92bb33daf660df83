"""An OCI registry: ``crane registry serve``, a real one, as a process on loopback."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.controlplane.cache import cache_root, fill
from tests.controlplane.components import free_port
from tests.controlplane.golang import find_go, go_install

CRANE = "v0.21.9"
READY_SECONDS = 10.0


def crane() -> Path:
    """The crane program, built into the cache if it is not there."""
    go = find_go()
    target = cache_root() / "crane" / f"{CRANE}-{go.version}"
    package = f"github.com/google/go-containerregistry/cmd/crane@{CRANE}"
    return fill(target, lambda folder: go_install(go, package, folder)) / "crane"


@contextlib.contextmanager
def registry() -> Iterator[str]:
    """Run an empty registry; yield its ``host:port``. It speaks plain HTTP."""
    address = f"127.0.0.1:{free_port()}"
    with tempfile.TemporaryFile() as log:
        argv = [str(crane()), "registry", "serve", "--address", address]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(process, f"http://{address}/v2/")
            yield address
        finally:
            process.terminate()
            process.wait()


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the registry did not start") from error
        time.sleep(0.02)
