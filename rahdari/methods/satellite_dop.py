"""Satellites in view of a navigation system and the dilution of precision they give, at many points and moments.

Positions come from broadcast ephemerides, from mean elements through SGP4, or from the caller.  Sight lines are
straight: refraction lifts a satellite by half a degree at the horizon and by 0.15 degrees at a mask of 5 degrees, and
is left out, as receivers' masks are themselves round numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.dop import dilutions
from rahdari.methods.broadcast_orbits import Track, track
from rahdari.methods.broadcast_records import Navigation
from rahdari.methods.constellation import Constellation
from rahdari.methods.ephemeris import positions_km
from rahdari.methods.points import earth_fixed_km, local_axes, points_of
from rahdari.methods.sidereal import utc_times

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.points import Places, Points

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    TimeArray = NDArray[np.datetime64]
    #: A navigation file, a constellation of mean elements, positions computed before, or (s, t, 3) numbers in km.
    SatellitesLike: TypeAlias = Navigation | Constellation | Track | FloatArray

MASK_DEG = (-5.0, 90.0)  # from a little below the horizontal, for a receiver on a mountain or in the air
HORIZON_DEG = 90.0  # greatest size of a horizon's elevation
N_DILUTIONS, N_AXES = 5, 3


class Sky(NamedTuple):
    """What the kernels take: satellites, (s,) clock of each, points (p, 3) km, axes (p, 3, 3), masks and horizons."""

    track: Track
    times_utc: TimeArray
    ground: Points
    clock: IntArray
    n_clocks: int
    points_km: FloatArray
    axes: FloatArray
    mask_sine: FloatArray
    horizon_rad: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class SkyDilution:
    """Dilution of precision at (p,) points and (t,) moments; all of shape (p, t) unless said otherwise.

    ``n_visible`` counts satellites above mask and horizon.  The ratios are NaN where fewer are in view than there are
    unknowns, or where they lie in one plane.  ``n_absent`` (t,) counts satellites of the source without a position,
    those that call themselves unhealthy among them (``n_unhealthy`` (t,)).  ``satellite`` are their names.
    """

    times_utc: TimeArray
    satellite: tuple[str, ...]
    n_visible: NDArray[np.int32]
    gdop: FloatArray
    pdop: FloatArray
    hdop: FloatArray
    vdop: FloatArray
    tdop: FloatArray
    n_absent: IntArray
    n_unhealthy: IntArray

    @property
    def fix_frac(self) -> FloatArray:
        """Return (p,) the share of moments with a position."""
        return np.asarray(np.isfinite(self.pdop).mean(axis=1))


def dop(
    nav_or_tle: SatellitesLike,
    points: Places,
    times_utc: object,
    mask_deg: ArrayLike = 5.0,
    horizon_deg: ArrayLike | None = None,
    *,
    is_one_clock: bool = True,
) -> SkyDilution:
    """Return satellites in view and GDOP, PDOP, HDOP, VDOP, TDOP for every point and moment, on WGS 84.

    ``points`` are a table or rows of longitude, latitude and height (:func:`points_of`); ``mask_deg`` one elevation
    or (p,); ``horizon_deg`` (p, n_azimuth) elevations of the terrain at equal steps of azimuth from north through
    east, between which it is interpolated.  A satellite counts where it clears both.
    ``is_one_clock`` takes all systems as synchronised (four unknowns); otherwise every system in view adds an unknown,
    TDOP is that of the first in the alphabet, and GDOP holds all clocks.
    Root of the trace of (A'A)^-1, A the unit vectors and ones: Langley, GPS World 10(5), 1999.
    """
    sky = sky_of(nav_or_tle, points, times_utc, mask_deg, horizon_deg, is_one_clock=is_one_clock)
    shape = (len(sky.ground), sky.times_utc.size)
    n_visible, out = np.empty(shape, np.int32), np.empty((N_DILUTIONS, *shape))
    dilutions(
        sky.track.ecef_km, sky.clock, sky.n_clocks, sky.points_km, sky.axes, sky.mask_sine, sky.horizon_rad,
        n_visible, out,
    )  # fmt: skip
    unhealthy = np.asarray(sky.track.is_unhealthy.sum(axis=1), np.int64)
    found, names = sky.track, ("gdop", "pdop", "hdop", "vdop", "tdop")
    ratios = dict(zip(names, out, strict=True))
    return SkyDilution(
        sky.times_utc, found.satellite, n_visible, n_absent=found.n_absent, n_unhealthy=unhealthy, **ratios
    )


def look(nav_or_tle: SatellitesLike, points: Places, times_utc: object) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return elevation and azimuth in degrees and range in km, each (p, t, s), NaN where a satellite is absent."""
    sky = sky_of(nav_or_tle, points, times_utc)
    sight = sky.track.ecef_km[None] - sky.points_km[:, None, None]
    local = np.einsum("ptsj,pij->ptsi", sight, sky.axes)
    flat = np.hypot(local[..., 0], local[..., 1])
    azimuth = np.degrees(np.arctan2(local[..., 0], local[..., 1])) % 360.0
    return np.degrees(np.arctan2(local[..., 2], flat)), azimuth, np.asarray(np.linalg.norm(sight, axis=-1))


def sky_of(
    satellites: SatellitesLike,
    points: Places,
    times_utc: object,
    mask_deg: ArrayLike = 0.0,
    horizon_deg: ArrayLike | None = None,
    *,
    is_one_clock: bool = True,
) -> Sky:
    """Return checked arrays for the kernels; wrong shapes and numbers raise :class:`InputError`, all at once."""
    ground, times = points_of(points), utc_times(times_utc)
    found = track_of(satellites, times)
    problems: list[Problem] = []
    n, mask = len(ground), np.asarray(mask_deg, np.float64)
    if mask.shape not in {(), (n,)}:
        problems.append(Problem(f"masks of shape {mask.shape} for {n} points", "give one, or one a point"))
    elif not ((mask >= MASK_DEG[0]) & (mask < MASK_DEG[1])).all():
        problems.append(Problem("a mask is no elevation", f"give degrees from {MASK_DEG[0]:g} to {MASK_DEG[1]:g}"))
    horizon = np.zeros((n, 0)) if horizon_deg is None else np.atleast_2d(np.asarray(horizon_deg, np.float64))
    if horizon.shape[0] != n or horizon.ndim != 2 or (horizon_deg is not None and not horizon.shape[1]):  # noqa: PLR2004
        problems.append(Problem(f"a horizon of shape {horizon.shape} for {n} points", "give one row a point"))
    elif not (np.abs(horizon) <= HORIZON_DEG).all():
        problems.append(Problem("a horizon is no elevation", "give degrees, and a number in every direction"))
    raise_if_any(problems)
    letters = sorted({name[:1] for name in found.satellite})
    clock = np.array([0 if is_one_clock else letters.index(name[:1]) for name in found.satellite], np.int64)
    return Sky(
        found, times, ground, clock, 1 if is_one_clock else max(len(letters), 1), earth_fixed_km(ground),
        np.ascontiguousarray(local_axes(ground)),
        np.sin(np.radians(np.broadcast_to(mask, (n,)))).copy(), np.ascontiguousarray(np.radians(horizon)),
    )  # fmt: skip


def track_of(satellites: SatellitesLike, times: TimeArray) -> Track:
    """Return positions of whatever stands for satellites; a shape that does not fit raises :class:`InputError`."""
    if isinstance(satellites, Navigation):
        return track(satellites, times)
    if isinstance(satellites, Track):
        if satellites.ecef_km.shape[0] != times.size:
            what = f"positions at {satellites.ecef_km.shape[0]} times do not fit {times.size} times"
            raise InputError(Problem(what, "compute them for the same times"))
        return satellites
    if isinstance(satellites, Constellation):
        names, place = satellites.satellite_name, positions_km(satellites, times)
    else:
        place = np.asarray(satellites, np.float64)
        if place.ndim != N_AXES or place.shape[1:] != (times.size, N_AXES):
            what = f"positions of shape {place.shape} for {times.size} times"
            raise InputError(Problem(what, "give satellite, time, and x, y, z in km"))
        names = tuple(str(number) for number in range(place.shape[0]))
    by_time = np.ascontiguousarray(place.transpose(1, 0, 2))
    unknown = np.full(by_time.shape[:2], np.nan)
    return Track(names, by_time, np.zeros(unknown.shape, bool), unknown, unknown)
