"""The one place that starts processes.

A child of ours ends when it should, whatever happens to us: it runs in its own session (a terminal's Ctrl-C does not
reach it), under a parent-death signal and under a deadline that holds even while this process is stopped or dead.
The parent-death signal follows the *thread* that started the child, so children are started by the event loop's thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import shutil
import signal
import socket
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from helmops.errors import InputError

_log = logging.getLogger(__name__)

HOLDER_VARIABLE = "HELMOPS_HOLDER"
"""Marks every child that writes under a Lease; see ``writers_gone``."""

MIB = 1024 * 1024
CAP = 64 * MIB
GRACE = 30.0
BEHIND = 5.0
"""Seconds by which the wrapper's deadline comes after ours. Were both the same, `timeout` could take our SIGTERM and
its own alarm for two steps, and send the SIGKILL of the second at once: helm would have no time for its record."""
_SHOWN = 100  # characters of one argument in the log
_REAP = 2.0  # seconds for the pipes of an ended child to close; a grandchild elsewhere may hold them open


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
        child = await self._start(argv, env, stdin, deadline, grace, cwd, cap)
        ended = asyncio.ensure_future(child.communicate(stdin))
        try:
            await asyncio.wait({ended}, timeout=deadline)
        finally:
            if not ended.done():
                await child.end(ended, grace)
        seconds = time.monotonic() - began
        completed = child.completed(late=seconds >= deadline)
        _log.debug("%s: exit code %d, %.0f ms", _shown(argv), completed.returncode, seconds * 1000)
        return completed

    async def _start(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        stdin: bytes | None,
        deadline: float,
        grace: float,
        cwd: str | None,
        cap: int,
    ) -> _Child:
        # Asked beforehand, because the wrapper's own "not found" cannot be told from the program's.
        program = shutil.which(argv[0], path=env.get("PATH"))
        if program is None:
            raise InputError(f"the program {argv[0]} is not there or may not be executed")
        async with _pipes(cap) as (out, err):
            self.started += 1
            process = await asyncio.create_subprocess_exec(
                *_wrapper(deadline, grace),
                program,
                *argv[1:],
                stdin=DEVNULL if stdin is None else PIPE,
                stdout=out.child_end,
                stderr=err.child_end,
                # The child holds the reading ends, too. Else, once we are dead, the first word that helm says about
                # its SIGTERM would end it by SIGPIPE before it has marked the release failed.
                pass_fds=(out.our_end, err.our_end),
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )
            return _Child(process, out, err)


def _shown(argv: Sequence[str]) -> str:
    """A command line for ``--debug``. Secrets are never on one; lists of hundreds of words are cut."""
    return shlex.join(word if len(word) <= _SHOWN else f"{word[:_SHOWN]}…" for word in (Path(argv[0]).name, *argv[1:]))


class _Output(asyncio.Protocol):
    """What a pipe brings, up to a cap. The rest is read and dropped: a child that blocks on it would never end."""

    def __init__(self, cap: int) -> None:
        self.our_end, self.child_end = os.pipe()
        self.kept = bytearray()
        self.truncated = False
        self.closed = asyncio.Event()
        self._cap = cap
        self._transport: asyncio.BaseTransport | None = None

    async def listen(self) -> None:
        """Read our end from now on."""
        pipe = os.fdopen(self.our_end, "rb", buffering=0)
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: self, pipe)

    def data_received(self, data: bytes) -> None:
        room = self._cap - len(self.kept)
        self.kept += data[:room]
        self.truncated |= len(data) > room

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    def close(self) -> None:
        """Listen no more."""
        if self._transport is not None:
            self._transport.close()


@asynccontextmanager
async def _pipes(cap: int) -> AsyncIterator[tuple[_Output, _Output]]:
    """Pipes for stdout and stderr, for as long as it takes to start a child; our ends live on in their transports."""
    out, err = _Output(cap), _Output(cap)
    try:
        await out.listen()
        await err.listen()
        yield out, err
    except BaseException:
        out.close()
        err.close()
        raise
    finally:
        os.close(out.child_end)
        os.close(err.child_end)


class _Child:
    """A process that runs, and what it has said so far."""

    def __init__(self, process: Process, out: _Output, err: _Output) -> None:
        self._process = process
        self._out = out
        self._err = err

    async def communicate(self, stdin: bytes | None) -> None:
        """Until it has ended and said all."""
        await self._feed(stdin)
        await self._process.wait()
        closed = asyncio.gather(self._out.closed.wait(), self._err.closed.wait())
        with suppress(TimeoutError):  # somebody it started still holds them: not ours to wait for
            await asyncio.wait_for(closed, _REAP)
        self._out.close()
        self._err.close()

    async def _feed(self, stdin: bytes | None) -> None:
        pipe = self._process.stdin
        if pipe is None or stdin is None:
            return
        with suppress(BrokenPipeError, ConnectionResetError):  # it ended without reading: its exit code says why
            pipe.write(stdin)
            await pipe.drain()
        pipe.close()

    async def end(self, ended: asyncio.Future[None], grace: float) -> None:
        """SIGTERM, ``grace`` seconds, SIGKILL; a cancellation in between goes on to the SIGKILL at once."""
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait({ended}, timeout=grace)
        finally:
            if not ended.done():
                self._signal(signal.SIGKILL)
                await asyncio.wait({ended})

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)  # the child leads its own group

    def completed(self, *, late: bool) -> Completed:
        """How it ended. ``late``: not before its deadline."""
        code = -signal.SIGKILL if self._process.returncode is None else self._process.returncode
        # `timeout` says 124 after its SIGTERM and 137 after its SIGKILL; after our own the program's code stands.
        out, err = bytes(self._out.kept), bytes(self._err.kept)
        return Completed(code, out, err, timed_out=code != 0 and late, truncated=self._out.truncated)


def _wrapper(deadline: float, grace: float) -> tuple[str, ...]:
    """What keeps the deadline when we cannot. Our own timer comes first; where these are missing, it is alone."""
    tools = _tools()
    if tools is None:
        return ()
    setpriv, timeout = tools
    return (setpriv, "--pdeathsig", "TERM", "--", timeout, "-k", f"{grace:.3f}", f"{deadline + BEHIND:.3f}")


@lru_cache(maxsize=1)
def _tools() -> tuple[str, str] | None:
    """Paths of util-linux's ``setpriv`` and of ``timeout``; busybox's setpriv knows no parent-death signal."""
    setpriv, timeout = shutil.which("setpriv"), shutil.which("timeout")
    if setpriv is None or timeout is None or Path(setpriv).resolve().name == "busybox":
        return None
    return setpriv, timeout


# ---------------------------------------------------------------- who writes
def holder_identity() -> str:
    """A new holder: ``<hostname>_<machine>_<pid>_<start time>_<random>``, for a Lease and ``HELMOPS_HOLDER``."""
    pid = os.getpid()
    return "_".join((*_here(), str(pid), _start_time(pid) or "0", os.urandom(4).hex()))


def writers_gone(holder: str) -> bool | None:
    """Whether the process of this holder and every helm child of it are gone; None when it cannot be known from here.

    It cannot be known on another machine, since a reboot, in another container (PID namespace) or as another user.
    """
    gone = holder_gone(holder)
    return not _marked(holder) if gone else gone


def holder_gone(holder: str) -> bool | None:
    """Whether the process itself is gone, whatever became of its helm children; None when it cannot be known."""
    parts = holder.rsplit("_", 4)
    if len(parts) != 5 or not Path("/proc/self/stat").exists() or (parts[0], parts[1]) != _here():
        return None
    pid, started = parts[2], parts[3]
    return _start_time(int(pid)) != started if pid.isdecimal() else None


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
