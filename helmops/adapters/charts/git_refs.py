"""Which commit a ``GitRef`` means, among what the server has. Nothing that a user wrote gets to git itself."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from helmops.adapters.git import Refs
from helmops.api.model import GitRef
from helmops.core import versions
from helmops.errors import InputError

_COMMIT = re.compile(r"[0-9a-f]{40}")
_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"


@dataclass(frozen=True, slots=True)
class Point:
    """A commit, and by which name it was found; none for a pinned one."""

    commit: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name}@sha1:{self.commit}" if self.name else f"sha1:{self.commit}"


def pinned(ref: GitRef) -> Point | None:
    """The commit that the ref itself names. InputError for an abbreviated one, which only a whole clone could tell."""
    if not ref.commit:
        return None
    commit = ref.commit.lower()
    if not _COMMIT.fullmatch(commit):
        raise InputError(f"{ref.commit[:80]!r} is no commit", hint="a commit is written with all of its 40 hex digits")
    return Point(commit)


def known_point(data: Mapping[str, Any]) -> Point | None:
    """What a Memory kept, or None if it is not what was saved."""
    commit, name = data.get("commit"), data.get("name")
    if isinstance(commit, str) and isinstance(name, str) and _COMMIT.fullmatch(commit):
        return Point(commit, name)
    return None


def choose(refs: Refs, ref: GitRef, shown: str) -> Point:
    """Name before semver before tag before branch, else the server's HEAD. InputError lists the nearest."""
    if ref.name:
        return Point(_of(refs.commits, ref.name, "ref", shown), ref.name)
    if ref.semver:
        return _newest(refs.below(_TAGS), ref.semver, shown)
    if ref.tag:
        return Point(_of(refs.below(_TAGS), ref.tag, "tag", shown), ref.tag)
    if ref.branch:
        return Point(_of(refs.below(_BRANCHES), ref.branch, "branch", shown), ref.branch)
    if "HEAD" not in refs.commits:
        raise InputError(f"{shown} is empty, or its HEAD names no branch", hint="say which branch")
    return Point(refs.commits["HEAD"], refs.head_branch or "HEAD")


def _of(known: Mapping[str, str], name: str, kind: str, shown: str) -> str:
    if name in known:
        return known[name]
    nearest = difflib.get_close_matches(name, known, n=3)
    raise InputError(f"{shown} has no {kind} {name[:200]!r}" + (f"; nearest: {', '.join(nearest)}" if nearest else ""))


def _newest(tags: Mapping[str, str], wanted: str, shown: str) -> Point:
    best = versions.best(wanted, tags)
    if best is None:
        newest = versions.best(">=0.0.0-0", tags)
        raise InputError(f"{shown} has no tag in {wanted!r}" + (f"; newest: {newest}" if newest else ""))
    return Point(tags[best], best)
