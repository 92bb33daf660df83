"""helmops at a tenth of the price: a process that has imported it already is forked for every run.

Each run is a process of its own with its own folder, environment and streams, as started anew; only the half second of
imports is spared. What is about signals, terminals or being killed starts helmops the ordinary way.
"""

from __future__ import annotations

import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

CLONE = Path(__file__).resolve().parents[2]
LAZY = ("helmops.adapters.helm.command", "helmops.adapters.kube.gate_proxy")


class Zygote:
    """The process that is forked."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.zygote"],
            cwd=CLONE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, words: Sequence[str], *, cwd: Path, environment: Mapping[str, str], stdin: str | None, seconds: float
    ) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of ``helmops WORDS``."""
        with TemporaryFile("w+") as given, TemporaryFile("w+") as out, TemporaryFile("w+") as err:
            given.write(stdin or "")
            given.seek(0)
            streams = [f"/proc/{os.getpid()}/fd/{file.fileno()}" for file in (given, out, err)]
            request = {"words": list(words), "cwd": str(cwd), "environment": dict(environment), "streams": streams}
            code = self._ask(request, words, seconds)
            return code, _all(out), _all(err)

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _ask(self, request: Mapping[str, Any], words: Sequence[str], seconds: float) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        pid = int(self._process.stdout.readline())
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self._process.stdout.readline()
            raise TimeoutError(f"helmops {' '.join(words)} took more than {seconds:.0f} s")
        return int(self._process.stdout.readline())


def _all(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def _serve() -> None:
    """For each request on stdin: the pid, then the exit code."""
    _preload()
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(request)
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _preload() -> None:
    import helmops.cli.commands as commands
    import helmops.wiring

    names = [f"{commands.__name__}.{module.name}" for module in pkgutil.iter_modules(commands.__path__)]
    for name in (*names, *LAZY, helmops.wiring.__name__):
        __import__(name)


def _become(request: Mapping[str, Any]) -> None:
    """The child: take over what a new process is given, and be helmops."""
    code = 70
    try:
        os.setsid()
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["environment"])
        for number, path in enumerate(request["streams"]):
            os.dup2(os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_APPEND), number)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
        sys.argv = ["helmops", *request["words"]]
        from helmops.__main__ import main

        main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
