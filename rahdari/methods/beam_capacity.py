"""What a constellation can carry at the busy hour: beams, reuse of spectrum, satellites and gateways shared over cells.

Beams hop: a satellite divides its capacity over the cells in its view as finely as asked, so capacity is a flow from
gateways over satellites to cells.  Sharing is by rounds of asking and granting, which any scheduler can do; the bound
is the best that any could, a linear programme.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.beam_capacity import share_out
from rahdari.methods.bent_pipe import MIN_ELEVATION_DEG, moments, ranges_km, sky_of
from rahdari.units import EARTH_RADIUS_KM

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.bent_pipe import Satellites
    from rahdari.methods.earth_points import PlacesLike

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

_ROW_STRIDE = 1_000_000  # numbers of cells in a row of latitude: more than any row has
_POLE_DEG = 89.9  # the row at the pole has its width here
_FULL = 1e-6  # relative; a cell that lacks less has what it asks for
_SAFETY = 1e-9  # relative; the sum of what is granted and the bound round apart by less


def cell_numbers(lon_deg: FloatArray, lat_deg: FloatArray, cell_km2: float) -> IntArray:
    """Return (n,) numbers of equal-area cells: rows of latitude, each cut into cells of about the same width."""
    step_deg = float(np.degrees(np.sqrt(cell_km2) / EARTH_RADIUS_KM))
    row = np.floor((lat_deg + 90.0) / step_deg)
    middle = np.cos(np.radians(np.clip((row + 0.5) * step_deg - 90.0, -_POLE_DEG, _POLE_DEG)))
    column = np.floor((lon_deg + 180.0) * middle / step_deg)
    return np.asarray(row * _ROW_STRIDE + column, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class BeamCells:
    """(c,) cells that hold places, in rising number: mean point and height of their places, households; (n,) cell."""

    lon_deg: FloatArray
    lat_deg: FloatArray
    height_m: FloatArray
    n_households: FloatArray
    cell_of_place: IntArray

    def points(self) -> FloatArray:
        """Return (c, 3) longitude, latitude, height."""
        return np.stack([self.lon_deg, self.lat_deg, self.height_m], axis=1)


def beam_cells(
    lon_deg: ArrayLike, lat_deg: ArrayLike, height_m: ArrayLike, n_households: ArrayLike, cell_km2: float
) -> BeamCells:
    """Return the cells of an area, km2, that hold places, from (n,) places.

    >>> beam_cells([70.0, 70.01, 75.0], [30.0, 30.0, 30.0], [0.0] * 3, [5, 6, 7], 379.0).n_households.tolist()
    [11.0, 7.0]
    """
    lon, lat, height = (np.asarray(part, np.float64) for part in (lon_deg, lat_deg, height_m))
    if not cell_km2 > 0.0:
        raise InputError(Problem(f"cells of {cell_km2:g} km2", "give an area above 0", column="cell_km2"))
    numbers, cell = np.unique(cell_numbers(lon, lat, cell_km2), return_inverse=True)
    n_places = np.bincount(cell, minlength=numbers.size)
    lon, lat, height = (np.bincount(cell, part, numbers.size) / n_places for part in (lon, lat, height))
    households = np.bincount(cell, np.asarray(n_households, np.float64), numbers.size).astype(np.float64)
    return BeamCells(lon, lat, height, households, cell.astype(np.int64))


@dataclass(frozen=True, slots=True)
class Payload:
    """What a satellite and the spectrum of its service carry, towards users.

    ``user_mhz`` spectrum of the user beams in one polarisation, used in ``n_polarisations``, at
    ``spectral_bps_per_hz``; neighbouring cells take turns with ``n_colours`` parts of it, so a cell has one part.
    A beam lights one cell at a time; a satellite has ``n_beams`` and carries at most ``satellite_mbps``, fed over
    ``n_feeders`` links of ``feeder_mbps``.  ``usable_frac`` is what scheduling and other countries in view leave.
    """

    user_mhz: float
    spectral_bps_per_hz: float
    satellite_mbps: float
    feeder_mbps: float
    n_beams: int
    n_colours: int = 4
    n_polarisations: int = 2
    n_feeders: int = 2
    usable_frac: float = 1.0

    def __post_init__(self) -> None:
        """Refuse values of nothing, all at once."""
        names = ("user_mhz", "spectral_bps_per_hz", "satellite_mbps", "feeder_mbps", "usable_frac")
        counts = ("n_beams", "n_colours", "n_polarisations", "n_feeders")
        problems = [
            Problem(f"{getattr(self, name)} is missing or not above 0", "give a value above 0", column=name)
            for name in names
            if not 0.0 < getattr(self, name) < np.inf
        ]
        problems += [
            Problem(f"{getattr(self, name)} is fewer than one", "give 1 or more", column=name)
            for name in counts
            if getattr(self, name) < 1
        ]
        if self.usable_frac > 1.0:
            problems.append(Problem("more than all is usable", "give a share of one", column="usable_frac"))
        raise_if_any(problems)

    @property
    def cell_mbps(self) -> float:
        """Return the most that one cell can be given, whatever shines on it.

        >>> Payload(2000.0, 3.0, 20_000.0, 20_000.0, 8, n_colours=4).cell_mbps
        3000.0
        """
        return self.user_mhz * self.n_polarisations * self.spectral_bps_per_hz / self.n_colours

    @property
    def limit_mbps(self) -> float:
        """Return the most that one satellite can give the cells: beams, payload and feeders, the least."""
        most = min(self.satellite_mbps, self.n_beams * self.cell_mbps, self.n_feeders * self.feeder_mbps)
        return most * self.usable_frac


class SkyView(NamedTuple):
    """Who sees whom at one moment, as pairs: cell and satellite, and satellite (``fed``) and gateway.

    ``rows`` (s,) are the satellites that serve, by which the pairs count; of ``n_cells`` cells some may see none.
    """

    cell: IntArray
    satellite: IntArray
    fed: IntArray
    gateway: IntArray
    rows: IntArray
    n_cells: int


class Shared(NamedTuple):
    """(c,) Mbit/s given to cells, (s,) carried by satellites, (g,) by gateways: the three sums are one."""

    served_mbps: FloatArray
    satellite_mbps: FloatArray
    gateway_mbps: FloatArray


def sky_view(
    satellites_km: FloatArray,
    cells: PlacesLike,
    gateways: PlacesLike,
    *,
    min_elevation_deg: ArrayLike = MIN_ELEVATION_DEG,
    gateway_min_elevation_deg: ArrayLike | None = None,
    has_links: bool = False,
) -> SkyView:
    """Return who sees whom among (s, 3) satellites, cells and gateways.

    A satellite serves if some gateway sees it; with ``has_links`` every gateway that sees any feeds all, over links.
    """
    least = min_elevation_deg if gateway_min_elevation_deg is None else gateway_min_elevation_deg
    feeds = np.isfinite(ranges_km(sky_of(gateways, least), satellites_km))
    if has_links:
        feeds = np.tile(feeds.any(axis=0), (feeds.shape[0], 1))
    rows = np.flatnonzero(feeds.any(axis=1))
    sees = np.isfinite(ranges_km(sky_of(cells, min_elevation_deg), satellites_km[rows]))
    used = np.flatnonzero(sees.any(axis=1))
    cell, satellite = np.nonzero(np.ascontiguousarray(sees[used].T))
    fed, gateway = np.nonzero(feeds[rows[used]])
    return SkyView(cell, satellite, fed, gateway, rows[used], sees.shape[1])


def _limits(view: SkyView, payload: Payload, gateway_mbps: ArrayLike, demand_mbps: ArrayLike) -> tuple[FloatArray, ...]:
    """Return what cells want and may have, and what satellites and gateways have, checked."""
    demand, feed = np.asarray(demand_mbps, np.float64), np.atleast_1d(np.asarray(gateway_mbps, np.float64))
    problems = []
    if demand.shape != (view.n_cells,) or not (np.isfinite(demand) & (demand >= 0.0)).all():
        problems.append(Problem("a demand is missing or below 0", "give one a cell", column="demand_mbps"))
    if view.gateway.max(initial=-1) >= feed.size or not (np.isfinite(feed) & (feed >= 0.0)).all():
        problems.append(Problem("a gateway's capacity is missing or below 0", "give one each", column="gateway_mbps"))
    raise_if_any(problems)
    return np.minimum(demand, payload.cell_mbps), np.full(view.rows.size, payload.limit_mbps), feed.copy()


def share_capacity(view: SkyView, payload: Payload, gateway_mbps: ArrayLike, demand_mbps: ArrayLike) -> Shared:
    """Return what (c,) cells are given of what they ask for at one moment; ``gateway_mbps`` (g,) all feeders together.

    Nobody gives more than it has.  Sharing by rounds is not the best there is: see :func:`flow_bound`.
    """
    wanted, satellite_left, gateway_left = _limits(view, payload, gateway_mbps, demand_mbps)
    all_mbps, served, carried = gateway_left.copy(), np.zeros(view.n_cells), np.zeros(view.rows.size)
    cell, satellite, fed, gateway = (np.ascontiguousarray(part, np.int64) for part in view[:4])
    share_out(cell, satellite, fed, gateway, wanted, satellite_left, gateway_left, served, carried)
    return Shared(served, carried, all_mbps - gateway_left)


def flow_bound(
    view: SkyView, payload: Payload, gateway_mbps: ArrayLike, demand_mbps: ArrayLike, *, is_even: bool = False
) -> float:
    """Return the most Mbit/s that any sharing could serve, or with ``is_even`` the largest common share of all demand.

    A linear programme (HiGHS) of flows from gateways over satellites to cells; with ``is_even`` a result above 1 says
    that demand may grow by so much everywhere before somebody gets less than asked.  For a region: its size is the
    pairs of cells and satellites.  A cell that wants something and sees no satellite makes the even share 0.
    """
    wanted, satellite, feed = _limits(view, payload, gateway_mbps, demand_mbps)
    demand = np.asarray(demand_mbps, np.float64)
    n_cells, n_satellites, n_down, n_up = wanted.size, satellite.size, view.satellite.size, view.gateway.size
    if not demand.any():
        return np.inf if is_even else 0.0
    down, up, first = np.arange(n_down), n_down + np.arange(n_up), n_cells + n_satellites
    one = np.ones
    # Rows: cells' limits, satellites' limits, gateways' limits, and no satellite gives more than it is fed.
    rows = [
        view.cell,
        n_cells + view.satellite,
        first + view.gateway,
        first + feed.size + view.satellite,
        first + feed.size + view.fed,
    ]
    columns, values = [down, down, up, down, up], [one(n_down), one(n_down), one(n_up), one(n_down), -one(n_up)]
    most = np.concatenate(
        [np.full(n_cells, payload.cell_mbps) if is_even else wanted, satellite, feed, np.zeros(n_satellites)]
    )
    objective = np.concatenate([-one(n_down), np.zeros(n_up), [0.0]])
    if is_even:
        objective = np.concatenate([np.zeros(n_down + n_up), [-1.0]])
        rows += [most.size + np.arange(n_cells), most.size + view.cell]
        columns += [np.full(n_cells, n_down + n_up), down]
        values += [demand, -one(n_down)]
        most = np.concatenate([most, np.zeros(n_cells)])
    shape = (most.size, n_down + n_up + 1)
    matrix = coo_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape).tocsr()
    solve: Any = linprog  # its stubs know dense matrices only
    found = solve(objective, A_ub=matrix, b_ub=most, bounds=(0.0, None), method="highs")
    return float(-found.fun) * (1.0 + _SAFETY)


@dataclass(frozen=True, slots=True, eq=False)
class CapacityCurve:
    """The busy hour as subscribers grow: (a,) shares of households that subscribe, over (c,) cells.

    ``n_subscribers``, ``demand_mbps`` and ``served_mbps`` (a,) of all cells together, means over the moments;
    ``worst_mbps`` (a,) of the worst moment; ``mbps_per_subscriber`` (a, c) means, NaN where nobody subscribes;
    ``full_frac`` (a,) share of subscribers in cells that get what they ask for at every moment.
    """

    adoption_frac: FloatArray
    n_subscribers: FloatArray
    demand_mbps: FloatArray
    served_mbps: FloatArray
    worst_mbps: FloatArray
    mbps_per_subscriber: FloatArray
    full_frac: FloatArray

    @property
    def mean_mbps_per_subscriber(self) -> FloatArray:
        """Return (a,) Mbit/s of the mean subscriber, NaN where there is none."""
        return np.asarray(self.served_mbps / np.where(self.n_subscribers > 0.0, self.n_subscribers, np.nan))


def _check_use(adoption: FloatArray, busy_hour_mbps: float) -> None:
    problems = []
    if not adoption.size or not ((adoption >= 0.0) & (adoption <= 1.0)).all():
        problems.append(Problem("a share of households is missing or beyond 0 to 1", "give shares of one"))
    if not 0.0 < busy_hour_mbps < np.inf:
        problems.append(Problem(f"a use of {busy_hour_mbps:g} Mbit/s", "give above 0", column="busy_hour_mbps"))
    raise_if_any(problems)


def capacity_curve(
    satellites: Satellites,
    cells: BeamCells,
    gateways: PlacesLike,
    payload: Payload,
    times_utc: Any = None,  # noqa: ANN401  # see utc_times
    *,
    gateway_mbps: ArrayLike,
    adoption_frac: ArrayLike,
    busy_hour_mbps: float,
    min_elevation_deg: ArrayLike = MIN_ELEVATION_DEG,
    gateway_min_elevation_deg: ArrayLike | None = None,
    has_links: bool = False,
) -> CapacityCurve:
    """Return what subscribers get at the busy hour as they grow; see :class:`CapacityCurve`.

    ``busy_hour_mbps`` is the use of one household; ``gateway_mbps`` (g,) or one value, all feeders of a gateway
    together.  Other arguments as for :func:`sky_view` and :func:`rahdari.methods.bent_pipe.bent_pipe`.  A few moments
    of an orbit do: satellites over a country change by little.  Raises :class:`InputError`.
    """
    adoption = np.atleast_1d(np.asarray(adoption_frac, np.float64))
    _check_use(adoption, busy_hour_mbps)
    feed = np.broadcast_to(np.asarray(gateway_mbps, np.float64), (len(sky_of(gateways, 0.0)),))
    n_steps, steps = moments(satellites, times_utc)
    subscribers = adoption[:, None] * cells.n_households
    demand, total = subscribers * busy_hour_mbps, subscribers.sum(axis=1)
    served, worst, is_full = np.zeros(demand.shape), np.full(adoption.size, np.inf), np.ones(demand.shape, np.bool_)
    masks: dict[str, Any] = {"min_elevation_deg": min_elevation_deg, "has_links": has_links}
    masks["gateway_min_elevation_deg"] = gateway_min_elevation_deg
    for position in steps:
        view = sky_view(position, cells.points(), gateways, **masks)
        given = np.stack([share_capacity(view, payload, feed, row).served_mbps for row in demand])
        served += given / n_steps
        worst = np.minimum(worst, given.sum(axis=1))
        is_full &= given >= demand * (1.0 - _FULL)
    each = served / np.where(subscribers > 0.0, subscribers, np.nan)
    full_frac = (subscribers * is_full).sum(axis=1) / np.maximum(total, 1e-9)
    return CapacityCurve(adoption, total, total * busy_hour_mbps, served.sum(axis=1), worst, each, full_frac)


def most_subscribers(curve: CapacityCurve, busy_hour_mbps: float) -> float:
    """Return the households that a constellation can give a rate at the busy hour, wherever they live.

    Served at the largest share of households over the rate: ask the curve up to 1.

    >>> one = np.ones(1)
    >>> most_subscribers(CapacityCurve(one, 100 * one, 200 * one, 50 * one, 40 * one, one[:, None], one), 2.0)
    25.0
    """
    return float(curve.served_mbps[np.argmax(curve.adoption_frac)] / busy_hour_mbps)
