"""template, values and lint: looking at the input."""

from __future__ import annotations

from collections.abc import Sequence

from helmops.api.model import PathChart, Release
from helmops.cli import exits
from helmops.cli.output import machine
from helmops.cli.output.failures import lines as failure_lines
from helmops.cli.output.rendered import masked
from helmops.cli.output.values import values_content, values_lines
from helmops.cli.passes import read
from helmops.cli.session import Session
from helmops.engine import inspect
from helmops.engine.load import load
from helmops.errors import HelmopsError, InputError, InputErrors, Problem


async def template(session: Session, name: str, paths: Sequence[str]) -> int:
    """What sync would hand to Helm, rendered; Secrets masked."""
    loaded = await read(session, paths)
    picked = inspect.pick(loaded, name, await session.chosen_namespace())
    scope = await session.enter(loaded.desired.owner)
    resolved = await inspect.resolved(session.ports, picked)
    text = await inspect.render(session.ports, scope, resolved)
    session.result(masked(text, resolved.secrets))
    return exits.DONE


async def values(session: Session, name: str, paths: Sequence[str], *, output: str | None) -> int:
    """What the templates see, and what set each of it."""
    picked = inspect.pick(await read(session, paths), name, await session.chosen_namespace())
    found = await inspect.values(session.ports, picked)
    if output:
        session.result(machine.document("Values", values_content(found), output))
    else:
        session.result(values_lines(found, session.paint))
    return exits.DONE


async def lint(session: Session, paths: Sequence[str], *, output: str | None) -> int:
    """Every mistake that can be found without a cluster and without a network."""
    releases, problems = await _problems(session, paths)
    if output:
        found = [{"where": one.where, "path": one.path, "message": one.message} for one in problems]
        session.result(machine.document("LintResult", {"releases": releases, "problems": found}, output))
    elif problems:
        session.result(failure_lines(InputErrors(problems), session.paint))
    else:
        session.result([f"{releases} release{'s' if releases != 1 else ''}, no problems"])
    return exits.ERROR if problems else exits.DONE


async def _problems(session: Session, paths: Sequence[str]) -> tuple[int, tuple[Problem, ...]]:
    """No kubeconfig is read: it need not be there."""
    namespace = session.flags.namespace or "default"
    try:
        loaded = await load(session.ports.files, paths, namespace=namespace, access=session.access)
    except InputErrors as error:
        return 0, error.problems
    releases = loaded.desired.releases
    checked = [await _chart(session, one) for one in releases]
    return len(releases), tuple(problem for problem in checked if problem is not None)


async def _chart(session: Session, release: Release) -> Problem | None:
    """A chart on disk can be read."""
    if not isinstance(release.chart, PathChart):
        return None
    try:
        await session.ports.charts.content(await session.ports.charts.resolve(release.chart))
    except InputError as error:
        return Problem(release.ref.where, "spec.chart.path", error.message)
    except HelmopsError as error:
        return Problem(release.ref.where, "spec.chart.path", str(error))
    return None
