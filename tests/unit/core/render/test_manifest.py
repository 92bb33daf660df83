"""Reading what Helm rendered."""

from __future__ import annotations

import textwrap

import pytest

from helmops.core.render.manifest import manifest_hash, manifest_hashes, read
from helmops.errors import InputError

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


def _document(name: str, source: str = "") -> str:
    comment = f"# Source: {source}\n" if source else ""
    return f"---\n{comment}{CONFIG_MAP % name}"


def _hook(**annotations: str) -> str:
    lines = "".join(f'    {key}: "{text}"\n' for key, text in annotations.items())
    return f"---\n# Source: c/hook.yaml\napiVersion: v1\nkind: Pod\nmetadata:\n  name: h\n  annotations:\n{lines}"


class TestDocuments:
    def test_each_knows_the_template_it_came_from(self) -> None:
        text = _document("a", "web/templates/a.yaml") + _document("b", "web/charts/sub/templates/b.yaml")
        found = read(text).objects
        assert [(one.obj["metadata"]["name"], one.source) for one in found] == [
            ("a", "web/templates/a.yaml"),
            ("b", "web/charts/sub/templates/b.yaml"),
        ]

    def test_a_second_document_of_one_file_of_crds_belongs_to_that_file(self) -> None:
        assert [one.source for one in read(_document("a", "web/crds/x.yaml") + _document("b")).objects] == [
            "web/crds/x.yaml",
            "web/crds/x.yaml",
        ]

    def test_post_rendered_text_without_comments_has_no_source(self) -> None:
        assert [one.source for one in read(CONFIG_MAP % "a").objects] == [""]

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("", id="nothing"),
            pytest.param("---\n# Source: c/a.yaml\n---\n", id="a template that rendered nothing"),
            pytest.param("---\n# Source: c/a.yaml\n# only a remark\n", id="only comments"),
            pytest.param("---\n{}\n", id="an empty mapping"),
            pytest.param("---\nnull\n", id="null"),
            pytest.param("---\napiVersion: v1\nkind: List\nitems: []\n", id="an empty list"),
        ],
    )
    def test_empty_ones_are_dropped(self, text: str) -> None:
        assert read(text).objects == ()

    def test_dashes_inside_a_block_of_text_do_not_separate(self) -> None:
        text = CONFIG_MAP % "a" + "data:\n  pem: |\n    ---\n    -----BEGIN\n  tail: x\n"
        assert [one.obj["data"] for one in read(text).objects] == [{"pem": "---\n-----BEGIN\n", "tail": "x"}]

    def test_carriage_returns_do_not_matter(self) -> None:
        text = (_document("a", "c/a.yaml") + _document("b", "c/b.yaml")).replace("\n", "\r\n")
        assert [one.source for one in read(text).objects] == ["c/a.yaml", "c/b.yaml"]

    def test_lists_are_flattened_as_helm_does(self) -> None:
        inner = "{apiVersion: v1, kind: ConfigMap, metadata: {name: %s}}"
        text = textwrap.dedent(f"""\
            # Source: c/list.yaml
            apiVersion: v1
            kind: List
            items:
              - {inner % "a"}
              - {{apiVersion: v1, kind: ConfigMapList, items: [{inner % "b"}]}}
            """)
        assert [(one.obj["metadata"]["name"], one.source) for one in read(text).objects] == [
            ("a", "c/list.yaml"),
            ("b", "c/list.yaml"),
        ]

    def test_a_kind_that_has_items_but_is_no_list_is_an_object(self) -> None:
        text = "apiVersion: example.org/v1\nkind: Menu\nmetadata: {name: m}\nitems: [soup]\n"
        assert [one.obj["kind"] for one in read(text).objects] == ["Menu"]


