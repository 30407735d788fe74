"""Delay from a place up to one satellite and down to a gateway, and which places have no satellite with any gateway.

Ranges are straight lines from the WGS 84 ellipsoid; a satellite serves where it stands at least as high as the mask
above the plumb line's horizon, at both ends, and above the terrain where a horizon is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.bent_pipe import best_ways, count_common
from rahdari.methods.constellation import Constellation
from rahdari.methods.earth_points import ground_points
from rahdari.methods.ephemeris import positions_km
from rahdari.methods.satellite_view import orbit_warnings
from rahdari.methods.sidereal import utc_times
from rahdari.units import LIGHT_SPEED_KM_PER_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.earth_points import PlacesLike

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int32]
    Satellites: TypeAlias = Constellation | ArrayLike

MIN_ELEVATION_DEG = 25.0  # of the user terminal, as filed with the FCC for the constellation at 540 to 570 km
_WORD_BITS = 64
_PIECE_STEPS = 64  # moments carried at once: 100 MB for 65,000 satellites
_LOOSE_KM = 1e-3  # far above the rounding of the products: none in view is lost to it
_STILL, _MOVING = 2, 3  # dimensions of positions at one moment, and at many


@dataclass(frozen=True, slots=True, eq=False)
class BentPipe:
    """The best way from (p,) places at (t,) moments; where there is none: NaN, -1, -1 and 0.

    ``rtt_ms`` is the round trip by propagation alone, with what was given for the way beyond the gateways;
    ``gateway`` and ``satellite`` are row numbers; ``n_common`` counts satellites that the place shares with a gateway.
    ``warnings`` are sentences on old elements and on satellites without a position.
    """

    rtt_ms: FloatArray
    gateway: IntArray
    satellite: IntArray
    n_common: IntArray
    warnings: tuple[str, ...] = ()

    @property
    def none_frac(self) -> FloatArray:
        """Return (p,) shares of the moments without a common satellite with any gateway."""
        return np.asarray((self.satellite < 0).mean(axis=1))

    def never(self) -> NDArray[np.int64]:
        """Return the rows of the places that never share a satellite with a gateway."""
        return np.flatnonzero((self.satellite < 0).all(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """Points as the kernels take them: (p, 12) position and axes, (p, n) terrain horizon, (p, 2) sines.

    The sines are those of the least elevation and of the highest terrain.
    """

    places: FloatArray
    horizon_deg: FloatArray
    sines: FloatArray

    def __len__(self) -> int:
        """Return the number of points."""
        return int(self.places.shape[0])


def sky_of(points: PlacesLike, min_elevation_deg: ArrayLike, horizon_deg: ArrayLike | None = None) -> Sky:
    """Return points ready for the kernels; ``horizon_deg`` (p, n) is the terrain, clockwise from north in even steps.

    Raises :class:`InputError` for points off the earth's surface, an elevation beyond -5 to 90 degrees, or a horizon
    of another number of points or with a missing value.
    """
    ground = ground_points(points)
    places = np.concatenate([ground.ecef_km(), ground.up(), ground.east(), ground.north()], axis=1)
    least = np.broadcast_to(np.asarray(min_elevation_deg, np.float64), (len(ground),))
    horizon = np.zeros((len(ground), 0)) if horizon_deg is None else np.asarray(horizon_deg, np.float64)
    problems = []
    if not ((least >= -5.0) & (least <= 90.0)).all():  # noqa: PLR2004  # a tower looks a little below the horizontal
        problems.append(Problem("a least elevation is missing or out of range", "give degrees from -5 to 90"))
    if horizon.ndim != _STILL or horizon.shape[0] != len(ground):
        problems.append(Problem(f"a horizon of {horizon.shape} for {len(ground)} points", "give one row a point"))
    elif not np.isfinite(horizon).all():
        problems.append(Problem("a horizon angle is missing", "give 0 where the country is open"))
    raise_if_any(problems)
    highest = horizon.max(axis=1, initial=-90.0)
    sines = np.sin(np.radians(np.stack([least, highest], axis=1)))
    return Sky(np.ascontiguousarray(places), np.ascontiguousarray(horizon), sines)


def moments(satellites: Satellites, times_utc: Any = None) -> tuple[int, Iterator[FloatArray]]:  # noqa: ANN401
    """Return how many moments there are and, one by one, the satellites' positions (s, 3), km.

    A constellation is carried to ``times_utc`` (:func:`rahdari.methods.sidereal.utc_times`) in pieces that bound the
    memory; positions are (s, 3) at one moment or (s, t, 3) at many, in the frame that turns with the earth.  A
    satellite whose position is not a number (decayed) serves nobody.
    """
    if isinstance(satellites, Constellation):
        if times_utc is None:
            raise InputError(Problem("a constellation without a moment", "give times", column="times_utc"))
        times = utc_times(times_utc)
        pieces = (times[i : i + _PIECE_STEPS] for i in range(0, times.size, _PIECE_STEPS))
        parts = (positions_km(satellites, piece).transpose(1, 0, 2) for piece in pieces)
        return times.size, (np.ascontiguousarray(position) for part in parts for position in part)
    given = np.asarray(satellites, np.float64)
    if given.ndim not in (_STILL, _MOVING) or given.shape[-1] != 3:  # noqa: PLR2004  # three coordinates
        what = f"satellite positions of shape {given.shape}"
        raise InputError(Problem(what, "give (satellites, 3) or (satellites, times, 3), km"))
    steps = given[None] if given.ndim == _STILL else given.transpose(1, 0, 2)
    if times_utc is not None and utc_times(times_utc).size != steps.shape[0]:
        what = f"{utc_times(times_utc).size} times for positions at {steps.shape[0]} moments"
        raise InputError(Problem(what, "give as many times as moments, or a constellation", column="times_utc"))
    return steps.shape[0], (np.ascontiguousarray(position) for position in steps)


def ranges_km(sky: Sky, satellites_km: FloatArray) -> FloatArray:
    """Return (s, p) ranges, infinite where a satellite stands below a point's mask or terrain.

    ``satellites_km`` (s, 3) at one moment.  For gateways, of which there are few; places go through the kernels.
    """
    satellites, position = np.asarray(satellites_km, np.float64), sky.places[:, :3]
    axes = sky.places.reshape(-1, 4, 3)
    # Products of matrices first; the few pairs in view are measured again without cancellation.
    rise = satellites @ axes[:, 1].T - (position * axes[:, 1]).sum(axis=1)
    square = (satellites**2).sum(axis=1)[:, None] + (position**2).sum(axis=1) - 2.0 * satellites @ position.T
    out = np.full(rise.shape, np.inf)
    with np.errstate(invalid="ignore"):
        s, p = np.nonzero(rise >= sky.sines[:, 0] * np.sqrt(np.maximum(square, 0.0)) - _LOOSE_KM)
    way = satellites[s] - position[p]
    distance = np.sqrt((way * way).sum(axis=1))
    up, east, north = np.moveaxis((axes[p, 1:] * way[:, None, :]).sum(axis=2), 1, 0)
    is_seen = up >= sky.sines[p, 0] * distance
    n = sky.horizon_deg.shape[1]
    if n:
        turn = (np.arctan2(east, north) / (2.0 * np.pi)) % 1.0 * n
        low = turn.astype(np.int64)
        share = turn - low
        edge = (1.0 - share) * sky.horizon_deg[p, low % n] + share * sky.horizon_deg[p, (low + 1) % n]
        is_seen &= np.degrees(np.arcsin(np.clip(up / distance, -1.0, 1.0))) >= edge
    out[s[is_seen], p[is_seen]] = distance[is_seen]
    return out


def warnings_of(satellites: Satellites, times_utc: Any, is_lost: NDArray[np.bool_]) -> tuple[str, ...]:  # noqa: ANN401
    """Return sentences on old elements and on satellites without a position; positions alone give none."""
    if not isinstance(satellites, Constellation):
        return ()
    return orbit_warnings(satellites, utc_times(times_utc), is_lost)


def onward_km(onward_ms: ArrayLike, n_gateways: int) -> FloatArray:
    """Return (g,) kilometres of light for the one-way delay from each gateway to where the traffic ends."""
    onward = np.broadcast_to(np.asarray(onward_ms, np.float64), (n_gateways,))
    if not ((onward >= 0.0) & np.isfinite(onward)).all():
        raise InputError(Problem("a delay beyond a gateway is missing or below 0", "give milliseconds, 0 or more"))
    return np.asarray(onward * LIGHT_SPEED_KM_PER_MS)


def bent_pipe(
    satellites: Satellites,
    places: PlacesLike,
    gateways: PlacesLike,
    times_utc: Any = None,  # noqa: ANN401  # see utc_times
    *,
    min_elevation_deg: ArrayLike = MIN_ELEVATION_DEG,
    gateway_min_elevation_deg: ArrayLike | None = None,
    horizon_deg: ArrayLike | None = None,
    onward_ms: ArrayLike = 0.0,
) -> BentPipe:
    """Return the shortest round trip from each place over one satellite to any gateway, at each moment.

    ``satellites`` is a constellation, or positions (see :func:`moments`); ``places`` and ``gateways`` as
    :func:`rahdari.methods.points.points_of` takes them; ``horizon_deg`` (p, n) the terrain around the places;
    ``onward_ms`` one way beyond each gateway, counted in the choice.  Light in vacuum; a satellite adds no delay.
    Time grows as places times moments times satellites that some gateway sees.  Raises :class:`InputError`.

    >>> overhead = bent_pipe([[6928.137, 0.0, 0.0]], [(0.0, 0.0)], [(0.0, 0.0)])
    >>> overhead.rtt_ms.round(4).tolist()
    [[7.3384]]
    """
    sky = sky_of(places, min_elevation_deg, horizon_deg)
    ground = sky_of(gateways, min_elevation_deg if gateway_min_elevation_deg is None else gateway_min_elevation_deg)
    extra = onward_km(onward_ms, len(ground))
    n_steps, steps = moments(satellites, times_utc)
    shape = (n_steps, len(sky))
    light, common = np.full(shape, np.inf), np.zeros(shape, np.int32)
    goal, satellite = np.full(shape, -1, np.int32), np.full(shape, -1, np.int32)
    is_lost = np.zeros(0, np.bool_)
    for step, position in enumerate(steps):
        is_lost = np.isnan(position[:, 0]) | (is_lost if is_lost.size else False)
        cost = ranges_km(ground, position) + extra
        used = np.flatnonzero(np.isfinite(cost).any(axis=1))
        across, out = np.ascontiguousarray(position[used].T), (light[step], goal[step], satellite[step], common[step])
        best_ways(sky.places, sky.horizon_deg, sky.sines, across, cost[used], out[0], out[1], out[2], out[3])
        satellite[step] = np.where(out[2] >= 0, used[out[2]] if used.size else -1, -1)
    rtt_ms = np.where(np.isfinite(light), 2.0 * light / LIGHT_SPEED_KM_PER_MS, np.nan)
    return BentPipe(rtt_ms.T, goal.T, satellite.T, common.T, warnings_of(satellites, times_utc, is_lost))


def common_frac(
    satellites: Satellites,
    places: PlacesLike,
    gateways: PlacesLike,
    times_utc: Any = None,  # noqa: ANN401  # see utc_times
    *,
    min_elevation_deg: ArrayLike = MIN_ELEVATION_DEG,
    gateway_min_elevation_deg: ArrayLike | None = None,
    horizon_deg: ArrayLike | None = None,
) -> FloatArray:
    """Return (p, g) shares of the moments at which a place and a gateway have a satellite in common.

    Arguments as for :func:`bent_pipe`; made for many candidate gateways: a place's sky is looked at once a moment.
    """
    sky = sky_of(places, min_elevation_deg, horizon_deg)
    ground = sky_of(gateways, min_elevation_deg if gateway_min_elevation_deg is None else gateway_min_elevation_deg)
    n_steps, steps = moments(satellites, times_utc)
    count = np.zeros((len(sky), len(ground)), np.int32)
    n_words = -(-len(ground) // _WORD_BITS)
    for position in steps:
        is_seen = np.isfinite(ranges_km(ground, position))
        used = np.flatnonzero(is_seen.any(axis=1))
        bits = np.zeros((used.size, n_words * _WORD_BITS), np.bool_)
        bits[:, : len(ground)] = is_seen[used]
        words = np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)
        across = np.ascontiguousarray(position[used].T)
        count_common(sky.places, sky.horizon_deg, sky.sines, across, words, count)
    return np.asarray(count / max(n_steps, 1))
