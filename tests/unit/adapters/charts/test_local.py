"""Charts on disk: what belongs to them, what they may not reach, when they are read again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from helmops.adapters.charts import directory, local
from helmops.adapters.charts.cache import ChartCache
from helmops.adapters.charts.limits import CHART_SETTING, Limits
from helmops.adapters.charts.local import LocalCharts
from helmops.api.model import PathChart
from helmops.errors import InputError
from helmops.ports import Artifact
from helmops.testing.memory import FakeMemory
from tests.unit.adapters.charts.packing import chart, pack, write

LIB = chart("lib", "1.2.3")


class Bench:
    """A root with charts in it, and the adapter over it; ``reads`` counts files that were really read."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = folder / "repo"
        self.root.mkdir()
        self.cache = folder / "cache"
        self.memory = FakeMemory()
        self.reads = 0
        real_read = directory.read

        def counted(file: directory.Found, where: str) -> bytes:
            self.reads += 1
            return real_read(file, where)

        monkeypatch.setattr(local, "read", counted)
        # A real file's change time cannot be put back, and here it is always now.
        monkeypatch.setattr(local, "_SETTLED_NS", 0)

    def resolve(self, name: str, limits: Limits | None = None) -> Artifact:
        """As a new process would."""
        charts = LocalCharts(ChartCache(str(self.cache)), self.memory, limits or Limits())
        return charts.resolve(PathChart(str(self.root / name), str(self.root)))

    def digest(self, name: str) -> str:
        return self.resolve(name).digest

    def refusal(self, name: str, limits: Limits | None = None) -> InputError:
        with pytest.raises(InputError) as refusal:
            self.resolve(name, limits)
        return refusal.value


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_a_folder_and_its_package_are_one_chart(bench: Bench) -> None:
    write(bench.root / "demo", {**chart(), ".helmignore": "*.bak\n", "Chart.lock": "generated: now"})
    write(bench.root, {"demo.tgz": pack(chart())})
    folder, package = bench.resolve("demo"), bench.resolve("demo.tgz")
    assert (folder.digest, folder.path) == (package.digest, package.path)
    assert (folder.name, folder.version) == ("demo", "1.0.0")


def test_the_unpacked_chart_is_a_copy_with_everything_in_it(bench: Bench) -> None:
    write(bench.root / "demo", chart())
    path = Path(bench.resolve("demo").path)
    assert {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()} == set(chart())
    assert path.is_relative_to(bench.cache)


def test_ignored_files_count_for_nothing(bench: Bench) -> None:
    write(bench.root / "a", {**chart(), ".helmignore": "*.bak\nci/\n"})
    write(
        bench.root / "b",
        {**chart(), ".helmignore": "*.bak\nci/\n", "x.bak": "1", "ci/v.yaml": "1", "templates/.swp": ""},
    )
    assert bench.digest("a") == bench.digest("b")


def test_ignored_links_may_lead_anywhere(bench: Bench) -> None:
    write(bench.root / "demo", {**chart(), ".helmignore": "out\n"})
    (bench.root / "demo/out").symlink_to("/etc")
    bench.resolve("demo")


@pytest.mark.parametrize("path", ["values.yaml", "templates/cm.yaml", "templates/new.yaml", "README.md", "files/x"])
def test_every_file_counts(bench: Bench, path: str) -> None:
    write(bench.root / "demo", chart())
    before = bench.digest("demo")
    write(bench.root / "demo", {path: "changed: true\n"})
    assert bench.digest("demo") != before


def test_what_helm_package_does_to_chart_yaml_counts_for_nothing(bench: Bench) -> None:
    write(bench.root / "demo", chart())
    write(
        bench.root / "again",
        {**chart(), "Chart.yaml": "# mine\nversion: 1.0.0\nname: demo\nicon: ''\napiVersion: v2\n"},
    )
    write(bench.root / "other", {**chart(), "Chart.yaml": chart()["Chart.yaml"] + "appVersion: '2'\n"})
    assert bench.digest("demo") == bench.digest("again") != bench.digest("other")


def test_file_modes_and_times_count_for_nothing(bench: Bench) -> None:
    write(bench.root / "a", chart())
    write(bench.root / "b", chart())
    (bench.root / "b/values.yaml").chmod(0o755)
    os.utime(bench.root / "b/values.yaml")
    assert bench.digest("a") == bench.digest("b")