class TestWhatIsNoObject:
    @pytest.mark.parametrize(
        ("document", "message"),
        [
            pytest.param("kind: Pod\nmetadata: {name: p}", "Pod/p has no apiVersion", id="no apiVersion"),
            pytest.param("apiVersion: v1\nmetadata: {name: p}", "p has no kind", id="no kind"),
            pytest.param("apiVersion: v1\nkind: Pod", "Pod has no metadata.name", id="no metadata"),
            pytest.param("apiVersion: v1\nkind: Pod\nmetadata: {name: 7}", "Pod/7 has no metadata.name", id="number"),
            pytest.param("a: b", "a document has no apiVersion, no kind, no metadata.name", id="nothing of all"),
            pytest.param(
                "apiVersion: v1\nkind: Pod\nmetadata: {generateName: p-}", "Pod has no metadata.name", id="generateName"
            ),
            pytest.param("just words", "plain text or a list", id="plain text"),
            pytest.param("- a", "plain text or a list", id="a list"),
            pytest.param("kind: List\nitems: [a]", "an item of the List is not an object", id="a list of words"),
            pytest.param("a: [", "not valid YAML", id="broken YAML"),
        ],
    )
    def test_is_refused_by_the_name_of_its_template(self, document: str, message: str) -> None:
        with pytest.raises(InputError, match=message) as caught:
            read(f"{_document('fine', 'c/fine.yaml')}---\n# Source: c/bad.yaml\n{document}\n")
        assert caught.value.where == "c/bad.yaml"


class TestHooks:
    def test_are_apart_from_the_objects(self) -> None:
        found = read(_document("a", "c/a.yaml") + _hook(**{"helm.sh/hook": "post-install"}))
        assert [one.obj["kind"] for one in found.objects] == ["ConfigMap"]
        assert [one.source for one in found.hooks] == ["c/hook.yaml"]

    @pytest.mark.parametrize(
        ("annotations", "events", "weight", "policies", "is_test"),
        [
            pytest.param({"hook": "post-install"}, ("post-install",), 0, ("before-hook-creation",), False, id="bare"),
            pytest.param(
                {"hook": "Pre-Install, pre-upgrade", "hook-weight": "-5"},
                ("pre-install", "pre-upgrade"),
                -5,
                ("before-hook-creation",),
                False,
                id="two events, weight",
            ),
            pytest.param(
                {"hook": "test", "hook-delete-policy": "hook-succeeded,hook-failed"},
                ("test",),
                0,
                ("hook-succeeded", "hook-failed"),
                True,
                id="a test that is deleted",
            ),
            pytest.param(
                {"hook": "test-success", "hook-weight": "heavy"},
                ("test-success",),
                0,
                ("before-hook-creation",),
                True,
                id="Helm 2's name for a test, a weight that is no number",
            ),
        ],
    )
    def test_say_when_they_run(
        self,
        annotations: dict[str, str],
        events: tuple[str, ...],
        weight: int,
        policies: tuple[str, ...],
        is_test: bool,
    ) -> None:
        text = _hook(**{f"helm.sh/{key}": text for key, text in annotations.items()})
        (hook,) = read(text).hooks
        assert (hook.events, hook.weight, hook.delete_policies, hook.is_test) == (events, weight, policies, is_test)

    def test_may_leave_their_name_to_the_server(self) -> None:
        text = _hook(**{"helm.sh/hook": "post-install"}).replace("name: h", "generateName: h-")
        assert [hook.obj["metadata"]["generateName"] for hook in read(text).hooks] == ["h-"]

    def test_need_a_kind_too(self) -> None:
        with pytest.raises(InputError, match="no kind"):
            read(_hook(**{"helm.sh/hook": "test"}).replace("kind: Pod\n", ""))

    def test_an_empty_annotation_makes_no_hook(self) -> None:
        assert read(_hook(**{"helm.sh/hook": ""})).hooks == ()


class TestHashes:
    def test_do_not_depend_on_the_order_of_keys(self) -> None:
        assert manifest_hash({"a": 1, "b": {"c": 2, "d": 3}}) == manifest_hash({"b": {"d": 3, "c": 2}, "a": 1})

    def test_depend_on_the_order_of_lists_and_on_every_value(self) -> None:
        assert len(set(manifest_hashes([{"a": [1, 2]}, {"a": [2, 1]}, {"a": ["1", 2]}, {"a": [True, 2]}]))) == 4
