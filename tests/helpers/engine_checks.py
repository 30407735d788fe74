"""What every engine's result must satisfy, for tests of one engine alone, and inputs the test country lacks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.methods.formula import Scope, evaluated
from rahdari.model import Tables
from rahdari.schema import base_schemas, schemas_in, table_schema
from rahdari.schema.checks import conform, empty_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rahdari.model import Context, EngineResult, Params
    from rahdari.schema import TableSchema

SOURCE = {"evidence": "synthetic", "source_id": "test_country"}
ROWS_RECOMPUTED = 40


def rows(name: str, columns: list[str], values: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    """Return a conformed base table from rows of the test country."""
    frame = pl.DataFrame(values, schema=columns, orient="row", infer_schema_length=None)
    source = [pl.lit(value).alias(column) for column, value in SOURCE.items()]
    return conform(frame.with_columns(source), table_schema(name))


def named_events() -> dict[str, pl.DataFrame]:
    """Return hazards, named events and reports that suit the test country: a grid failure and a flood."""
    hazards = [
        ("hz-flood", "River flood", "flood", 70.6, 30.2, 60.0, 0.2, 240.0, 0.3),
        ("hz-grid", "Grid failure", "grid_failure", None, None, None, 0.5, 14.0, 0.5),
    ]
    hazard_columns = [
        "hazard_id", "name", "kind", "lon_deg", "lat_deg", "radius_km", "rate_per_year", "duration_h", "severity_frac",
    ]  # fmt: skip
    event_columns = ["named_event_id", "name", "hazard_ids", "strikes", "n_hours", "duration_h", "inputs_note"]
    events = [
        ("dark", "Night without grid", "hz-grid", "all", 24, 14.0, "the length comes from the report"),
        ("wet", "River flood", "hz-flood", "all", 96, None, "the place comes from the report"),
    ]
    report_columns = ["report_id", "named_event_id", "hour_h", "what", "value"]
    reports = [("r1", "dark", 11.0, "sites_down_frac", 0.45), ("r2", "wet", 0.0, "n_sites_down", 3.0)]
    return {
        "hazards": rows("hazards", hazard_columns, hazards),
        "named_events": rows("named_events", event_columns, events),
        "event_reports": rows("event_reports", report_columns, reports),
    }


def gateways() -> dict[str, pl.DataFrame]:
    """Return landmarks, cables, events, hazards and grid companies that suit the test country."""
    landmarks = [
        ("lm-1", "North Pass", "border_crossing", 70.9, 31.8),
        ("lm-2", "West Gate", "border_crossing", 70.0, 30.9),
        ("lm-3", "Midtown", "waypoint", 70.9, 30.9),
        ("lm-4", "Eastford", "waypoint", 71.5, 31.2),
        ("lm-5", "Southport", "waypoint", 70.6, 30.0),
        ("lm-6", "Far Island", "waypoint", 80.0, 10.0),
    ]
    cables = [
        ("cb-1", "Alpha", "subsea", 12000.0, 4.6, 2.5, 2.0, "South Bay", 70.6, 30.0, True),
        ("cb-2", "Beta", "subsea", 9000.0, 24.0, 1.5, 1.0, "South Bay", 70.6, 30.0, True),
        ("cb-3", "Mountain fibre", "terrestrial", 800.0, None, 1.0, 0.45, "North Pass", 70.9, 31.8, True),
    ]
    cable_columns = ["cable_id", "name", "kind", "length_km", "design_tbps", "installed_tbps", "active_tbps"]
    events = [
        ("ev-grid", "2023-01-23", "grid_failure", "National grid failure", 45.0, "pct_sites", 14.0),
        ("ev-cable", "2025-01-02", "cable_cut", "Alpha cut at sea", 1500.0, "Gbps", 336.0),
        ("ev-flood", "2022-08-28", "flood", "Flood in the south", 6.0, "pct_sites", None),
        ("ev-cut", "2022-08-22", "cut", "Cuts by drainage works", None, None, 6.0),
    ]
    event_columns = ["event_id", "at_utc", "kind", "what", "lost_value", "lost_unit", "duration_h"]
    return {
        "landmarks": rows("landmarks", ["landmark_id", "name", "kind", "lon_deg", "lat_deg"], landmarks),
        "cables": rows("cables", [*cable_columns, "landing", "lon_deg", "lat_deg", "is_in_service"], cables),
        "events": rows("events", event_columns, events),
        "hazards": named_events()["hazards"],
        "grid_companies": empty_table(table_schema("grid_companies")),
    }


def shuffled(tables: Mapping[str, pl.DataFrame], seed: int = 7) -> Tables:
    """Return the tables with their rows in another order."""
    random = np.random.Generator(np.random.Philox(key=seed))
    return Tables({name: frame[random.permutation(frame.height).tolist()] for name, frame in tables.items()})


def conformed(result: EngineResult, folder: Path) -> dict[str, pl.DataFrame]:
    """Return the result tables checked against the engine's schemas and sorted by key."""
    schemas = schemas_in(folder / "tables")
    assert set(result.tables) == set(schemas)
    return {name: conform(frame, schemas[name]) for name, frame in result.tables.items()}


