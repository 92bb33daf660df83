"""The one place that starts processes.

A child of ours ends when it should, whatever happens to us: it runs in its own session (a terminal's Ctrl-C does not
reach it), under a parent-death signal and under a deadline that holds even while this process is stopped or dead.
The parent-death signal follows the *thread* that started the child, so children are started by the event loop's thread.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from helmops.errors import InputError

HOLDER_VARIABLE = "HELMOPS_HOLDER"
"""Marks every child that writes under a Lease; see ``writers_gone``."""

MIB = 1024 * 1024
CAP = 64 * MIB
GRACE = 30.0
_REAP = 5.0  # seconds for a killed child's pipes to close; a grandchild elsewhere may hold them open
_CHUNK = 1 * MIB


@dataclass(frozen=True, slots=True)
class Completed:
    """How a process ended. ``truncated``: stdout was longer than the cap and its rest was thrown away."""

    returncode: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    truncated: bool = False


class Processes:
    """Starts processes and counts them (``started``), so that a pass can tell that it needed none."""

    def __init__(self) -> None:
        self.started = 0

    async def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        deadline: float,
        stdin: bytes | None = None,
        grace: float = GRACE,
        cwd: str | None = None,
        cap: int = CAP,
    ) -> Completed:
        """Run to the end. ``env`` is the whole environment, ``deadline`` in seconds.

        At the deadline, or when cancelled, the process group gets SIGTERM, and SIGKILL ``grace`` seconds later. The
        call returns (or raises CancelledError) only when the process is gone; a second cancellation kills at once.
        """
        began = time.monotonic()
        process = await self._start(argv, env, stdin, deadline, grace, cwd)
        ended = asyncio.ensure_future(_communicate(process, stdin, cap))
        try:
            await asyncio.wait({ended}, timeout=deadline)
        finally:
            if not ended.done():
                await _end(process, ended, grace)
        return _completed(process, ended, late=time.monotonic() - began >= deadline)

    async def _start(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        stdin: bytes | None,
        deadline: float,
        grace: float,
        cwd: str | None,
    ) -> Process:
        # Asked beforehand, because the wrapper's own "not found" cannot be told from the program's.
        program = shutil.which(argv[0], path=env.get("PATH"))
        if program is None:
            raise InputError(f"the program {argv[0]} is not there or may not be executed")
        self.started += 1
        return await asyncio.create_subprocess_exec(
            *_wrapper(deadline, grace),
            program,
            *argv[1:],
            stdin=DEVNULL if stdin is None else PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            limit=_CHUNK,
        )


def _wrapper(deadline: float, grace: float) -> tuple[str, ...]:
    """What keeps the deadline when we cannot. Our own timer is the same, and the only one where these are missing."""
    tools = _tools()
    if tools is None:
        return ()
    setpriv, timeout = tools
    return (setpriv, "--pdeathsig", "TERM", "--", timeout, "-k", f"{grace:.3f}", f"{deadline:.3f}")


@lru_cache(maxsize=1)
def _tools() -> tuple[str, str] | None:
    """Paths of util-linux's ``setpriv`` and of ``timeout``; busybox's setpriv knows no parent-death signal."""
    setpriv, timeout = shutil.which("setpriv"), shutil.which("timeout")
    if setpriv is None or timeout is None or Path(setpriv).resolve().name == "busybox":
        return None
    return setpriv, timeout


async def _communicate(process: Process, stdin: bytes | None, cap: int) -> tuple[bytes, bytes, bool]:
    assert process.stdout is not None and process.stderr is not None  # noqa: S101 - both are PIPE above
    (out, truncated), (err, _), _, _ = await asyncio.gather(
        _read(process.stdout, cap), _read(process.stderr, cap), _feed(process, stdin), process.wait()
    )
    return out, err, truncated


async def _read(stream: asyncio.StreamReader, cap: int) -> tuple[bytes, bool]:
    """Everything up to ``cap``. The rest is read and dropped: a child that blocks on a full pipe would never end."""
    kept, size = [], 0
    while chunk := await stream.read(_CHUNK):
        if size < cap:
            kept.append(chunk[: cap - size])
        size += len(chunk)
    return b"".join(kept), size > cap


async def _feed(process: Process, stdin: bytes | None) -> None:
    if process.stdin is None or stdin is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):  # it ended without reading: its exit code says why
        process.stdin.write(stdin)
        await process.stdin.drain()
    process.stdin.close()


async def _end(process: Process, ended: asyncio.Future[tuple[bytes, bytes, bool]], grace: float) -> None:
    """SIGTERM, ``grace`` seconds, SIGKILL; a cancellation in between goes on to the SIGKILL at once."""
    _signal(process, signal.SIGTERM)
    try:
        await asyncio.wait({ended}, timeout=grace)
    finally:
        if not ended.done():
            _signal(process, signal.SIGKILL)
            await asyncio.wait({ended}, timeout=_REAP)
            ended.cancel()


def _signal(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)  # the child leads its own group


def _completed(process: Process, ended: asyncio.Future[tuple[bytes, bytes, bool]], *, late: bool) -> Completed:
    out, err, truncated = ended.result() if ended.done() and not ended.cancelled() else (b"", b"", False)
    code = -signal.SIGKILL if process.returncode is None else process.returncode
    # `timeout` says 124 after its SIGTERM and 137 after its SIGKILL; after our own signals the program's code stands.
    return Completed(code, out, err, timed_out=code != 0 and late, truncated=truncated)


# ---------------------------------------------------------------- who writes
def holder_identity() -> str:
    """A new holder: ``<hostname>_<machine>_<pid>_<start time>_<random>``, for a Lease and ``HELMOPS_HOLDER``."""
    pid = os.getpid()
    return "_".join((*_here(), str(pid), _start_time(pid) or "0", os.urandom(4).hex()))


def writers_gone(holder: str) -> bool | None:
    """Whether the process of this holder and every helm child of it are gone; None when it cannot be known from here.

    It cannot be known on another machine, since a reboot, in another container (PID namespace) or as another user.
    """
    parts = holder.rsplit("_", 4)
    if len(parts) != 5 or not Path("/proc/self/stat").exists() or (parts[0], parts[1]) != _here():
        return None
    pid, started = parts[2], parts[3]
    if not pid.isdecimal() or _start_time(int(pid)) == started:
        return False if pid.isdecimal() else None
    return not _marked(holder)


def _here() -> tuple[str, str]:
    """Hostname, and what makes PIDs of this kernel comparable: boot, PID namespace, user."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")[:8]
        namespace = Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
    except OSError:
        boot, namespace = "none", "0"
    return socket.gethostname(), f"{boot}.{namespace}.{os.getuid()}"


def _start_time(pid: int) -> str | None:
    """Field 22 of /proc/<pid>/stat: with the pid it names one process for ever. None when it is dead (or a zombie)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields[19]


def _marked(holder: str) -> bool:
    """Whether any process of this user carries the holder's mark in its environment."""
    mark = f"{HOLDER_VARIABLE}={holder}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):  # gone in between, or another user's
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    return True
    return False
