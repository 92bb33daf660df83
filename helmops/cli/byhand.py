"""rollback and uninstall: what a person does to one release, after a yes."""

from __future__ import annotations

from helmops.api.model import ActionOptions
from helmops.cli import exits
from helmops.cli.listing import named
from helmops.cli.output.plan import removal_lines
from helmops.cli.session import Session
from helmops.engine import prune
from helmops.engine.abandon import abandon
from helmops.engine.contents import Contents
from helmops.engine.rollback import changeable, way_back
from helmops.engine.rollback import rollback as go_back
from helmops.engine.uninstall import uninstall as take_away


async def rollback(session: Session, name: str, revision: int, *, yes: bool) -> int:
    """Back to a good revision, which pins it until the input changes."""
    scope = await session.enter()
    release = await named(session, scope, name)
    way = await way_back(session.ports, scope, release, revision)
    shown = "/".join(release)
    session.say([f"{shown}: revision {way.top.revision} ({way.top.status}) → the content of revision {way.target}"])
    session.say(["sync leaves it there until the input changes, or until --retry."])
    if not yes and not await _yes(session, "rollback", "Roll back?"):
        return exits.ERROR
    with session.board:
        await go_back(session.ports, scope, way)
    session.say([f"Done: {shown} is back at the content of revision {way.target}"])
    return exits.DONE


async def uninstall(session: Session, name: str, *, yes: bool) -> int:
    """Take a release away, with what goes along."""
    scope = await session.enter()
    release = await named(session, scope, name)
    records = await changeable(session.ports, scope, release)
    removal = await prune.describe(session.ports, scope, Contents(session.ports, scope), records[-1])
    session.say(removal_lines(removal, session.paint))
    if not yes and not await _yes(session, "uninstall", "Uninstall?"):
        return exits.ERROR
    await take_away(session.ports, scope, removal.record, ActionOptions())
    session.say([f"Done: {'/'.join(release)} is uninstalled"])
    return exits.DONE


async def hand_back(session: Session, name: str) -> int:
    """Take our labels off a release."""
    scope = await session.enter()
    release = await named(session, scope, name)
    await abandon(session.ports, scope, release)
    session.say([f"Done: {'/'.join(release)} is no longer managed by helmops; it stays as it is"])
    return exits.DONE


async def _yes(session: Session, what: str, question: str) -> bool:
    session.asker.require(what, "pass --yes to go on without asking")
    if await session.asker.yes(question):
        return True
    session.say(["Nothing was done."])
    return False
