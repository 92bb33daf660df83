"""kustomize as a post-renderer: a program in a private folder, without network, plugins or anything of the user's."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from helmops.adapters.helm.errors import Scrub
from helmops.adapters.process import MIB, Completed, Processes
from helmops.api.model import Kustomize
from helmops.core.render import postrender
from helmops.errors import HelmError, InputError

_SECONDS = 60.0
_CAP = 64 * MIB
_GRACE = 1.0  # it writes nothing that has to be ended well


class Kustomizer:
    """Transforms what helm renders for one release (``where``). ``scrub`` takes secrets out of errors."""

    def __init__(
        self,
        processes: Processes,
        environ: Mapping[str, str],
        renderers: Sequence[Kustomize],
        *,
        where: str,
        scrub: Scrub,
    ) -> None:
        self._processes = processes
        self._argv = _program(environ.get("PATH"))
        self._path = environ.get("PATH", os.defpath)
        self._renderers = tuple(renderers)
        self._where = where
        self._scrub = scrub

    async def transform(self, text: str) -> str:
        """The text as the post-renderers make it, hooks as they were. HelmError names the patch that fails."""
        try:
            stream = postrender.split(text)
        except InputError as error:
            raise self._error(f"cannot read what the chart renders: {error}") from error
        if not stream.objects:
            return stream.joined("")
        done = await self._build(stream.objects, self._renderers)
        if done.returncode:
            raise self._error(await self._diagnosis(stream.objects, done))
        if not done.stdout.strip():
            raise self._error("the patches leave no object of the chart")
        return stream.joined(done.stdout.decode("utf-8", "replace"))

    async def _build(self, objects: str, renderers: Sequence[Kustomize]) -> Completed:
        folder = await asyncio.to_thread(_written, objects, postrender.folders(renderers))
        try:
            done = await self._processes.run(
                [*self._argv, f"{folder}/{len(renderers) - 1}"],
                env={"PATH": self._path, "HOME": folder, "XDG_CONFIG_HOME": folder},
                deadline=_SECONDS,
                grace=_GRACE,
                cwd=folder,
                cap=_CAP,
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if done.timed_out:
            raise self._error(f"kustomize was ended after {_SECONDS:.0f} s")
        if done.truncated:
            raise self._error(f"kustomize answers with more than {_CAP // MIB} MiB")
        return done

    async def _diagnosis(self, objects: str, failed: Completed) -> str:
        """Which patch it was: kustomize seldom says, so the first ones are tried by themselves."""
        why = postrender.reason(failed.stderr.decode("utf-8", "replace"))
        if await self._fails(objects, 0):
            return f"kustomize does not take what the chart renders: {why}"
        good, bad = 0, postrender.count(self._renderers) + 1
        while bad - good > 1:
            middle = (good + bad) // 2
            if await self._fails(objects, middle):
                bad = middle
            else:
                good = middle
        if bad > postrender.count(self._renderers):
            return f"the images cannot be replaced: {why}"
        return f"{postrender.name_of(self._renderers, bad - 1)} fails: {why}"

    async def _fails(self, objects: str, patches: int) -> bool:
        return (await self._build(objects, postrender.first(self._renderers, patches))).returncode != 0

    def _error(self, text: str) -> HelmError:
        hint = "correct spec.postRenderers; `kustomize build` shows what a patch does"
        return HelmError(f"post-renderer: {self._scrub(text)}", kind="render", where=self._where, hint=hint)


def _program(path: str | None) -> tuple[str, ...]:
    for name, word in (("kustomize", "build"), ("kubectl", "kustomize")):
        if found := shutil.which(name, path=path):
            return found, word
    raise InputError(
        "post-renderers need kustomize, and neither kustomize nor kubectl is on the PATH",
        hint="install kustomize 5 or newer, or kubectl 1.27 or newer",
    )


def _written(objects: str, files: Mapping[str, str]) -> str:
    """A new folder that only its owner can read: what is rendered holds Secrets."""
    folder = tempfile.mkdtemp(prefix="helmops-kustomize-")
    for name, text in {f"0/{postrender.RESOURCES}": objects, **files}.items():
        path = Path(folder, name)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    return folder
