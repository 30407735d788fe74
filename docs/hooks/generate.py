"""Make the pages that follow from other files: data dictionary, engines, command line, design index, root pages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

from rahdari.run.registry import registry

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def dictionary() -> str:
    """Return the data dictionary, made from the schema CSV files."""
    known = registry()
    writers = {table: engine.name for engine in known.engines.values() for table in engine.writes}
    parts = ["# Data dictionary\n\nMade from the schema files; the program checks every table against the same ones.\n"]
    for name, schema in sorted(known.schemas.items()):
        writer = writers.get(name, "the country, or rahdari itself")
        parts.append(f"\n## {name}\n\nWritten by: {writer}. Key: {', '.join(schema.key)}.\n")
        parts.append("\n| column | type | unit | status | meaning | formula |\n|---|---|---|---|---|---|\n")
        for column in schema.columns:
            formula = f"`{_cell(column.formula)}`" if column.formula else ""
            cells = (column.name, column.type, column.unit, column.status, _cell(column.description), formula)
            parts.append("| " + " | ".join(cells) + " |\n")
    return "".join(parts)


def engines() -> str:
    """Return one page with every engine's README and parameters."""
    from importlib import import_module

    parts = ["# Engines\n"]
    for name, engine in sorted(registry().engines.items()):
        text = (engine.folder / "README.md").read_text(encoding="utf-8").strip()
        lines = [("#" + line if line.startswith("#") else line) for line in text.splitlines()]
        module, _, model_name = engine.params.partition(":")
        model = getattr(import_module(module), model_name)
        parts.append(f"\n\n{chr(10).join(lines)}\n\nEngine `{name}`, version {engine.version}, {engine.fidelity}. ")
        parts.append(f"Reads {', '.join(engine.reads)}. Writes {', '.join(engine.writes)}.\n")
        if model.model_fields:
            parts.append("\n| parameter | default | meaning |\n|---|---|---|\n")
            for field_name, field in model.model_fields.items():
                default = _cell(str(field.get_default(call_default_factory=True)))
                parts.append(f"| `{field_name}` | {default} | {_cell(field.description or '')} |\n")
    return "".join(parts)


def commands() -> list[tuple[str, ...]]:
    """Return every command and group of commands as its words, the program itself first."""
    from typer.main import get_command

    from rahdari.faces.cli.main import app

    found: list[tuple[str, ...]] = []

    def walk(command: Any, words: tuple[str, ...]) -> None:  # noqa: ANN401  # typer's own command classes
        found.append(words)
        for name, below in getattr(command, "commands", {}).items():
            walk(below, (*words, name))

    walk(get_command(app), ())
    return found


def command_line() -> str:
    """Return the help of every command."""
    intro = (
        "Every command takes `--json`, which prints one object `{ok, operation, schema_version, result, certificates, "
        "warnings, errors}`. Exit codes are 0 and 2; with 2 come all problems and their cures; nothing is written. "
        "Commands that read a plan take `--plan`; without it the newest below `./plans`. Results are kept in "
        "the user's cache folder; `--cache-dir` or the variable `RAHDARI_CACHE_DIR` names another."
    )
    parts = [f"# Command line\n\n{intro}\n"]
    for command in commands():
        script = "import sys; sys.argv[0] = 'rahdari'; from rahdari.faces.cli.main import main; main()"
        done = subprocess.run(  # noqa: S603  # our own command with fixed arguments
            [sys.executable, "-c", script, *command, "--help"], capture_output=True, text=True, check=True
        )
        parts.append(f"\n## {' '.join(('rahdari', *command))}\n\n```text\n{done.stdout.strip()}\n```\n")
    return "".join(parts)


def root_page(name: str) -> str:
    """Return a page of the repository's root with its links turned towards the documentation."""
    return (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")


def design_index() -> str:
    """Return the list of design notes."""
    parts = ["# Design notes\n\nOne page a decision, with the rejected options.\n\n"]
    for path in sorted((DOCS / "design").glob("[0-9]*.md")):
        title = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        parts.append(f"- [{title}]({path.name})\n")
    return "".join(parts)


GENERATED: dict[str, Any] = {
    "dictionary.md": dictionary,
    "engines.md": engines,
    "cli.md": command_line,
    "design/index.md": design_index,
    "contributing.md": lambda: root_page("CONTRIBUTING.md"),
    "changelog.md": lambda: root_page("CHANGELOG.md"),
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to the build (a hook of mkdocs)."""
    for name, make in GENERATED.items():
        files.append(File.generated(config, name, content=make()))
    return files