def recompute(
    inputs: Mapping[str, pl.DataFrame], results: Mapping[str, pl.DataFrame], folder: Path, params: Params, ctx: Context
) -> int:
    """Recompute cells of every formula from their terms and return how many were compared."""
    schemas: dict[str, TableSchema] = {**base_schemas(), **schemas_in(folder / "tables")}
    for other in folder.parent.iterdir():
        schemas = {**(schemas_in(other / "tables") if (other / "tables").is_dir() else {}), **schemas}
    tables = {**inputs, **results}

    def keys_of(table: str) -> tuple[str, ...]:
        # A stand-in for another engine's table may have no schema; its first column is its key then.
        return schemas[table].key if table in schemas else (tables[table].columns[0],)

    def lookup(table: str, keys: Mapping[str, Any]) -> Mapping[str, Any] | None:
        found = tables[table].filter(*[pl.col(name) == value for name, value in keys.items()])
        return found.row(0, named=True) if found.height == 1 else None

    n_compared = 0
    for name, frame in results.items():
        formulas = [column for column in schemas[name].columns if column.formula]
        assert formulas, f"{name} has no formula"
        for row in frame[:: max(1, frame.height // ROWS_RECOMPUTED)].iter_rows(named=True):
            constants = {"year_base": ctx.years[0], "year_end": ctx.years[-1]}
            scope = Scope(name, row, keys_of, lookup, params.model_dump(), constants)
            for column in formulas:
                value, _ = evaluated(column.formula, scope)
                if row[column.name] is None or value is None:
                    assert value is row[column.name], f"{name}.{column.name}: {value} is not {row[column.name]}"
                else:
                    assert math.isclose(float(value), float(row[column.name]), rel_tol=1e-9, abs_tol=1e-12), (
                        f"{name}.{column.name}: {value} is not {row[column.name]}"
                    )
                n_compared += 1
    return n_compared


def check_engine(
    function: Callable[[Tables, Any, Context], EngineResult],
    tables: Mapping[str, pl.DataFrame],
    params: Params,
    ctx: Context,
    folder: Path,
) -> tuple[EngineResult, dict[str, pl.DataFrame]]:
    """Run an engine; check schemas, formulas, certificates and independence of row order."""
    result = function(Tables(tables), params, ctx)
    frames = conformed(result, folder)
    assert recompute(tables, frames, folder, params, ctx) > 0 or not any(frame.height for frame in frames.values())
    other = conformed(function(shuffled(tables), params, ctx), folder)
    for name, frame in frames.items():
        assert frame.equals(other[name]), f"{name} depends on row order"
    for certificate in result.certificates:
        if certificate.lower_bound is not None:
            slack = 1e-9 * max(abs(certificate.cost), 1.0)
            assert certificate.lower_bound <= certificate.cost + slack, certificate.name
    ids = [(item.indicator_id, item.year) for item in result.indicators]
    assert len(set(ids)) == len(ids)
    return result, frames
