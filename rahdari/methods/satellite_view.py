"""Which satellites a place sees: counts, the best one, look angles, hand-overs, time without any.

Elevations are geometric on the WGS 84 ellipsoid: refraction, which lifts a satellite by 0.03 degrees at 25 degrees and
by 0.16 at 5, is left out.  The best satellite is the highest; of equal ones the first in the set.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.visible import near_any, turn_to_earth, visible_steps
from rahdari.methods.dop import EARTH_MU_KM3_S2, EARTH_TURN_RAD_S
from rahdari.methods.ephemeris import checked_step, inertial_km, positions_km
from rahdari.methods.points import Points, earth_fixed_km, local_axes, points_of
from rahdari.methods.sidereal import earth_angle_rad, julian_days, utc_times

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl
    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.constellation import Constellation

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]
    IntArray = NDArray[np.int64]
    TimeArray = NDArray[np.datetime64]
    Places = Points | pl.DataFrame | Mapping[str, ArrayLike] | tuple[ArrayLike, ...]

LEAST_MASK_DEG, MOST_MASK_DEG = -10.0, 90.0  # a mountain top sees a few degrees below level
UPRIGHT_DEG = 0.2  # the ellipsoid's upright leaves the line from the centre by at most 0.193 degrees
BLOCK_DEG = 2.0  # side of a block of places: 8.5 degrees of reach grow by little
PIECE_S = 480.0  # satellites are picked once for so long; each then moves up to 16 degrees to either side
PIECE_STEPS = 512  # moments at once: bounds the memory
OLD_DAYS = 14.0  # SGP4 in a low orbit errs by some 1 to 3 km a day; Vallado et al., AIAA 2006-6753
SAFE_RATIO = 1.05  # on turns and radii: they change by less than 1 % within a piece
NAMED = 3  # satellites named in a sentence
US_PER_S = 1e6
DAY_US = 86_400e6


@dataclass(frozen=True, slots=True, eq=False)
class Visibility:
    """What (p,) places see at (t,) moments.

    ``count`` (p, t) satellites above mask and horizon; ``best_index`` (p, t) the highest of them as an index into the
    constellation, -1 where there is none; ``best_elevation_deg`` (p, t), NaN where there is none.
    ``held_handover_count`` (p,) how often a terminal changes that holds its satellite until it sinks and then takes
    the highest.  ``warnings`` are sentences on old elements and satellites without a position.
    """

    count: NDArray[np.int32]
    best_index: NDArray[np.int32]
    best_elevation_deg: FloatArray
    held_handover_count: IntArray
    warnings: tuple[str, ...]

    @property
    def handover_count(self) -> IntArray:
        """Return (p,) how often the best satellite is another than a moment before; gaps do not count."""
        now, before = self.best_index[:, 1:], self.best_index[:, :-1]
        return np.asarray(((now != before) & (now >= 0) & (before >= 0)).sum(axis=1), np.int64)

    @property
    def none_frac(self) -> FloatArray:
        """Return (p,) the share of moments without a satellite."""
        return np.asarray((self.count == 0).mean(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """Figures over ``n_moments`` distinct moments at (p,) places.

    Satellites above mask and horizon, mean and least; share of moments without any, and the longest run of them;
    elevation of the best satellite, mean and least over the moments that have one, NaN where none has; changes of the
    best satellite, and of one that is held until it sinks.  ``warnings`` as in :class:`Visibility`.
    """

    n_moments: int
    count_mean: FloatArray
    count_min: IntArray
    none_frac: FloatArray
    longest_none_count: IntArray
    best_elevation_mean_deg: FloatArray
    best_elevation_min_deg: FloatArray
    handover_count: IntArray
    held_handover_count: IntArray
    warnings: tuple[str, ...]


class LookAngles(NamedTuple):
    """Directions to all (n,) satellites from one place; NaN where a satellite has no position."""

    elevation_deg: FloatArray
    azimuth_deg: FloatArray
    range_km: FloatArray


class _Blocks(NamedTuple):
    """Places sorted into blocks."""

    order: IntArray
    start: IntArray
    middle: FloatArray
    radius_rad: FloatArray
    place_km: FloatArray
    axes: FloatArray


def look_angles(c: Constellation, place: Places, time_utc: Any) -> LookAngles:  # noqa: ANN401  # see utc_times
    """Return elevation, azimuth from north clockwise, and range of every satellite from one place at one moment.

    ``place`` is (lon_deg, lat_deg, height_m) or a frame of one row.  Raises :class:`InputError`.
    """
    points, times = points_of(place), utc_times(time_utc)
    if len(points) != 1 or times.size != 1:
        what = f"{len(points)} places and {times.size} moments are not one"
        raise InputError(Problem(what, "give one place and one moment, or use visible"))
    sight = positions_km(c, times)[:, 0] - earth_fixed_km(points)
    local = sight @ local_axes(points)[0].T
    flat = np.hypot(local[:, 0], local[:, 1])
    return LookAngles(
        np.degrees(np.arctan2(local[:, 2], flat)),
        np.degrees(np.arctan2(local[:, 0], local[:, 1])) % 360.0,
        np.linalg.norm(sight, axis=-1),
    )


def visible(
    c: Constellation,
    places: Places,
    times_utc: Any,  # noqa: ANN401  # see utc_times
    min_elevation_deg: float = 25.0,
    horizon_deg: ArrayLike | None = None,
    *,
    step_s: float | None = None,
) -> Visibility:
    """Return what places see at every moment; see :class:`Visibility`.

    ``horizon_deg`` is (p, n_azimuth): the terrain's elevation from north clockwise in equal steps, linear between; a
    satellite must stand above it and above the mask.  ``step_s`` fills orbits between steps, see
    :func:`rahdari.methods.ephemeris.positions_km`.  Neither the order of places nor that of moments changes an answer.
    Memory is 16 bytes a place and moment.  Raises :class:`InputError`.
    """
    scan = _Scan(c, places, times_utc, min_elevation_deg, horizon_deg, step_s=step_s)
    shape = (len(scan.points), scan.moments.size)
    count, best, score = np.empty(shape, np.int32), np.empty(shape, np.int32), np.empty(shape)
    for at, n_seen, highest, value in scan.pieces():
        count[:, at], best[:, at], score[:, at] = n_seen, highest, value
    column = scan.column
    if not np.array_equal(column, np.arange(column.size)):
        count, best, score = count[:, column], best[:, column], score[:, column]
    return Visibility(count, best, elevation_of(score), scan.held[:, 1].copy(), scan.warnings())


def sky(
    c: Constellation,
    places: Places,
    times_utc: Any,  # noqa: ANN401  # see utc_times
    min_elevation_deg: float = 25.0,
    horizon_deg: ArrayLike | None = None,
    *,
    step_s: float | None = None,
) -> Sky:
    """Return figures of all moments by place, without keeping the moments; arguments as in :func:`visible`.

    Memory grows with places and with 512 moments only, so that a country over a day of seconds fits.
    """
    scan = _Scan(c, places, times_utc, min_elevation_deg, horizon_deg, step_s=step_s)
    n = len(scan.points)
    total, none, handover = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    least, gap, longest = np.full(n, np.iinfo(np.int64).max), np.zeros(n, np.int64), np.zeros(n, np.int64)
    height_sum, lowest, last = np.zeros(n), np.full(n, np.nan), np.full(n, -1, np.int32)
    for _, count, best, score in scan.pieces():
        elevation = elevation_of(score)
        total += count.sum(axis=1)
        none += (count == 0).sum(axis=1)
        least = np.minimum(least, count.min(axis=1))
        height_sum += np.where(count > 0, elevation, 0.0).sum(axis=1)
        lowest = np.fmin(lowest, np.fmin.reduce(elevation, axis=1))
        before = np.concatenate([last[:, None], best[:, :-1]], axis=1)
        handover += ((best != before) & (best >= 0) & (before >= 0)).sum(axis=1)
        last = best[:, -1]
        for k in range(count.shape[1]):
            gap = np.where(count[:, k] == 0, gap + 1, 0)
            longest = np.maximum(longest, gap)
    moments = scan.moments.size
    with np.errstate(invalid="ignore"):
        mean = height_sum / np.where(none < moments, moments - none, np.nan)
    return Sky(
        moments, total / moments, least, none / moments, longest, mean, lowest, handover, scan.held[:, 1].copy(),
        scan.warnings(),
    )  # fmt: skip


def elevation_of(score: FloatArray) -> FloatArray:
    """Return degrees of elevation of the kernel's scores, in place of them; NaN where there is no satellite."""
    score[score < -1.0] = np.nan
    return np.asarray(np.degrees(np.arcsin(np.sign(score) * np.sqrt(np.minimum(np.abs(score), 1.0)))))


