"""The navigation engine: positions by satellite at landmarks and along roads and railways, with and without terrain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.navigation.ground import ground, raster_area
from rahdari.engines.navigation.lines import line_tables, shared_columns, walk
from rahdari.engines.navigation.services import service_rows
from rahdari.engines.navigation.sky import Sky, quality, skies
from rahdari.methods.named_lines import named_lines, towns
from rahdari.methods.navigation_systems import BEIDOU, SYSTEMS, nominal_track, week_utc
from rahdari.methods.terrain_table import terrain_raster
from rahdari.model import EngineResult, Indicator
from rahdari.schema import schemas_in
from rahdari.schema.checks import conform, empty_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rahdari.engines.navigation.ground import Area, Ground
    from rahdari.engines.navigation.lines import Walk
    from rahdari.engines.navigation.params import NavigationParams
    from rahdari.engines.navigation.sky import Skies
    from rahdari.model import Context, Tables

CORRIDOR_KIND = "waypoint"
SCHEMAS = Path(__file__).parent / "tables"
NOTES = (
    "Satellites stand in their nominal slots; figures are means over a week. Errors are those of single positioning.",
    "BeiDou alone unless all systems are named.",
)
COARSE_NOTE = (
    "Terrain here is a grid of some 9 km, which smooths valleys away: in the Karakoram its horizon is 1.8 degrees, and "
    "that of a grid of 90 m 21. A horizon that goes with the slope stands in, and no single stretch can be relied on "
    "before finer terrain is imported."
)


def nominal_sky(params: NavigationParams, n_epochs: int) -> Sky:
    """Return the nominal satellites at moments spread over a week."""
    times = week_utc(n_epochs)
    has = params.has_regional
    every = nominal_track(SYSTEMS, times, has_regional=has)
    return Sky(times, nominal_track((BEIDOU,), times, has_regional=has), every)


def _landmarks(landmarks: pl.DataFrame, here: Ground, sky: Skies, params: NavigationParams) -> pl.DataFrame:
    """Return ``navigation``."""
    error = 2.0 * params.range_error_m
    return landmarks.select("landmark_id").with_columns(
        **shared_columns(here, sky),
        horizontal_error_m=pl.Series(error * sky.here.hdop),
        vertical_error_m=pl.Series(error * sky.here.vdop),
        pdop_terrain_ratio=pl.Series(sky.here.pdop / sky.bare.pdop),
    )


def _corridor_indicators(
    landmarks: pl.DataFrame, here: Ground, sky: tuple[Sky, Skies], params: NavigationParams, year: int
) -> list[Indicator]:
    """Return the figures of the waypoints; low by the open sky, high by a gorge all round at every one."""
    at = np.flatnonzero((landmarks["kind"] == CORRIDOR_KIND).to_numpy())
    if not at.size:
        return []
    seen, found = sky
    points = here.points[at.tolist()]
    gorge = quality(seen.beidou, seen.times_utc, points, None, params, mask_deg=params.max_mask_deg)
    skies_of = (found.here.pdop[at], found.bare.pdop[at], gorge.pdop)
    pdop = [float(value.mean()) for value in skies_of]
    flat = (found.here.hdop[at], found.bare.hdop[at], gorge.hdop)
    error_m = [2.0 * params.range_error_m * float(value.mean()) for value in flat]
    how = "mean over waypoints under terrain; low: open sky, high: a gorge all round everywhere"
    return [
        Indicator("corridor_pdop_ratio", year, "Dilution of precision along the corridor, BeiDou alone", pdop[0],
                  "ratio", how, "modelled", min(pdop), max(pdop)),
        Indicator("corridor_horizontal_error_m", year, "Position error along the corridor, 95 %", error_m[0],
                  "m", "2 x ranging error x HDOP; " + how, "modelled", min(error_m), max(error_m)),
    ]  # fmt: skip


def _line_indicators(lines: pl.DataFrame, year: int) -> list[Indicator]:
    """Return what share of the lines' length fails, with BeiDou alone and with all systems."""
    if not lines.height:
        return []
    total = float(lines["length_km"].sum())
    asked = "kilometres where the stated accuracy is kept for less of the time than required / kilometres examined"
    return [
        Indicator(name, year, title, float(lines[column].sum()) / total, "frac", asked, "modelled")
        for name, title, column in (
            ("lines_failing_frac", "Roads and railways without the stated accuracy, BeiDou alone", "failing_km"),
            ("lines_all_failing_frac", "Roads and railways without the stated accuracy, all systems", "all_failing_km"),
        )
    ]


