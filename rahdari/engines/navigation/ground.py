"""What terrain leaves of the sky: the horizon around points, and how far the terrain can be believed.

Coarse terrain, some 9 km a cell, smooths valleys away.  There the horizon is at least one all round that goes with the
mean slope nearby, as measured against terrain of 90 m; every figure made so is marked ``is_coarse``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from rahdari.methods.geo import nearest
from rahdari.methods.horizon import N_AZIMUTHS, horizon

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from rahdari.engines.navigation.params import NavigationParams
    from rahdari.methods.raster import Raster, Terrain

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]
    Box = tuple[float, float, float, float]


class Area(NamedTuple):
    """Terrain and its box: west, south, east, north in degrees."""

    terrain: Terrain
    box: Box


class Ground(NamedTuple):
    """(p,) points with their horizon (p, n) in degrees and what it was made from.

    ``terrain_deg`` is the mean of the grid's own horizon, ``valley_deg`` what stands in for valleys that a coarse grid
    does not know, ``slope_frac`` the mean slope at the nearest place.
    """

    points: pl.DataFrame
    horizon_deg: FloatArray
    terrain_deg: FloatArray
    valley_deg: FloatArray
    slope_frac: FloatArray
    is_coarse: BoolArray

    def columns(self) -> dict[str, pl.Series]:
        """Return the columns that tables of points share."""
        return {
            "is_coarse": pl.Series(self.is_coarse),
            "slope_frac": pl.Series(self.slope_frac),
            "slope_deg": pl.Series(np.degrees(np.arctan(self.slope_frac))),
            "terrain_horizon_deg": pl.Series(self.terrain_deg),
            "valley_horizon_deg": pl.Series(self.valley_deg),
            "horizon_deg": pl.Series(self.horizon_deg.mean(axis=1)),
        }


def raster_area(raster: Raster | None) -> list[Area]:
    """Return a grid as an area, none for none."""
    if raster is None:
        return []
    return [Area(raster, (raster.west_deg, raster.south_deg, raster.east_deg, raster.north_deg))]


def ground(
    lon_deg: FloatArray, lat_deg: FloatArray, areas: Sequence[Area], places: pl.DataFrame, params: NavigationParams
) -> Ground:
    """Return the horizon of points from the first area that holds each; outside of all, terrain counts as coarse.

    ``places`` give the mean slope nearby; a country without places is flat.
    """
    n = lon_deg.size
    points = pl.DataFrame({"lon_deg": lon_deg, "lat_deg": lat_deg, "height_m": np.zeros(n)})
    angle, is_coarse, is_open = np.zeros((n, N_AZIMUTHS)), np.ones(n, np.bool_), np.ones(n, np.bool_)
    for area in areas:
        west, south, east, north = area.box
        inside = is_open & (lon_deg > west) & (lon_deg < east) & (lat_deg > south) & (lat_deg < north)
        if inside.any():
            found = horizon(points.filter(pl.Series(inside)), area.terrain)
            angle[inside], is_coarse[inside] = found.angle_deg, found.is_coarse
            is_open &= ~inside
    slope = np.zeros(n)
    if places.height and n:
        by_id = places.sort("place_id")
        index, _ = nearest(lon_deg, lat_deg, by_id["lon_deg"].to_numpy(), by_id["lat_deg"].to_numpy())
        slope = by_id["slope_frac"].to_numpy()[index]
    valley = np.minimum(params.max_valley_deg, params.valley_slope_ratio * np.degrees(np.arctan(slope)))
    valley = np.where(is_coarse, valley, 0.0)
    used = np.where(is_coarse[:, None], np.maximum(angle, valley[:, None]), angle)
    return Ground(points, used, angle.mean(axis=1), valley, slope, is_coarse)
