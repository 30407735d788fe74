"""The space engine: what each place sees, gets and waits for by satellite, and what a constellation carries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from rahdari.engines.space.capacity import Capacity, capacity_of, gateway_rows, growth_rows
from rahdari.engines.space.fleets import DAY, MBPS_PER_GBPS, Fleet, Gateways, fleets_of, gateways_of
from rahdari.engines.space.indicators import capacity_indicators, service_indicators, sky_indicators
from rahdari.engines.space.views import Ground, geo_rows, ground_of, sampled, view_rows
from rahdari.methods.geo import nearest
from rahdari.model import EngineResult
from rahdari.schema.checks import empty_table
from rahdari.schema.loader import schemas_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.space.params import SpaceParams
    from rahdari.model import Certificate, Context, Indicator, Tables

TABLES_FOLDER = Path(__file__).parent / "tables"
FAR_KM = 1e4  # no gateway at all
NOTES = (
    "Prices are expected, not official; without a licence a service is hypothetical and stays out of the access plan.",
    "Filed shells, evenly phased: real fleets differ by the day. 'rahdari sky place' takes real element sets.",
    "A cell's limit on terminals holds for that cell alone: satellite_growth says what the country can have at once.",
)
COARSE = (
    "Terrain is a coarse grid that smooths valleys away: horizons in mountains are far too low, and so are the outages "
    "from them; results are marked is_coarse_terrain."
)
NO_TERRAIN = "No terrain: horizons are taken as flat and marked coarse."


class _Case(NamedTuple):
    """A constellation and its gateways."""

    fleet: Fleet
    gateways: Gateways


def _gateway_km(case: _Case, ground: Ground, params: SpaceParams) -> NDArray[np.float64]:
    """Return (p,) great circles to the nearest gateway."""
    _, points = case.gateways.used(is_home_only=params.requires_domestic_gateway)
    if not len(points):
        return np.full(len(ground), FAR_KM)
    return np.asarray(nearest(ground.points.lon_deg, ground.points.lat_deg, points[:, 0], points[:, 1])[1])


def _service(case: _Case, ground: Ground, view: pl.DataFrame, capacity: Capacity, params: SpaceParams) -> pl.DataFrame:
    """Return the ``satellite_service`` rows of one constellation at all places."""
    fleet = case.fleet
    payload = fleet.payload(params.usable_capacity_frac)
    in_cell = capacity.cells.n_households[capacity.cells.cell_of_place]
    households = ground.places["n_households"].to_numpy().astype(np.float64)
    load = np.minimum(params.max_load_frac, in_cell * params.adoption_frac * params.busy_hour_mbps / payload.cell_mbps)
    share = households / np.maximum(in_cell, 1.0)
    rim = np.zeros((len(ground), 1)) if ground.horizon_deg is None else ground.horizon_deg
    rtt = pl.coalesce("bent_rtt_ms", "routed_rtt_ms")
    is_served = rtt.is_not_null() & (pl.col("outage_frac") < 1.0)
    up = (1.0 - pl.col("outage_frac")) * (1.0 - pl.col("rain_outage_frac")) * params.system_availability_frac
    peak_mbps = min(params.terminal_peak_mbps, payload.cell_mbps)
    rate = peak_mbps * (1.0 - pl.col("load_frac")) * pl.col("granted_frac")
    frame = view.select(
        "place_id", "constellation_id", pl.col("n_visible_mean").alias("n_visible"), "outage_frac", "rain_outage_frac",
        "is_coarse_terrain", rtt.alias("rtt_ms"), is_served.alias("is_served"),
    ).with_columns(
        horizon_mean_deg=pl.Series(np.maximum(rim, 0.0).mean(axis=1)),
        horizon_max_deg=pl.Series(rim.max(axis=1)),
        gateway_distance_km=pl.Series(_gateway_km(case, ground, params)),
        latency_ms=pl.col("rtt_ms") + params.processing_ms,
        availability_frac=up,
        n_cell_households=pl.Series(np.rint(in_cell).astype(np.int64)),
        load_frac=pl.Series(load),
        granted_frac=pl.Series(capacity.granted_frac),
        n_users_max=pl.Series(np.floor(payload.cell_mbps * share / params.busy_hour_mbps).astype(np.int64)),
        usd_per_month=pl.lit(fleet.usd_per_month),
        is_licensed=pl.lit(fleet.is_licensed),
    )  # fmt: skip
    return frame.with_columns(downlink_mbps=pl.when("is_served").then(rate).otherwise(0.0))


def _constellation_row(
    case: _Case, ground: Ground, capacity: Capacity | None, params: SpaceParams
) -> dict[str, object]:
    """Return the ``satellite_constellations`` row."""
    fleet, gateways = case
    n_visible, n_handovers = sampled(fleet, ground) if len(ground) else (0.0, 0.0)
    names, _ = gateways.used(is_home_only=params.requires_domestic_gateway)
    n_cells = 0 if capacity is None else len(capacity.cells.n_households)
    return {
        "constellation_id": fleet.constellation_id,
        "name": fleet.row["name"],
        "orbit": fleet.row["orbit"],
        "n_satellites": len(fleet.satellites),
        "min_elevation_deg": fleet.number("min_elevation_deg"),
        "n_visible_mean": n_visible,
        "n_handovers": n_handovers,
        "has_links": fleet.row["has_links"],
        "gateways": ", ".join(names),
        "satellite_gbps": fleet.row["satellite_gbps"],
        "cell_mbps": None if capacity is None else fleet.payload(params.usable_capacity_frac).cell_mbps,
        "n_cells": n_cells,
        "capacity_gbps": None if capacity is None else capacity.capacity_mbps / MBPS_PER_GBPS,
        "n_users_max": None if capacity is None else int(capacity.capacity_mbps / params.busy_hour_mbps),
        "usd_per_month": fleet.usd_per_month if fleet.price_status != "none" else None,
        "price_status": fleet.price_status,
        "is_licensed": fleet.is_licensed,
        "is_hypothetical": not fleet.is_licensed,
        "licence_note": fleet.licence_note,
    }


def _best(services: list[pl.DataFrame]) -> pl.DataFrame:
    """Return one row a place: licensed first, then who serves, then the higher rate, then the shorter way."""
    order = ["place_id", "is_licensed", "is_served", "downlink_mbps", "latency_ms", "constellation_id"]
    return (
        pl.concat(services)
        .sort(order, descending=[False, True, True, True, False, False], nulls_last=True)
        .unique("place_id", keep="first", maintain_order=True)
    )


def _notes(ground: Ground, fleets: list[Fleet]) -> tuple[str, ...]:
    real = [item for item in fleets if item.is_leo and item.day != DAY]
    said = tuple(
        f"{item.row['name']}: {len(item.satellites):,} real satellites, elements of {str(item.day)[:10]}; that day "
        "is shown."
        for item in real
    )
    terrain = NO_TERRAIN if ground.horizon_deg is None else COARSE
    return (*NOTES, *said, terrain) if ground.is_coarse else (*NOTES, *said)


@dataclass(slots=True)
class _Made:
    """Rows of the tables, and what the indicators need besides."""

    tables: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: defaultdict(list))
    rows: list[dict[str, object]] = field(default_factory=list)
    capacities: list[Capacity] = field(default_factory=list)
    proof: tuple[Certificate, ...] = ()
    abroad_frac: float | None = None


def _add(made: _Made, case: _Case, ground: Ground, params: SpaceParams, ctx: Context) -> None:
    """Add what one constellation gives."""
    fleet, gateways = case
    capacity: Capacity | None = None
    if not fleet.is_leo:
        made.tables["satellite_geo"].append(geo_rows(fleet, ground, gateways, params))
    elif fleet.constellation_id in params.constellations:
        view = view_rows(fleet, ground, gateways, params, ctx)
        made.tables["satellite_views"].append(view)
        if fleet.has_capacity:
            capacity = capacity_of(fleet, ground, gateways, params)
            made.capacities.append(capacity)
            made.tables["satellite_service"].append(_service(case, ground, view, capacity, params))
            made.tables["satellite_growth"].append(growth_rows(fleet, capacity))
        if fleet.constellation_id == params.gateway_constellation:
            chosen, certificate, made.abroad_frac = gateway_rows(fleet, ground, gateways, params)
            made.tables["satellite_gateway_choice"].append(chosen)
            made.proof = (certificate,)
    made.rows.append(_constellation_row(case, ground, capacity, params))


def space(tables: Tables, params: SpaceParams, ctx: Context) -> EngineResult:
    """Return who sees what, service, growth, gateways and geostationary slots, with their indicators.

    Reads ``places``, ``country``, ``terrain``, ``constellations``, ``shells``, ``satellite_gateways``,
    ``satellite_offers`` and ``orbit_elements`` (real satellites in place of filed ones).  Unknown constellations in the
    parameters raise :class:`InputError`.
    """
    schemas = schemas_in(TABLES_FOLDER)
    fleets, ground, made = fleets_of(tables, params), ground_of(tables, ctx), _Made()
    for number, fleet in enumerate(fleets if len(ground) else []):
        ctx.progress(number, len(fleets), str(fleet.row["name"]))
        _add(made, _Case(fleet, gateways_of(fleet, tables, params)), ground, params, ctx)
    if made.tables["satellite_service"]:
        made.tables["satellite_service"] = [_best(made.tables["satellite_service"])]
    if made.rows:
        made.tables["satellite_constellations"] = [pl.DataFrame(made.rows, infer_schema_length=None)]
    frames = {
        name: pl.concat(made.tables[name]).select(schema.names) if made.tables[name] else empty_table(schema)
        for name, schema in schemas.items()
    }
    year, places = ctx.year_base, ground.places
    indicators: tuple[Indicator, ...] = (
        *service_indicators(frames["satellite_service"], places, params, year),
        *capacity_indicators(made.capacities, fleets, year),
        *sky_indicators(
            frames["satellite_views"], frames["satellite_geo"], made.abroad_frac,
            frames["satellite_gateway_choice"], year,
        ),
    )  # fmt: skip
    return EngineResult(tables=frames, indicators=indicators, certificates=made.proof, notes=_notes(ground, fleets))
