"""``make bench``: every row in one run on one machine, as ratios where machines differ.

python -m benchmarks.run [--count 100]
"""

from __future__ import annotations

import argparse
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bed import Bed, bed
from benchmarks.measure import Cost, asked, helmops, loop, measured

REPEATS = 5


@dataclass(frozen=True)
class Row:
    """One line of the table. ``goal`` and ``got`` are texts; ``met`` says whether one reaches the other."""

    what: str
    goal: str
    got: str
    met: bool


def main() -> None:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100, help="releases")
    count = parser.parse_args().count
    with bed(count) as found:
        rows = [*installs(found), *unchanged(found), *changes(found), *startup(found)]
    print(f"\n{count} releases of tests/charts/webapp, no pods, no hooks, no waiting, two sides of one cluster\n")
    print(table(rows))


def installs(found: Bed) -> list[Row]:
    """The first sync of all, against the same loop."""
    four = told("loop, 4 at a time: install", loop(found, "loop4", "install", "one", 4))
    eight = told("loop, 8 at a time: install", loop(found, "loop8", "install", "one", 8))
    folder = found.manifests("ours", "one")
    before = found.repository.index_requests()
    ours = told("sync --yes: install", measured(helmops("sync", str(folder), "--yes"), found.environment("cache")))
    requests = found.repository.index_requests() - before
    best = min(four.wall, eight.wall)
    return [
        ratio("first `sync --yes`, all to install", ours, best, 0.9),
        Row("index of the repository, requests in one sync", "1", str(requests), requests == 1),
    ]


def unchanged(found: Bed) -> list[Row]:
    """Nothing to do: with every cache, and with none."""
    argv = helmops("sync", str(found.folder / "ours"), "--yes")
    env, started = found.environment("cache"), found.folder / "started"
    measured(argv, env)  # proves what the installation left unproved
    warm = min((measured(argv, env) for _ in range(REPEATS)), key=lambda cost: cost.wall)
    told("sync --yes: unchanged, warm", warm)
    measured(argv, {**env, "HELM_BIN": str(counting_helm(found, started))})
    processes = len(started.read_text().splitlines()) if started.exists() else 0
    shutil.rmtree(found.folder / "cold", ignore_errors=True)
    cold = told("sync --yes: unchanged, no caches", measured(argv, found.environment("cold")))
    return [
        Row("`sync`, all unchanged, warm: wall", "≤ 1.2 s", f"{warm.wall:.2f} s", warm.wall <= 1.2),
        Row("… helm processes", "0", str(processes), processes == 0),
        Row("… memory", "≤ 200 MiB", f"{warm.memory:.0f} MiB", warm.memory <= 200),
        Row("… with no caches: wall", "≤ 4 s", f"{cold.wall:.2f} s", cold.wall <= 4),
    ]


def changes(found: Bed) -> list[Row]:
    """Every release changed: with --yes, and asked with the difference shown."""
    four = told("loop, 4 at a time: upgrade", loop(found, "loop4", "upgrade", "two", 4))
    folder = found.manifests("ours", "two")
    ours = told("sync --yes: upgrade", measured(helmops("sync", str(folder), "--yes"), found.environment("cache")))
    eight = told("loop, 8 at a time: upgrade", loop(found, "loop8", "upgrade", "two", 8))
    folder = found.manifests("ours", "three")
    shown = told("sync, asked: upgrade", asked(helmops("sync", str(folder)), found.environment("cache")))
    best = min(four.wall, eight.wall)
    return [
        ratio("`sync --yes`, all changed", ours, best, 0.85),
        ratio("the same, asked with the diff shown, to --yes", shown, ours.wall, 1.5),
    ]


def startup(found: Bed) -> list[Row]:
    """What a person waits for when nothing is done."""
    env = found.environment("cache")
    rows = []
    for words in (["--help"], ["version"]):
        measured(helmops(*words), env)
        best = min(measured(helmops(*words), env).wall for _ in range(REPEATS))
        rows.append(Row(f"`helmops {words[0]}`", "≤ 250 ms", f"{best * 1000:.0f} ms", best <= 0.25))
    return rows


def counting_helm(found: Bed, started: Path) -> Path:
    """A helm that writes a line for every process."""
    script = found.folder / "counting-helm"
    script.write_text(f'#!/bin/sh\necho "$@" >> {started}\nexec {found.helm} "$@"\n')
    script.chmod(0o755)
    # its version is remembered by path, so the first question about it is not held against the sync
    measured(helmops("version"), {**found.environment("cache"), "HELM_BIN": str(script)})
    started.unlink(missing_ok=True)
    return script


def ratio(what: str, ours: Cost, base: float, goal: float) -> Row:
    """A row of ours against theirs."""
    got = ours.wall / base
    return Row(what, f"≤ {goal} ×", f"{got:.2f} × ({ours.wall:.1f} s to {base:.1f} s)", got <= goal)


def told(what: str, cost: Cost) -> Cost:
    """Progress, for the person who waits."""
    print(f"{time.strftime('%H:%M:%S')}  {what:36} {cost.wall:6.2f} s wall {cost.cpu:6.2f} s CPU", flush=True)
    return cost


def table(rows: list[Row]) -> str:
    """Markdown."""
    head = ["| what | to reach | measured | |", "|---|---|---|---|"]
    return "\n".join([*head, *(f"| {r.what} | {r.goal} | {r.got} | {'✓' if r.met else '✗'} |" for r in rows)])


if __name__ == "__main__":
    main()
