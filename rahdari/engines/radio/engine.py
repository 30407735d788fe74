"""The radio engine: coverage over terrain, cells, 5G in cities, microwave hops, hubs, and the claims about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from rahdari.engines.radio.cards import TECHNOLOGIES, published_card, radio_of
from rahdari.engines.radio.city_sites import city_sites
from rahdari.engines.radio.claims import city_test, claim_rows, hub_test
from rahdari.engines.radio.cover import covered, ground_of, serving_sites
from rahdari.engines.radio.hops import equipment, microwave
from rahdari.engines.radio.hubs import hub_links, plan_tables, rules_of
from rahdari.engines.radio.indicators import city_indicators, coverage_indicators, hub_indicators, rate_indicator
from rahdari.engines.radio.site_cells import backhaul_mbps, cells
from rahdari.methods.terrain_table import terrain_raster
from rahdari.model import EngineResult
from rahdari.schema.checks import empty_table
from rahdari.schema.loader import schemas_in

if TYPE_CHECKING:
    from rahdari.engines.radio.params import RadioParams
    from rahdari.methods.cell_claims import ClaimTest
    from rahdari.methods.raster import Raster
    from rahdari.model import Certificate, Context, Indicator, Tables

TABLES_FOLDER = Path(__file__).parent / "tables"
COARSE = (
    "Terrain is a coarse grid: it tells plain from mountain but shows no ridge between; results from it are marked."
)
UNKNOWN = "No terrain: coverage follows the closed formulae of TR 38.901, and no hop is known to be clear."
NOTES = (
    "5G is shown as an assumed plan of city sites; today's sites carry what the sites table says.",
    "Microwave chains go straight to the nearest fibre site; relays are not moved to ridges: see rahdari link.",
    "The 5G and hub figures are tested against baselines fixed beforehand and were not fitted to the claims.",
)


@dataclass(slots=True)
class _Part:
    """Tables by name, indicators, certificates and notes of one part of the engine."""

    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    indicators: tuple[Indicator, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    notes: tuple[str, ...] = ()
    hubs: pl.DataFrame | None = None
    cities: ClaimTest | None = None


def _microwave(tables: Tables, raster: Raster | None, params: RadioParams, ctx: Context) -> _Part:
    """Return hops, budgets and plans of hubs; nothing where there is no equipment, fibre or fed site."""
    modes = tables["microwave_modes"]
    stock = equipment(
        tables["microwave_radios"], modes, tables["microwave_antennas"], most_ghz=params.microwave_max_ghz
    )
    found = microwave(tables["sites"].sort("site_id"), tables["places"], stock, raster, params)
    if found is None:
        return _Part(notes=("No microwave hop can be budgeted: fibre sites, fed sites or the catalogue are missing.",))
    part = _Part({"microwave_hops": found.chains, "link_budget": found.budget})
    links, n_large = hub_links(found, params)
    if n_large:
        part.notes = (f"{n_large} hubs of more than {params.hub_max_links} links in one band are not planned.",)
    if links.height:
        ctx.check_cancelled()
        rules = rules_of(modes, params)
        plan, made = plan_tables(links, rules, params)
        part.tables |= made
        part.hubs = hub_test(links, rules)
        part.certificates = (plan.certificate,)
        part.indicators = hub_indicators(made["hub_plans"], part.hubs, ctx.year_base)
    return part


def _mobile(tables: Tables, raster: Raster | None, hops: pl.DataFrame, params: RadioParams, ctx: Context) -> _Part:
    """Return coverage, cells, the choice of 5G sites and what they do to a city's site."""
    places = tables["places"].sort("place_id")
    towers = tables["sites"].filter(pl.col("kind") == "tower").sort("site_id")
    demand = tables["place_demand"].filter(pl.col("year") == ctx.year_base).select("place_id", "busy_hour_mbps")
    technologies = tables["technologies"]
    ground = ground_of(places, demand, raster, params)
    radios = {name: radio_of(name, params, technologies) for name in TECHNOLOGIES}
    planned, proof = city_sites(ground, towers, radios["5g"], params, ctx)
    coverage, rows = [], []
    for name, radio in radios.items():
        ctx.check_cancelled()
        serving = serving_sites(towers, planned, name)
        if not serving.height:
            continue
        feed = backhaul_mbps(serving, hops, params, radio.card.carrier_mhz * radio.card.max_bps_per_hz)
        found = covered(ground, serving, feed, radio=radio, params=params, ctx=ctx)
        coverage.append(found.rows)
        rows.append(cells(found, feed, radio))
    made = {}
    if coverage:
        made = {
            "coverage": pl.concat(coverage).with_columns(year=pl.lit(ctx.year_base, pl.Int64())),
            "cells": pl.concat(rows),
        }
    test = city_test(
        published_card("4g", technologies, radios["4g"].card),
        published_card("5g", technologies, radios["5g"].card),
        _city_cells(made, towers, places),
        ctx.random("radio.city"),
    )
    n_sites = planned.height + towers.filter(pl.col("generation") == "5g").height
    year = ctx.year_base
    found_rates = (
        (*coverage_indicators(made["coverage"], places, year), *rate_indicator(made["coverage"], places, year))
        if made
        else ()
    )
    return _Part(made, (*found_rates, *city_indicators(test, ctx, n_sites)), proof, cities=test)


def _city_cells(made: dict[str, pl.DataFrame], towers: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return signal and load of the 4G cells of cities, where there are any."""
    if not made:
        return pl.DataFrame(schema={"sinr_db": pl.Float64(), "load_frac": pl.Float64()})
    city = towers.join(places.filter(pl.col("kind") == "city").select("place_id"), on="place_id", how="semi")
    rows = made["cells"].filter(pl.col("technology") == "4g").join(city.select("site_id"), on="site_id", how="semi")
    return rows.sort("site_id").select("sinr_db", "load_frac")


def radio(tables: Tables, params: RadioParams, ctx: Context) -> EngineResult:
    """Return coverage, cells, hops, budgets, frequency plans and claims with the radio indicators.

    Reads ``places``, ``sites`` (cells of kind tower), ``place_demand`` of the base year, ``terrain``, ``technologies``
    and the microwave catalogue.
    """
    schemas = schemas_in(TABLES_FOLDER)
    raster = terrain_raster(tables["terrain"])
    link = _microwave(tables, raster, params, ctx)
    mobile = _mobile(tables, raster, link.tables.get("microwave_hops", pl.DataFrame()), params, ctx)
    made = {**link.tables, **mobile.tables}
    if mobile.cities is not None:
        made["radio_claims"] = claim_rows(link.hubs, mobile.cities)
    notes = () if raster is not None and not raster.is_coarse else (UNKNOWN if raster is None else COARSE,)
    return EngineResult(
        tables={
            name: made[name].select([column.name for column in schema.columns]) if name in made else empty_table(schema)
            for name, schema in schemas.items()
        },
        indicators=(*mobile.indicators, *link.indicators),
        certificates=(*mobile.certificates, *link.certificates),
        notes=(*notes, *NOTES, *link.notes),
    )
