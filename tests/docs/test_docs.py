"""What the documentation prints works: commands and options exist, scenarios validate, code names what exists."""

from __future__ import annotations

import ast
import csv
import importlib
import io
import re
import shlex
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from rahdari.faces.cli.main import app
from rahdari.model.scenario import Scenario, read_scenario
from rahdari.run.changes import changed_table
from rahdari.run.registry import registry
from rahdari.run.runner import check_parameters
from rahdari.schema import base_schemas
from rahdari.service.packs import COMMON, PACKS
from rahdari.service.plan_view import Plan
from rahdari.sources.pack import KNOWN_KEYS, load_pack

if TYPE_CHECKING:
    import polars as pl

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(?:\.venv/bin/)?(rahdari [^`\n]+|make [a-z-]+)`")
COMMAND = re.compile(r"\$ |rahdari |make ")  # what is typed; other lines of a console block are what it prints
TEST_NAME = re.compile(r"`(test_\w+)`")
PAKISTAN = PACKS / "pakistan"
#: An ellipsis in a printed command or output stands for what is left out.
LEFT_OUT = "…"


@dataclass(frozen=True)
class Snippet:
    """One fenced block: page, number on it, language, text."""

    page: str
    number: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}-{self.number}"


def snippets(language: str) -> list[Snippet]:
    found = []
    for path in PAGES:
        page = path.relative_to(ROOT).as_posix()
        for number, (kind, text) in enumerate(FENCE.findall(path.read_text(encoding="utf-8")), start=1):
            if kind == language:
                found.append(Snippet(page, number, kind, text))
    return found


def commands_printed() -> list[tuple[str, str]]:
    found = []
    for snippet in snippets("console"):
        lines = [line.removeprefix("$ ") for line in snippet.text.splitlines() if COMMAND.match(line)]
        found += [(snippet.page, line) for line in lines]
    for path in PAGES:
        text = FENCE.sub("", path.read_text(encoding="utf-8"))
        found += [(path.relative_to(ROOT).as_posix(), line) for line in INLINE.findall(text)]
    return sorted(set(found))


def command_problems(words: list[str]) -> list[str]:
    """Walk the words down the command tree and say what does not exist."""
    command: Any = get_command(app)
    at = 0
    while at < len(words) and hasattr(command, "commands"):
        if words[at].startswith("-"):
            break
        if words[at] not in command.commands:
            return [f"there is no command '{words[at]}'"]
        command = command.commands[words[at]]
        at += 1
    options = {name: item for item in command.params for name in (*item.opts, *item.secondary_opts)}
    n_arguments = sum(item.param_type_name == "argument" for item in command.params)
    problems, given = [], 0
    while at < len(words):
        word = words[at]
        if word.startswith("-"):
            item = options.get(word) if word != "--help" else None
            if item is None and word != "--help":
                problems.append(f"there is no option '{word}'")
            at += 1 if item is None or item.is_flag else 2
        else:
            given += 1
            at += 1
    if given > n_arguments:
        problems.append(f"{given} arguments where {n_arguments} are taken")
    return problems


@cache
def make_targets() -> frozenset[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^([a-z-]+):", text, re.MULTILINE))


@pytest.mark.parametrize(("page", "line"), commands_printed())
def test_a_printed_command_exists_with_its_options(page: str, line: str) -> None:
    words = [word for word in shlex.split(line, comments=True) if not set(word) & {LEFT_OUT, "["}]
    program = Path(words[0]).name
    if program == "rahdari":
        assert command_problems(words[1:]) == [], page
    elif program == "make":
        assert set(words[1:]) <= make_targets(), page
    elif program in {"python", "ruff", "mypy"}:
        files = [word for word in words[1:] if "/" in word and not word.startswith("plans/")]
        assert [file for file in files if not (ROOT / file).exists()] == [], page
    else:
        assert words == ["source", ".venv/bin/activate"], page


def kind_of(values: dict[str, Any]) -> str:
    if "fidelity" in values:
        return "manifest"
    if "project" in values:
        return "entry point"
    return "pack" if "country_id" in values else "scenario"


@pytest.fixture(scope="module")
def pack_tables() -> dict[str, pl.DataFrame]:
    return load_pack(PAKISTAN)


@pytest.mark.parametrize("snippet", snippets("toml"), ids=lambda snippet: snippet.name)
def test_a_printed_toml_file_is_valid(snippet: Snippet, pack_tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    values = tomllib.loads(snippet.text)
    kind = kind_of(values)
    if kind == "scenario":
        path = tmp_path / "scenario.toml"
        path.write_text(snippet.text, encoding="utf-8")
        scenario = read_scenario(str(path), (PAKISTAN / "scenarios", COMMON / "scenarios"))
        assert isinstance(scenario, Scenario)
        check_parameters(registry().engines, scenario)
        for change in scenario.changes:
            changed_table(pack_tables[change.table], base_schemas()[change.table], [change], scenario.name)
    elif kind == "pack":
        assert set(values) <= set(KNOWN_KEYS)
    elif kind == "manifest":
        whole = tomllib.loads((ROOT / "docs/examples/rahdari_schools/manifest.toml").read_text(encoding="utf-8"))
        assert {key: whole[key] for key in values} == values
    else:
        assert values["project"]["entry-points"]["rahdari.engines"] == {"schools": "rahdari_schools"}


@pytest.mark.parametrize("snippet", snippets("csv"), ids=lambda snippet: snippet.name)
def test_a_printed_csv_has_columns_of_the_schema_and_even_rows(snippet: Snippet) -> None:
    rows = list(csv.reader(io.StringIO(snippet.text)))
    assert {len(row) for row in rows} == {len(rows[0])}
    if rows[0][0] == "column":
        example = ROOT / "docs/examples/rahdari_schools/tables/school_lines.csv"
        assert snippet.text == example.read_text(encoding="utf-8")
        return
    known = {name: set(schema.names) for name, schema in base_schemas().items()}
    assert any(set(rows[0]) <= columns for columns in known.values()), rows[0]


def attributes_of(tree: ast.AST, name: str) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    }


@pytest.mark.parametrize("snippet", snippets("python"), ids=lambda snippet: snippet.name)
def test_a_printed_python_snippet_names_what_exists(snippet: Snippet) -> None:
    tree = ast.parse(snippet.text)
    modules: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {item.asname or item.name: importlib.import_module(item.name) for item in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module or "")
            modules |= {item.asname or item.name: getattr(module, item.name) for item in node.names}
    for name, module in modules.items():
        assert [item for item in attributes_of(tree, name) if not hasattr(module, item)] == [], name
    tables = registry().schemas
    for name in ("plan", "base", "other"):
        used = attributes_of(tree, name)
        assert [item for item in used if not hasattr(Plan, item) and item not in tables] == []


@pytest.mark.parametrize(
    "snippet", [item for item in snippets("python") if "assert " in item.text], ids=lambda snippet: snippet.name
)
def test_a_printed_python_snippet_that_asserts_runs(snippet: Snippet) -> None:
    exec(compile(snippet.text, snippet.name, "exec"), {})  # noqa: S102  # our own documentation


def test_snippets_are_found_in_every_language_that_is_checked() -> None:
    assert all(snippets(language) for language in ("console", "toml", "csv", "python"))
    assert any("assert " in snippet.text for snippet in snippets("python"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_page_names_a_folder_of_one_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"(?<![\w.`~])/(?:work|tmp|root|home)\b", text) == []


def test_every_test_that_a_page_names_exists() -> None:
    named = {name for path in PAGES for name in TEST_NAME.findall(path.read_text(encoding="utf-8"))}
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    defined = {name for text in sources for name in re.findall(r"def (test_\w+)", text)}
    assert named
    assert named - defined == set()
