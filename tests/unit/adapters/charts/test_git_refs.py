"""Which commit a ref means."""

from __future__ import annotations

import pytest

from helmops.adapters.charts.git_folder import clean_path
from helmops.adapters.charts.git_refs import Point, choose, pinned
from helmops.adapters.git import Refs
from helmops.api.model import GitRef
from helmops.errors import InputError

MAIN, DEV, ONE, TWO, PULL = (digit * 40 for digit in "abcde")
REFS = Refs(
    {
        "HEAD": MAIN,
        "refs/heads/main": MAIN,
        "refs/heads/dev": DEV,
        "refs/tags/v1.0.0": ONE,
        "refs/tags/v1.10.0": TWO,
        "refs/tags/v2.0.0-rc.1": DEV,
        "refs/tags/nightly": DEV,
        "refs/pull/7/head": PULL,
    },
    "main",
)


@pytest.mark.parametrize(
    ("ref", "commit", "shown"),
    [
        (GitRef(), MAIN, "main"),
        (GitRef(branch="dev"), DEV, "dev"),
        (GitRef(branch="dev", tag="v1.0.0"), ONE, "v1.0.0"),
        (GitRef(branch="dev", tag="v1.0.0", semver="1.x"), TWO, "v1.10.0"),
        (GitRef(semver=">=2.0.0-0"), DEV, "v2.0.0-rc.1"),
        (GitRef(branch="dev", tag="v1.0.0", semver="1.x", name="refs/pull/7/head"), PULL, "refs/pull/7/head"),
    ],
)
def test_precedence(ref: GitRef, commit: str, shown: str) -> None:
    point = choose(REFS, ref, "URL")
    assert (point.commit, str(point)) == (commit, f"{shown}@sha1:{commit}")


def test_a_commit_goes_before_all() -> None:
    assert pinned(GitRef(commit=ONE.upper(), name="refs/heads/dev")) == Point(ONE)
    assert str(Point(ONE)) == f"sha1:{ONE}"
    assert pinned(GitRef(branch="main")) is None


@pytest.mark.parametrize("commit", ["abc1234", "main", "--upload-pack=x", "a" * 41, "g" * 40, f"{ONE}\n"])
def test_only_a_whole_commit_is_one(commit: str) -> None:
    with pytest.raises(InputError, match="is no commit"):
        pinned(GitRef(commit=commit))


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        (GitRef(branch="mian"), "no branch 'mian'; nearest: main"),
        (GitRef(tag="v1.0"), "no tag 'v1.0'; nearest: v1.0.0"),
        (GitRef(name="refs/heads/none"), "no ref 'refs/heads/none'"),
        (GitRef(semver="3.x"), "no tag in '3.x'; newest: v2.0.0-rc.1"),
        (GitRef(branch="--upload-pack=touch"), "no branch"),
    ],
)
def test_what_is_not_there(ref: GitRef, said: str) -> None:
    with pytest.raises(InputError) as refusal:
        choose(REFS, ref, "URL")
    assert said in refusal.value.message


def test_an_empty_repository() -> None:
    with pytest.raises(InputError, match="empty"):
        choose(Refs({}), GitRef(), "URL")


@pytest.mark.parametrize(
    ("path", "clean"), [("charts/app", "charts/app"), ("./charts//app/", "charts/app"), (".", ""), ("", "")]
)
def test_paths(path: str, clean: str) -> None:
    assert clean_path(path) == clean


@pytest.mark.parametrize("path", ["/charts/app", "..", "../x", "a/../../x", "a/../b", "a\nb", "..\\x", "a\0b"])
def test_paths_stay_inside(path: str) -> None:
    with pytest.raises(InputError):
        clean_path(path)
