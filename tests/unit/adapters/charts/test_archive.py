"""Packed charts from people one does not know."""

from __future__ import annotations

import gzip
import tarfile

import pytest

from helmops.adapters.charts.archive import read_archive
from helmops.adapters.charts.limits import CHART_SETTING, MIB, Budget, Limits
from helmops.errors import InputError
from tests.unit.adapters.charts.packing import chart, member, pack, pack_members


def unpack(data: bytes, limits: Limits | None = None) -> dict[str, bytes]:
    return read_archive(data, "demo.tgz", Budget(limits or Limits(), "demo.tgz"))


def test_the_top_folder_is_dropped_whatever_it_is_called() -> None:
    assert set(unpack(pack(chart(), top="else"))) == {"Chart.yaml", "values.yaml", "templates/cm.yaml"}


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "demo/../../evil",
        "demo/templates/../../../evil",
        "demo/a/../b",
        "/etc/passwd",
        "//etc/passwd",
        "..\\evil",
        "demo\\..\\..\\evil",
        "Chart.yaml",
        "demo/",
        "demo/.",
        "demo//",
        "demo/x\0y",
        "demo/" + "x" * 300,
        "demo/" + "x/" * 600 + "x",
    ],
)
def test_paths_that_leave_the_chart_are_refused(name: str) -> None:
    info = tarfile.TarInfo(name)
    info.pax_headers = {"path": name}
    with pytest.raises(InputError):
        unpack(pack_members([*((f"demo/{path}", text) for path, text in chart().items()), (info, "evil")]))


@pytest.mark.parametrize("name", ["demo/%2e%2e/evil", "demo/https://evil/x", "demo/~/x", "demo/$HOME"])
def test_names_that_only_look_dangerous_are_names(name: str) -> None:
    (path,) = unpack(pack_members([(name, "x")]))
    assert ".." not in path.split("/")


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.SYMTYPE, "../../../etc/passwd"),
        (tarfile.SYMTYPE, "values.yaml"),
        (tarfile.LNKTYPE, "../outside"),
        (tarfile.LNKTYPE, "demo/values.yaml"),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
        (tarfile.FIFOTYPE, ""),
    ],
)
def test_links_and_devices_are_refused(kind: bytes, target: str) -> None:
    with pytest.raises(InputError, match="link or a device"):
        unpack(pack_members([("demo/values.yaml", "a: 1"), (member("demo/evil", kind, target), "")]))


def test_a_chain_of_links_is_refused_at_its_first() -> None:
    chain: list[tuple[str | tarfile.TarInfo, str | bytes]] = [
        (member("demo/a", tarfile.SYMTYPE, "."), ""),
        (member("demo/a/b", tarfile.SYMTYPE, ".."), ""),
        ("demo/a/b/x", ""),
    ]
    with pytest.raises(InputError, match="link"):
        unpack(pack_members(chain))


def refused(data: bytes, limits: Limits) -> InputError:
    with pytest.raises(InputError) as refusal:
        unpack(data, limits)
    assert CHART_SETTING in refusal.value.hint
    return refusal.value


SMALL = Limits(chart=MIB)


def test_one_big_file() -> None:
    assert "file.bin is bigger" in str(refused(pack({"file.bin": bytes(SMALL.file + 1)}), SMALL))


def test_many_files_that_are_big_together() -> None:
    files = {f"{number}.bin": bytes(SMALL.file) for number in range(11)}
    assert "unpacked chart is bigger" in str(refused(pack(files), SMALL))


def test_many_files() -> None:
    assert "more than 102 files" in str(refused(pack({f"{number}": "" for number in range(103)}), SMALL))


def test_many_folders() -> None:
    folders = [(member(f"demo/{number}", tarfile.DIRTYPE), "") for number in range(103)]
    assert "more than 102 files" in str(refused(pack_members(folders), SMALL))


def test_a_packed_chart_too_big_is_not_read() -> None:
    assert "packed chart is bigger" in str(refused(bytes(SMALL.archive + 1), SMALL))


def test_a_bomb_in_a_header() -> None:
    """A pax header is read into memory whole, whatever its size."""
    info = tarfile.TarInfo("demo/x")
    info.pax_headers = {"comment": "x" * 3 * MIB}
    assert "unpacks to more" in str(refused(pack_members([(info, "")]), SMALL))


def test_a_size_that_is_only_promised() -> None:
    info = tarfile.TarInfo("demo/x")
    info.size = 1 << 40
    data = gzip.compress(info.tobuf(tarfile.GNU_FORMAT))
    assert "x is bigger" in str(refused(data, SMALL))


def test_a_sparse_file_does_not_grow() -> None:
    info = tarfile.TarInfo("demo/x")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 40)}
    assert "bigger" in str(refused(pack_members([(info, "1\n0\n1\n".ljust(512, "\0"))]), SMALL))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no gzip",
        gzip.compress(b"no tar"),
        pack(chart())[:-40],
        pack(chart())[:60],
        gzip.compress(b"x" * 512 + b"y" * 5000),
    ],
    # by name: gzip writes the time into its output, and two workers must call a test the same
    ids=["nothing", "no gzip", "no tar", "cut off", "cut off early", "junk"],
)
def test_what_is_no_archive_is_told(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^demo\.tgz: "):
        unpack(data)


def test_headers_in_headers_do_not_end_the_stack() -> None:
    """Each long-name header makes tarfile call itself."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1
    block = info.tobuf(tarfile.GNU_FORMAT) + b"a".ljust(512, b"\0")
    with pytest.raises(InputError):
        unpack(gzip.compress(block * 5000))


def test_a_truncated_archive_is_no_chart() -> None:
    plain = gzip.decompress(pack({**chart(), "big.txt": "x" * 5000}))
    with pytest.raises(InputError):
        unpack(gzip.compress(plain[: plain.index(b"x" * 600) + 600]))
