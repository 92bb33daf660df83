"""The port ``Helm``: every helm process of ours starts here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import orjson

from helmops.adapters.helm import arguments
from helmops.adapters.helm.capabilities import Capabilities, capabilities
from helmops.adapters.helm.environment import child_environment, find_helm
from helmops.adapters.helm.errors import Scrub, failure
from helmops.adapters.helm.version import remembered_version
from helmops.adapters.process import BEHIND, GRACE, MIB, Completed, Processes
from helmops.api.model import Access, ActionOptions
from helmops.core.objects import GuardedFields
from helmops.errors import HelmError, InputError
from helmops.ports import Gate, HelmChange, HelmRevert, HelmVersion, Memory, RenderRequest, SplitRelease

_OPERATIONS = 3  # helm's --timeout holds for each: hooks before, the objects and their readiness, hooks after
_MARGIN = 60.0  # for what --timeout does not cover: rendering, reading, CRDs, the release record
_RENDER_SECONDS = 120.0
_RENDER_CAP = 64 * MIB


@dataclass(frozen=True, slots=True)
class _Call:
    """What one helm process needs besides its arguments."""

    where: str
    scrub: Scrub
    env: Mapping[str, str]
    flags: tuple[str, ...] = ()
    seconds: float = _RENDER_SECONDS
    cap: int = MIB


class HelmRunner:
    """The helm program.

    ``scrubber`` makes, from the values of a call, the function that takes them out of what helm says. ``home`` is a
    private directory of ours. ``parallel`` helm processes run at a time.

    Cancelling: helm answers SIGTERM during install and upgrade by marking the release failed within a second (its
    description then matches ``^(Release|Upgrade) ".*" failed: context canceled$``). ``helm rollback`` and
    ``helm uninstall`` do not listen: they end at once and leave ``pending-rollback`` and ``uninstalling`` behind, as
    they do when a hook of theirs fails. Whoever asked, and still holds the Lease, marks such a record failed.
    """

    def __init__(
        self,
        *,
        environ: Mapping[str, str],
        home: str,
        memory: Memory,
        processes: Processes,
        gate: Gate,
        scrubber: Callable[[Mapping[str, Any]], Scrub],
        parallel: int = 8,
    ) -> None:
        self._environ = environ
        self._home = home
        self._memory = memory
        self._processes = processes
        self._gate = gate
        self._scrubber = scrubber
        self._slots = asyncio.Semaphore(parallel)
        self._known: HelmVersion | None = None
        self._asking = asyncio.Lock()  # many releases ask at once: one process answers all

    async def version(self) -> HelmVersion:
        """helm's version; mostly without a process. InputError when there is no helm, or one too old."""
        async with self._asking:
            if self._known is None:
                self._known = await remembered_version(self._memory, find_helm(self._environ), self._ask_version)
        capabilities(self._known)
        return self._known

    async def render(self, access: Access, request: RenderRequest) -> str:
        """Every rendered document, hooks included, as one YAML text."""
        await self.version()
        async with self._slots:
            text = await (self._live(access, request) if request.live else self._template(request))
            return await self._transform(request)(text) if request.post_renderers else text

    async def _template(self, request: RenderRequest) -> str:
        call = _Call(_where(request), self._scrubber(request.values), self._env(), cap=_RENDER_CAP)
        values = arguments.encode_values(request.values)
        return (await self._start(call, arguments.template(request), values)).decode("utf-8", "replace")

    async def _live(self, access: Access, request: RenderRequest) -> str:
        where, scrub = _where(request), self._scrubber(request.values)
        async with self._way(access, (), _split(request)) as (flags, gate):
            call = _Call(where, scrub, self._env(gate=gate), flags, cap=_RENDER_CAP)
            values = arguments.encode_values(request.values)
            return _documents(await self._start(call, arguments.live_render(request), values), where)

    async def install(self, access: Access, change: HelmChange) -> None:
        """``helm install``."""
        argv = arguments.install(change, await self._table())
        async with self._writing(access, change) as call:
            await self._start(call, argv, arguments.encode_values(change.values))

    async def upgrade(self, access: Access, change: HelmChange) -> None:
        """``helm upgrade --reset-values``."""
        argv = arguments.upgrade(change, await self._table())
        async with self._writing(access, change) as call:
            await self._start(call, argv, arguments.encode_values(change.values))

    async def rollback(self, access: Access, revert: HelmRevert) -> None:
        """``helm rollback``."""
        flags = arguments.rollback_flags(revert, await self._table())
        async with self._writing(access, revert, flags) as call:
            await self._command(call, revert.max_history).rollback(
                revert.name,
                revert.revision,
                namespace=revert.target,
                cleanup_on_fail=revert.options.cleanup_on_fail,
                no_hooks=revert.options.disable_hooks,
                timeout=arguments.seconds(revert.options.timeout),
            )

    async def uninstall(self, access: Access, revert: HelmRevert) -> None:
        """``helm uninstall``. A release that is not there raises HelmError(kind="not-found")."""
        await self.version()
        async with self._writing(access, revert) as call:
            await self._command(call).uninstall(
                revert.name,
                namespace=revert.target,
                keep_history=revert.options.keep_history,
                no_hooks=revert.options.disable_hooks,
                timeout=arguments.seconds(revert.options.timeout),
                wait=not revert.options.disable_wait,  # in Helm 4 the bare flag means the watcher
            )

    def deadline(self, options: ActionOptions) -> float:
        """Seconds after which a helm process with these options is certainly gone.

        Three times the timeout (hooks before, objects, hooks after) and a minute; then SIGTERM, a grace, SIGKILL.
        Several hooks that each take almost the whole timeout are cut off here.
        """
        return _run_seconds(options) + BEHIND + GRACE

    async def _table(self) -> Capabilities:
        return capabilities(await self.version())

    async def _ask_version(self) -> str:
        return str(await self._command(_Call("", str, self._env())).version())

    @asynccontextmanager
    async def _writing(
        self, access: Access, request: HelmChange | HelmRevert, flags: tuple[str, ...] = ()
    ) -> AsyncIterator[_Call]:
        """What a writing child gets. Waiting for a free slot eats into the deadline, which stands in the Lease."""
        began = time.monotonic()
        where = _where(request)
        scrub = self._scrubber(request.values if isinstance(request, HelmChange) else {})
        async with self._slots, self._way(access, request.guarded, _split(request)) as (way, gate):
            left = _run_seconds(request.options) - (time.monotonic() - began)
            if left < request.options.timeout:
                text = "no helm could be started in time: too many run already; nothing was changed"
                raise HelmError(text, kind="timeout", where=where)
            env = self._env(holder=request.holder, gate=gate)
            call = _Call(where, scrub, env, (*flags, *way), left)
            if isinstance(request, HelmRevert) or not request.post_renderers:
                yield call
                return
            async with self._post_rendered(call, request) as post_rendered:
                yield post_rendered

    @asynccontextmanager
    async def _post_rendered(self, call: _Call, change: HelmChange) -> AsyncIterator[_Call]:
        """The same call with a post-renderer, whose own words about a failure stand for helm's."""
        from helmops.adapters.helm.postrenderer import serving

        async with serving(self._transform(change), helm=(await self.version()).major) as post_renderer:
            env = {key: value for key, value in call.env.items() if key != "HELM_NO_PLUGINS"}
            try:
                yield replace(call, flags=(*call.flags, *post_renderer.flags), env=env | dict(post_renderer.env))
            except HelmError:
                post_renderer.check()
                raise

    def _transform(self, request: RenderRequest | HelmChange) -> Callable[[str], Awaitable[str]]:
        from helmops.adapters.helm.kustomize import Kustomizer

        where, scrub = _where(request), self._scrubber(request.values)
        return Kustomizer(self._processes, self._environ, request.post_renderers, where=where, scrub=scrub).transform

    @asynccontextmanager
    async def _way(
        self, access: Access, guarded: tuple[GuardedFields, ...], split: SplitRelease | None
    ) -> AsyncIterator[tuple[tuple[str, ...], str]]:
        """How the child reaches the cluster: as the user would, or through the gate (decision 0003)."""
        if not guarded and not split and not await self._gate.wanted(access):
            yield _cluster_flags(access), ""
            return
        async with self._gate.open(access, guarded, split) as kubeconfig:
            yield ("--kubeconfig", kubeconfig), kubeconfig

    def _env(self, *, holder: str = "", gate: str = "") -> dict[str, str]:
        return child_environment(self._environ, self._home, holder=holder, gate=gate)

    def _command(self, call: _Call, max_history: int = 0) -> Any:
        # pyhelm3 costs 100–190 ms to import: a pass that needs none of it does not pay for it.
        from helmops.adapters.helm.command import HelmCommand

        return HelmCommand(lambda argv, stdin: self._start(call, argv, stdin), max_history)

    async def _start(self, call: _Call, argv: Sequence[str], stdin: bytes | None) -> bytes:
        done = await self._processes.run(
            [find_helm(self._environ), *argv, *call.flags],
            env=call.env,
            stdin=stdin,
            deadline=call.seconds,
            cap=call.cap,
        )
        _check(done, call)
        return done.stdout


