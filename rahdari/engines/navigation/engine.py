"""The navigation engine: BeiDou geometry at every landmark under an assumed terrain mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.methods.dop import Orbit, dilution, walker
from rahdari.methods.geo import nearest
from rahdari.model import EngineResult, Indicator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.engines.navigation.params import NavigationParams
    from rahdari.methods.dop import Dilution
    from rahdari.model import Context, Tables

    FloatArray = NDArray[np.float64]

# Nominal BeiDou-3 constellation, BDS-OS-PS-3.0 (2021): 24 medium, 3 inclined and 3 geostationary satellites.
MEDIUM_RADIUS_KM = 27_906.1
SYNCHRONOUS_RADIUS_KM = 42_164.2
INCLINATION_DEG = 55.0
INCLINED_LON_DEG = 118.0
GEOSTATIONARY_LON_DEG = (80.0, 110.5, 140.0)
N_INCLINED = 3
CORRIDOR_KIND = "waypoint"
NOTES = (
    "Navigation is a simple model: nominal orbits and one mask all round, made from the mean slope nearby.",
    "Errors are those of single positioning with BeiDou alone; together with other systems they are smaller.",
)


def beidou(*, has_regional: bool) -> list[Orbit]:
    """Return the nominal orbits; longitudes hold at the start of the week.

    >>> len(beidou(has_regional=True)), len(beidou(has_regional=False))
    (30, 24)
    """
    orbits = walker(24, 3, 1, MEDIUM_RADIUS_KM, INCLINATION_DEG)
    if not has_regional:
        return orbits
    third = 360.0 / N_INCLINED
    # Node and argument turn against each other, so that all three share one ground track.
    inclined = [
        Orbit(SYNCHRONOUS_RADIUS_KM, INCLINATION_DEG, INCLINED_LON_DEG + third * n, -third * n)
        for n in range(N_INCLINED)
    ]
    return orbits + inclined + [Orbit(SYNCHRONOUS_RADIUS_KM, 0.0, lon, 0.0) for lon in GEOSTATIONARY_LON_DEG]


def _masks(landmarks: pl.DataFrame, places: pl.DataFrame, params: NavigationParams) -> tuple[FloatArray, FloatArray]:
    """Return (n,) slopes and (n,) masks in degrees; a country without places is flat."""
    slope = np.zeros(landmarks.height)
    if places.height and landmarks.height:
        index, _ = nearest(landmarks["lon_deg"], landmarks["lat_deg"], places["lon_deg"], places["lat_deg"])
        slope = places["slope_frac"].to_numpy()[index]
    mask = params.open_mask_deg + params.mask_slope_ratio * np.degrees(np.arctan(slope))
    return slope, np.minimum(params.max_mask_deg, mask)


def _indicators(
    landmarks: pl.DataFrame, here: Dilution, orbits: list[Orbit], params: NavigationParams, year: int
) -> tuple[Indicator, ...]:
    """Return the corridor's figures; low and high by the open and the steepest mask at every waypoint."""
    at = np.flatnonzero((landmarks["kind"] == CORRIDOR_KIND).to_numpy())
    if not at.size:
        return ()
    lon, lat = landmarks["lon_deg"].to_numpy()[at], landmarks["lat_deg"].to_numpy()[at]
    ends = [
        dilution(orbits, lon, lat, np.full(at.size, mask), params.n_epochs)
        for mask in (params.open_mask_deg, params.max_mask_deg)
    ]
    pdop = [float(here.pdop[at].mean()), *(float(end.pdop.mean()) for end in ends)]
    error_m = [2.0 * params.range_error_m * float(value.mean()) for value in (here.hdop[at], *(e.hdop for e in ends))]
    how = "mean over waypoints with the terrain mask; low: open mask, high: steepest mask everywhere"
    return (
        Indicator("corridor_pdop_ratio", year, "Dilution of precision along the corridor, BeiDou alone", pdop[0],
                  "ratio", how, "modelled", min(pdop), max(pdop)),
        Indicator("corridor_horizontal_error_m", year, "Position error along the corridor, 95 %", error_m[0],
                  "m", "2 x ranging error x HDOP; " + how, "modelled", min(error_m), max(error_m)),
    )  # fmt: skip


def navigation(tables: Tables, params: NavigationParams, ctx: Context) -> EngineResult:
    """Return ``navigation`` for every landmark, with the corridor's indicators over its waypoints."""
    landmarks, places = tables["landmarks"].sort("landmark_id"), tables["places"].sort("place_id")
    slope, mask = _masks(landmarks, places, params)
    orbits = beidou(has_regional=params.has_regional)
    lon, lat = landmarks["lon_deg"].to_numpy(), landmarks["lat_deg"].to_numpy()
    here = dilution(orbits, lon, lat, mask, params.n_epochs)
    table = landmarks.select("landmark_id").with_columns(
        slope_frac=pl.Series(slope),
        slope_deg=pl.Series(np.degrees(np.arctan(slope))),
        mask_deg=pl.Series(mask),
        n_satellites=pl.Series(here.n_satellites),
        pdop_ratio=pl.Series(here.pdop),
        hdop_ratio=pl.Series(here.hdop),
        vdop_ratio=pl.Series(here.vdop),
        fix_frac=pl.Series(here.fix_frac),
        horizontal_error_m=pl.Series(2.0 * params.range_error_m * here.hdop),
        vertical_error_m=pl.Series(2.0 * params.range_error_m * here.vdop),
    )
    return EngineResult(
        tables={"navigation": table},
        indicators=_indicators(landmarks, here, orbits, params, ctx.year_base),
        notes=NOTES,
    )
