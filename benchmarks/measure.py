"""Running one thing, and what it cost."""

from __future__ import annotations

import json
import os
import pty
import resource
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.bed import Bed

MIB = 1024


@dataclass(frozen=True)
class Cost:
    """``wall`` and ``cpu`` (children included) in seconds, ``memory``: the largest process, in MiB."""

    wall: float
    cpu: float
    memory: float
    output: str


class Failed(Exception):
    """What was measured did not work."""


def helmops(*words: str) -> list[str]:
    """The command line of this tree's helmops."""
    return [sys.executable, "-m", "helmops", *words]


def run(argv: Sequence[str], env: Mapping[str, str], stdin: bytes = b"") -> Cost:
    """Run to the end; Failed unless it exits with 0."""
    started = time.perf_counter()
    with subprocess.Popen(
        argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as child:
        out, _ = child.communicate(stdin)
    return _cost(started, out.decode(errors="replace"), child.returncode, argv)


def measured(argv: Sequence[str], env: Mapping[str, str], stdin: bytes = b"") -> Cost:
    """``run`` in a process of its own, so that CPU and memory are this command's alone."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            cost = run(argv, env, stdin)
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            line = f"{cost.wall} {used.ru_utime + used.ru_stime} {used.ru_maxrss / MIB}\n{cost.output}"
            with os.fdopen(write, "w") as pipe:
                pipe.write(line)
            code = 0
        except Failed as error:
            print(error, file=sys.stderr)
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read) as pipe:
        head, _, output = pipe.read().partition("\n")
    if os.waitpid(pid, 0)[1]:
        raise Failed(" ".join(argv))
    wall, cpu, memory = map(float, head.split())
    return Cost(wall, cpu, memory, output)


def _cost(started: float, output: str, code: int, argv: Sequence[str]) -> Cost:
    if code:
        raise Failed(f"{' '.join(argv)} exited with {code}:\n{output[-3000:]}")
    return Cost(time.perf_counter() - started, 0.0, 0.0, output)


def loop(bed: Bed, side: str, verb: str, greeting: str, parallel: int) -> Cost:
    """A bare ``xargs -P`` over helm, its own validation on; the chart is on disk already."""
    values = bed.folder / f"values-{side}.yaml"
    values.write_text(json.dumps(bed.values(greeting)))
    lines = "".join(f"{name} {namespace}\n" for namespace, name in bed.names(side))
    script = f'{bed.helm} {verb} "$0" {bed.chart} -n "$1" -f {values} >/dev/null'
    argv = ["xargs", "-P", str(parallel), "-L", "1", "sh", "-c", script]
    return measured(argv, bed.environment(f"cache-{side}"), lines.encode())


def asked(argv: Sequence[str], env: Mapping[str, str]) -> Cost:
    """The same on a terminal, where a person answers yes at once."""
    started = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(argv[0], list(argv), dict(env))
    output = _converse(terminal)
    _, status, used = os.wait4(pid, 0)
    cost = _cost(started, output, os.waitstatus_to_exitcode(status), argv)
    return Cost(cost.wall, used.ru_utime + used.ru_stime, used.ru_maxrss / MIB, output)


def _converse(terminal: int) -> str:
    seen, answered = b"", False
    while True:
        select.select([terminal], [], [])
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # how a terminal tells its end
            piece = b""
        if not piece:
            return seen.decode(errors="replace")
        seen += piece
        if not answered and b"[y/N]" in seen:
            os.write(terminal, b"y\n")
            answered = True
