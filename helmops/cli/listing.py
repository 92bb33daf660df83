"""status and history: looking at what is deployed."""

from __future__ import annotations

from collections.abc import Sequence

from helmops.cli import exits
from helmops.cli.output import machine
from helmops.cli.output.releases import history_lines, list_lines, one_lines, release_fields, revision_fields
from helmops.cli.session import Session
from helmops.engine import inspect
from helmops.engine.context import Scope
from helmops.engine.inspect import ReleaseView
from helmops.engine.world import Id


async def status(session: Session, name: str | None, *, everywhere: bool, output: str | None) -> int:
    """Every release of a namespace, or one release and its drift."""
    scope = await session.enter()
    views = await _views(session, scope, name, everywhere=everywhere)
    if output:
        content = {"releases": [release_fields(view) for view in views]}
        session.result(machine.document("ReleaseList", content, output))
    else:
        session.result(one_lines(views[0], session.paint) if name else list_lines(views, session.paint))
    return exits.DONE


async def _views(session: Session, scope: Scope, name: str | None, *, everywhere: bool) -> Sequence[ReleaseView]:
    if name:
        return [await inspect.status(session.ports, scope, await named(session, scope, name))]
    namespace = None if everywhere else await session.namespace()
    return await inspect.statuses(session.ports, scope, namespace=namespace)


async def history(session: Session, name: str, *, output: str | None) -> int:
    """Every revision of a release."""
    scope = await session.enter()
    release = await named(session, scope, name)
    revisions = await inspect.history(session.ports, scope, release)
    if output:
        content = {"namespace": release[0], "name": release[1], "revisions": [revision_fields(r) for r in revisions]}
        session.result(machine.document("History", content, output))
    else:
        session.result(history_lines(revisions, session.paint))
    return exits.DONE


async def named(session: Session, scope: Scope, name: str) -> Id:
    """The deployed release that ``NAME`` means."""
    chosen, ambient = await session.chosen_namespace(), await session.namespace()
    return await inspect.find(session.ports, scope, name, namespace=chosen, ambient=ambient)
