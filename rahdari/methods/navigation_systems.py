"""Satellite navigation systems as filed: circular orbits in their nominal slots.

Orbits are those that the operators state; the phase of each constellation against the turning Earth is taken, so that
figures hold as means over a week and not at a moment.  GPS flies some 31 satellites in an uneven pattern; its 24 basic
slots are taken as even.  A broadcast file (:func:`rahdari.navigation.read_rinex`) has the satellites as they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import InputError, Problem
from rahdari.methods.broadcast_orbits import Track
from rahdari.methods.dop import WEEK_S, Orbit, positions_km, walker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    TimeArray = NDArray[np.datetime64]

BEIDOU, GPS, GALILEO, GLONASS = "beidou", "gps", "galileo", "glonass"
SYSTEMS = (BEIDOU, GPS, GALILEO, GLONASS)
LETTERS = {BEIDOU: "C", GPS: "G", GALILEO: "E", GLONASS: "R"}  # RINEX 3
WEEK_START = np.datetime64("2026-01-04T00:00:00", "us")  # any Sunday
# BDS-OS-PS-3.0 (2021): 24 medium, 3 inclined and 3 geostationary satellites.
MEDIUM_RADIUS_KM = 27_906.1
SYNCHRONOUS_RADIUS_KM = 42_164.2
INCLINATION_DEG = 55.0
INCLINED_LON_DEG = 118.0
GEOSTATIONARY_LON_DEG = (80.0, 110.5, 140.0)
N_INCLINED = 3
#: Satellites, planes, phasing, radius (km) and inclination (degrees) of the patterns without regional satellites:
#: GPS SPS performance standard 5 (2020), table A.1, planes taken as even; Galileo OS SIS ICD 2.1 (2023), table 1;
#: GLONASS ICD 5.1 (2008), section 3.3.3.
WALKER = {
    GPS: (24, 6, 1, 26_559.7, 55.0),
    GALILEO: (24, 3, 1, 29_599.8, 56.0),
    GLONASS: (24, 3, 1, 25_508.0, 64.8),
}


def beidou_orbits(*, has_regional: bool = True) -> list[Orbit]:
    """Return the nominal orbits of BeiDou-3; longitudes hold at the start of the week.

    >>> len(beidou_orbits()), len(beidou_orbits(has_regional=False))
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


def week_utc(n_epochs: int) -> TimeArray:
    """Return (n,) moments spread evenly over a week, in which the ground tracks of BeiDou repeat."""
    seconds = (np.arange(n_epochs) + 0.5) * WEEK_S / n_epochs
    return WEEK_START + np.rint(seconds * 1e6).astype("timedelta64[us]")


def nominal_track(systems: Iterable[str], times_utc: TimeArray, *, has_regional: bool = True) -> Track:
    """Return where the nominal satellites of systems are at (t,) moments, names by RINEX letter and number.

    ``has_regional`` counts BeiDou's inclined and geostationary satellites.  An unknown system raises
    :class:`InputError`.

    >>> len(nominal_track(SYSTEMS, week_utc(1)).satellite)
    102
    """
    time_s = (times_utc - WEEK_START) / np.timedelta64(1, "us") / 1e6
    names: list[str] = []
    parts = []
    for system in systems:
        if system not in LETTERS:
            raise InputError(Problem(f"{system} is no system", f"use {', '.join(SYSTEMS)}"))
        orbits = beidou_orbits(has_regional=has_regional) if system == BEIDOU else walker(*WALKER[system])
        names += [f"{LETTERS[system]}{number + 1:02d}" for number in range(len(orbits))]
        parts.append(positions_km(orbits, time_s))
    place = np.ascontiguousarray(np.concatenate(parts, axis=1))
    unknown = np.full(place.shape[:2], np.nan)
    return Track(tuple(names), place, np.zeros(unknown.shape, np.bool_), unknown, unknown)
