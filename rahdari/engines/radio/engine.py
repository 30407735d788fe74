"""The radio engine: coverage and capacity of 4G and 5G, and the microwave hops behind the sites."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from rahdari.engines.radio.cells import card, coverage, planned_5g_sites
from rahdari.engines.radio.claims import indicators
from rahdari.engines.radio.hops import microwave_hops
from rahdari.model import EngineResult
from rahdari.schema.checks import empty_table
from rahdari.schema.loader import schemas_in

if TYPE_CHECKING:
    from rahdari.engines.radio.params import RadioParams
    from rahdari.model import Context, Tables

TABLES_FOLDER = Path(__file__).parent / "tables"
NOTES = (
    "Radio is a simple model without terrain or clutter: mountains look better covered than they are.",
    "Microwave hops go to the nearest fibre site and are not checked for line of sight.",
    "5G is shown as an assumed plan of city sites; today's sites carry what the sites table says.",
    "The 5G and hub figures are derived from stated models and were not fitted to the claims they are compared with.",
)


def radio(tables: Tables, params: RadioParams, ctx: Context) -> EngineResult:
    """Return ``coverage`` and ``microwave_hops`` with the radio indicators.

    Reads ``places``, ``sites`` (cells of kind tower) and ``place_demand`` of the base year.
    """
    schemas = schemas_in(TABLES_FOLDER)
    places = tables["places"].sort("place_id")
    sites = tables["sites"].sort("site_id")
    towers = sites.filter(pl.col("kind") == "tower")
    demand = tables["place_demand"].filter(pl.col("year") == ctx.year_base)
    planned = planned_5g_sites(places, towers, params)
    parts = [
        coverage(places, towers, planned, demand, tech=card(technology, params), params=params)
        for technology in ("4g", "5g")
    ]
    parts = [part for part in parts if part.width]
    covered = pl.concat(parts).with_columns(year=pl.lit(ctx.year_base, pl.Int64())) if parts else pl.DataFrame()
    hops = microwave_hops(sites, places, params)
    n_today = towers.filter(pl.col("generation") == "5g").height
    found = indicators(covered, places, params, ctx, n_planned=planned.height, n_today=n_today)
    return EngineResult(
        tables={
            "coverage": covered if covered.width else empty_table(schemas["coverage"]),
            "microwave_hops": hops if hops.width else empty_table(schemas["microwave_hops"]),
        },
        indicators=found,
        notes=NOTES,
    )
