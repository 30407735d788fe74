"""Rows for the side panel: every cell with its unit and meaning, the rows that belong to it, and search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.faces.web.layers import HOPS, NOT_OBSERVED, hop_lines
from rahdari.units import SUFFIXES, unit_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rahdari.schema import Column, TableSchema
    from rahdari.store.query import PlanReader

SYMBOLS = {
    "mbps": "Mbit/s", "gbps": "Gbit/s", "tbps": "Tbit/s", "ms": "ms", "km": "km", "km2": "km²", "m": "m", "h": "h",
    "deg": "°", "usd": "USD", "usd_per_year": "USD/year", "usd_per_month": "USD/month", "usd_per_km": "USD/km",
    "usd_per_gbps_km": "USD/(Gbit/s km)",
    "h_per_day": "h/day", "h_per_year": "h/year", "kwh_per_year": "kWh/year", "l_per_year": "L/year", "pct": "%",
    "gb_per_month": "GB/month", "gb": "GB", "per_km2": "/km²", "frac": "share", "frac_per_year": "share/year",
    "w": "W", "kw": "kW", "kwh": "kWh", "db": "dB", "dbm": "dBm", "ghz": "GHz", "mhz": "MHz", "year": "",
    "people": "people", "households": "households", "ratio": "", "rank": "", "count": "",
}  # fmt: skip
MAX_RELATED_ROWS = 24
MAX_RESULTS = 12
HIDDEN_KINDS = ("geometry", "bytes")
SEARCHED = ("places", "districts", "landmarks", "cables", "motorways", "sites", "links")
TITLE_COLUMNS = ("name", "landing", "title")


def unit_symbol(column: Column) -> str:
    """Return the unit as it is printed beside a number, empty for counts and keys."""
    if not column.is_number or column.name.startswith("n_"):
        return ""
    unit = column.unit if column.unit in SYMBOLS else unit_of(column.name) or ""
    return SYMBOLS.get(unit, SUFFIXES.get(unit, ""))


def label(column: Column) -> str:
    """Return a column's name in words without its unit: ``n_people`` -> ``people``.

    A name that is nothing but its unit (``usd_per_month``) says too little: the description's first words do.
    """
    name = column.name
    unit = unit_of(name)
    if name in SYMBOLS and name != "year":
        return column.description.split(",")[0].split(";")[0].lower()
    if column.is_number and unit and name != unit and not name.startswith("n_"):
        name = name[: -len(unit) - 1]
    for prefix in ("n_", "is_", "has_"):
        name = name.removeprefix(prefix)
    return name.removesuffix("_id").replace("_", " ") or column.name


def _cell(column: Column, value: object) -> dict[str, Any]:
    return {
        "column": column.name,
        "label": label(column),
        "value": value,
        "unit": unit_symbol(column),
        "kind": column.kind,
        "links_to": column.argument if column.kind == "key" else "",
        "description": column.description,
        "status": column.status,
        "formula": column.formula,
        "is_percent": column.is_number and unit_of(column.name) == "frac",
    }


def _row(schema: TableSchema, values: Mapping[str, Any]) -> dict[str, Any]:
    shown = [column for column in schema.columns if column.kind not in HIDDEN_KINDS]
    return {
        "key": {name: values[name] for name in schema.key},
        "cells": [_cell(column, values.get(column.name)) for column in shown if values.get(column.name) is not None],
    }


def _with_names(reader: PlanReader, row: dict[str, Any], known: dict[tuple[str, Any], str]) -> dict[str, Any]:
    """Give every cell that points to another table the name it has there; ``known`` keeps what was looked up."""
    for cell in row["cells"]:
        table, value = cell["links_to"], cell["value"]
        if not table or table not in reader.names:
            continue
        if (table, value) not in known:
            found = reader.rows(table, {reader.schema(table).key[0]: value})
            known[table, value] = _title(found.row(0, named=True), str(value)) if found.height else str(value)
        cell["shown"] = known[table, value]
    return row


def _title(values: Mapping[str, Any], fallback: str) -> str:
    ends = [str(values[name]) for name in ("from_name", "to_name") if values.get(name)]
    return next((str(values[name]) for name in TITLE_COLUMNS if values.get(name)), " - ".join(ends) or fallback)


def _source(reader: PlanReader, values: Mapping[str, Any]) -> dict[str, Any] | None:
    if not values.get("source_id") or "sources" not in reader.names:
        return None
    found = reader.rows("sources", {"source_id": values["source_id"]})
    return found.row(0, named=True) if found.height else None


def _position(values: Mapping[str, Any]) -> list[float] | None:
    if values.get("lon_deg") is not None and values.get("lat_deg") is not None:
        return [float(values["lon_deg"]), float(values["lat_deg"])]
    if values.get("geometry") is not None:
        import shapely

        point = shapely.from_wkb(values["geometry"]).representative_point()
        return [point.x, point.y]
    return None


def _line(values: Mapping[str, Any]) -> list[list[list[float]]] | None:
    """Return the parts of a line, so that the page can trace it."""
    if values.get("geometry") is None:
        return None
    import shapely

    shape = shapely.from_wkb(values["geometry"])
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "LineString"]
    return [shapely.get_coordinates(part).tolist() for part in parts] or None


def related_tables(reader: PlanReader, key: str, table: str) -> list[str]:
    """Return the other tables that say something about an entity, those with fewest keys first."""
    names = [name for name in reader.names if name != table and key in reader.schema(name).key]
    return sorted(names, key=lambda name: (len(reader.schema(name).key), name))


def row_details(reader: PlanReader, table: str, row_id: str, at: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return one row, its source, and the rows of other tables about the same thing.

    ``at`` gives further key values where the key has more columns than one.  Raises
    :class:`InputError` where there is no such row.
    """
    schema = reader.schema(table)
    found = reader.rows(table, {schema.key[0]: row_id, **(at or {})})
    if not found.height:
        raise InputError(Problem(f"{table} has no row '{row_id}'", f"take a {schema.key[0]} of that table"))
    if table == HOPS and "geometry" not in found.columns and "sites" in reader.names:
        drawn = hop_lines(reader, found)
        found = drawn if drawn.height else found
    values = found.row(0, named=True)
    related = []
    known: dict[tuple[str, Any], str] = {}
    for name in related_tables(reader, schema.key[0], table):
        other = reader.schema(name)
        rows = reader.rows(name, {schema.key[0]: row_id}).sort(list(other.key)).head(MAX_RELATED_ROWS)
        if rows.height:
            engine = reader.manifest["tables"][name].get("writer", "")
            shown = [_with_names(reader, _row(other, each), known) for each in rows.iter_rows(named=True)]
            related.append({"table": name, "engine": engine, "rows": shown})
    return {
        "table": table,
        "id": row_id,
        "title": _title(values, row_id),
        "title_local": values.get("name_local"),
        "evidence": values.get("evidence"),
        "is_observed": values.get("evidence") not in NOT_OBSERVED,
        "source": _source(reader, values),
        "position": _position(values),
        "line": _line(values),
        "row": _with_names(reader, _row(schema, values), known),
        "related": related,
    }


