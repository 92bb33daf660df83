"""What kustomize is given, what is made of its answer, and what of its words is told."""

from __future__ import annotations

import json

import pytest

from helmops.api.model import Image, Kustomize, Patch
from helmops.core.render import postrender
from helmops.core.render.manifest import read
from helmops.core.yaml import loads_fast
from helmops.errors import InputError

MARK = f"{postrender.FILENAME_ANNOTATION}: 'c/templates/a.yaml'"
OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a%s}\ndata: {y: yes, n: 0x10, t: 'yes'}\n"
HOOK = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, annotations: {{helm.sh/hook: post-install, {MARK}}}}}\n"


def patches(*names: str) -> tuple[Patch, ...]:
    return tuple(Patch(f"kind: ConfigMap\nmetadata: {{name: {name}}}\n") for name in names)


class TestSplit:
    def test_hooks_are_taken_out_as_they_came_and_put_back(self) -> None:
        stream = postrender.split(f"{OBJECT % ''}---\n{HOOK}")
        assert [hook.strip() for hook in stream.hooks] == [HOOK.strip()]
        whole = read(stream.joined("kind: X\napiVersion: v1\nmetadata: {name: x}\n"))
        assert [one.obj["kind"] for one in whole.objects] == ["X"]
        assert [hook.obj["metadata"]["name"] for hook in whole.hooks] == ["a"]

    def test_helms_mark_is_not_there_for_patches(self) -> None:
        marked = postrender.split(OBJECT % f", annotations: {{{MARK}}}")
        assert marked.objects == postrender.split(OBJECT % "").objects
        kept = postrender.split(OBJECT % f", annotations: {{{MARK}, b: c}}")
        assert loads_fast(kept.objects)[0]["metadata"] == {"name": "a", "annotations": {"b": "c"}}  # type: ignore[call-overload,index]

    def test_values_are_said_without_doubt(self) -> None:
        """kustomize reads YAML by other rules than Helm does."""
        [document] = loads_fast(postrender.split("data: {a: yes, b: 0x10, c: 'yes', d: 1e3}").objects)
        assert document == {"data": {"a": True, "b": 16, "c": "yes", "d": 1000}}
        assert "a: true\n  b: 16\n  c: 'yes'" in postrender.split("data: {a: yes, b: 0x10, c: 'yes'}").objects

    def test_hooks_alone_and_nothing_at_all(self) -> None:
        stream = postrender.split(HOOK)
        assert stream.objects == ""
        assert len(read(stream.joined("")).hooks) == 1
        assert postrender.split("").joined("") == "---\n# no objects\n"

    def test_no_yaml(self) -> None:
        with pytest.raises(InputError):
            postrender.split("a: [")


@pytest.mark.parametrize(
    ("manifest", "was"),
    [
        ("---\n# Source: c/templates/a.yaml\nkind: X\n", False),
        ("kind: X\n", True),
        ("---\n# Source: generated-by-postrender-0.yaml\nkind: X\n", True),
        ("\n", False),
    ],
)
def test_what_a_stored_manifest_tells(manifest: str, was: bool) -> None:
    assert postrender.was_post_rendered(manifest) is was


class TestFolders:
    def test_one_upon_the_other(self) -> None:
        files = postrender.folders([Kustomize(patches("a")), Kustomize(images=(Image("app", new_tag="2"),))])
        first, second = (json.loads(files[f"{number}/kustomization.yaml"]) for number in (0, 1))
        assert (first["resources"], second["resources"]) == (["resources.yaml"], ["../0"])
        assert first["patches"] == [{"patch": patches("a")[0].patch}]
        assert second["images"] == [{"name": "app", "newTag": "2"}]
        assert {*first} == {"apiVersion", "kind", "sortOptions", "resources", "patches", "images"}

    def test_a_target_goes_along(self) -> None:
        [text] = postrender.folders([Kustomize((Patch("[]", {"kind": "X"}),))]).values()
        assert json.loads(text)["patches"] == [{"patch": "[]", "target": {"kind": "X"}}]


def test_the_digest_knows_what_is_said_and_nothing_else() -> None:
    assert postrender.wanted(()) == []
    told = postrender.wanted([Kustomize((Patch("p", {"kind": "X"}),), (Image("a", digest="d"),))])
    assert told == [
        {"patches": [{"patch": "p", "target": {"kind": "X"}}], "images": [{"name": "a", "digest": "d"}]},
    ]


class TestPrefixes:
    TWO = (Kustomize(patches("a", "b"), (Image("i"),)), Kustomize(patches("c")))

    @pytest.mark.parametrize(("count", "sizes"), [(0, [0]), (1, [1]), (2, [2]), (3, [2, 1]), (9, [2, 1])])
    def test_as_many_patches_as_asked(self, count: int, sizes: list[int]) -> None:
        assert [len(one.patches) for one in postrender.first(self.TWO, count)] == sizes

    def test_images_come_behind_the_patches(self) -> None:
        assert postrender.first(self.TWO, 2)[0].images == ()
        assert postrender.first(self.TWO, 3)[0].images == (Image("i"),)

    def test_names(self) -> None:
        assert postrender.count(self.TWO) == 3
        names = [postrender.name_of(self.TWO, number) for number in range(3)]
        assert names[1] == "patch 2 of post-renderer 1 (ConfigMap/b)"
        assert names[2] == "patch 1 of post-renderer 2 (ConfigMap/c)"

    @pytest.mark.parametrize(
        ("patch", "name"),
        [
            (Patch("- {op: add}", {"kind": "Deployment"}), "patch 1 (Deployment)"),
            (Patch("- {op: add}", {"labelSelector": "a=b"}), "patch 1"),
            (Patch("a: ["), "patch 1"),
            (Patch("- {op: add}"), "patch 1"),
            (Patch("kind: X\nmetadata: 1"), "patch 1 (X)"),
        ],
    )
    def test_a_name_is_what_it_aims_at(self, patch: Patch, name: str) -> None:
        assert postrender.name_of([Kustomize((patch,))], 0) == name


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            'E1122 22:55:36.972454    2249 run.go:72] "command failed" err="no matches for Id \\"a\\""',
            'no matches for Id "a"',
        ),
        (
            'E1122 22:55:37.038230    2254 run.go:72] "command failed" err=<\n\ttrouble configuring builtin '
            "PatchTransformer with config: `\n\tpatch: |\n\t  password: hunter2\n\t`: unable to parse SM or JSON "
            'patch from [patch: "password: hunter2"]\n >',
            "unable to parse SM or JSON patch",
        ),
        (
            "Error: accumulating resources: accumulation err='accumulating resources from '../0': '/tmp/x' must "
            "resolve to a file': recursed accumulation of path '/tmp/k/0': no matches",
            "no matches",
        ),
        ("", "kustomize did not say why"),
        ("x" * 1000, "x" * 600 + " …"),
    ],
)
def test_reasons(said: str, told: str) -> None:
    assert postrender.reason(said) == told
