"""The space engine: one low-orbit service for each place, chosen among constellations as filed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from rahdari.engines.space.constellations import CONSTELLATIONS, Constellation
from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.beam_capacity import cell_numbers
from rahdari.methods.geo import great_circle_km, nearest
from rahdari.methods.orbits import cap_angle_deg, elevation_deg, slant_range_km, typical_angle_deg
from rahdari.methods.slant_path import rain_height_km, slant_rain_db, slant_rain_outage_frac
from rahdari.model import EngineResult, Indicator
from rahdari.units import EARTH_RADIUS_KM, LIGHT_SPEED_KM_PER_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.space.params import SpaceParams
    from rahdari.model import Context, Tables

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

METRES_PER_KM = 1000.0
MBPS_PER_GBPS = 1000.0
NEWER_SATELLITE_RATIO = 3.0  # 60 Gbit/s reported by an analyst in 2023 against 20 for the first generation
LEAST_PROCESSING_MS, MOST_PROCESSING_MS = 8.0, 45.0  # the parameter's own range: round trips of 20 to 60 measured
NOTES = (
    "Satellite service is a simple model: mean geometry of filed shells, one rain rate, no terrain horizon.",
    "Satellite prices are expected, not official; without a licence the service is hypothetical.",
    "A beam can be aimed at few cells at once: the national limit on terminals is far below the sum over places.",
)


def _chosen(params: SpaceParams) -> list[Constellation]:
    """Return the constellations asked for, in order of identifier; all unknown names are raised together."""
    known = ", ".join(CONSTELLATIONS)
    raise_if_any(
        [
            Problem(f"there is no constellation '{name}'", f"use one of {known}")
            for name in (*params.constellations, *params.licensed_constellations)
            if name not in CONSTELLATIONS
        ],
        InputError,
    )
    return [CONSTELLATIONS[name] for name in sorted(set(params.constellations))]


def gateways(places: pl.DataFrame, params: SpaceParams) -> pl.DataFrame:
    """Return the places where gateways are assumed: by population, none nearer to another than the spacing."""
    ranked = places.sort(["n_people", "place_id"], descending=[True, False])
    lon, lat = ranked["lon_deg"].to_numpy(), ranked["lat_deg"].to_numpy()
    is_free = np.ones(ranked.height, dtype=np.bool_)
    rows: list[int] = []
    while is_free.any() and len(rows) < params.n_gateways:
        row = int(np.argmax(is_free))
        rows.append(row)
        is_free &= great_circle_km(lon, lat, lon[row], lat[row]) >= max(params.gateway_spacing_km, 1e-6)
    return ranked[rows]


def _cell_households(cell: IntArray, households: IntArray) -> IntArray:
    _, inverse = np.unique(cell, return_inverse=True)
    return np.bincount(inverse, weights=households).astype(np.int64)[inverse]


class View(NamedTuple):
    """The median satellite in view of a user."""

    slant_km: float
    elevation_deg: float
    reach_km: float


def view(item: Constellation) -> View:
    """Return distance, elevation and two-sided ground reach of the median satellite in view."""
    angle_deg = float(typical_angle_deg(cap_angle_deg(item.altitude_km, item.min_elevation_deg)))
    return View(
        float(slant_range_km(angle_deg, item.altitude_km)),
        float(elevation_deg(angle_deg, item.altitude_km)),
        float(2.0 * EARTH_RADIUS_KM * np.radians(angle_deg)),
    )


def _constellation_row(places: pl.DataFrame, item: Constellation, params: SpaceParams) -> dict[str, object]:
    """Return the ``satellite_constellations`` row."""
    lat, people = places["lat_deg"].to_numpy(), places["n_people"].to_numpy().astype(np.float64)
    visible = item.visible(lat)
    seen = view(item)
    cell = cell_numbers(places["lon_deg"].to_numpy(), lat, item.cell_km2)
    _, first = np.unique(cell, return_index=True)
    density = float(item.density_per_km2(lat[first]).mean())
    capacity_gbps = first.size * item.cell_km2 * density * item.satellite_gbps * params.usable_capacity_frac
    is_licensed = item.constellation_id in params.licensed_constellations
    return {
        "constellation_id": item.constellation_id,
        "name": item.name,
        "n_satellites": item.n_satellites,
        "min_elevation_deg": item.min_elevation_deg,
        "n_visible_mean": float((visible * people).sum() / max(people.sum(), 1.0)),
        **seen._asdict(),
        "satellite_gbps": item.satellite_gbps,
        "cell_km2": item.cell_km2,
        "cell_mbps": item.cell_mbps,
        "n_cells": int(first.size),
        "density_per_km2": density,
        "capacity_gbps": capacity_gbps,
        "n_users_max": int(capacity_gbps * MBPS_PER_GBPS / params.busy_hour_mbps),
        "is_licensed": is_licensed,
        "licence_note": "operating licence stated by the scenario" if is_licensed else params.licence_note,
    }


def _service(places: pl.DataFrame, item: Constellation, params: SpaceParams) -> pl.DataFrame:
    """Return the ``satellite_service`` rows of one constellation at all places."""
    lon, lat = places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy()
    hubs = gateways(places, params).sort("place_id")
    _, gateway_km = nearest(lon, lat, hubs["lon_deg"], hubs["lat_deg"])
    slant_km, elevation, reach_km = view(item)
    relay_km = np.maximum(0.0, gateway_km - reach_km)
    rain_db = slant_rain_db(
        lat,
        places["elevation_m"].to_numpy() / METRES_PER_KM,
        rain_height_km(lat),
        elevation_deg=elevation,
        frequency_ghz=params.frequency_ghz,
        rain_rate_mm_h=params.rain_rate_mm_h,
    )
    rain = slant_rain_outage_frac(rain_db, lat, elevation, params.rain_margin_db)
    visible = item.visible(lat)
    households = places["n_households"].to_numpy()
    in_cell = _cell_households(cell_numbers(lon, lat, item.cell_km2), households)
    use_mbps = in_cell * params.adoption_frac * params.busy_hour_mbps
    load = np.minimum(params.max_load_frac, use_mbps / item.cell_mbps)
    share = households / np.maximum(in_cell, 1)
    return places.select("place_id").with_columns(
        constellation_id=pl.lit(item.constellation_id),
        n_visible=pl.Series(visible),
        gateway_distance_km=pl.Series(gateway_km),
        relay_km=pl.Series(relay_km),
        latency_ms=pl.Series(2.0 * (2.0 * slant_km + relay_km) / LIGHT_SPEED_KM_PER_MS + params.processing_ms),
        rain_outage_frac=pl.Series(rain),
        availability_frac=pl.Series((1.0 - np.exp(-visible)) * (1.0 - rain) * params.system_availability_frac),
        n_cell_households=pl.Series(in_cell),
        load_frac=pl.Series(load),
        downlink_mbps=pl.Series(params.terminal_peak_mbps * (1.0 - load)),
        n_users_max=pl.Series(np.floor(item.cell_mbps * share / params.busy_hour_mbps).astype(np.int64)),
        usd_per_month=pl.lit(params.price_usd_per_month),
        is_licensed=pl.lit(item.constellation_id in params.licensed_constellations),
    )


def _indicators(
    service: pl.DataFrame, offers: pl.DataFrame, places: pl.DataFrame, params: SpaceParams, year: int
) -> tuple[Indicator, ...]:
    if not service.height:
        return ()
    works = (pl.col("downlink_mbps") >= params.service_mbps) & (pl.col("latency_ms") <= params.service_ms)
    rows = service.join(places.select("place_id", "n_people"), on="place_id").with_columns(works=works)
    people = int(rows.filter("works")["n_people"].sum()) / max(int(rows["n_people"].sum()), 1)
    latency_ms = rows["latency_ms"].sort()
    median_ms = float(latency_ms[latency_ms.len() // 2])
    users = [int(value) for value in offers["n_users_max"]]
    best = max(users)
    test = f"rate >= {params.service_mbps:g} Mbit/s and round trip <= {params.service_ms:g} ms at the stated adoption"
    spread = "low: the smaller constellation, high: newer satellites of three times the capacity"
    return (
        Indicator("satellite_places_frac", year, "Places where satellite service would work",
                  rows.filter("works").height / rows.height, "frac", f"places with {test} / places; licence apart",
                  "modelled"),
        Indicator("satellite_people_frac", year, "People in such places", people, "frac",
                  f"people in places with {test} / people; not all of them at once", "modelled"),
        Indicator("satellite_round_trip_ms", year, "Median round trip by satellite",
                  median_ms, "ms", "median over places; range: framing and queues of 8 to 45 ms", "modelled",
                  median_ms - params.processing_ms + LEAST_PROCESSING_MS,
                  median_ms - params.processing_ms + MOST_PROCESSING_MS),
        Indicator("satellite_users_max_households", year, "Households one constellation can serve at once",
                  float(best), "households", f"capacity over the cells that hold places / busy-hour use; {spread}",
                  "modelled", float(min(users)), NEWER_SATELLITE_RATIO * best),
        Indicator("satellite_licensed_constellations_count", year, "Constellations with an operating licence",
                  float(offers["is_licensed"].sum()), "count", "as the scenario states; none found by early 2026",
                  "assumed"),
    )  # fmt: skip


def space(tables: Tables, params: SpaceParams, ctx: Context) -> EngineResult:
    """Return ``satellite_service`` and ``satellite_constellations`` with their indicators."""
    places = tables["places"].sort("place_id")
    chosen = _chosen(params)
    offers = pl.DataFrame([_constellation_row(places, item, params) for item in chosen])
    services = [_service(places, item, params) for item in chosen]
    order = ["place_id", "is_licensed", "downlink_mbps", "latency_ms", "constellation_id"]
    service = (
        pl.concat(services)
        .sort(order, descending=[False, True, True, False, False])
        .unique("place_id", keep="first", maintain_order=True)
    )
    return EngineResult(
        tables={"satellite_service": service, "satellite_constellations": offers},
        indicators=_indicators(service, offers, places, params, ctx.year_base),
        notes=NOTES,
    )