def _blocks(points: Points) -> _Blocks:
    """Return places block by block, blocks of two degrees, each with the cap around it."""
    place = earth_fixed_km(points)
    key = np.floor(points.lat_deg / BLOCK_DEG) * 1000.0 + np.floor((points.lon_deg % 360.0) / BLOCK_DEG)
    order = np.argsort(key, kind="stable")
    start = np.concatenate([np.flatnonzero(np.diff(key[order], prepend=np.nan) != 0.0), [key.size]]).astype(np.int64)
    unit = place[order] / np.linalg.norm(place[order], axis=1, keepdims=True)
    middle = np.add.reduceat(unit, start[:-1], axis=0)
    # Around a pole the sum may vanish: any place of the block then does, with a wider cap.
    size = np.linalg.norm(middle, axis=1, keepdims=True)
    middle = np.where(size > 1e-6, middle / np.maximum(size, 1e-6), unit[start[:-1]])  # noqa: PLR2004
    block = np.repeat(np.arange(start.size - 1), np.diff(start))
    chord = np.linalg.norm(unit - middle[block], axis=1)
    radius = np.maximum.reduceat(2.0 * np.arcsin(np.minimum(0.5 * chord, 1.0)), start[:-1])
    return _Blocks(order.astype(np.int64), start, middle, radius, place[order], local_axes(points)[order])


