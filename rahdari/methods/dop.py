"""Dilution of precision of a satellite navigation system from nominal circular orbits.

Positions are taken over a week, in which the ground tracks of medium orbits repeat, so that the unknown phase of the
constellation hardly matters to the means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

EARTH_MU_KM3_S2 = 398_600.4418  # WGS 84
EARTH_TURN_RAD_S = 7.2921151467e-5  # WGS 84
WEEK_S = 604_800.0  # BeiDou medium orbits repeat their ground tracks after seven days
N_UNKNOWNS = 4  # three coordinates and the receiver's clock
LARGEST_DOP = 100.0  # worse geometry counts as no position


class Orbit(NamedTuple):
    """One circular orbit: radius from the earth's centre, inclination, node and argument of latitude at the start."""

    radius_km: float
    inclination_deg: float
    node_deg: float
    argument_deg: float


@dataclass(frozen=True, slots=True)
class Dilution:
    """Means over a week at (n,) points; ``fix_frac`` is the share of moments with a position.

    Dilutions are means over those moments; a point without any has :data:`LARGEST_DOP`.
    """

    n_satellites: FloatArray
    pdop: FloatArray
    hdop: FloatArray
    vdop: FloatArray
    fix_frac: FloatArray


def walker(n_satellites: int, n_planes: int, phasing: int, radius_km: float, inclination_deg: float) -> list[Orbit]:
    """Return the orbits of a Walker delta pattern n / planes / phasing.

    >>> len(walker(24, 3, 1, 27906.1, 55.0))
    24
    """
    per_plane = n_satellites // n_planes
    return [
        Orbit(
            radius_km,
            inclination_deg,
            360.0 * plane / n_planes,
            360.0 * slot / per_plane + 360.0 * phasing * plane / n_satellites,
        )
        for plane in range(n_planes)
        for slot in range(per_plane)
    ]


def positions_km(orbits: list[Orbit], time_s: FloatArray) -> FloatArray:
    """Return (t, s, 3) earth-fixed positions of (s,) orbits at (t,) times, km."""
    radius, inclination, node, argument = (np.array(column) for column in zip(*orbits, strict=True))
    rate = np.sqrt(EARTH_MU_KM3_S2 / radius**3)
    u = np.radians(argument)[None] + time_s[:, None] * rate[None]
    longitude = np.radians(node)[None] - EARTH_TURN_RAD_S * time_s[:, None]
    i = np.radians(inclination)[None]
    x, y = np.cos(u), np.sin(u) * np.cos(i)
    turned = [x * np.cos(longitude) - y * np.sin(longitude), x * np.sin(longitude) + y * np.cos(longitude)]
    return np.asarray(np.stack([*turned, np.sin(u) * np.sin(i)], axis=-1) * radius[None, :, None])


def _local_axes(lon_deg: FloatArray, lat_deg: FloatArray) -> FloatArray:
    """Return (n, 3, 3) rows east, north, up."""
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    zero = np.zeros_like(lon)
    east = np.stack([-np.sin(lon), np.cos(lon), zero], axis=-1)
    up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    return np.stack([east, np.cross(up, east), up], axis=1)


def dilution(
    orbits: list[Orbit], lon_deg: ArrayLike, lat_deg: ArrayLike, mask_deg: ArrayLike, n_epochs: int
) -> Dilution:
    """Return the mean dilution of precision at (n,) points with (n,) elevation masks, all round the horizon.

    ``n_epochs`` moments are spread evenly over a week.  Points do not influence each other.
    """
    lon, lat = np.asarray(lon_deg, np.float64), np.asarray(lat_deg, np.float64)
    least = np.sin(np.radians(np.asarray(mask_deg, np.float64)))
    satellites = positions_km(orbits, (np.arange(n_epochs) + 0.5) * WEEK_S / n_epochs)
    axes = _local_axes(lon, lat)
    rows = [_at_point(satellites, axes[p], float(least[p])) for p in range(lon.size)]
    columns = np.array(rows).reshape(-1, 5).T
    return Dilution(*(np.ascontiguousarray(column) for column in columns))


def _at_point(satellites: FloatArray, axes: FloatArray, least_sine: float) -> tuple[float, float, float, float, float]:
    """Return satellites in view, PDOP, HDOP, VDOP and share of moments with a position at one point."""
    sight = satellites - EARTH_RADIUS_KM * axes[2]
    sight /= np.linalg.norm(sight, axis=-1, keepdims=True)
    local = sight @ axes.T
    seen = (local[..., 2] >= least_sine).astype(np.float64)
    design = np.concatenate([local, np.ones_like(local[..., :1])], axis=-1) * seen[..., None]
    normal = np.einsum("tsi,tsj->tij", design, design)
    has_fix = seen.sum(axis=1) >= N_UNKNOWNS
    spread = np.full((seen.shape[0], N_UNKNOWNS), LARGEST_DOP**2)
    if has_fix.any():
        spread[has_fix] = np.diagonal(np.linalg.pinv(normal[has_fix], hermitian=True), axis1=1, axis2=2)
    # Fewer than four independent directions: the pseudo-inverse would flatter them.
    has_fix &= np.linalg.matrix_rank(normal, hermitian=True) == N_UNKNOWNS
    pdop = np.sqrt(spread[:, :3].sum(axis=1))
    has_fix &= pdop <= LARGEST_DOP
    if not has_fix.any():
        return float(seen.sum(axis=1).mean()), LARGEST_DOP, LARGEST_DOP, LARGEST_DOP, 0.0
    hdop, vdop = np.sqrt(spread[:, :2].sum(axis=1)), np.sqrt(spread[:, 2])
    in_view, share = float(seen.sum(axis=1).mean()), float(has_fix.mean())
    return in_view, float(pdop[has_fix].mean()), float(hdop[has_fix].mean()), float(vdop[has_fix].mean()), share
