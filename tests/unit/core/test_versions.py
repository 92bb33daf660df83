"""Versions and ranges as a person needs to know them; that they are Helm's is held by test_versions_oracle.py."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from helmops.core.versions import Range, best, parse
from helmops.errors import InputError


class TestParse:
    @pytest.mark.parametrize(
        ("text", "core", "prerelease", "build"),
        [
            ("1.2.3", (1, 2, 3), "", ""),
            ("v1.2.3", (1, 2, 3), "", ""),
            ("1", (1, 0, 0), "", ""),
            ("v1.2", (1, 2, 0), "", ""),
            ("01.02.03", (1, 2, 3), "", ""),
            ("1.2.3-rc.1+b.5", (1, 2, 3), "rc.1", "b.5"),
            ("1-rc", (1, 0, 0), "rc", ""),
            ("1.2+b", (1, 2, 0), "", "b"),
            ("18446744073709551615.0.0", (2**64 - 1, 0, 0), "", ""),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_what_helm_takes(self, text: str, core: tuple[int, int, int], prerelease: str, build: str) -> None:
        version = parse(text)
        assert (version.core, version.prerelease, version.build) == (core, prerelease, build)
        assert str(version) == text

    @pytest.mark.parametrize(
        "text", ["", "v", "V1.2.3", "latest", "1.2.3.4", "1.2.3-", "1.2.3-01", "1..2", " 1", "1\n", "1.2.x", f"{2**64}"]
    )
    def test_what_it_does_not(self, text: str) -> None:
        with pytest.raises(InputError, match="is no version"):
            parse(text)

    def test_too_long(self) -> None:
        with pytest.raises(InputError):
            parse("1.2.3-" + "a" * 256)


IDENTIFIERS = st.sampled_from(["alpha", "beta", "rc", "rc1", "a-b", "-", "A", "0", "1", "2", "10", "x"])
NUMBERS = st.integers(0, 2)
TEXTS = st.builds(
    lambda core, pre, build: ".".join(map(str, core)) + (f"-{'.'.join(pre)}" if pre else "") + build,
    st.tuples(NUMBERS, NUMBERS, NUMBERS),
    st.lists(IDENTIFIERS, max_size=3),
    st.sampled_from(["", "+1", "+a.b"]),
)


@given(TEXTS, TEXTS)
def test_the_order_is_semantic_versioning(one: str, other: str) -> None:
    assert parse(one).compare(parse(other)) == semver.Version.parse(one).compare(other)


RANGES = [
    # range, inside, outside
    ("1.2.3", "1.2.3 v1.2.3 1.2.3+b", "1.2.4 1.2.3-rc"),
    ("*", "0.0.0 1.2.3", "1.2.3-rc"),
    ("1", "1.0.0 1.9.9", "0.9.9 2.0.0 1.0.0-rc"),
    ("1.2.x", "1.2.0 1.2.9", "1.3.0 1.1.9"),
    (">=1.2 <2", "1.2.0 1.9.9", "2.0.0 1.1.9 1.3.0-rc"),
    (">=1.2, <2", "1.2.0 1.9.9", "2.0.0 1.1.9"),
    (">1.2", "1.3.0 2.0.0", "1.2.0 1.2.9"),
    ("<=1.2", "1.2.0 1.2.9 0.1.0", "1.3.0"),
    ("!=1.2.x", "1.1.0 1.3.0", "1.2.0 1.2.9"),
    ("~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0"),
    ("~1", "1.0.0 1.9.0", "2.0.0"),
    ("^1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0"),
    ("^0.2.3", "0.2.3 0.2.9", "0.3.0 0.2.2"),
    ("^0.0.3", "0.0.3", "0.0.4"),
    ("1.2 - 1.4", "1.2.0 1.4.9", "1.5.0 1.1.0"),
    ("1.x || >=3.1", "1.5.0 3.1.0 4.0.0", "2.0.0 3.0.0"),
    ("^1.2.3-0", "1.2.3-rc 1.2.3 1.5.0-rc", "2.0.0 1.2.2"),
    ("^1.2.3-0 || 3.x", "1.3.0-rc 3.0.0", "3.1.0-rc"),  # a prerelease is allowed group by group
    (">0.0.0-0", "0.0.1 2.0.0-rc", "0.0.0-0"),  # helm's --devel
]


@pytest.mark.parametrize(("text", "inside", "outside"), RANGES, ids=[row[0] for row in RANGES])
def test_range(text: str, inside: str, outside: str) -> None:
    wanted = Range.parse(text)
    assert [version for version in inside.split() if not wanted.matches(version)] == []
    assert [version for version in outside.split() if wanted.matches(parse(version))] == []


@pytest.mark.parametrize(
    "text", ["", " ", "latest", "1.2.3.4", ">=", "1 ||", ">=1<2", ">=1,,<2", "1.2.3-01", "^^1"], ids=repr
)
def test_what_is_no_range_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="is no version and no version range") as error:
        Range.parse(text)
    assert "^1.2" in error.value.hint


@pytest.mark.parametrize("text", [">=1 " * 200, "1||" * 40 + "1", "1 - " * 127], ids=["long", "groups", "hyphens"])
def test_absurd_ranges_are_refused_at_once(text: str) -> None:
    started = time.perf_counter()
    with pytest.raises(InputError):
        Range.parse(text)
    assert time.perf_counter() - started < 0.1


class TestBest:
    LISTED = ("1.1.0", "2.0.0-rc.1", "1.2.0", "v1.2.1", "nonsense", "1.3.0-alpha", "1.0.0+a", "1.0.0+b")

    @pytest.mark.parametrize(
        ("wanted", "picked"),
        [
            ("", "v1.2.1"),
            ("*", "v1.2.1"),
            ("1.x", "v1.2.1"),
            ("1.2.1", "v1.2.1"),
            ("1.1", "1.1.0"),
            ("2.0.0-rc.1", "2.0.0-rc.1"),
            (">=1-0", "2.0.0-rc.1"),
            ("1.0", "1.0.0+a"),
            ("1.0.0+b", "1.0.0+b"),
            ("2.x", None),
        ],
    )
    def test_picks(self, wanted: str, picked: str | None) -> None:
        assert best(wanted, self.LISTED) == picked

    def test_any_iterable_will_do(self) -> None:
        assert best("1.x", iter(self.LISTED)) == "v1.2.1"
        assert best("1.x", []) is None

    def test_a_bad_range_is_refused_even_without_candidates(self) -> None:
        with pytest.raises(InputError):
            best("nonsense", ["nonsense"])


def test_the_semver_package_is_imported_only_when_prereleases_meet() -> None:
    code = (
        "import sys; from helmops.core.versions import best;"
        "best('1.x', ['1.0.0', '1.2.0', '1.2.0-rc']); assert 'semver' not in sys.modules;"
        "best('>1.0.0-0', ['1.2.0-rc', '1.2.0-rc.1']); assert 'semver' in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
