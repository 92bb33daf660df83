"""Processes end when they should: at their end, at the deadline, when cancelled, and when we die."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from helmops.adapters import process
from helmops.adapters.process import Completed, Processes, holder_gone, holder_identity, writers_gone
from helmops.errors import InputError

ENV = {"PATH": os.environ["PATH"]}
LINUX = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
# Says that it is ready, and ends cleanly on SIGTERM, as helm does.
POLITE = "trap 'echo bye; exit 1' TERM; echo ready >&2; while :; do sleep 0.02; done"
DEAF = "trap '' TERM; echo $$; while :; do sleep 0.02; done"


@pytest.fixture(params=["wrapped", "plain"])
def processes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Processes:
    """With setpriv and timeout around the child, and without, as on macOS."""
    if request.param == "plain":
        monkeypatch.setattr(process, "_tools", lambda: None)
    return Processes()


async def sh(processes: Processes, script: str, *, deadline: float = 20.0, grace: float = 5.0) -> Completed:
    return await processes.run(["sh", "-c", script], env=ENV, deadline=deadline, grace=grace)


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def test_what_a_process_says_and_how_it_ends(processes: Processes) -> None:
    done = await sh(processes, "echo out; echo err >&2; exit 3")
    assert done == Completed(3, b"out\n", b"err\n")
    assert processes.started == 1


async def test_stdin_and_only_the_given_environment(processes: Processes) -> None:
    env = ENV | {"MARK": "1"}
    done = await processes.run(["sh", "-c", "cat; env"], env=env, stdin=b"x" * 300_000, deadline=20)
    assert done.stdout.startswith(b"x" * 300_000)
    assert b"MARK=1" in done.stdout
    assert b"HOME=" not in done.stdout


async def test_a_process_that_does_not_read_its_stdin(processes: Processes) -> None:
    done = await processes.run(["sh", "-c", "exit 0"], env=ENV, stdin=b"x" * 3_000_000, deadline=20)
    assert done.returncode == 0


async def test_output_over_the_cap_is_dropped_and_told(processes: Processes) -> None:
    done = await processes.run(["sh", "-c", "head -c 300000 /dev/zero"], env=ENV, deadline=20, cap=1000)
    assert (len(done.stdout), done.truncated, done.returncode) == (1000, True, 0)


async def test_the_deadline_asks_first(processes: Processes) -> None:
    done = await sh(processes, POLITE, deadline=0.5)
    assert (done.timed_out, done.stdout) == (True, b"bye\n")


async def test_the_deadline_kills_who_does_not_listen(processes: Processes) -> None:
    began = time.monotonic()
    done = await sh(processes, DEAF, deadline=0.3, grace=0.3)
    assert done.timed_out
    assert done.returncode != 0
    assert time.monotonic() - began < 3


async def test_success_just_before_the_deadline_is_success(processes: Processes) -> None:
    done = await sh(processes, "trap 'exit 0' TERM; while :; do sleep 0.02; done", deadline=2)
    assert not done.timed_out or done.returncode == 124  # `timeout` hides the program's own code behind 124


async def test_cancelling_waits_for_a_clean_end(processes: Processes, tmp_path: Path) -> None:
    slow_end = f"trap 'sleep 0.3; echo clean > {tmp_path}/end; exit 1' TERM"
    script = f"{slow_end}; echo > {tmp_path}/up; while :; do sleep 0.02; done"
    task = asyncio.create_task(sh(processes, script))
    await until((tmp_path / "up").exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (tmp_path / "end").read_text() == "clean\n"


async def test_cancelling_twice_kills_at_once(processes: Processes, tmp_path: Path) -> None:
    task = asyncio.create_task(sh(processes, f"trap '' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 0.02; done"))
    await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    began = time.monotonic()
    task.cancel()
    await asyncio.sleep(0.1)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 2
    pid = int((tmp_path / "pid").read_text())
    await until(lambda: not alive(pid))


async def test_a_grandchild_that_lives_on_does_not_hold_us(processes: Processes) -> None:
    began = time.monotonic()
    done = await sh(processes, "setsid sleep 20 & echo done")
    assert (done.returncode, done.stdout) == (0, b"done\n")
    assert time.monotonic() - began < 5


async def test_a_grandchild_that_keeps_the_pipe_does_not_hold_us(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_REAP", 0.2)
    done = await sh(processes, f"setsid sleep 3 & {DEAF}", deadline=0.3, grace=0.2)
    assert done.timed_out


async def test_a_terminals_interrupt_does_not_reach_the_child(processes: Processes) -> None:
    done = await sh(processes, "ps -o pgid= -p $$ | tr -d ' '")
    assert int(done.stdout) != os.getpgid(0)


async def test_what_is_not_there_is_told(processes: Processes) -> None:
    with pytest.raises(InputError, match="no-such-program"):
        await processes.run(["no-such-program"], env=ENV, deadline=5)
    assert processes.started == 0


@LINUX
async def test_children_end_cleanly_when_we_are_killed(tmp_path: Path) -> None:
    # It says something first, as helm does: a pipe without a reader must not end it there.
    end = f"trap 'echo cancelled; echo clean > {tmp_path}/end; exit' TERM"
    script = f"{end}; echo $$ > {tmp_path}/pid; while :; do sleep 0.02; done"
    code = (
        "import asyncio\nfrom helmops.adapters.process import Processes\n"
        f"asyncio.run(Processes().run(['sh', '-c', {script!r}], env={ENV!r}, deadline=60))"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "", 20)
    parent.kill()
    await parent.wait()
    await until((tmp_path / "end").exists)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# ---------------------------------------------------------------- who writes
@LINUX
def test_we_ourselves_are_not_gone() -> None:
    assert writers_gone(holder_identity()) is False
    assert holder_gone(holder_identity()) is False


def test_each_holder_is_another() -> None:
    assert holder_identity() != holder_identity()


@LINUX
@pytest.mark.parametrize("place", [0, 1])
def test_another_machine_or_boot_cannot_be_known(place: int) -> None:
    parts = holder_identity().rsplit("_", 4)
    parts[place] = "elsewhere"
    assert writers_gone("_".join(parts)) is None


@pytest.mark.parametrize("holder", ["", "helmops", "a_b_c_d_e", "someone-else-4711"])
def test_a_holder_that_is_not_ours_cannot_be_known(holder: str) -> None:
    assert writers_gone(holder) is None


@LINUX
def test_a_pid_used_again_is_another_process() -> None:
    parts = holder_identity().rsplit("_", 4)
    parts[3] = "1"
    assert writers_gone("_".join(parts)) is True


@LINUX
def test_an_orphaned_child_counts_as_a_writer() -> None:
    parts = holder_identity().rsplit("_", 4)
    parts[3] = "1"  # the holder itself is gone
    holder = "_".join(parts)
    with subprocess.Popen(["sleep", "30"], env={**ENV, process.HOLDER_VARIABLE: holder}) as child:
        assert writers_gone(holder) is False
        assert holder_gone(holder) is True
        assert writers_gone(holder[:-1]) is True  # a prefix of a holder is another holder
        child.kill()
    assert writers_gone(holder) is True


@LINUX
def test_a_zombie_writes_no_more() -> None:
    code = "from helmops.adapters.process import holder_identity as h; print(h(), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        holder = other.stdout.readline().decode().strip()
        assert writers_gone(holder) is False
        other.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet waited for
        assert writers_gone(holder) is True
