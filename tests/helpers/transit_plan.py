"""The test country dressed as one that has a transit corridor, and a plan folder of it for the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rahdari.engines.transit.engine import transit
from rahdari.engines.transit.params import TransitParams
from rahdari.engines.transit.world import TABLES
from rahdari.model import Context, Tables
from rahdari.schema import schemas_in, table_schema
from rahdari.schema.checks import conform, empty_table
from rahdari.store.parquet import write_table
from rahdari.store.plans import write_plan
from tests.fixtures import small_country
from tests.helpers.engine_checks import gateways

if TYPE_CHECKING:
    from pathlib import Path

READS = ("country", "routes", "optical_paths", "cables", "risk_groups", "hazards")


def corridor_routes() -> dict[str, pl.DataFrame]:
    """Return the columns that transit reads of the corridor's routes, with the lengths of the Pakistan plan."""
    columns = ["route_id", "kind", "from_name", "to_name", "fibre_km", "has_disjoint", "disjoint_fibre_km"]
    rows = [
        ("khunjerab--rawalpindi", "corridor_leg", "Khunjerab", "Rawalpindi", 816.0, False, None),
        ("rawalpindi--karachi", "corridor_leg", "Rawalpindi", "Karachi", 1374.0, True, 1416.0),
        ("khunjerab--rawalpindi--karachi", "corridor", "Khunjerab", "Karachi", 2190.0, False, None),
        ("khunjerab--chilas--karachi", "corridor_variant", "Khunjerab", "Karachi", 2171.0, False, None),
    ]
    routes = pl.DataFrame(rows, schema=columns, orient="row")
    optical = routes.select("route_id", capacity_tbps=pl.lit(12.8))
    return {"routes": routes, "optical_paths": optical}


def dressed_country() -> dict[str, pl.DataFrame]:
    """Return what the transit engine reads: 550 Gbit/s idle at the crossing, two cables at the landing."""
    tables = {**small_country(), **gateways(), **corridor_routes()}
    cables = tables["cables"].with_columns(pl.col("landing").replace({"North Pass": "Khunjerab"}))
    # Two of the packaged cables, so that the legs by sea have systems and idle capacity.
    tables["cables"] = cables.with_columns(pl.col("cable_id").replace({"cb-1": "smw4", "cb-2": "tw1"}))
    tables["country"] = tables["country"].with_columns(country_id=pl.lit("PK"))
    tables.setdefault("risk_groups", empty_table(table_schema("risk_groups")))
    return {name: tables[name] for name in READS}


def write_transit_plan(folder: Path) -> Path:
    """Write a plan that holds the transit tables alone, and return its folder."""
    made = transit(Tables(dressed_country()), TransitParams(), Context())
    schemas, files, contents = schemas_in(TABLES), {}, {}
    for name, frame in made.tables.items():
        path = folder / "staging" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        files[name] = (path, write_table(conform(frame, schemas[name]), path, schemas[name]))
        contents[name] = (TABLES / f"{name}.csv").read_bytes()
    manifest = {
        "tables": {name: {"writer": "transit"} for name in files},
        "engines": [{"name": "transit", "notes": list(made.notes)}],
        "country": "Testland",
        "scenario": {"name": "test", "title": "A test", "years": [2025, 2030]},
        "plan_digest": "0" * 40,
    }
    write_plan(folder / "plan", files, contents, manifest)
    return folder / "plan"
