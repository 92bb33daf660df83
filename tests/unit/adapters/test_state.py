"""A cache on disk that may vanish, be forged or be unwritable."""

from __future__ import annotations

import os
import stat
import threading
import time
from pathlib import Path

import pytest

from helmops.adapters import state
from helmops.adapters.state import DiskMemory, cache_root

DATA = {"a": [1, 2.5, None, "ü"], "b": {"c": True}}


@pytest.mark.parametrize(
    ("environ", "root"),
    [
        ({"HELMOPS_CACHE_HOME": "/x", "XDG_CACHE_HOME": "/y", "HOME": "/z"}, "/x"),
        ({"XDG_CACHE_HOME": "/y", "HOME": "/z"}, "/y/helmops"),
        ({"HELMOPS_CACHE_HOME": "", "XDG_CACHE_HOME": "", "HOME": "/z"}, "/z/.cache/helmops"),
    ],
)
def test_where_caches_live(environ: dict[str, str], root: str) -> None:
    assert cache_root(environ) == root


def test_without_a_home_there_is_one_all_the_same() -> None:
    assert cache_root({}).endswith("/.cache/helmops")


def test_what_was_saved_is_loaded_by_another_process(tmp_path: Path) -> None:
    DiskMemory(str(tmp_path)).save("scope", DATA)
    assert DiskMemory(str(tmp_path)).load("scope") == DATA
    assert DiskMemory(str(tmp_path)).load("other") == {}


def test_scopes_may_be_any_text(tmp_path: Path) -> None:
    memory = DiskMemory(str(tmp_path))
    for number, scope in enumerate(("../../etc/passwd", "a/b", "a\0b", "x" * 10_000, "\udcff", "", "ü")):
        memory.save(scope, {"number": number})
    assert [memory.load(scope).get("number") for scope in ("../../etc/passwd", "a\0b", "ü")] == [0, 2, 6]
    assert all(path.parent == tmp_path / "memory" for path in tmp_path.rglob("*.json"))


def test_everything_is_private(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "cache"
    old = os.umask(0)
    try:
        DiskMemory(str(root)).save("scope", DATA)
    finally:
        os.umask(old)
    (file,) = root.rglob("*.json")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (root, file.parent, file)]
    assert modes == [0o700, 0o700, 0o600]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "\0", '{"scope": "scope"}', '{"scope": "other", "data": {"a": 1}}']
)
def test_a_corrupt_file_is_an_empty_memory(tmp_path: Path, text: str) -> None:
    memory = DiskMemory(str(tmp_path))
    memory.save("scope", DATA)
    (file,) = tmp_path.rglob("*.json")
    file.write_text(text)
    assert memory.load("scope") == {}
    memory.save("scope", DATA)
    assert memory.load("scope") == DATA


@pytest.mark.parametrize("data", [{"a": object()}, {"a": {1, 2}}, {"a": 1 << 80}, {"a": "\ud800"}])
def test_what_is_no_json_is_not_remembered(tmp_path: Path, data: dict[str, object]) -> None:
    DiskMemory(str(tmp_path)).save("scope", data)
    assert DiskMemory(str(tmp_path)).load("scope") == {}


def test_a_disk_that_cannot_be_written_loses_the_cache_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    nowhere = DiskMemory(str(tmp_path / "file" / "cache"))
    nowhere.save("scope", DATA)
    assert nowhere.load("scope") == {}

    memory = DiskMemory(str(tmp_path))
    memory.save("scope", {"old": 1})

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    memory.save("scope", DATA)
    assert memory.load("scope") == {"old": 1}
    assert not list(tmp_path.rglob(".new-*"))


def test_many_writers_leave_one_of_their_answers(tmp_path: Path) -> None:
    def write(number: int) -> None:
        for _ in range(20):
            DiskMemory(str(tmp_path)).save("scope", {"number": [number] * 1000})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        found = DiskMemory(str(tmp_path)).load("scope")
        assert not found or len(set(found["number"])) == 1
    assert len(list((tmp_path / "memory").iterdir())) == 1


def test_what_nobody_writes_any_more_is_dropped(tmp_path: Path) -> None:
    DiskMemory(str(tmp_path)).save("old", DATA)
    (file,) = tmp_path.rglob("*.json")
    os.utime(file, (time.time() - state.UNUSED_AFTER - 10,) * 2)
    DiskMemory(str(tmp_path)).save("new", DATA)
    assert DiskMemory(str(tmp_path)).load("old") == {}
    assert DiskMemory(str(tmp_path)).load("new") == DATA