def test_subcharts_packed_and_unpacked_are_one_chart(bench: Bench) -> None:
    """`helm dependency build` packs a local subchart anew each time, with the time in it."""
    inside = {f"charts/lib/{path}": text for path, text in LIB.items()}
    write(bench.root / "folder", {**chart(), **inside})
    write(bench.root / "packed", {**chart(), "charts/lib-1.2.3.tgz": pack(LIB, "lib", mtime=1)})
    write(bench.root / "later", {**chart(), "charts/lib-1.2.3.tgz": pack(LIB, "lib", mtime=2)})
    assert bench.digest("folder") == bench.digest("packed") == bench.digest("later")
    assert Path(bench.resolve("later").path, "charts/lib/templates/cm.yaml").is_file()


def test_two_versions_of_a_subchart_stay_apart(bench: Bench) -> None:
    packed = {f"charts/lib-{v}.tgz": pack(chart("lib", v), "lib") for v in ("1.0.0", "2.0.0")}
    path = Path(bench.resolve(write(bench.root / "demo", {**chart(), **packed}).name).path)
    found = [file.read_text().split()[-1] for file in sorted(path.glob("charts/*/Chart.yaml"))]
    assert sorted(found) == ["1.0.0", "2.0.0"]


def test_missing_subcharts_are_named_with_the_remedy(bench: Bench) -> None:
    dependencies = "dependencies: [{name: lib, version: 1.x}, {name: redis, version: 7.x}, {name: redis-cluster}]\n"
    own = chart()
    own["Chart.yaml"] += dependencies
    packed = pack(chart("redis-cluster"), "redis-cluster")
    files: dict[str, str | bytes] = {**own, "charts/redis-cluster-1.0.0.tgz": packed}
    write(bench.root / "demo", files)
    refusal = bench.refusal("demo")
    assert "lib, redis" in refusal.message
    assert "redis-cluster" not in refusal.message
    assert refusal.hint.startswith("helm dependency build")
    write(bench.root / "demo", {"charts/lib.tgz": pack(LIB, "lib"), "charts/redis.tgz": pack(chart("redis"), "redis")})
    bench.resolve("demo")


def test_old_charts_declare_subcharts_in_a_file_of_its_own(bench: Bench) -> None:
    write(bench.root / "demo", {**chart(), "requirements.yaml": "dependencies: [{name: lib}]\n"})
    assert "lib" in bench.refusal("demo").message


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("apiVersion: v2\nname: demo\n", 1, "version is missing"),
        ("apiVersion: v2\nversion: 1.0.0\n", 1, "name is missing"),
        ("name: demo\nversion: 1.0.0\n", 1, "apiVersion is missing"),
        ("apiVersion: v2\nname: demo\nversion: latest\n", 3, "no version"),
        ("apiVersion: v2\nname: ../x\nversion: 1.0.0\n", 2, "cannot be called"),
        ("- a\n", 1, "mapping"),
        ("a: [\n", 2, ""),
        ("", 1, "mapping"),
    ],
)
def test_a_bad_chart_yaml_is_told_with_file_and_line(bench: Bench, text: str, line: int, says: str) -> None:
    write(bench.root / "demo", {**chart(), "Chart.yaml": text})
    refusal = bench.refusal("demo")
    assert refusal.where.endswith(f"demo/Chart.yaml:{line}")
    assert says in refusal.message


def test_no_chart(bench: Bench) -> None:
    write(bench.root / "demo", {"values.yaml": ""})
    assert "Chart.yaml" in bench.refusal("demo").message
    bench.refusal("absent")
    bench.refusal("nul\0byte")


# ---------------------------------------------------------------- links
@pytest.mark.parametrize("name", ["../outside", "/etc", "demo/../../outside", "demo/nothing/../../../outside"])
def test_a_chart_outside_the_root_is_refused_whether_it_is_there_or_not(bench: Bench, name: str) -> None:
    before = bench.refusal(name).message
    write(bench.root.parent / "outside", chart())
    assert bench.refusal(name).message == before
    assert "leads out of" in before


def test_a_link_several_hops_deep_out_of_the_root_is_refused(bench: Bench) -> None:
    secret = write(bench.root.parent, {"secret.txt": "s3cret"}) / "secret.txt"
    write(bench.root / "demo", chart())
    (bench.root / "one").symlink_to(secret)
    (bench.root / "two").symlink_to("one")
    (bench.root / "demo/templates/three.yaml").symlink_to("../../two")
    assert "three.yaml leads out of" in bench.refusal("demo").message