def _check(done: Completed, call: _Call) -> None:
    if done.timed_out:
        text = f"helm was ended after {call.seconds:.0f} s, its hard deadline"
        raise HelmError(text, kind="timeout", where=call.where, hint="allow more time, or look at its hooks")
    if done.returncode != 0:
        raise failure(done.stderr, call.scrub, where=call.where)
    if done.truncated and call.cap == _RENDER_CAP:
        raise HelmError(f"the chart renders to more than {_RENDER_CAP // MIB} MiB", kind="render", where=call.where)


def _run_seconds(options: ActionOptions) -> float:
    return _OPERATIONS * options.timeout + _MARGIN


def _where(request: RenderRequest | HelmChange | HelmRevert) -> str:
    """The release, as people name it. A name that helm would take for a flag is refused."""
    if request.name.startswith("-"):
        raise InputError(f"{request.name!r} cannot be the name of a release")
    return f"{request.namespace}/{request.name}"


def _split(request: RenderRequest | HelmChange | HelmRevert) -> SplitRelease | None:
    """What the gate has to know; None where helm's one ``-n`` says all."""
    if request.target == request.namespace:
        return None
    return SplitRelease(request.name, request.namespace, request.target)


def _cluster_flags(access: Access) -> tuple[str, ...]:
    """Cluster and identity as helm's flags; the ambient ones need none."""
    flags: list[str] = []
    if access.cluster.kubeconfig:
        flags += ["--kubeconfig", access.cluster.kubeconfig]
    if access.cluster.context:
        flags += ["--kube-context", access.cluster.context]
    if access.identity.user:
        flags += ["--kube-as-user", access.identity.user]
    for group in access.identity.groups:
        flags += ["--kube-as-group", group]
    return tuple(flags)


def _documents(stdout: bytes, where: str) -> str:
    """Manifest and hooks of a dry-run's release, as ``helm template`` prints them."""
    try:
        release = orjson.loads(stdout)
    except orjson.JSONDecodeError:
        raise HelmError("helm's dry-run does not answer with JSON", where=where) from None
    hooks = (f"---\n# Source: {hook['path']}\n{hook['manifest']}\n" for hook in release.get("hooks") or ())
    return "".join((release.get("manifest", "").strip(), "\n", *hooks))
