"""The program that helm calls as its post-renderer: it hands everything to this process, which does the work.

A few lines of sh cost 2 ms where a Python would cost 40. What helm rendered comes by a file, and a named pipe says that
it is there; the answer goes the same way. Nothing blocks this process, and nobody waits for a dead one: our ends of the
pipes close with us, and then the script fails, helm fails, and nothing has been written yet.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from helmops.errors import InputError

Transform = Callable[[str], Awaitable[str]]

_NAME = "helmops-postrender"
_SCRIPT = """\
#!/bin/sh
umask 077
cd '{folder}' || exit 1
cat >in && kill -0 {pid} && echo >ready && read -r verdict <verdict && [ "$verdict" = good ] && cat out
"""
# Helm 4 takes only a plugin, by its name. Written for this one child, it is found wherever helmops is installed.
_PLUGIN = """\
apiVersion: v1
type: postrenderer/v1
name: {name}
version: 0.1.0
runtime: subprocess
runtimeConfig:
  platformCommand:
  - command: /bin/sh
    args: ["{script}"]
"""


@dataclass(frozen=True, slots=True)
class PostRenderer:
    """What one helm child needs to call us. ``check`` raises what went wrong here: helm cannot tell it."""

    flags: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[], None] = lambda: None


@asynccontextmanager
async def serving(transform: Transform, *, helm: int) -> AsyncIterator[PostRenderer]:
    """Answers the post-renderer of one child, a helm of this major version."""
    folder = tempfile.mkdtemp(prefix="helmops-post-")
    if any(char in folder for char in "'\"\\"):
        raise InputError(f"TMPDIR is a folder with quotes in its name: {folder}")
    try:
        async with _pipes(folder) as (ready, verdict):
            task = asyncio.create_task(_serve(folder, ready, verdict, transform))
            try:
                yield _post_renderer(folder, helm, task)
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _post_renderer(folder: str, helm: int, task: asyncio.Task[None]) -> PostRenderer:
    script = Path(folder, "script")
    script.write_text(_SCRIPT.format(folder=folder, pid=os.getpid()), "utf-8")

    def check() -> None:
        if task.done() and not task.cancelled():
            task.result()

    if helm == 3:
        return PostRenderer(("--post-renderer", "/bin/sh", "--post-renderer-args", str(script)), {}, check)
    plugin = Path(folder, "plugins", _NAME, "plugin.yaml")
    plugin.parent.mkdir(parents=True)
    plugin.write_text(_PLUGIN.format(name=_NAME, script=script), "utf-8")
    return PostRenderer(("--post-renderer", _NAME), {"HELM_PLUGINS": str(plugin.parent.parent)}, check)


@asynccontextmanager
async def _pipes(folder: str) -> AsyncIterator[tuple[asyncio.Event, int]]:
    """An event that is set when helm's words are there, and where our verdict goes.

    Opened for both directions, our ends need no partner to be opened, and hold what is written until it is read.
    """
    loop, event, ends = asyncio.get_running_loop(), asyncio.Event(), []
    for name in ("ready", "verdict"):
        os.mkfifo(f"{folder}/{name}", 0o600)
        ends.append(os.open(f"{folder}/{name}", os.O_RDWR | os.O_NONBLOCK))
    ready, verdict = ends

    def come() -> None:
        os.read(ready, 64)
        event.set()

    loop.add_reader(ready, come)
    try:
        yield event, verdict
    finally:
        loop.remove_reader(ready)
        os.close(ready)
        os.close(verdict)


async def _serve(folder: str, ready: asyncio.Event, verdict: int, transform: Transform) -> None:
    """One answer. What fails here is raised by ``check``."""
    await ready.wait()
    word = b"bad\n"
    try:
        given = await asyncio.to_thread(_take, Path(folder, "in"))
        await asyncio.to_thread(_write, f"{folder}/out", await transform(given))
        word = b"good\n"
    finally:
        os.write(verdict, word)


def _take(path: Path) -> str:
    """Read and remove: what is rendered holds Secrets, and should we be killed nobody tidies up."""
    text = path.read_text("utf-8")
    path.unlink()
    return text


def _write(path: str, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