def test_a_linked_folder_out_of_the_root_is_refused(bench: Bench) -> None:
    write(bench.root.parent / "outside", {"x.yaml": "a: 1"})
    write(bench.root / "demo", chart())
    (bench.root / "demo/templates/more").symlink_to(bench.root.parent / "outside")
    assert "leads out of" in bench.refusal("demo").message


def test_a_linked_chart_and_ignore_file_out_of_the_root_are_refused(bench: Bench) -> None:
    write(bench.root.parent / "outside", {**chart(), "rules": "*"})
    (bench.root / "demo").symlink_to(bench.root.parent / "outside")
    assert "leads out of" in bench.refusal("demo").message
    write(bench.root / "other", chart())
    (bench.root / "other/.helmignore").symlink_to(bench.root.parent / "outside/rules")
    assert "leads out of" in bench.refusal("other").message


def test_links_inside_the_root_are_followed(bench: Bench) -> None:
    write(bench.root / "shared", {"values.yaml": "replicas: 1\n", "t/extra.yaml": "x"})
    files = chart()
    del files["values.yaml"]
    write(bench.root / "demo", files)
    (bench.root / "demo/values.yaml").symlink_to("../shared/values.yaml")
    (bench.root / "demo/templates/t").symlink_to("../../shared/t")
    write(bench.root / "plain", {**chart(), "templates/t/extra.yaml": "x"})
    assert bench.digest("demo") == bench.digest("plain")
    assert not Path(bench.resolve("demo").path, "values.yaml").is_symlink()


def test_links_in_circles_and_into_nothing_are_refused(bench: Bench) -> None:
    for name, target in (("self", "self"), ("up", ".."), ("gone", "nowhere")):
        write(bench.root / name, chart())
        (bench.root / name / "templates/link").symlink_to(target)
        bench.refusal(name)


def test_a_fifo_is_refused_and_not_waited_for(bench: Bench) -> None:
    write(bench.root / "demo", chart())
    os.mkfifo(bench.root / "demo/templates/pipe")
    assert "neither a file nor a folder" in bench.refusal("demo").message
    assert "neither a file nor a folder" in bench.refusal("demo/templates/pipe").message


@pytest.mark.parametrize(
    "files", [{"big": "x" * 2000}, {f"f{n}": "" for n in range(20)}, {f"f{n}": "x" * 900 for n in range(9)}]
)
def test_caps_name_their_setting(bench: Bench, files: dict[str, str]) -> None:
    write(bench.root / "demo", {**chart(), **files})
    assert CHART_SETTING in bench.refusal("demo", Limits(chart=5000 if len(files) == 9 else 10_000)).hint


# ---------------------------------------------------------------- memory
def test_a_warm_run_reads_no_file(bench: Bench) -> None:
    write(bench.root / "demo", chart())
    first = bench.resolve("demo")
    assert bench.reads == len(chart())
    assert bench.resolve("demo") == first
    assert bench.reads == len(chart())


def test_a_touched_file_is_read_again(bench: Bench) -> None:
    write(bench.root / "demo", chart())
    first = bench.digest("demo")
    (bench.root / "demo/values.yaml").write_text("replicas: 2\n")
    os.utime(bench.root / "demo/values.yaml", (1_700_000_000, 1_700_000_000))  # same size and time as before
    assert bench.digest("demo") != first


def test_a_chart_changed_just_now_is_not_trusted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_SETTLED_NS", 2_000_000_000)
    write(bench.root / "demo", chart())
    bench.resolve("demo")
    assert not bench.memory.scopes()


def test_a_lost_or_forged_memory_and_a_lost_cache_cost_a_reading_only(bench: Bench) -> None:
    import shutil

    write(bench.root / "demo", chart())
    first = bench.digest("demo")
    (scope,) = bench.memory.scopes()
    for forged in ("[]", "{", '{"seen": 1}', '{"seen": null, "digest": "../../etc"}'):
        bench.memory.forge(scope, forged)
        assert bench.digest("demo") == first
    bench.memory.wipe()
    assert bench.digest("demo") == first
    shutil.rmtree(bench.cache)
    assert Path(bench.resolve("demo").path, "Chart.yaml").is_file()


def test_a_remembered_chart_whose_link_now_leads_out_is_refused(bench: Bench) -> None:
    outside = write(bench.root.parent / "outside", {"values.yaml": "replicas: 1\n"})
    write(bench.root / "demo", chart())
    bench.resolve("demo")
    (bench.root / "demo/values.yaml").unlink()
    (bench.root / "demo/values.yaml").symlink_to(outside / "values.yaml")
    bench.refusal("demo")
