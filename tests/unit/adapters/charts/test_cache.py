"""The store of unpacked charts: whole or absent."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from helmops.adapters.charts import cache as module
from helmops.adapters.charts.cache import ChartCache
from helmops.adapters.charts.limits import Budget, Limits
from helmops.adapters.charts.tree import ChartTree, build
from helmops.errors import InputError
from tests.unit.adapters.charts.packing import chart


def tree(**more: str) -> ChartTree:
    files = {path: text.encode() for path, text in chart(**more).items()}
    return build(files, "demo", Budget(Limits(), "demo"))


def contents(path: str) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in Path(path).rglob("*") if file.is_file()}


def test_what_was_stored_is_found_by_another_process(tmp_path: Path) -> None:
    stored = ChartCache(str(tmp_path)).store(tree())
    assert ChartCache(str(tmp_path)).find(tree().digest) == stored
    assert contents(stored.path) == tree().files


def test_everything_is_private(tmp_path: Path) -> None:
    root = tmp_path / "new"
    old = os.umask(0)
    try:
        path = ChartCache(str(root)).store(tree()).path
    finally:
        os.umask(old)
    for file in (root, root / "charts", Path(path).parent):
        assert stat.S_IMODE(file.stat().st_mode) == 0o700
    for file in Path(path).parent.rglob("*.*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("digest", ["", "..", "../../etc", "a" * 63, "/" * 64, "x" * 64])
def test_what_is_no_digest_is_not_found(tmp_path: Path, digest: str) -> None:
    assert ChartCache(str(tmp_path)).find(digest) is None


def test_a_half_written_entry_is_not_used_and_is_replaced(tmp_path: Path) -> None:
    """A killed process leaves no entry under its name; but a cleaner of caches may take single files away."""
    path = ChartCache(str(tmp_path)).store(tree()).path
    Path(path, "values.yaml").unlink()
    assert ChartCache(str(tmp_path)).find(tree().digest) is None
    assert contents(ChartCache(str(tmp_path)).store(tree()).path) == tree().files
    Path(path, "values.yaml").write_text("")  # as after a power cut
    assert ChartCache(str(tmp_path)).find(tree().digest) is None
    Path(path).parent.joinpath("entry.json").write_text("{")
    assert contents(ChartCache(str(tmp_path)).store(tree()).path) == tree().files


def test_a_process_that_dies_while_writing_leaves_nothing_under_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(new: Path, target: Path, digest: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_publish", dies)
    with pytest.raises(KeyboardInterrupt):
        ChartCache(str(tmp_path)).store(tree())
    assert list((tmp_path / "charts").iterdir()) == []


def test_many_at_once_all_get_the_whole_chart(tmp_path: Path) -> None:
    start = threading.Barrier(8)
    found: list[dict[str, bytes]] = []

    def store() -> None:
        start.wait()
        found.append(contents(ChartCache(str(tmp_path)).store(tree()).path))

    threads = [threading.Thread(target=store) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [dict(tree().files)] * 8
    assert [path.name for path in (tmp_path / "charts").iterdir()] == [tree().digest]


RACER = """
import sys
from tests.unit.adapters.charts.test_cache import ChartCache, contents, tree
trees = [tree(extra_txt=str(number)) for number in range(20)]
sys.stdin.readline()
assert all(contents(ChartCache(sys.argv[1]).store(each).path) == each.files for each in trees)
"""


def test_two_processes_at_once(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", RACER, str(tmp_path)]
    racers = [subprocess.Popen(argv, stdin=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."}) for _ in range(2)]
    for racer in racers:
        racer.communicate(b"go\n", timeout=60)
    assert [racer.returncode for racer in racers] == [0, 0]
    assert len(list((tmp_path / "charts").iterdir())) == 20


def test_without_a_cache_the_chart_goes_to_a_private_temporary_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder can be made below me")
    charts = ChartCache(str(tmp_path / "file" / "cache"))
    stored = charts.store(tree())
    assert contents(stored.path) == tree().files
    assert charts.store(tree()) == stored == charts.find(tree().digest)
    assert stat.S_IMODE(Path(stored.path).parents[1].stat().st_mode) == 0o700
    charts.close()
    assert not Path(stored.path).exists()


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_put", full)
    with pytest.raises(InputError, match="No space left") as refusal:
        ChartCache(str(tmp_path)).store(tree())
    assert "HELMOPS_CACHE_HOME" in refusal.value.hint
    assert list((tmp_path / "charts").iterdir()) == []


def test_what_nobody_uses_is_dropped_what_is_used_stays(tmp_path: Path) -> None:
    used, unused = tree(a_txt="1"), tree(b_txt="1")
    for each in (used, unused):
        ChartCache(str(tmp_path)).store(each)
    long_ago = time.time() - module.UNUSED_AFTER - 10
    for each in (used, unused):
        os.utime(tmp_path / "charts" / each.digest, (long_ago, long_ago))
    left_over = tmp_path / "charts" / ".new-killed"
    left_over.mkdir()
    os.utime(left_over, (time.time() - 100_000,) * 2)
    cache = ChartCache(str(tmp_path))
    cache.find(used.digest)
    cache.store(tree())
    assert {path.name for path in (tmp_path / "charts").iterdir()} == {used.digest, tree().digest}


def test_a_file_cannot_be_a_folder_too() -> None:
    with pytest.raises(InputError, match="both as a file and as a folder"):
        build({**tree().files, "a": b"", "a/b": b""}, "demo", Budget(Limits(), "demo"))


def test_a_lost_entry_is_written_again(tmp_path: Path) -> None:
    path = ChartCache(str(tmp_path)).store(tree()).path
    shutil.rmtree(Path(path).parent)
    assert contents(ChartCache(str(tmp_path)).store(tree()).path) == tree().files
