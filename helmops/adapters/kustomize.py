"""Port ``Kustomizer``: the user's kustomize, or the one inside his kubectl. Nothing is fetched for it."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from helmops.adapters.process import MIB, Completed, Processes
from helmops.core import kustomization, yaml
from helmops.core.redact import Redactor
from helmops.errors import InputError

SECONDS = 60.0
GRACE = 2.0
CAP = 64 * MIB
MAX_FOLDERS = 1000
MAX_BYTES = MIB
SHOWN = 600

# What is refused beforehand could still be fetched by a kustomize that knows forms of URLs which we do not: git may
# use no transport, and the proxy for everything else is a port where nobody listens.
_NOWHERE = "http://127.0.0.1:1"
_OFFLINE = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    **{name: _NOWHERE for proxy in ("http_proxy", "https_proxy", "all_proxy") for name in (proxy, proxy.upper())},
}
_KEPT = ("PATH", "HOME", "TMPDIR", "LANG")


class KustomizePrograms:
    """``kustomize build`` where there is one on PATH, else ``kubectl kustomize``."""

    def __init__(self, processes: Processes, environ: Mapping[str, str]) -> None:
        self._processes = processes
        self._environ = {name: environ[name] for name in _KEPT if name in environ} | _OFFLINE

    async def build(self, folder: str, *, root: str, shown: str) -> str:
        """All documents. InputError names the folder as ``shown``."""
        await asyncio.to_thread(_check, folder, root, shown)
        argv = (*self._program(shown), folder)
        done = await self._processes.run(argv, env=self._environ, deadline=SECONDS, grace=GRACE, cap=CAP)
        _judge(done, folder, shown)
        return done.stdout.decode("utf-8", "replace")

    def _program(self, shown: str) -> tuple[str, str]:
        for program, word in (("kustomize", "build"), ("kubectl", "kustomize")):
            if shutil.which(program, path=self._environ.get("PATH")):
                return program, word
        hint = "install one of them, or build it yourself and pipe the result into `sync -`"
        raise InputError(f"{shown} has a kustomization.yaml, and neither kustomize nor kubectl is on PATH", hint=hint)


def _judge(done: Completed, folder: str, shown: str) -> None:
    if done.timed_out:
        raise InputError(f"{shown}: kustomize did not come to an end in {SECONDS:.0f} s")
    if done.truncated:
        raise InputError(f"{shown}: kustomize makes more than {CAP // MIB} MiB of it")
    if done.returncode:
        raise InputError(f"{shown}: kustomize cannot build it: {_said(done, folder, shown)}")


def _said(done: Completed, folder: str, shown: str) -> str:
    """The last line tells what is wrong; those before may hold a whole patch."""
    lines = done.stderr.decode("utf-8", "replace").replace(folder, shown).strip().splitlines()
    last = lines[-1].strip("`: ") if lines else f"exit code {done.returncode}"
    return Redactor().scrub(last.removeprefix("Error: ").removeprefix("error: "))[:SHOWN]


# ---------------------------------------------------------------- before it runs
def _check(folder: str, root: str, shown: str) -> None:
    """Everything that it builds on lies below ``root``."""
    waiting, seen = [os.path.realpath(folder)], set[str]()
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        if len(seen) > MAX_FOLDERS:
            raise InputError(f"{shown} builds on more than {MAX_FOLDERS:,} folders")
        waiting += _folders(here, root, shown)


def _folders(here: str, root: str, shown: str) -> list[str]:
    found = next((Path(here, name) for name in kustomization.FILES if Path(here, name).is_file()), None)
    if found is None:
        raise InputError(f"{shown}: {os.path.relpath(here, root)} has no kustomization.yaml")
    value = _read(found, shown)
    if remote := kustomization.remote(value):
        hint = "fetch it into the repository: helmops lets kustomize fetch nothing"
        raise InputError(f"{shown}: {_named(found, root)} names what is not here: {remote[0][:SHOWN]}", hint=hint)
    places = [_place(one, found, root, shown) for one in kustomization.built_on(value)]
    return [place for place in places if Path(place).is_dir()]


def _place(one: str, file: Path, root: str, shown: str) -> str:
    place = os.path.realpath(file.parent / one)
    top = os.path.realpath(root)
    if os.path.commonpath((place, top)) != top:
        raise InputError(f"{shown}: {_named(file, root)} leads out of the input: {one}")
    if not Path(place).exists():
        raise InputError(f"{shown}: {_named(file, root)} names what is not there: {one}")
    return place


def _named(file: Path, root: str) -> str:
    return os.path.relpath(file, os.path.realpath(root))


def _read(file: Path, shown: str) -> object:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise InputError(f"{shown}: {file.name} is bigger than {MAX_BYTES:,} bytes")
        return yaml.load(file.read_text("utf-8"), file=f"{shown}/{file.name}", strict=False).value
    except (OSError, UnicodeError) as error:
        raise InputError(f"{shown}: cannot read {file.name}: {type(error).__name__}") from error
