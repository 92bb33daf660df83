"""The documentation keeps to the code: every field with its default, every state, every YAML example, every link."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from helmops.api import loading
from helmops.api.chart_kind import ChartSourceManifest
from helmops.api.document import Document
from helmops.api.model import Access
from helmops.api.release_kind import OwnerManifest, ReleaseManifest
from helmops.core import yaml
from helmops.core.release.status import _STATE_NAMES
from helmops.errors import Problem

CLONE = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page.relative_to(CLONE).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "tests/*.md")
    for page in CLONE.glob(pattern)
)
DURATION = ReleaseManifest.model_json_schema()["$defs"]["Spec"]["properties"]["timeout"]["pattern"]
SECONDS = {"h": 3600, "m": 60, "s": 1}
NONE = "–"


# ---------------------------------------------------------------- fields
@dataclass(frozen=True)
class Told:
    """A row of a page."""

    type: str
    default: str
    meaning: str


@dataclass(frozen=True)
class Known:
    """A field of a model."""

    type: str
    default: Any
    required: bool
    words: tuple[str, ...] = ()


def told(page: str) -> dict[str, Told]:
    """The rows of all tables, by path. A heading with a name in backticks says what the names below it belong to."""
    found: dict[str, Told] = {}
    prefix = ""
    for line in (CLONE / page).read_text().splitlines():
        if line.startswith("#"):
            heading = re.fullmatch(r"#+ `([\w.\[\]]+)`", line)
            prefix = f"{heading[1]}." if heading else ""
        elif row := re.match(r"\| `(\w+)` \| (\w+) \| ([^|]*) \| ([^|]*) \|", line):
            found[prefix + row[1]] = Told(row[2], row[3], row[4])
    return found


def known(model: type[BaseModel]) -> dict[str, Known]:
    """Every field of a model and of the models in it, as a user writes it."""
    schema = model.model_json_schema()
    return dict(_fields(schema, schema["$defs"], ""))


def _fields(schema: Mapping[str, Any], definitions: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Known]]:
    for name, part in schema["properties"].items():
        inner = next((one for one in part.get("anyOf", ()) if one.get("type") != "null"), part)
        known_type, below, suffix = _type(inner, definitions)
        required = name in schema.get("required", ())
        default = None if known_type == "object" else part.get("default")
        yield prefix + name, Known(known_type, default, required, tuple(inner.get("enum", ())))
        if below is not None:
            yield from _fields(below, definitions, f"{prefix}{name}{suffix}.")


def _type(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[str, Mapping[str, Any] | None, str]:
    """The word for people; the model below it, and how it is reached."""
    if "$ref" in schema:
        return "object", definitions[schema["$ref"].rpartition("/")[2]], ""
    if schema.get("type") == "array":
        return "list", _type(schema["items"], definitions)[1], "[]"
    if schema.get("type") == "object":
        return "map", None, ""
    if schema.get("pattern") == DURATION:
        return "duration", None, ""
    return str(schema.get("type", "any")), None, ""


def _default(field: Known) -> Any:
    if field.required:
        return "required"
    return NONE if field.default is None else _number(field, field.default)


def _read(field: Known, text: str) -> Any:
    """A default as the page has it."""
    if text in {"required", NONE}:
        return text
    assert text.startswith("`"), f"{text} stands without backticks"
    return _number(field, yaml.load(text.strip("`")).value)


def _number(field: Known, value: Any) -> Any:
    if field.type != "duration" or not isinstance(value, str):
        return value
    return sum(int(number) * SECONDS[unit] for number, unit in re.findall(r"(\d+)([hms])", value))


REFERENCES = [
    pytest.param("docs/reference/release.md", ReleaseManifest, id="Release"),
    pytest.param("docs/reference/chartsource.md", ChartSourceManifest, id="ChartSource"),
    pytest.param("docs/reference/helmops-yaml.md", OwnerManifest, id="helmops.yaml"),
]


@pytest.mark.parametrize(("page", "model"), REFERENCES)
def test_the_reference_names_every_field_and_no_other(page: str, model: type[BaseModel]) -> None:
    assert sorted(told(page)) == sorted(known(model))


@pytest.mark.parametrize(("page", "model"), REFERENCES)
def test_types_and_defaults_are_the_models(page: str, model: type[BaseModel]) -> None:
    fields, rows = known(model), told(page)
    assert {path: rows[path].type for path in fields} == {path: field.type for path, field in fields.items()}
    found = {path: _read(field, rows[path].default) for path, field in fields.items()}
    assert found == {path: _default(field) for path, field in fields.items()}


@pytest.mark.parametrize(("page", "model"), REFERENCES)
def test_every_word_that_a_field_takes_is_told(page: str, model: type[BaseModel]) -> None:
    rows = told(page)
    untold = [
        f"{path}: {word}"
        for path, field in known(model).items()
        for word in field.words
        if f"`{word}`" not in rows[path].meaning + rows[path].default
    ]
    assert untold == []


# ---------------------------------------------------------------- states
def test_every_state_has_its_section() -> None:
    page = (CLONE / "docs/reference/states.md").read_text()
    assert sorted(re.findall(r"^### (\S+)$", page, re.MULTILINE)) == sorted(_STATE_NAMES.values())


# ---------------------------------------------------------------- examples
def _examples() -> Iterator[Any]:
    for page in PAGES:
        text = (CLONE / page).read_text()
        for number, found in enumerate(re.finditer(r"^```ya?ml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL), 1):
            yield pytest.param(page, found[1], id=f"{page}-{number}")


@pytest.mark.parametrize(("page", "text"), list(_examples()))
def test_yaml_examples_load_without_problems(page: str, text: str) -> None:
    problems: list[Problem] = []
    objects: list[Document] = []
    for part in yaml.load_all(text, file=page):
        document = Document(page, "/folder", "/folder", part.value, part.lines)
        assert isinstance(part.value, dict)
        if "kind" in part.value:
            objects.append(document)
        elif "owner" in part.value:
            loading.load_owner(document, problems)
    assert problems + loading.load(objects, namespace="default", access=Access()).problems == []


def test_the_examples_of_a_release_leave_no_field_out() -> None:
    blocks = [text for page, text in (one.values for one in _examples()) if page == "docs/reference/release.md"]
    values = [part.value for text in blocks for part in yaml.load_all(text)]
    written = {path for value in values for path in _written(value, "")}
    assert set(known(ReleaseManifest)) - written == {"metadata.labels", "status"}


def _written(value: Any, prefix: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _written(item, f"{prefix}[]")
    elif isinstance(value, dict):
        for key, item in value.items():
            path = f"{prefix}.{key}" if prefix else key
            yield path
            yield from _written(item, path)


# ---------------------------------------------------------------- pages
@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = re.sub(r"^```.*?^```$", "", (CLONE / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    broken = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not _leads(page, link)]
    assert broken == []


def _leads(page: str, link: str) -> bool:
    if link.startswith(("https://", "http://")):
        return True
    file, _, anchor = link.partition("#")
    target = (CLONE / page).parent / file if file else CLONE / page
    return target.exists() and (not anchor or anchor in _anchors(target.read_text()))


def _anchors(text: str) -> set[str]:
    """Headings as a git host makes links of them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/") or page == "README.md"])
def test_pages_name_no_machine(page: str) -> None:
    found = re.findall(r"(?:/tmp/|/root/|/home/|/work/|localhost:\d)\S*", (CLONE / page).read_text())
    assert found == []


def test_the_index_names_every_page() -> None:
    index = (CLONE / "docs/README.md").read_text()
    pages = [page.removeprefix("docs/") for page in PAGES if page.startswith(("docs/tutorial", "docs/reference/"))]
    assert [page for page in pages if f"({page})" not in index] == []


def test_decisions_are_numbered_once() -> None:
    names = [page.rpartition("/")[2] for page in PAGES if page.startswith("docs/decisions/")]
    assert all(re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name) for name in names)
    assert len({name[:4] for name in names}) == len(names)
