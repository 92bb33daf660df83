"""The cache folder outside the clone, and what is needed to fill it safely."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

PROGRESS_SECONDS = 10


def cache_root() -> Path:
    """``$HELMOPS_CACHE``, or helmops-dev in the user's cache folder."""
    if own := os.environ.get("HELMOPS_CACHE"):
        return Path(own).resolve()
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home).resolve() / "helmops-dev"


def say(text: str) -> None:
    """Tell the person who waits; stdout stays free for answers."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file; the kernel lets go of it when this process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process to finish with {path.stem}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fill(target: Path, make: Callable[[Path], None]) -> Path:
    """Return ``target``, made in a temporary folder beside it and renamed when it is whole."""
    if target.is_dir():
        return target
    with locked(target.with_name(target.name + ".lock")):
        if target.is_dir():  # made while this process waited
            return target
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            make(partial)
            partial.chmod(0o755)
            partial.rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return target


def run_telling(
    what: str, argv: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> None:
    """Run a long command; say every few seconds how far it is, and on failure what it said."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [str(word) for word in argv], cwd=cwd, env=env, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while True:
                try:
                    code = process.wait(timeout=PROGRESS_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    say(f"  {what}: {time.monotonic() - began:.0f} s ({_last_line(output.fileno())})")
        except BaseException:
            process.terminate()
            process.wait()
            raise
        if code:
            output.seek(0)
            lines = output.read().decode(errors="replace").splitlines()
            raise RuntimeError(f"{what} failed (exit code {code}):\n" + "\n".join(lines[-40:]))
    say(f"  {what}: done in {time.monotonic() - began:.0f} s")


def _last_line(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, 300, max(0, size - 300)).decode(errors="replace").splitlines()
    return tail[-1][:100] if tail else "no output yet"
