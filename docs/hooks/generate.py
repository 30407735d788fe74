"""Make the pages that follow from the code: the data dictionary, the engines, the command line, the design index."""

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
COMMANDS = (
    (),
    ("plan",),
    ("show",),
    ("explain",),
    ("compare",),
    ("report",),
    ("doctor",),
    ("schema",),
    ("country",),
    ("country", "build"),
    ("country", "list"),
    ("data",),
    ("data", "import"),
    ("data", "forget"),
    ("data", "score"),
)


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


def command_line() -> str:
    """Return the help of every command."""
    parts = ["# Command line\n\nEvery command takes `--json`; exit codes are 0 and 2.\n"]
    for command in COMMANDS:
        script = "import sys; sys.argv[0] = 'rahdari'; from rahdari.faces.cli.main import main; main()"
        done = subprocess.run(  # noqa: S603  # our own command with fixed arguments
            [sys.executable, "-c", script, *command, "--help"], capture_output=True, text=True, check=True
        )
        parts.append(f"\n## {' '.join(('rahdari', *command))}\n\n```text\n{done.stdout.strip()}\n```\n")
    return "".join(parts)


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
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to the build (a hook of mkdocs)."""
    for name, make in GENERATED.items():
        files.append(File.generated(config, name, content=make()))
    return files
