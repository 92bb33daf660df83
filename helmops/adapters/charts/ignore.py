"""``.helmignore``, with Helm's rules, which are not quite git's."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from helmops.errors import InputError

FILE = ".helmignore"

# Helm adds it to every chart that is a folder: editors' and others' hidden files are no templates.
_ALWAYS = "templates/.?*"


@dataclass(frozen=True, slots=True)
class _Rule:
    matches: Callable[[str], bool]
    negated: bool
    folders_only: bool


class IgnoreRules:
    """The rules of one chart folder."""

    def __init__(self, rules: tuple[_Rule, ...]) -> None:
        self._rules = rules

    @classmethod
    def parse(cls, text: str, where: str) -> IgnoreRules:
        """InputError for a pattern that Helm refuses."""
        lines = [*text.removeprefix("\ufeff").split("\n"), _ALWAYS]
        rules = (_rule(line.strip(), f"{where}:{number}") for number, line in enumerate(lines, 1))
        return cls(tuple(rule for rule in rules if rule))

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """Whether the path, relative to the chart, is left out. The first rule that says so counts.

        A negated rule leaves out all that it does *not* match: so Helm has it.
        """
        for rule in self._rules:
            wrong_type = rule.folders_only and not is_folder
            if rule.negated:
                if wrong_type or not rule.matches(path):
                    return True
            elif not wrong_type and rule.matches(path):
                return True
        return False


def _rule(line: str, where: str) -> _Rule | None:
    if not line or line.startswith("#"):
        return None
    if "**" in line:
        raise InputError(f"Helm knows no ** in {FILE}: {line!r}", where=where)
    negated = line.startswith("!")
    text = line.removeprefix("!")
    folders_only = text.endswith("/")
    text = text.removesuffix("/")
    return _Rule(_matcher(text, where), negated, folders_only)


def _matcher(text: str, where: str) -> Callable[[str], bool]:
    pattern = _translate(text.removeprefix("/"), where)
    if "/" in text:
        return lambda path: pattern.fullmatch(path) is not None
    return lambda path: pattern.fullmatch(path.rpartition("/")[2]) is not None


_TOKEN = re.compile(
    r"\\(?P<escaped>.)|\[(?P<not>\^?)(?P<set>(?:\\.|[^\]\\])+)\]|(?P<bad>[\[\\])|(?P<plain>.)", re.DOTALL
)


def _translate(text: str, where: str) -> re.Pattern[str]:
    """A pattern of Go's ``filepath.Match`` as a regular expression."""
    chunks = [""]
    for token in _TOKEN.finditer(text):
        if token["bad"]:
            raise InputError(f"a pattern that Helm cannot read: {text!r}", where=where)
        if token["plain"] == "*":
            chunks.append("")
        else:
            chunks[-1] += _piece(token)
    try:
        return re.compile(_stars(chunks), re.DOTALL)
    except re.error as error:
        raise InputError(f"a pattern that Helm cannot read: {text!r}", where=where) from error


def _stars(chunks: list[str]) -> str:
    """What stands between stars, joined. Atomic groups: no pattern takes longer than its text."""
    first, *rest = chunks
    if not rest:
        return first
    return first + "".join(f"(?>[^/]*?{chunk})" for chunk in rest[:-1]) + f"[^/]*{rest[-1]}"


def _piece(token: re.Match[str]) -> str:
    if token["set"]:
        # Go's ranges are Python's, but for signs that only Python reads in a set.
        members = re.sub(r"\\(.)|[\[&~|^]", lambda sign: re.escape(sign[1] or sign[0]), token["set"])
        return f"[{token['not']}{members}]"
    if token["escaped"]:
        return re.escape(token["escaped"])
    return "[^/]" if token["plain"] == "?" else re.escape(token["plain"])
