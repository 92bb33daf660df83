"""``.helmignore`` has Helm's rules (pkg/ignore), not git's."""

from __future__ import annotations

import pytest

from helmops.adapters.charts.ignore import IgnoreRules
from helmops.errors import InputError


@pytest.mark.parametrize(
    ("rules", "path", "is_folder", "ignored"),
    [
        ("", "values.yaml", False, False),
        ("# *.md", "README.md", False, False),
        ("*.md", "README.md", False, True),
        ("*.md", "docs/deep/README.md", False, True),  # without a slash the name alone counts
        ("  *.md  ", "README.md", False, True),
        ("/*.md", "README.md", False, True),
        ("/*.md", "docs/README.md", False, False),
        ("docs/*.md", "docs/README.md", False, True),
        ("docs/*.md", "docs/deep/README.md", False, False),  # a star stays in its folder
        ("docs/*.md", "other/docs/README.md", False, False),  # with a slash the whole path counts
        (".git/", ".git", True, True),
        (".git/", ".git", False, False),
        ("ci", "ci", True, True),
        ("ci", "ci/values.yaml", False, False),  # its folder was left out before
        ("a?c", "abc", False, True),
        ("a?c", "ac", False, False),
        ("[a-c]x", "bx", False, True),
        ("[^a-c]x", "bx", False, False),
        ("[^a-c]x", "dx", False, True),
        (r"\*x", "*x", False, True),
        (r"\*x", "ax", False, False),
        ("[[]x", "[x", False, True),
        (r"[\]]x", "]x", False, True),
        ("a*b*c", "a1b2c", False, True),
        ("a*b*c", "a1b2", False, False),
        ("*a*a", "aa", False, True),
        ("*", "anything", False, True),
        ("x.y", "xzy", False, False),
        ("!keep.txt", "other.txt", False, True),  # Helm: a negated rule leaves out what it does not match
        ("!keep.txt", "keep.txt", False, False),
        ("!keep/", "keep", False, True),
        ("", "templates/.swp", False, True),  # Helm adds this rule
        ("", "templates/sub/.swp", False, False),
        ("\ufeff*.md", "README.md", False, True),
    ],
)
def test_rules(rules: str, path: str, is_folder: bool, ignored: bool) -> None:
    assert IgnoreRules.parse(rules, "chart/.helmignore").ignores(path, is_folder=is_folder) is ignored


@pytest.mark.parametrize("rule", ["a/**/b", "[", "[a", "x\\", "[]", "[b-a]"])
def test_what_helm_refuses_is_refused_with_its_line(rule: str) -> None:
    with pytest.raises(InputError) as refusal:
        IgnoreRules.parse(f"*.md\n{rule}\n", "chart/.helmignore")
    assert refusal.value.where == "chart/.helmignore:2"


def test_no_pattern_takes_long() -> None:
    rules = IgnoreRules.parse("*a" * 60 + "b", "chart/.helmignore")
    assert not rules.ignores("a" * 250, is_folder=False)