def _teller(ctx: Context, text: str) -> Callable[[int, int], None]:
    def tell(done: int, total: int) -> None:
        ctx.progress(done, max(total, 1), text)

    return tell


def _walked(tables: Tables, params: NavigationParams, ctx: Context, marks: pl.DataFrame) -> tuple[Walk, list[str]]:
    lines, told = named_lines(
        tables["rights_of_way"], tables["rights_of_way_nodes"], tables["corridors"], tables["landmarks"], marks,
        least_km=params.least_line_km,
    )  # fmt: skip
    return walk(lines, params.full_step_m if ctx.detail == "full" else params.quick_step_m), told


def _services(
    landmarks: pl.DataFrame, way: Walk, grounds: Sequence[Ground], country: str, mask_deg: float
) -> pl.DataFrame:
    """Return ``navigation_services`` for lines and landmarks."""
    spots = [(key, "landmark", slice(i, i + 1)) for i, key in enumerate(landmarks["landmark_id"].to_list())]
    runs = [(line.line_id, "line", part) for line, part in zip(way.lines, way.slices(), strict=True)]
    found = [service_rows(asked, each, country, mask_deg) for asked, each in zip((spots, runs), grounds, strict=True)]
    kept = [frame for frame in found if frame.height]
    return pl.concat(kept) if kept else pl.DataFrame()


def navigation(tables: Tables, params: NavigationParams, ctx: Context) -> EngineResult:
    """Return quality of positions at landmarks and along lines, failing stretches by name, services, and indicators."""
    landmarks, places = tables["landmarks"].sort("landmark_id"), tables["places"].sort("place_id")
    areas: list[Area] = raster_area(terrain_raster(tables["terrain"]))
    marks = towns(landmarks, places)
    sky = nominal_sky(params, params.n_epochs_full if ctx.detail == "full" else params.n_epochs_quick)
    here = ground(landmarks["lon_deg"].to_numpy(), landmarks["lat_deg"].to_numpy(), areas, places, params)
    at_landmarks = skies(sky, here, params, _teller(ctx, "landmarks"))
    way, told = _walked(tables, params, ctx, marks)
    lon, lat = np.ascontiguousarray(way.lonlat_deg.T)
    along = ground(lon, lat, areas, places, params)
    on_lines = skies(sky, along, params, _teller(ctx, "points along lines"))
    country = tables["country"]["country_id"]
    made = line_tables(way, along, on_lines, marks, params) | {
        "navigation": _landmarks(landmarks, here, at_landmarks, params),
        "navigation_services": _services(
            landmarks, way, (here, along), str(country[0]) if country.len() else "", params.mask_deg
        ),
    }
    schemas = schemas_in(SCHEMAS)
    year = ctx.year_base
    indicators = _corridor_indicators(landmarks, here, (sky, at_landmarks), params, year)
    is_coarse = bool(here.is_coarse.any() or along.is_coarse.any())
    return EngineResult(
        tables={
            name: conform(made[name], schemas[name]) if made[name].width else empty_table(schemas[name])
            for name in sorted(made)
        },
        indicators=(*indicators, *_line_indicators(made["navigation_lines"], year)),
        notes=(*NOTES, *((COARSE_NOTE,) if is_coarse else ()), *told),
    )
