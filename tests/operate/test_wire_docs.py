"""The page for the integrator says what the code does: schema, example, counters and reasons."""

from __future__ import annotations

import json
import re
from pathlib import Path

from rahdari.operate.counters import HELP
from rahdari.operate.wire import ndjson

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "integrate.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
REASON = re.compile(r'(?:DecodeError|ReportError)\(\s*"(\w+)"|reason="(\w+)"|refused="(\w+)"')


def test_the_printed_example_is_an_event_and_the_printed_schema_is_its_own() -> None:
    example, schema = map(json.loads, BLOCKS)
    event = ndjson.decode_line(json.dumps(example).encode())
    assert set(example) == set(event.__struct_fields__) == set(schema["properties"])
    assert schema == ndjson.event_schema()


def test_every_reason_of_a_refusal_is_explained() -> None:
    folder = ROOT / "rahdari" / "operate"
    files = [*sorted((folder / "wire").glob("*.py")), folder / "receive.py", folder / "udp.py"]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    reasons = {next(filter(None, found)) for found in REASON.findall(text)}
    assert len(reasons) > 30
    assert {reason for reason in reasons if f"`{reason}`" not in PAGE} == set()


def test_every_counter_of_the_wire_is_named() -> None:
    names = {name for name in HELP if name.startswith(("rahdari_wire_", "rahdari_poll_"))}
    assert {name for name in names if f"`{name}`" not in PAGE} == set()
