"""What loading YAML promises beyond Helm's rules: places, refusals, limits, and a dump that reads back."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from helmops.core import yaml
from helmops.core.yaml import dump, load, load_all, loads_fast
from helmops.core.yaml_scalars import to_json
from helmops.errors import InputError


class TestLines:
    TEXT = "\n".join(
        [
            "a: 1",  # 1
            "b:",  # 2
            "  c:",  # 3
            "    - x",  # 4
            "    - v: z",  # 5
            "      w: |",  # 6
            "        text",  # 7
            "'quoted.key': {in: flow}",  # 8
        ]
    )

    @pytest.mark.parametrize(
        ("path", "line"),
        [
            ((), 1),
            (("a",), 1),
            (("b",), 2),
            (("b", "c"), 3),
            (("b", "c", 0), 4),
            (("b", "c", 1), 5),
            (("b", "c", 1, "v"), 5),
            (("b", "c", 1, "w"), 6),
            (("quoted.key",), 8),
            (("quoted.key", "in"), 8),
        ],
        ids=str,
    )
    def test_every_key_and_item_has_its_line(self, path: tuple[str | int, ...], line: int) -> None:
        assert load(self.TEXT).lines[path] == line

    @pytest.mark.parametrize("path", [("z",), ("a", "b"), ("b", "c", 2), ("b", "c", -1), ("b", 0), ("a", 0)], ids=str)
    def test_a_path_that_is_not_there_has_none(self, path: tuple[str | int, ...]) -> None:
        assert path not in load(self.TEXT).lines

    def test_iteration_names_every_path_once(self) -> None:
        lines = load(self.TEXT).lines
        assert list(lines)[:4] == [(), ("a",), ("b",), ("b", "c")]
        assert len(lines) == 10 == len(set(lines))

    def test_what_an_alias_or_a_merge_brings_has_the_line_where_it_was_written(self) -> None:
        lines = load("base: &b\n  x: 1\ncopy: *b\nmixed:\n  <<: *b\n  z: 2\n").lines
        assert lines[("copy",)] == 3
        assert lines[("copy", "x")] == lines[("mixed", "x")] == 2
        assert lines[("mixed", "z")] == 6

    def test_documents_keep_their_place_and_line(self) -> None:
        first, second = load_all("# nothing\n---\n---\na: 1\n---\n~\n---\nb: 2\n")
        assert (first.value, first.index, first.lines[()]) == ({"a": 1}, 1, 4)
        assert (second.value, second.index, second.lines[("b",)]) == ({"b": 2}, 3, 8)


class TestDocuments:
    @pytest.mark.parametrize("text", ["", "\n", "# comment\n", "---\n", "---\n---\n", "~", "null\n"], ids=repr)
    def test_empty_documents_are_dropped(self, text: str) -> None:
        assert load_all(text) == []
        assert loads_fast(text) == []
        assert load(text).value is None

    def test_an_empty_second_document_is_no_second_one(self) -> None:
        assert load("a: 1\n---\n").value == {"a": 1}

    def test_a_second_document_is_refused_with_its_line(self) -> None:
        with pytest.raises(InputError, match=r"^values\.yaml:3: one YAML document expected, 2 found$"):
            load("a: 1\n---\nb: 2\n", file="values.yaml")

    def test_fast_loading_gives_the_same_values(self) -> None:
        text = "a: {b: [1, y, 1e3]}\n---\n- x\n---\nc: &c {d: e}\nf: *c\n"
        assert loads_fast(text) == [document.value for document in load_all(text)]


REFUSED = {
    "duplicate key": ("a: 1\nb: 2\na: 3\n", "f:3: the key 'a' is already set in line 1 (column 1)"),
    "duplicate by Helm's rules": ("y: 1\n'true': 3\n", "f:2: the key 'true' is already set in line 1 (column 1)"),
    "nested duplicate": ("a:\n  - {b: 1, b: 2}\n", "f:2: the key 'b' is already set in line 2 (column 12)"),
    "unknown tag": ("a: !vault x\n", "f:1: unknown tag !vault: Helm would drop it silently (column 4)"),
    "unknown tag of a mapping": ("a: !x {}\n", "f:1: unknown tag !x: Helm would drop it silently (column 4)"),
    "unknown standard tag": ("!!set {a}\n", "f:1: unknown tag !!set: Helm would drop it silently (column 1)"),
    "bad number": ("a: !!int x\n", "f:1: 'x' is no !!int (column 4)"),
    "infinity": ("a: .inf\n", "f:1: JSON has no infinity and no NaN (column 4)"),
    "null key": ("a: 1\n~: 2\n", "f:2: a key cannot be null (column 1)"),
    "list as key": ("[a]: 2\n", "f:1: a key must be a scalar, not a list or a mapping (column 1)"),
    "unknown alias": ("a: *b\n", "f:1: the anchor 'b' is not defined above (column 4)"),
    "anchor of another document": ("a: &b 1\n---\na: *b\n", "f:3: the anchor 'b' is not defined above (column 4)"),
    "alias in itself": ("a: &b [*b]\n", "f:1: the anchor 'b' contains itself (column 8)"),
    "merge of a scalar": ("a:\n  <<: 1\n", "f:2: << wants a mapping or a list of mappings (column 7)"),
    "syntax": ("a: b: c\n", "f:1: mapping values are not allowed in this context (column 5)"),
    "unclosed": ("a:\n  b: [1,\n", "f:3: did not find expected node content (column 1)"),
    "tab": ("a:\n\tb: 1\n", "f:2: found character that cannot start any token (column 1)"),
    "control character": ("a: 1\nb: é\x07\n", "f:2: control characters are not allowed (column 5)"),
    "lone surrogate": ("a: 1\nb: \ud800\n", "f:2: a character that is no Unicode"),
}


@pytest.mark.skipif(not pyyaml.__with_libyaml__, reason="the words are libyaml's")
@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_a_mistake_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        load_all(text, file="f")
    assert str(error.value) == message


def test_a_tab_has_a_hint() -> None:
    with pytest.raises(InputError) as error:
        load("a:\n\tb: 1\n")
    assert error.value.hint == "YAML is indented with spaces, not with tabs"


class TestLenient:
    """What others wrote (charts, and what Helm rendered) is read as Helm reads it, mistakes and all."""

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("a: 1\nb: 2\na: 3\n", {"a": 3, "b": 2}),
            ("a: {x: 1}\na: {z: 2}\n", {"a": {"z": 2}}),
            ("a: !vault x\n", {"a": "x"}),
            ("a: !vault 12\n", {"a": "12"}),
            ("a: !x {b: 1}\n", {"a": {"b": 1}}),
        ],
        ids=repr,
    )
    def test_lenient(self, text: str, value: Any) -> None:
        assert load(text, strict=False).value == value
        assert loads_fast(text) == [value]


class TestMerge:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("{<<: *b, z: 2}", {"x": 1, "z": 2}),
            ("{<<: *b, x: 2}", {"x": 2}),
            ("{x: 2, <<: *b}", {"x": 1}),  # as go-yaml v2; YAML would say 2
            ("{<<: [*b, {x: 3, z: 3}]}", {"x": 1, "z": 3}),
            ("{<<: {z: 3}, <<: *b}", {"x": 1, "z": 3}),
            ("{'<<': 1}", {"<<": 1}),
        ],
        ids=repr,
    )
    def test_merge_keys(self, text: str, value: Any) -> None:
        document = load(f"base: &b {{x: 1}}\nout: {text}\n")
        assert document.value == {"base": {"x": 1}, "out": value}


class TestLimits:
    def bomb(self, levels: int) -> str:
        return "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, levels)
        )

    @pytest.mark.parametrize("loader", [loads_fast, load_all])
    def test_an_alias_bomb_is_refused_and_cheaply(self, loader: Any) -> None:
        started = time.perf_counter()
        with pytest.raises(InputError, match="the aliases of this document stand for more than 400,000 nodes"):
            loader(self.bomb(30))
        assert time.perf_counter() - started < 0.5

    def test_a_bomb_of_merges_is_refused(self) -> None:
        big = "a: &a {" + ", ".join(f"k{n}: 1" for n in range(1000)) + "}\n"
        with pytest.raises(InputError, match="400,000"):
            load(big + "".join(f"m{n}: {{<<: *a}}\n" for n in range(500)))

    def test_reasonable_reuse_is_not(self) -> None:
        value: Any = load(self.bomb(4)).value
        assert value["a3"][9][9][9][9] == "x"

    @pytest.mark.parametrize("loader", [loads_fast, load_all])
    @pytest.mark.parametrize("opening", ["[", "{a: ", "- "], ids=repr)
    def test_nesting_ends_in_an_error_of_ours(self, opening: str, loader: Any) -> None:
        deep = opening.join([""] * 4000)
        with pytest.raises(InputError, match="nested deeper than 200 levels"):
            loader(deep)

    def test_the_depth_that_is_allowed(self) -> None:
        load("[" * yaml.MAX_DEPTH + "]" * yaml.MAX_DEPTH)


@pytest.mark.parametrize("text", ["a: [1, 'x']\nb: {c: y}\n", "a: &x 1\nb: *x\n", "a: |\n  x\n"], ids=repr)
def test_without_libyaml_the_values_and_lines_are_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = load(text)
    monkeypatch.setattr(yaml, "_Parser", pyyaml.Loader)
    assert load(text) == expected


@pytest.mark.parametrize("text", ["a: b: c", "a:\n\tb", "a: \x07", "a: é\n\x07"], ids=repr)
def test_without_libyaml_errors_have_their_line_too(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "_Parser", pyyaml.Loader)
    with pytest.raises(InputError) as error:
        load(text, file="f")
    assert error.value.where == f"f:{text.count(chr(10)) + 1}"


class TestDump:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ({}, "{}\n"),
            ([], "[]\n"),
            (None, "null\n"),
            (True, "true\n"),
            ("x", "x\n"),
            (1.5, "1.5\n"),
            ({"b": 1, "a": {"d": []}}, "b: 1\na:\n  d: []\n"),
            ({"a": [1, "x", {"b": 1, "c": [2]}]}, "a:\n- 1\n- x\n- b: 1\n  c:\n  - 2\n"),
            ([[1, 2], [{"a": {}}]], "- - 1\n  - 2\n- - a: {}\n"),
            ({"a": "x\ny\n"}, "a: |\n  x\n  y\n"),
            ({"a": ["x\n\n y"]}, "a:\n- |-\n  x\n\n   y\n"),
            ({"a": "x\n\n"}, "a: |+\n  x\n\n"),
            ({"a": " x\ny"}, "a: |2-\n   x\n  y\n"),
            ({"a": "x\r\ny"}, 'a: "x\\r\\ny"\n'),
            ({"a": "\n"}, 'a: "\\n"\n'),
            ({"true": "true", "y": "no", "1": "1"}, "'true': 'true'\n'y': 'no'\n'1': '1'\n"),
        ],
        ids=repr,
    )
    def test_style(self, value: Any, text: str) -> None:
        assert dump(value) == text

    @pytest.mark.parametrize(
        "text", ["1e3", "0x1F", ".5", "~", "", "a: b", "a #b", "- a", "@a", "*a", "<<", "---", "a:"]
    )
    def test_quoted(self, text: str) -> None:
        assert dump(text) == f"'{text}'\n"

    @pytest.mark.parametrize(
        "text", ["12:30", "2024-01-01", "it's", "--port=1", "http://x:80/#y", "a, b", "Grüße", "-a"]
    )
    def test_not_quoted(self, text: str) -> None:
        assert dump(text) == f"{text}\n"


characters = st.characters(exclude_categories=["Cs"])
texts = st.text(characters, max_size=20) | st.text("ab01yne .:#-'\"\n\t<>[]{}&*!|%@,~_+", max_size=12)
numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False).map(to_json)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_what_is_dumped_reads_back(value: Any) -> None:
    if value is not None:
        assert loads_fast(dump(value)) == [value]
        assert load(dump(value)).value == value
