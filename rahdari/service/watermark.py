"""Exports say who took them, when, and from which plan: in a visible line and in a field for machines.

No figure is altered: whoever compares two exports finds the same numbers.
"""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.store.spreadsheet import safe_cell

if TYPE_CHECKING:
    from rahdari.service.identity import Who
    from rahdari.store.query import PlanReader

NOTE = "Boundaries and names shown do not imply any opinion on legal status; disputed lines are approximate."
COLUMN = "rahdari_export"  # of a CSV, in every row: rows that are copied out keep it
SHAPES = ("geometry", "bytes")


@dataclass(frozen=True, slots=True)
class Mark:
    """Who exported, when (UTC), from which plan, at which clearance."""

    who: str
    at_utc: str
    plan_digest: str
    clearance: str

    @classmethod
    def of(cls, who: Who, reader: PlanReader, now_s: float) -> Mark:
        """Return the mark of an export made now."""
        at_utc = dt.datetime.fromtimestamp(now_s, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return cls(who.name, at_utc, str(reader.manifest.get("plan_digest", "")), reader.clearance.key)

    @property
    def line(self) -> str:
        """Return the visible line."""
        plan = f"plan {self.plan_digest[:12]}" if self.plan_digest else "a plan"
        return f"Exported by {self.who} at {self.at_utc} from {plan}, cleared for {self.clearance}. {NOTE}"

    @property
    def field(self) -> str:
        """Return the mark as JSON."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    lists = [name for name, kind in frame.schema.items() if kind.is_nested()]
    return frame.with_columns(pl.col(name).cast(pl.List(pl.String)).list.join(";") for name in lists)


def csv_export(reader: PlanReader, table: str, mark: Mark) -> str:
    """Return a table as CSV: a comment line, the header, and the mark in the last column of every row."""
    shapes = [column.name for column in reader.schema(table).columns if column.kind in SHAPES]
    frame = _plain(reader.table(table).drop(shapes, strict=False))
    held = io.StringIO()
    held.write(f"# {mark.line}\r\n")
    writer = csv.writer(held, lineterminator="\r\n")
    writer.writerow([*frame.columns, COLUMN])
    writer.writerows([*(safe_cell(value) for value in row), mark.field] for row in frame.iter_rows())
    return held.getvalue()


def geojson_export(reader: PlanReader, table: str, mark: Mark) -> dict[str, Any]:
    """Return a table with places or shapes as GeoJSON, marked; one without raises :class:`InputError`."""
    import shapely

    frame = _plain(reader.table(table))
    if "geometry" in frame.columns:
        shapes = [json.loads(shapely.to_geojson(shape)) for shape in shapely.from_wkb(frame["geometry"].to_list())]
    elif {"lon_deg", "lat_deg"} <= set(frame.columns):
        pairs = frame.select("lon_deg", "lat_deg").iter_rows()
        shapes = [{"type": "Point", "coordinates": list(pair)} for pair in pairs]
    else:
        raise InputError(Problem(f"table '{table}' has no place on the map", "export it as CSV"))
    shown = frame.drop([column.name for column in reader.schema(table).columns if column.kind in SHAPES], strict=False)
    rows = shown.iter_rows(named=True)
    return {
        "type": "FeatureCollection",
        "title": mark.line,
        COLUMN: asdict(mark),
        "features": [
            {"type": "Feature", "properties": row, "geometry": shape} for row, shape in zip(rows, shapes, strict=True)
        ],
    }


def html_export(page: str, mark: Mark) -> str:
    """Return a page with the mark as its first visible line and as a field of its head; the rest stays as it is."""
    meta = f'<meta name="rahdari-export" content="{html.escape(mark.field)}">'
    line = f'<p class="rahdari-export" style="margin:0;padding:.4em;font-size:80%">{html.escape(mark.line)}</p>'
    head, body = page.lower().find("<head>"), page.lower().find("<body")
    if head < 0 or body < 0:
        return f"{page}{meta}{line}"
    start, end = head + len("<head>"), page.find(">", body) + 1
    return f"{page[:start]}{meta}{page[start:end]}{line}{page[end:]}"


__all__ = ["COLUMN", "Mark", "csv_export", "geojson_export", "html_export"]
