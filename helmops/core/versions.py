"""Versions and version ranges exactly as Helm reads them (Masterminds/semver v3).

Held against helm by ``tests/unit/core/test_versions_oracle.py``. The order of prereleases is the semver package's,
imported only when two prereleases of one version meet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from helmops.errors import InputError

MAX_VERSION: Final = 256
MAX_RANGE: Final = 512
MAX_GROUPS: Final = 32
"""Longest version and range, in characters, and the most ``||`` groups: Helm 4's limits."""

_SUFFIX = r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+(?P<build>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
_VERSION = re.compile(r"v?(?P<major>[0-9]+)(?:\.(?P<minor>[0-9]+))?(?:\.(?P<patch>[0-9]+))?" + _SUFFIX)
_PART = r"[0-9xX*|]+"
_PARTIAL = rf"v?(?P<major>{_PART})(?:\.(?P<minor>{_PART}))?(?:\.(?P<patch>{_PART}))?" + _SUFFIX
_COMPARATOR = re.compile(rf"\s*(?P<operator>[!><]=|=[><]|~>|[=><~^]|)\s*(?P<version>{_PARTIAL})\s*", re.ASCII)
_UNNAMED = re.sub(r"\?P<\w+>", "?:", _PARTIAL)
_HYPHEN = rf"(?a)\s*({_UNNAMED})\s+-\s+({_UNNAMED})\s*"


@dataclass(frozen=True, slots=True)
class Version:
    """One version. ``text`` is as written; ``1.2`` has patch 0. Build metadata counts for nothing in the order."""

    major: int
    minor: int
    patch: int
    prerelease: str = ""
    build: str = ""
    text: str = ""

    def __str__(self) -> str:
        return self.text

    def __lt__(self, other: Version) -> bool:
        return self.compare(other) < 0

    @property
    def core(self) -> tuple[int, int, int]:
        """Major, minor, patch."""
        return self.major, self.minor, self.patch

    def compare(self, other: Version) -> int:
        """Below, at or above zero as this version comes before, level with or after the other."""
        if self.core != other.core:
            return -1 if self.core < other.core else 1
        if self.prerelease == other.prerelease:
            return 0
        if not self.prerelease or not other.prerelease:
            return 1 if other.prerelease else -1
        return _compare_prereleases(self.prerelease, other.prerelease)


def _compare_prereleases(one: str, other: str) -> int:
    from semver import Version as SemVer  # 20 ms, and rarely needed

    return SemVer(0, 0, 0, one).compare(SemVer(0, 0, 0, other))


def parse(text: str) -> Version:
    """A version as Helm takes it: ``v1.2`` and leading zeros are fine. InputError for anything else."""
    version = _parsed(text)
    if version is None:
        raise InputError(f"{text!r} is no version such as 1.2.3")
    return version


def _parsed(text: str) -> Version | None:
    match = _VERSION.fullmatch(text) if len(text) <= MAX_VERSION else None
    if match is None:
        return None
    major, minor, patch, pre, build = match.groups()
    numbers = int(major), int(minor or 0), int(patch or 0)
    if max(numbers) >= 2**64 or (pre and any(map(_has_leading_zero, pre.split(".")))):
        return None
    return Version(*numbers, pre or "", build or "", text)


def _has_leading_zero(identifier: str) -> bool:
    return len(identifier) > 1 and identifier[0] == "0" and identifier.isdigit()


@dataclass(frozen=True, slots=True)
class _Comparator:
    """``>=1.2``: an operator and a bound, of which the first ``given`` numbers were written (0 for ``*``)."""

    operator: str
    bound: Version
    given: int

    def matches(self, version: Version) -> bool:
        return _OPERATORS[self.operator](version, self)


@dataclass(frozen=True, slots=True)
class Range:
    """A version range. A version matches when it matches all comparators of one of the groups between ``||``.

    A prerelease matches only groups of which some comparator names a prerelease.
    """

    text: str
    groups: tuple[tuple[_Comparator, ...], ...]

    @classmethod
    def parse(cls, text: str) -> Range:
        """InputError when Helm would not take the range. An empty one is none: ``*`` says any stable version."""
        if len(text) > MAX_RANGE or text.count("||") >= MAX_GROUPS:
            raise InputError(f"the version range {text[:40]}… is too long")
        # Compiled only for who uses it: it costs a millisecond.
        plain = re.sub(_HYPHEN, r">= \1, <= \2 ", text) if "-" in text.split() else text
        try:
            return cls(text, tuple(_comparators(group) for group in plain.split("||")))
        except ValueError:
            hint = "ranges look like 1.x, ^1.2, ~1.2.3, '>=1.2 <2', '1.2 - 1.4', '1.x || 3.x'"
            raise InputError(f"{text!r} is no version and no version range", hint=hint) from None

    def matches(self, version: Version | str) -> bool:
        """Whether the version is in the range. InputError when a text is no version."""
        found = parse(version) if isinstance(version, str) else version
        return any(_all_match(group, found) for group in self.groups)


def _all_match(group: tuple[_Comparator, ...], version: Version) -> bool:
    if version.prerelease and not any(comparator.bound.prerelease for comparator in group):
        return False
    return all(comparator.matches(version) for comparator in group)


def best(range_text: str, candidates: Iterable[str]) -> str | None:
    """The candidate that Helm picks for ``--version range_text``, as it was given; None when none matches.

    One that is literally equal wins, prerelease or not. Otherwise the newest in the range, the first of several that
    differ in build metadata only; what is no version is passed over. An empty range is ``*``. InputError for a bad one.
    """
    wanted = Range.parse(range_text or "*")
    texts = list(candidates)
    if range_text and range_text in texts:
        return range_text
    newest: Version | None = None
    for version in map(_parsed, texts):
        if version is not None and (newest is None or newest < version) and wanted.matches(version):
            newest = version
    return newest.text if newest else None


def _comparators(group: str) -> tuple[_Comparator, ...]:
    """All comparators of a group, between them blanks, a comma or both. ValueError when it is not made of them."""
    found: list[_Comparator] = []
    end = 0
    while not found or end < len(group):
        if found and group[end] == ",":
            end += 1
        elif found and not group[end - 1].isspace():
            raise ValueError(group)
        match = _COMPARATOR.match(group, end)
        if match is None:
            raise ValueError(group)
        found.append(_comparator(match))
        end = match.end()
    return tuple(found)


def _comparator(match: re.Match[str]) -> _Comparator:
    numbers = match["major"], match["minor"], match["patch"]
    given = next((place for place, number in enumerate(numbers) if number is None or number in ("x", "X", "*")), 3)
    text = match["version"]
    if given < 3:
        # What stands behind a wildcard is not read, a prerelease is.
        text = ".".join([*filter(None, numbers[:given]), "0", "0", "0"][:3])
        text += f"-{match['pre']}" if match["pre"] else ""
    bound = _parsed(text)
    if bound is None:
        raise ValueError(text)
    return _Comparator(match["operator"], bound, given)


# What each operator means, as Masterminds has it. Surprising, and so in Helm: ``^*`` is 0.0.0 alone, ``<=*`` is 0.0.x.
def _equal(version: Version, c: _Comparator) -> bool:
    return version.compare(c.bound) == 0 if c.given == 3 else _tilde(version, c)


def _not_equal(version: Version, c: _Comparator) -> bool:
    if c.given == 1:
        return version.major != c.bound.major
    if c.given == 2:
        return version.core[:2] != c.bound.core[:2] or version.prerelease != c.bound.prerelease
    return version.compare(c.bound) != 0


def _greater(version: Version, c: _Comparator) -> bool:
    if c.given in (1, 2):
        return version.core[: c.given] > c.bound.core[: c.given]
    return version.compare(c.bound) > 0


def _less(version: Version, c: _Comparator) -> bool:
    return version.compare(c.bound) < 0


def _at_least(version: Version, c: _Comparator) -> bool:
    return version.compare(c.bound) >= 0


def _at_most(version: Version, c: _Comparator) -> bool:
    if c.given == 3:
        return version.compare(c.bound) <= 0
    places = 1 if c.given == 1 else 2
    return version.core[:places] <= c.bound.core[:places]


def _tilde(version: Version, c: _Comparator) -> bool:
    if version.compare(c.bound) < 0:
        return False
    if c.bound.core == (0, 0, 0) and c.given in (0, 3):
        return True
    places = 1 if c.given == 1 else 2
    return version.core[:places] == c.bound.core[:places]


def _caret(version: Version, c: _Comparator) -> bool:
    if version.compare(c.bound) < 0:
        return False
    if c.bound.major > 0 or c.given == 1:
        return version.major == c.bound.major
    if c.bound.minor > 0 or c.given == 2:
        return version.core[:2] == c.bound.core[:2]
    return version.core == c.bound.core


_OPERATORS: dict[str, Callable[[Version, _Comparator], bool]] = {
    "": _equal,
    "=": _equal,
    "!=": _not_equal,
    ">": _greater,
    "<": _less,
    ">=": _at_least,
    "=>": _at_least,
    "<=": _at_most,
    "=<": _at_most,
    "~": _tilde,
    "~>": _tilde,
    "^": _caret,
}
