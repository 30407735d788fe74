"""The terrain's horizon around points: the steepest line of sight along rays over a grid of heights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from numba import njit

from rahdari.kernels.raster import HALF, bilinear

if TYPE_CHECKING:
    from rahdari.kernels.arrays import Floats, Ints
    from rahdari.kernels.raster import Float32s


@njit(
    "void(float32[:, ::1], float64[::1], float64[:, ::1], float64[::1], float64[::1], int64, float64[:, ::1],"
    "int64[::1])",
    cache=True,
    nogil=True,
)
def horizon_slopes(
    value: Float32s,
    grid: Floats,
    point: Floats,
    distance_m: Floats,
    azimuth_deg: Floats,
    n_rays: int,
    slope: Floats,
    n_cut: Ints,
) -> None:
    """Fill ``slope`` (p, n): rise over run of the horizon in each sector, the highest of its ``n_rays`` rays.

    ``grid`` is west, north, step east, step south, degrees.  A row of ``point``: longitude, latitude, degrees; height
    of the eye, m; radii of curvature along and across the meridian, m.  ``azimuth_deg`` (n * n_rays,) holds the rays
    sector by sector.  Positions follow the ellipsoid to the second order of the distance, and the ground bends away
    with the square of it.  Samples without a height are passed over and their rays counted in ``n_cut`` (p,); a sector
    without any height gets zero.
    """
    for p in range(point.shape[0]):
        lon, lat, eye = point[p, 0], point[p, 1], point[p, 2]
        along, across = point[p, 3], point[p, 4]
        tangent, cosine = math.tan(math.radians(lat)), math.cos(math.radians(lat))
        n_cut[p] = 0
        for sector in range(slope.shape[1]):
            best = -math.inf
            for ray in range(sector * n_rays, (sector + 1) * n_rays):
                east, north = math.sin(math.radians(azimuth_deg[ray])), math.cos(math.radians(azimuth_deg[ray]))
                radius = 1.0 / (north * north / along + east * east / across)
                lat_1, lat_2 = (
                    math.degrees(north / along),
                    -math.degrees(0.5 * east * east * tangent / (along * across)),
                )
                lon_1 = math.degrees(east / (across * cosine))
                lon_2 = math.degrees(east * north * tangent / (across * across * cosine))
                is_cut = False
                for k in range(distance_m.size):
                    d = distance_m[k]
                    column = (lon + (lon_1 + lon_2 * d) * d - grid[0]) / grid[2] - HALF
                    row = (grid[1] - lat - (lat_1 + lat_2 * d) * d) / grid[3] - HALF
                    height = bilinear(value, row, column)
                    if math.isnan(height):
                        is_cut = True
                        continue
                    best = max(best, (height - eye) / d - 0.5 * d / radius)
                n_cut[p] += is_cut
            slope[p, sector] = best if best > -math.inf else 0.0
