"""status, history, rollback, uninstall, values, template and lint: one release by its name."""

from __future__ import annotations

import json

import pytest
import yaml

from helmops.cli import byhand, listing, reading
from helmops.cli.flags import Flags
from helmops.core.objects import ObjectId
from helmops.core.release.observation import StoredRelease
from helmops.errors import InputError, NotFound, Refused
from tests.unit.cli.conftest import World

Caught = pytest.CaptureFixture[str]


@pytest.fixture
async def web(world: World, capsys: Caught) -> World:
    """A release with two revisions, ``web`` of namespace ``default``."""
    for message in ("one", "two"):
        world.release("web", values={"m": message})
        assert await world.sync(yes=True) == 0
    capsys.readouterr()
    return world


async def test_status_lists_a_namespace_or_all(web: World, capsys: Caught) -> None:
    web.cluster.add_namespace("apps")
    web.cluster.put_release(
        StoredRelease("other", "apps", 1, "deployed", "", "chart", "1.0.0", "", {}, "", last_deployed="2026-01-01")
    )
    assert await listing.status(web.session(), None, everywhere=False, output=None) == 0
    told = capsys.readouterr().out
    assert "web" in told
    assert "other" not in told
    await listing.status(web.session(), None, everywhere=True, output=None)
    assert "other" in capsys.readouterr().out
    web.flags = Flags(namespace="apps", namespace_flag=True)
    await listing.status(web.session(), None, everywhere=False, output="json")
    (one,) = json.loads(capsys.readouterr().out)["releases"]
    assert (one["name"], one["drift"]) == ("other", {"checked": False, "objects": []})


async def test_status_of_one_release_tells_its_drift(web: World, capsys: Caught) -> None:
    web.cluster.edit(ObjectId("v1", "ConfigMap", "default", "web"), lambda obj: obj["data"].update(m="by hand"))
    await listing.status(web.session(), "web", everywhere=False, output=None)
    told = capsys.readouterr().out
    assert "1 object" in told
    assert "ConfigMap/web data.m: by hand → two" in told
    await listing.status(web.session(), "default/web", everywhere=False, output="yaml")
    found = yaml.safe_load(capsys.readouterr().out)
    assert found["kind"] == "ReleaseList"
    assert found["releases"][0]["drift"]["objects"][0]["name"] == "web"


@pytest.mark.parametrize("output", [None, "json"])
async def test_status_shows_no_secret_of_the_values(world: World, capsys: Caught, output: str | None) -> None:
    world.release("web", values={"m": "db:correct-horse", "password": "correct-horse"})
    assert await world.sync(yes=True) == 0
    web = ObjectId("v1", "ConfigMap", "default", "web")
    world.cluster.edit(web, lambda obj: obj["data"].update(m="db:correct-horse/other"))
    capsys.readouterr()
    await listing.status(world.session(), "web", everywhere=False, output=output)
    told = capsys.readouterr().out
    assert "db:***/other" in told
    assert "correct-horse" not in told


async def test_history_tells_what_each_revision_was_made_for(web: World, capsys: Caught) -> None:
    web.release("web", values={"m": "three"})
    web.helm.fail_next("timeout", method="upgrade")
    await web.sync(yes=True)
    capsys.readouterr()
    await listing.history(web.session(), "web", output=None)
    told = capsys.readouterr().out
    assert "this input failed" in told
    assert "rolled back to 2" in told
    await listing.history(web.session(), "web", output="json")
    found = json.loads(capsys.readouterr().out)
    assert [one["revision"] for one in found["revisions"]] == [1, 2, 3, 4]
    assert found["revisions"][2]["note"] == "this input failed"


async def test_rollback_asks_and_pins(web: World, capsys: Caught) -> None:
    with pytest.raises(Refused, match="no terminal"):
        await byhand.rollback(web.session(), "web", 0, yes=False)
    web.answers.answers = ["n"]
    assert await byhand.rollback(web.session(), "web", 0, yes=False) == 1
    assert len(web.cluster.revisions("default", "web")) == 2
    assert await byhand.rollback(web.session(), "web", 0, yes=True) == 0
    assert "until the input changes" in capsys.readouterr().out
    assert len(web.cluster.revisions("default", "web")) == 3
    assert await web.plan() == 1
    assert "was rolled back to revision 1 by hand" in capsys.readouterr().out


