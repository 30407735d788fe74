"""Geometry of circular orbits over a sphere: who sees how many satellites, how high, how far.

A Walker shell is taken at a random moment: arguments of latitude and ascending nodes uniform, so that satellites
crowd towards the inclination (Kak and Akyildiz 2019; the integral is elementary).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]

_ARGUMENTS_COUNT = 721  # arguments of latitude in the integral: the count errs by less than 0.2 %
_LATITUDES_COUNT = 1801  # a tenth of a degree; visibility is read off between


class Shell(NamedTuple):
    """Circular orbits of one altitude and inclination."""

    n_satellites: int
    altitude_km: float
    inclination_deg: float


def cap_angle_deg(altitude_km: float, min_elevation_deg: float) -> float:
    """Return the earth-central angle between a user and the farthest satellite above the elevation, degrees.

    >>> round(cap_angle_deg(550.0, 25.0), 2)
    8.46
    """
    e = np.radians(min_elevation_deg)
    return float(np.degrees(np.arccos(EARTH_RADIUS_KM * np.cos(e) / (EARTH_RADIUS_KM + altitude_km)) - e))


def elevation_deg(central_angle_deg: ArrayLike, altitude_km: ArrayLike) -> FloatArray:
    """Return the elevation of a satellite at an earth-central angle, degrees; below the horizon it is negative.

    >>> float(elevation_deg(0.0, 550.0))
    90.0
    """
    angle = np.radians(np.asarray(central_angle_deg, np.float64))
    ratio = EARTH_RADIUS_KM / (EARTH_RADIUS_KM + np.asarray(altitude_km, np.float64))
    return np.asarray(np.degrees(np.arctan2(np.cos(angle) - ratio, np.sin(angle))))


def slant_range_km(central_angle_deg: ArrayLike, altitude_km: ArrayLike) -> FloatArray:
    """Return the distance from a user to a satellite at an earth-central angle, km.

    >>> float(slant_range_km(0.0, 550.0))
    550.0
    """
    angle = np.radians(np.asarray(central_angle_deg, np.float64))
    h = np.asarray(altitude_km, np.float64)
    # (r - R)^2 + 4 r R sin^2(angle / 2): the cosine rule without cancellation.
    return np.asarray(np.sqrt(h * h + 4.0 * EARTH_RADIUS_KM * (EARTH_RADIUS_KM + h) * np.sin(0.5 * angle) ** 2))


def typical_angle_deg(cap_deg: ArrayLike) -> FloatArray:
    """Return the earth-central angle that halves the area of a cap: the median of the satellites in it, degrees."""
    cosine = np.cos(np.radians(np.asarray(cap_deg, np.float64)))
    return np.asarray(np.degrees(np.arccos(0.5 * (1.0 + cosine))))


def cap_area_km2(cap_deg: float) -> float:
    """Return the ground area of a cap of the given earth-central radius, km2."""
    return float(2.0 * np.pi * EARTH_RADIUS_KM**2 * (1.0 - np.cos(np.radians(cap_deg))))


def mean_visible_count(lat_deg: ArrayLike, shell: Shell, min_elevation_deg: float) -> FloatArray:
    """Return the mean number of satellites of a shell above the elevation at (n,) latitudes.

    A satellite at argument u has the latitude asin(sin i sin u); the cap covers there a share of all longitudes.
    Values are read off a grid of 0.1 degrees, so that one place's answer never depends on another's.
    """
    grid = np.linspace(-90.0, 90.0, _LATITUDES_COUNT)
    # Both hemispheres are alike: half of the grid is computed.
    half = grid[grid.size // 2 :]
    cap = np.radians(cap_angle_deg(shell.altitude_km, min_elevation_deg))
    steps = (np.arange(_ARGUMENTS_COUNT) + 0.5) / _ARGUMENTS_COUNT
    argument = np.pi * (steps - 0.5)
    sine = np.sin(np.radians(shell.inclination_deg)) * np.sin(argument)
    cosine = np.sqrt(1.0 - sine * sine)
    here = np.radians(half)[:, None]
    ratio = (np.cos(cap) - sine * np.sin(here)) / np.maximum(cosine * np.cos(here), 1e-12)
    width = np.arccos(np.clip(ratio, -1.0, 1.0))
    count = shell.n_satellites / np.pi * width.mean(axis=1)
    return np.asarray(np.interp(np.abs(np.asarray(lat_deg, np.float64)), half, count))