@dataclass(frozen=True, slots=True)
class Names:
    """All names of a plan, in one frame: table, id, name, name_local, weight, lon_deg, lat_deg, is_observed."""

    frame: pl.DataFrame

    @classmethod
    def of(cls, reader: PlanReader) -> Names:
        """Gather the names once; unnamed rows are left out."""
        parts = []
        for rank, table in enumerate(name for name in SEARCHED if name in reader.names):
            frame = reader.table(table)
            columns = frame.columns
            name = next((each for each in TITLE_COLUMNS if each in columns), None)
            if name is None:
                continue
            key = reader.schema(table).key[0]
            observed = ~pl.col("evidence").is_in(NOT_OBSERVED) if "evidence" in columns else pl.lit(value=True)
            weight = pl.col("n_people").cast(pl.Float64) if "n_people" in columns else pl.lit(0.0)
            has_point = "lon_deg" in columns
            parts.append(
                frame.select(
                    pl.lit(table).alias("table"),
                    pl.lit(rank).alias("rank"),
                    pl.col(key).cast(pl.String).alias("id"),
                    pl.col(name).cast(pl.String).alias("name"),
                    (pl.col("name_local") if "name_local" in columns else pl.lit(None, pl.String)).alias("name_local"),
                    weight.alias("weight"),
                    (pl.col("lon_deg") if has_point else pl.lit(None, pl.Float64)).alias("lon_deg"),
                    (pl.col("lat_deg") if has_point else pl.lit(None, pl.Float64)).alias("lat_deg"),
                    observed.alias("is_observed"),
                ).filter(pl.col("name").is_not_null() & (pl.col("name") != ""))
            )
        empty = {"table": pl.String, "id": pl.String, "name": pl.String, "name_local": pl.String, "weight": pl.Float64}
        frame = pl.concat(parts) if parts else pl.DataFrame(schema={**empty, "lon_deg": pl.Float64})
        return cls(frame.with_columns(pl.col("name").str.to_lowercase().alias("folded")))

    def search(self, text: str, limit: int = MAX_RESULTS) -> list[dict[str, Any]]:
        """Return the best matches: names that begin so first, then observed ones, then the larger."""
        wanted = text.strip().lower()
        if not wanted or not self.frame.height:
            return []
        hit = pl.col("folded").str.contains(wanted, literal=True) | pl.col("name_local").fill_null("").str.contains(
            wanted, literal=True
        )
        found = (
            self.frame.filter(hit | (pl.col("id") == wanted))
            .with_columns(
                (pl.col("folded") == wanted).alias("is_same"),
                pl.col("folded").str.starts_with(wanted).alias("is_start"),
            )
            .sort(
                ["is_same", "is_start", "is_observed", "rank", "weight", "id"],
                descending=[True, True, True, False, True, False],
            )
            .head(limit)
        )
        columns = ("table", "id", "name", "name_local", "lon_deg", "lat_deg", "is_observed")
        return found.select(columns).to_dicts()
