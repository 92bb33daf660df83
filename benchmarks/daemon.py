"""How soon the daemon corrects drift, and what it costs while nothing happens.

python -m benchmarks.daemon [--count 100] [--samples 100]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from benchmarks.bed import NAMESPACES, Bed, bed
from benchmarks.measure import helmops, measured
from benchmarks.run import Row, table, told
from tests.controlplane.api import Api
from tests.controlplane.cache import cache_root
from tests.controlplane.cluster import Cluster

SIDE = "daemon"
QUIET = 10.0
LONGEST = 30.0
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100, help="releases")
    parser.add_argument("--samples", type=int, default=100, help="drifts, one after the other")
    asked = parser.parse_args()
    with bed(asked.count) as found:
        rows = list(measure(found, asked.samples))
    print(f"\n{asked.count} Release objects of tests/charts/webapp, no pods\n")
    print(table(rows))


def measure(found: Bed, samples: int) -> Iterator[Row]:
    """Install all, let it rest, then drift."""
    api = Cluster(cache_root() / "bench-cluster").api()
    _objects(found)
    with _daemon(found) as process:
        started = time.perf_counter()
        found.kubernetes("apply", "-f", str(_releases(found)))
        _until_ready(api, found.count)
        yield Row("all installed from objects", "–", f"{time.perf_counter() - started:.1f} s", True)
        time.sleep(10.0)
        cpu = _cpu(process.pid)
        time.sleep(QUIET)
        used = (_cpu(process.pid) - cpu) / QUIET
        yield Row("… CPU while nothing happens", "≤ 2 %", f"{used:.1%}", used <= 0.02)
        memory = _memory(process.pid)
        yield Row("… memory", "≤ 200 MiB", f"{memory:.0f} MiB", memory <= 200)
        yield _drift([_corrected(api, *found.names(SIDE)[one % found.count]) for one in range(samples)])


def _drift(seconds: Sequence[float]) -> Row:
    p95 = statistics.quantiles(seconds, n=20)[-1]
    text = f"p50 {statistics.median(seconds) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms, most {max(seconds) * 1000:.0f} ms"
    return Row("a scale → corrected", "p95 < 1 s", text, p95 < 1.0)


def _objects(found: Bed) -> None:
    """The kinds, and the namespaces."""
    definitions = told("crds", measured(helmops("crds"), found.environment("cache"))).output
    file = found.folder / "crds.yaml"
    file.write_text(definitions)
    found.kubernetes("apply", "--server-side", "-f", str(file))
    found.kubernetes("wait", "--for=condition=Established", "crd/releases.helmops.dev")
    spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{SIDE}-{n}"}} for n in range(NAMESPACES)]
    file.write_text(yaml.safe_dump_all(spaces))
    found.kubernetes("apply", "-f", str(file))


def _releases(found: Bed) -> Path:
    """The objects alone: to kubectl helmops.yaml is none."""
    folder = found.manifests(SIDE, "one")
    (folder / "helmops.yaml").unlink()
    return folder


@contextmanager
def _daemon(found: Bed) -> Iterator[subprocess.Popen[bytes]]:
    with (found.folder / "daemon.log").open("wb") as log:
        process = subprocess.Popen(
            helmops("daemon"), env=found.environment("daemon-cache"), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


def _until_ready(api: Api, count: int) -> None:
    """Every object tells that it is."""
    while _ready(api) < count:
        time.sleep(0.5)


def _ready(api: Api) -> int:
    items = api.get("/apis/helmops.dev/v1alpha1/releases")["items"]
    conditions = [one for item in items for one in item.get("status", {}).get("conditions", ())]
    return sum(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _corrected(api: Api, namespace: str, name: str) -> float:
    """Seconds from the answer to a scale until the replicas are back."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}-webapp"
    api.call("PATCH", f"{path}/scale", {"spec": {"replicas": 3}}, "application/merge-patch+json")
    started = time.perf_counter()
    while api.get(path)["spec"]["replicas"] != 0:
        if time.perf_counter() - started > LONGEST:
            return LONGEST
        time.sleep(0.005)
    return time.perf_counter() - started


def _cpu(pid: int) -> float:
    """Seconds of it, so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


if __name__ == "__main__":
    main()