def _checked_horizon(n_places: int, min_elevation_deg: float, horizon_deg: ArrayLike | None) -> FloatArray:
    problems = []
    if not LEAST_MASK_DEG <= min_elevation_deg < MOST_MASK_DEG:
        what = f"{min_elevation_deg:g} is no least elevation"
        problems.append(Problem(what, "give degrees from -10 to below 90", column="min_elevation_deg"))
    horizon = np.zeros((n_places, 0)) if horizon_deg is None else np.asarray(horizon_deg, np.float64)
    if horizon.ndim != 2 or horizon.shape[0] != n_places or (horizon_deg is not None and not horizon.shape[1]):  # noqa: PLR2004
        what = f"a horizon of shape {horizon.shape} does not fit {n_places} places"
        problems.append(Problem(what, "give one row a place and one column an azimuth", column="horizon_deg"))
    elif not (np.abs(horizon) <= MOST_MASK_DEG).all():
        problems.append(
            Problem("the horizon has values beyond 90 degrees or none", "give degrees", column="horizon_deg")
        )
    raise_if_any(problems)
    return horizon


def _pieces(times: TimeArray) -> Iterator[slice]:
    """Yield runs of ascending moments that are short enough to pick satellites for."""
    start = 0
    while start < times.size:
        limit = times[start] + np.timedelta64(int(PIECE_S * 1e6), "us")
        end = min(int(np.searchsorted(times, limit, "right")), start + PIECE_STEPS)
        yield slice(start, end)
        start = end


