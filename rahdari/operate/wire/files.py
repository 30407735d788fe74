"""Events in files: NDJSON, or CSV with a column for each part and ``field.NAME`` for each field."""

from __future__ import annotations

import csv
import itertools
from typing import TYPE_CHECKING

from rahdari.errors import InputError, Problem
from rahdari.operate.events import Event
from rahdari.operate.wire import DecodeError
from rahdari.operate.wire.ndjson import MAX_LINE, Batch, Refusal, decode_lines, of_object

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BATCH = 1000
FIELD = "field."
COLUMNS = tuple(name for name in Event.__struct_fields__ if name != "fields")
REQUIRED = ("source", "seq", "at_s", "resource", "type", "severity")
ENDINGS = (".ndjson", ".jsonl", ".csv")


def _lines(path: Path) -> Iterator[bytes]:
    """Yield lines; of one that is too long only its start, which is refused by its length."""
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE + 2):
            yield line.removesuffix(b"\n")
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE)


def _ndjson(path: Path) -> Iterator[Batch]:
    lines, first = _lines(path), 1
    while some := list(itertools.islice(lines, BATCH)):
        yield decode_lines(some, first)
        first += len(some)


def _csv_event(row: dict[str | None, str | list[str] | None]) -> Event:
    texts = {name: held for name, held in row.items() if isinstance(name, str) and isinstance(held, str)}
    if len(texts) < len(row):
        raise DecodeError("bad_event", "a row has too many or too few cells")
    values: dict[str, object] = {name: texts[name] for name in COLUMNS if name in texts}
    try:
        values["seq"] = int(texts["seq"])
        values["at_s"] = float(texts["at_s"]) if "T" not in texts["at_s"] else texts["at_s"]
    except ValueError as error:
        raise DecodeError("bad_event", f"{error}") from None
    values["fields"] = {
        name.removeprefix(FIELD): held for name, held in texts.items() if name.startswith(FIELD) and held
    }
    return of_object(values)


def _csv(path: Path) -> Iterator[Batch]:
    with path.open(encoding="utf-8-sig", errors="backslashreplace", newline="") as file:
        reader = csv.DictReader(file)
        if missing := [name for name in REQUIRED if name not in (reader.fieldnames or ())]:
            raise InputError(Problem(f"columns missing: {', '.join(missing)}", "add them", str(path)))
        number = 0
        while rows := list(itertools.islice(reader, BATCH)):
            events, refused = [], []
            for row in rows:
                number += 1
                try:
                    events.append(_csv_event(dict(row)))
                except DecodeError as error:
                    refused.append(Refusal(number, error.reason, error.problems[0].what))
            yield Batch(tuple(events), tuple(refused))


def read_events(path: Path) -> Iterator[Batch]:
    """Yield the events of a file, a thousand at a time; what is refused comes with the number of its line or row."""
    if path.suffix not in ENDINGS:
        raise InputError(Problem(f"a file ending in {path.suffix!r}", f"use {', '.join(ENDINGS)}", str(path)))
    try:
        yield from (_csv if path.suffix == ".csv" else _ndjson)(path)
    except (OSError, csv.Error) as error:
        raise InputError(Problem(f"cannot be read: {error}", "check the file", str(path))) from error