async def test_uninstall_shows_what_goes(world: World, capsys: Caught) -> None:
    world.release("web", values={"claim": True})
    await world.sync(yes=True)
    world.answers.answers = ["y"]
    assert await byhand.uninstall(world.session(), "web", yes=False) == 0
    told = capsys.readouterr().out
    assert "PersistentVolumeClaim web-data and its data would go" in told
    assert "Done: default/web is uninstalled" in told
    assert world.cluster.revisions("default", "web") == []


async def test_an_ambiguous_name_lists_the_candidates(web: World) -> None:
    web.cluster.add_namespace("apps")
    web.cluster.put_release(StoredRelease("web", "apps", 1, "deployed", "", "chart", "1", "", {}, ""))
    with pytest.raises(InputError, match="web is ambiguous: apps/web, default/web"):
        await byhand.uninstall(web.session(), "web", yes=True)
    web.flags = Flags(namespace="apps", namespace_flag=True)
    assert await byhand.uninstall(web.session(), "web", yes=True) == 0
    assert web.cluster.revisions("default", "web")


async def test_helms_default_namespace_is_not_a_choice(web: World) -> None:
    """A plugin gets HELM_NAMESPACE=default with and without -n."""
    web.cluster.add_namespace("apps")
    web.cluster.put_release(StoredRelease("api", "apps", 1, "deployed", "", "chart", "1", "", {}, ""))
    web.flags = Flags(namespace="default")
    assert await listing.history(web.session(), "api", output="json") == 0
    web.flags = Flags(namespace="elsewhere")
    with pytest.raises(NotFound, match="no release api in namespace elsewhere"):
        await listing.history(web.session(), "api", output="json")


async def test_values_tell_which_layer_set_each(world: World, capsys: Caught) -> None:
    world.files.write("prod.yaml", "m: from file\nkeep:\n  b: 2\npassword: hunter2\n")
    world.release("web", valuesFrom=[{"file": "prod.yaml"}], values={"list": [1, 2]})
    assert await reading.values(world.session(), "web", (".",), output=None) == 0
    assert capsys.readouterr().out.splitlines() == [
        "# default/web: chart 1.0.0",
        "m: from file  # prod.yaml:1",
        "claim: false  # chart default",
        "keep:",
        "  a: 1  # chart default",
        "  b: 2  # prod.yaml:3",
        "password: '***'  # prod.yaml:4",
        "list:  # default-web.yaml:10",
        "- 1",
        "- 2",
    ]
    await reading.values(world.session(), "web", (".",), output="json")
    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["values"]["m"], found["origins"]["keep.b"]) == ("Values", "from file", "prod.yaml:3")


async def test_template_masks_secrets(world: World, capsys: Caught) -> None:
    world.release("web", values={"m": "the hunter2 of it", "password": "hunter2"})
    assert await reading.template(world.session(), "web", (".",)) == 0
    told = capsys.readouterr().out
    assert yaml.safe_load(told)["data"] == {"m": "the *** of it"}
    assert await world.sync(yes=True) == 0
    await reading.template(world.session(), "default/web", (".",))
    assert [one.is_upgrade for one in world.helm.requests if hasattr(one, "is_upgrade")][-1]


async def test_a_name_that_is_not_in_the_input(world: World) -> None:
    world.release("web")
    with pytest.raises(NotFound, match="no release wbe") as missing:
        await reading.template(world.session(), "wbe", (".",))
    assert missing.value.hint == "did you mean web?"


async def test_lint_finds_what_needs_no_cluster(world: World, capsys: Caught) -> None:
    world.release("web")
    assert await reading.lint(world.session(), (".",), output=None) == 0
    assert "1 release, no problems" in capsys.readouterr().out
    world.release("api", chart={"path": "nowhere"})
    world.release("job", chart={"repo": "https://charts.example.org", "name": "job"})
    assert await reading.lint(world.session(), (".",), output=None) == 1
    assert "default-api.yaml:1: spec.chart.path: no chart at" in capsys.readouterr().out
    world.release("bad", bogus=True)
    assert await reading.lint(world.session(machine=True), (".",), output="json") == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem["path"] == "spec.bogus"
    assert not world.cluster.calls
