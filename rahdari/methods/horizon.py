"""How high the terrain stands around points, by azimuth.

Rays run out over a grid of heights with the Earth's curvature and without refraction, as the elevations of satellites
are geometric too.  The eye stands above the grid's own ground, never at a height from elsewhere: two sources that
differ by 10 m would raise a wall beside every place.  Grids of some 9 km a cell smooth valleys away: their horizon is
far too low in mountains, and the answer is marked coarse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.horizon import horizon_slopes
from rahdari.kernels.raster import SEMI_MAJOR_M
from rahdari.methods.points import ECCENTRICITY_2, points_of
from rahdari.methods.raster import METRES_PER_KM, metres_per_deg

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.points import Points
    from rahdari.methods.raster import Raster, Terrain

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

N_AZIMUTHS = 36
N_RAYS = 3  # a sector of ten degrees: a summit 1 km wide is met up to 17 km away, on average much farther
REACH_KM = 50.0  # a peak 5 km above the eye stands at 5.5 degrees there
ANTENNA_M = 3.0  # a terminal on a flat roof, assumed
MOST_REACH_KM, MOST_AZIMUTHS = 150.0, 720
GROWTH = 0.01  # of the distance: steps no finer than the sight line needs
TILE_DEG = 1.0  # places worked on at once, so that a country needs no more memory than a tile with its surroundings
POLAR_DEG = 80.0  # beyond, positions along a ray err by more than a fine cell
NAMED = 20


@dataclass(frozen=True, slots=True, eq=False)
class Horizon:
    """Elevation of the terrain's rim around (p,) points.

    ``angle_deg`` (p, n) in equal sectors from north clockwise, the highest of each sector's rays; negative where the
    ground falls away.  ``cut_frac`` (p,) is the share of rays that left the grid or met a void: there, no ground
    stands.  ``is_coarse`` marks a grid that tells plain from mountain but no valley.
    """

    angle_deg: FloatArray
    cut_frac: FloatArray
    is_coarse: bool
    source: str


def horizon(
    places: Points | pl.DataFrame | Mapping[str, ArrayLike] | tuple[ArrayLike, ...],
    terrain: Terrain,
    *,
    n_azimuths: int = N_AZIMUTHS,
    reach_km: float = REACH_KM,
    antenna_m: float = ANTENNA_M,
    n_rays: int = N_RAYS,
) -> Horizon:
    """Return the horizon of places over terrain: a raster, or a file read by windows.

    Heights of the places are not used.  Each sector takes the highest of ``n_rays`` rays spread evenly in it; steps
    grow from half a cell to a hundredth of the distance.  Raises :class:`InputError` for places poleward of 80 degrees,
    places off the terrain, and numbers out of range.
    """
    points = points_of(places)
    _check(points, n_azimuths, reach_km, antenna_m, n_rays)
    angle, cut = np.zeros((len(points), n_azimuths)), np.zeros(len(points))
    offsets = (np.arange(n_rays) - 0.5 * (n_rays - 1)) / n_rays
    azimuth = ((np.arange(n_azimuths)[:, None] + offsets[None]) * (360.0 / n_azimuths)).ravel()
    tile = np.floor(points.lat_deg / TILE_DEG) * 1000.0 + np.floor(points.lon_deg / TILE_DEG)
    is_coarse, sources, off = False, set(), []
    for key in np.unique(tile):
        at = np.flatnonzero(tile == key)
        raster = _around(terrain, points, at, reach_km)
        eye = raster.sample(points.lon_deg[at], points.lat_deg[at]) + antenna_m
        off += at[np.isnan(eye)].tolist()
        is_coarse |= raster.is_coarse
        sources.add(raster.source)
        slope, n_cut = np.empty((at.size, n_azimuths)), np.empty(at.size, np.int64)
        point = np.stack([points.lon_deg[at], points.lat_deg[at], eye, *_radii_m(points.lat_deg[at])], axis=1)
        value = np.ascontiguousarray(raster.value)
        steps = _distances_m(raster.spacing_m, reach_km * METRES_PER_KM)
        horizon_slopes(value, raster.grid, point, steps, azimuth, n_rays, slope, n_cut)
        angle[at], cut[at] = np.degrees(np.arctan(slope)), n_cut / azimuth.size
    cure = "give terrain that covers all places"
    raise_if_any([Problem("the terrain has no height at this place", cure, row=i + 1) for i in sorted(off)[:NAMED]])
    return Horizon(angle, cut, is_coarse, ", ".join(sorted(sources)))


def _check(points: Points, n_azimuths: int, reach_km: float, antenna_m: float, n_rays: int) -> None:
    problems = []
    if not 1 <= n_azimuths <= MOST_AZIMUTHS or not 1 <= n_rays <= MOST_AZIMUTHS:
        problems.append(Problem(f"{n_azimuths} azimuths of {n_rays} rays are no horizon", "give 1 to 720 of each"))
    if not 0.0 < reach_km <= MOST_REACH_KM:
        problems.append(Problem(f"a reach of {reach_km:g} km is out of range", f"give up to {MOST_REACH_KM:g} km"))
    if not antenna_m >= 0.0:
        problems.append(Problem(f"an antenna {antenna_m:g} m above the ground is none", "give 0 m or more"))
    for i in np.flatnonzero(np.abs(points.lat_deg) > POLAR_DEG)[:NAMED].tolist():
        what = f"no horizon is computed at {points.lat_deg[i]:g} degrees of latitude"
        problems.append(Problem(what, "leave the horizon out poleward of 80 degrees", row=i + 1))
    raise_if_any(problems, InputError)


def _around(terrain: Terrain, points: Points, at: IntArray, reach_km: float) -> Raster:
    """Return the terrain of the points and their reach."""
    lon, lat = points.lon_deg[at], points.lat_deg[at]
    lon_m, lat_m = metres_per_deg(float(np.abs(lat).max()))
    east, north = reach_km * METRES_PER_KM / lon_m, reach_km * METRES_PER_KM / lat_m
    return terrain.window(
        float(lon.min()) - east, float(lat.min()) - north, float(lon.max()) + east, float(lat.max()) + north
    )


def _radii_m(lat_deg: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (p,) radii of curvature along and across the meridian, WGS 84."""
    w2 = 1.0 - ECCENTRICITY_2 * np.sin(np.radians(lat_deg)) ** 2
    return SEMI_MAJOR_M * (1.0 - ECCENTRICITY_2) / w2**1.5, SEMI_MAJOR_M / np.sqrt(w2)


def _distances_m(spacing_m: float, reach_m: float) -> FloatArray:
    """Return ascending distances from half a cell: by half cells near, by a hundredth of the distance far."""
    step = 0.5 * spacing_m
    found, d = [], step
    while d < reach_m:
        found.append(d)
        d += max(step, GROWTH * d)
    return np.array([*found, reach_m])