class _Scan:
    """One walk over ascending moments: what is fixed, and what goes on from piece to piece."""

    def __init__(
        self,
        c: Constellation,
        places: Places,
        times_utc: Any,  # noqa: ANN401  # see utc_times
        min_elevation_deg: float,
        horizon_deg: ArrayLike | None,
        *,
        step_s: float | None,
    ) -> None:
        """Check the arguments of :func:`visible`."""
        self.c, self.points, self.step_s = c, points_of(places), checked_step(step_s)
        self.moments, self.column = np.unique(utc_times(times_utc), return_inverse=True)
        horizon = _checked_horizon(len(self.points), min_elevation_deg, horizon_deg)
        if not len(self.points) or not self.moments.size or not len(c):
            raise InputError(Problem("there are no places, moments or satellites", "give at least one of each"))
        self.blocks = _blocks(self.points)
        sine = math.sin(math.radians(min_elevation_deg))
        least_km = float(np.linalg.norm(self.blocks.place_km, axis=1).min())
        self.mask = np.array([sine * abs(sine), least_km, math.radians(min_elevation_deg - UPRIGHT_DEG)])
        self.horizon = np.ascontiguousarray(horizon[self.blocks.order])
        self.held = np.stack([np.full(len(self.points), -1), np.zeros(len(self.points), np.int64)], axis=1)
        self.is_lost = np.zeros(len(c), np.bool_)

    def pieces(self) -> Iterator[tuple[slice, NDArray[np.int32], NDArray[np.int32], FloatArray]]:
        """Yield runs of moments with counts, best satellites and scores, each (p, m)."""
        blocks = self.blocks
        for at in _pieces(self.moments):
            times = self.moments[at]
            chosen, lost = _chosen(self.c, times, blocks, self.mask)
            teme = inertial_km(self.c.orbits, times, self.step_s, chosen)
            self.is_lost |= lost
            self.is_lost[chosen] |= np.isnan(teme[:, :, 0]).any(axis=1)
            position = np.empty((times.size, 3, chosen.size))
            turn_to_earth(teme, earth_angle_rad(*julian_days(times)), position)
            shape = (len(self.points), times.size)
            count, best, score = np.empty(shape, np.int32), np.empty(shape, np.int32), np.empty(shape)
            visible_steps(
                position, chosen, blocks.place_km, blocks.axes, blocks.start, blocks.middle, blocks.radius_rad,
                blocks.order, self.mask, self.horizon, self.held, count, best, score,
            )  # fmt: skip
            yield at, count, best, score

    def warnings(self) -> tuple[str, ...]:
        """Return sentences on old elements and lost satellites."""
        return orbit_warnings(self.c, self.moments, self.is_lost)


def _chosen(c: Constellation, times: TimeArray, blocks: _Blocks, mask: FloatArray) -> tuple[IntArray, BoolArray]:
    """Return the satellites that may rise over any block within the moments, and which have no position in between.

    From the middle of the moments no satellite turns farther than its perigee and the Earth's own turn allow; both
    follow from the state in the middle, so that drag and old elements are no matter.
    """
    span = times[-1] - times[0]
    day, frac = julian_days(times[:1] + span // 2)
    teme, velocity = c.orbits.states(day, frac, None)
    place, speed = np.ascontiguousarray(teme), velocity[:, 0]
    position = np.empty((1, 3, len(c)))
    turn_to_earth(place, earth_angle_rad(day, frac), position)
    radius = np.linalg.norm(place[:, 0], axis=1)
    momentum2 = (np.cross(place[:, 0], speed) ** 2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        axis = 1.0 / (2.0 / radius - (speed**2).sum(axis=1) / EARTH_MU_KM3_S2)
        eccentricity = np.sqrt(np.maximum(1.0 - momentum2 / (EARTH_MU_KM3_S2 * axis), 0.0))
        turn = SAFE_RATIO * np.sqrt(momentum2) / (axis * (1.0 - eccentricity)) ** 2
        apogee = SAFE_RATIO * axis * (1.0 + eccentricity)
        reach = np.arccos(np.minimum(mask[1] * np.cos(mask[2]) / apogee, 1.0)) - mask[2]
    half_s = 0.5 * float(span / np.timedelta64(1, "us")) / US_PER_S
    reach += (turn + EARTH_TURN_RAD_S) * half_s
    # An orbit that is no ellipse has no bound: such a satellite is always asked.
    reach[~np.isfinite(reach) | ~(axis > 0.0)] = np.pi
    is_near = np.empty(len(c), np.bool_)
    near_any(position[0], reach, blocks.middle, blocks.radius_rad, is_near)
    return np.flatnonzero(is_near), np.isnan(radius)


def orbit_warnings(c: Constellation, times: TimeArray, is_lost: BoolArray) -> tuple[str, ...]:
    """Return sentences on elements too old for the moments and on satellites without a position."""
    said = []
    epoch = c.epoch_utc
    if epoch is not None and times.size and epoch.size:
        age = np.maximum(times[-1] - epoch, epoch - times[0]) / np.timedelta64(1, "us") / DAY_US
        n_old = int((age > OLD_DAYS).sum())
        if n_old:
            said.append(
                f"{n_old:,} of {len(c):,} element sets lie more than {OLD_DAYS:g} days from the moments asked, the "
                f"farthest {age.max():,.0f} days: positions err by kilometres a day"
            )
    if is_lost.any():
        names = ", ".join(c.satellite_name[i] for i in np.flatnonzero(is_lost)[:NAMED].tolist())
        said.append(f"{int(is_lost.sum()):,} satellites have no position at some moment and are left out then: {names}")
    return tuple(said)
