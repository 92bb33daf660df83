"""plan and sync: load → enter the cluster → plan → show → ask → apply → tell."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from helmops.cli import exits, outcome
from helmops.cli.output import machine
from helmops.cli.output.plan import plan_lines
from helmops.cli.output.plan_document import plan_content, sync_content
from helmops.cli.output.summary import summary_lines
from helmops.cli.session import Session
from helmops.engine import prune
from helmops.engine.fleet import Fleet
from helmops.engine.load import Loaded, load
from helmops.engine.plan import Options, Plan
from helmops.engine.sync import Summary, Sync, check_removals

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked of a pass. ``output``: json, yaml or None."""

    paths: tuple[str, ...]
    names: frozenset[str] = frozenset()
    retry: bool = False
    prune: bool = False
    detailed: bool = False
    output: str | None = None
    yes: bool = False
    prune_max: int = 1
    parallel: int = 8


async def plan(session: Session, asked: Asked) -> int:
    """Show what sync would do."""
    _, found = await _planned(session, asked, detail=True)
    if asked.output:
        session.result(machine.document("Plan", plan_content(found), asked.output))
    else:
        session.result(plan_lines(found, session.paint))
    return outcome.of_plan(found, detailed=asked.detailed)


async def sync(session: Session, asked: Asked) -> int:
    """Plan, ask, apply."""
    started = time.monotonic()
    fleet, found = await _planned(session, asked, detail=not asked.yes and session.asker.possible)
    session.say(plan_lines(found, session.paint))
    if found.changes and not await _confirmed(session, asked, found):
        session.say(["Nothing was done."])
        return exits.ERROR
    if not found.changes and outcome.of_plan(found, detailed=False) == exits.DONE:
        session.say(["Nothing to do."])
    with session.phases.phase("apply"), session.board:
        summary = await Sync(fleet, parallel=asked.parallel).apply(found)
    seconds = time.monotonic() - started
    if asked.output:
        session.result(machine.document("SyncResult", sync_content(found.scope, summary, seconds), asked.output))
    _tell(session, found, summary, seconds)
    return outcome.of_summary(found, summary, detailed=asked.detailed)


def _tell(session: Session, found: Plan, summary: Summary, seconds: float) -> None:
    if found.changes or summary.failed:
        session.say(summary_lines(summary, seconds, session.flags.program, session.paint))


async def _planned(session: Session, asked: Asked, *, detail: bool) -> tuple[Fleet, Plan]:
    paths = asked.paths or (".",)
    with session.phases.phase("load"):
        loaded = await read(session, paths)
    scope = await session.enter(loaded.desired.owner)
    if asked.prune:
        prune.check(loaded.desired.owner, selection=bool(asked.names), stdin=STDIN in paths)
    fleet = Fleet(session.ports, scope, Options(asked.retry, asked.prune, detail, asked.names))
    with session.phases.phase("plan"):
        return fleet, await fleet.plan(loaded)


async def read(session: Session, paths: Sequence[str]) -> Loaded:
    """The input, with the namespace that fills in where none is named."""
    return await load(session.ports.files, paths, namespace=await session.namespace(), access=session.access)


async def _confirmed(session: Session, asked: Asked, found: Plan) -> bool:
    """A yes; and a second one, the number itself, where more would go than --prune-max."""
    if asked.yes:
        check_removals(found.removals, asked.prune_max)
        return True
    program = session.flags.program
    session.asker.require("sync", f"pass --yes to apply without asking, or run `{program} plan` to only look")
    if not await session.asker.yes("Apply?"):
        return False
    count = len(found.removals)
    if count <= asked.prune_max:
        return True
    return await session.asker.number(f"{count} releases would be uninstalled. Type their number to go on:", count)


def default_parallel(cpus: int) -> int:
    """Releases worked on at once: they mostly wait for the API server, which more than sixteen only make slower."""
    return min(max(4, 4 * cpus), 16)
