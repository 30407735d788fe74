"""Relays over ridges where a direct microwave path fails: the best chain of one and of two over candidate summits.

Candidates are ridge cells, the highest of each square of a net laid over the ellipse around the two ends.  Over them
the answer is exact: every chain is examined.  For all places whatever, :func:`margin_bound_db` bounds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.raster import direct_many_deg
from rahdari.methods.geo import great_circle_km
from rahdari.methods.microwave import budgets, make_hops
from rahdari.methods.microwave_clearance import MEDIAN_K_RATIO, diffraction_db, low_k_ratio, worst_clearance
from rahdari.methods.microwave_link import LOSS_DB, MIN_POINTS, WINDOW_PAD_DEG, Climate, End, link_budget
from rahdari.methods.propagation import free_space_db
from rahdari.methods.raster import METRES_PER_KM, STEP_SLACK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.microwave import Budgets, Radio
    from rahdari.methods.microwave_link import Antenna, LinkBudget
    from rahdari.methods.raster import Raster, Terrain

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

CANDIDATES_MAX = 150  # summits examined: up to 22,000 pairs, some seconds where all see each other
ELLIPSE_RATIO = 1.5  # greatest way by a relay over the direct one
LEAST_RATIO = 0.6  # clearance at k = 4/3 below which two places are no hop, in first Fresnel radii
RIDGE_CELLS = 3  # a ridge cell is the highest of this many on both sides along some line
COARSER = 4  # the net widens by a quarter
ABSENT_M = -1e9  # ground where a profile has no more points: never in the way
LEAST_HOP_KM = 0.3  # relays nearer to an end than this are the end
OUTAGE_STEP = 1e-9  # outages closer than this are one: the margin decides
KM_PER_DEG = 111.2  # a degree of a great circle
_HOPS_AT_ONCE = 500  # hops of one batch: of 60 km at 90 m their profiles take 3 MB


class Candidates(NamedTuple):
    """Places where a relay may stand, (n,), from north to south and west to east."""

    lon_deg: FloatArray
    lat_deg: FloatArray
    height_m: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """A chain of hops from a to b: relays in order, hops, the sum of yearly outages, the least margin."""

    relays: tuple[End, ...]
    hops: tuple[LinkBudget, ...]
    outage_year_frac: float
    margin_db: float
    margin_bound_db: float


@dataclass(frozen=True, slots=True, eq=False)
class RelayPlan:
    """The direct path and the best chains, ``None`` where no chain over the candidates is in sight."""

    direct: LinkBudget
    one: Chain | None
    two: Chain | None
    mode: str
    n_candidates: int
    n_hops_examined: int


class _Hops(NamedTuple):
    """Outage of the year and margin of hops, infinite and minus infinite where they are none."""

    outage: FloatArray
    margin: FloatArray


def ridge_cells(height_m: NDArray[np.float32], n_cells: int = RIDGE_CELLS) -> NDArray[np.bool_]:
    """Return where a grid's cell is the highest of ``n_cells`` on both sides along a row, column or diagonal.

    Every summit is one; level ground counts, for a mast may stand anywhere on it.

    >>> ridge_cells(np.array([[0.0, 5.0, 0.0]], np.float32), 1).tolist()
    [[True, True, True]]
    """
    size = 2 * n_cells + 1
    shapes = [np.ones((1, size), bool), np.ones((size, 1), bool), np.eye(size, dtype=bool)]
    shapes.append(shapes[2][::-1])
    found = np.zeros(height_m.shape, bool)
    for shape in shapes:
        found |= height_m >= ndimage.maximum_filter(height_m, footprint=shape, mode="nearest")
    return found


def relay_candidates(
    raster: Raster, a: End, b: End, *, n_max: int = CANDIDATES_MAX, ellipse_ratio: float = ELLIPSE_RATIO
) -> Candidates:
    """Return at most ``n_max`` places for relays: the highest ridge cell of each square of the finest net that does.

    Inside the ellipse whose points lie on a way of ``ellipse_ratio`` times the direct one.  Ties go north, then west.
    """
    rows, columns = np.nonzero(ridge_cells(raster.value) & np.isfinite(raster.value))
    lon = raster.west_deg + (columns + 0.5) * raster.step_lon_deg
    lat = raster.north_deg - (rows + 0.5) * raster.step_lat_deg
    to_a, to_b = (great_circle_km(lon, lat, end.lon_deg, end.lat_deg) for end in (a, b))
    direct = float(great_circle_km(a.lon_deg, a.lat_deg, b.lon_deg, b.lat_deg))
    is_near = (to_a + to_b <= ellipse_ratio * direct) & (np.minimum(to_a, to_b) >= LEAST_HOP_KM)
    rows, columns = rows[is_near], columns[is_near]
    height = raster.value[rows, columns].astype(np.float64)
    order = np.lexsort((columns, rows, -height))
    side = 1
    while True:
        square = (rows[order] // side) * (raster.value.shape[1] + 1) + columns[order] // side
        _, first = np.unique(square, return_index=True)
        if first.size <= n_max:
            break
        side += max(1, side // COARSER)
    kept = np.sort(order[first])
    at = np.flatnonzero(is_near)[kept]
    return Candidates(np.asarray(lon[at], np.float64), np.asarray(lat[at], np.float64), height[kept])


def _profiles(raster: Raster, start: FloatArray, end: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return distances and ground (n, m) of hops and their mean ground (n,), as :func:`path_profile` cuts them.

    Shorter profiles are filled up before their end with points that are never in the way.
    """
    from pyproj import Geod  # slow to import, needed here only

    azimuth, _, length = Geod(ellps="WGS84").inv(start[:, 0], start[:, 1], end[:, 0], end[:, 1])
    step = np.minimum(raster.spacing_m, length / MIN_POINTS)
    n = np.maximum(np.ceil(length / step - STEP_SLACK), 1.0).astype(np.int64)
    place = np.arange(int(n.max()) + 1)
    is_point = place <= n[:, None]
    share = np.minimum(place / n[:, None], 1.0)
    lon, lat = np.empty(share.size), np.empty(share.size)
    lon_a, lat_a, towards = (np.repeat(value, place.size) for value in (start[:, 0], start[:, 1], azimuth))
    distance = share * length[:, None]
    direct_many_deg(lon_a, lat_a, towards, np.ravel(distance).copy(), lon, lat)
    ground = raster.sample(lon.reshape(share.shape), lat.reshape(share.shape))
    mean = np.where(is_point, ground, 0.0).sum(axis=1) / (n + 1.0)
    # The last column is the end of every hop; what lies between a short hop's own end and it is out of the way.
    is_fill = (place >= n[:, None]) & (place < place[-1])
    km = np.where(is_fill, 0.5 * length[:, None], distance) / METRES_PER_KM
    return km, np.where(is_fill, ABSENT_M, ground), mean


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """What every hop of one search shares."""

    raster: Raster
    radio: Radio
    antenna: Antenna
    climate: Climate
    mode: int

    def hops(self, start: FloatArray, end: FloatArray) -> _Hops:
        """Return outage and margin of hops between (n, 3) places: longitude, latitude, antenna above ground."""
        pieces = [
            self._some(start[i : i + _HOPS_AT_ONCE], end[i : i + _HOPS_AT_ONCE])
            for i in range(0, start.shape[0], _HOPS_AT_ONCE)
        ]
        if not pieces:
            return _Hops(np.empty(0), np.empty(0))
        return _Hops(*(np.concatenate(values) for values in zip(*pieces, strict=True)))

    def _some(self, start: FloatArray, end: FloatArray) -> _Hops:
        km, ground, mean = _profiles(self.raster, start, end)
        is_known = np.asarray(np.isfinite(ground).all(axis=1), bool)
        top = np.where(is_known[:, None], ground, 0.0)
        antennas = top[:, 0] + start[:, 2], top[:, -1] + end[:, 2]
        f = self.radio.frequency_ghz
        median = worst_clearance(km, top, *antennas, frequency_ghz=f, k_ratio=MEDIAN_K_RATIO).ratio
        low = worst_clearance(km, top, *antennas, frequency_ghz=f, k_ratio=low_k_ratio(km[:, -1])).ratio
        is_hop = np.asarray(is_known & (median >= LEAST_RATIO) & (km[:, -1] >= LEAST_HOP_KM), bool)
        outage, margin = np.full(is_hop.size, np.inf), np.full(is_hop.size, -np.inf)
        if is_hop.any():
            found = self._budgets(
                length_km=km[is_hop, -1],
                antenna_a_m=antennas[0][is_hop],
                antenna_b_m=antennas[1][is_hop],
                terrain_m=mean[is_hop],
                lat_deg=0.5 * (start[is_hop, 1] + end[is_hop, 1]),
                diffraction_median_db=diffraction_db(median[is_hop]),
                diffraction_low_db=diffraction_db(low[is_hop]),
            )
            outage[is_hop] = found.modes.year_frac[:, self.mode]
            margin[is_hop] = found.modes.margin_db[:, self.mode]
        return _Hops(outage, margin)

    def _budgets(self, **hops: FloatArray) -> Budgets:
        """Return budgets of hops with the search's radio, dishes and climate."""
        gain = self.antenna.gain_dbi(self.radio.frequency_ghz)
        made = make_hops(
            frequency_ghz=self.radio.frequency_ghz,
            gain_a_dbi=gain,
            gain_b_dbi=gain,
            antenna_xpd_db=self.antenna.xpd_db,
            rain_rate_mm_h=self.climate.rain_rate_mm_h,
            geoclimatic=self.climate.factor,
            refractivity_n_units=self.climate.refractivity_n_units,
            loss_db=LOSS_DB,
            **hops,
        )
        return budgets(made, self.radio)


def _best(outage: FloatArray, margin: FloatArray) -> int | None:
    """Return the place of the least outage, by margin and then order where outages are one; ``None`` without any."""
    if not np.isfinite(outage).any():
        return None
    whole = np.where(np.isfinite(outage), np.round(outage / OUTAGE_STEP), np.inf)
    return int(np.lexsort((np.arange(outage.size), -margin, whole))[0])


def margin_bound_db(length_km: float, n_relays: int, radio: Radio, antenna: Antenna, mode: int) -> float:
    """Return a margin that the worst hop of no chain of ``n_relays`` exceeds, wherever its relays stand, dB.

    Hops lie end to end, so the longest is at least the direct length over their number, and loses at least free space.
    """
    f = radio.frequency_ghz
    loss = float(free_space_db(length_km / (n_relays + 1), f)) + LOSS_DB
    return float(radio.tx_power_dbm[mode] - radio.threshold_dbm[mode]) + 2.0 * antenna.gain_dbi(f) - loss


def _chain(search: _Search, terrain: Terrain, ends: tuple[End, End], relays: tuple[End, ...]) -> Chain:
    """Return a chain with its hops computed on the grid's own step."""
    points, step_m = (ends[0], *relays, ends[1]), search.raster.spacing_m
    hops = tuple(
        link_budget(terrain, start, end, search.radio, search.antenna, climate=search.climate, step_m=step_m)
        for start, end in pairwise(points)
    )
    length = float(great_circle_km(ends[0].lon_deg, ends[0].lat_deg, ends[1].lon_deg, ends[1].lat_deg))
    return Chain(
        relays=relays,
        hops=hops,
        outage_year_frac=min(1.0, sum(float(hop.budgets.modes.year_frac[0, search.mode]) for hop in hops)),
        margin_db=min(float(hop.budgets.modes.margin_db[0, search.mode]) for hop in hops),
        margin_bound_db=margin_bound_db(length, len(relays), search.radio, search.antenna, search.mode),
    )


def _pairs(from_a: _Hops, to_b: _Hops) -> tuple[IntArray, IntArray]:
    """Return every ordered pair of candidates of which the first sees a and the second b."""
    first, second = np.flatnonzero(np.isfinite(from_a.outage)), np.flatnonzero(np.isfinite(to_b.outage))
    one, two = (values.ravel() for values in np.meshgrid(first, second, indexing="ij"))
    is_pair = one != two
    return one[is_pair], two[is_pair]


def _checked_mode(radio: Radio, mode: str | None, n_candidates: int, ellipse_ratio: float, mast_m: float) -> int:
    """Return the modulation's place; raises :class:`InputError` with every argument that is out of range."""
    problems = []
    if mode is not None and mode not in radio.mode:
        problems.append(Problem(f"radio {radio.radio_id} has no mode '{mode}'", f"use one of {', '.join(radio.mode)}"))
    if n_candidates < 1 or ellipse_ratio <= 1.0 or mast_m <= 0.0:
        cure = "give at least one candidate, a way above 1 times the direct one and a mast above 0 m"
        problems.append(Problem("there is nothing to search", cure))
    raise_if_any(problems)
    return 0 if mode is None else radio.mode.index(mode)


def relay_search(
    terrain: Terrain,
    a: tuple[float, float, float],
    b: tuple[float, float, float],
    radio: Radio,
    antenna: Antenna,
    *,
    mast_m: float = 30.0,
    mode: str | None = None,
    climate: Climate | None = None,
    n_candidates: int = CANDIDATES_MAX,
    ellipse_ratio: float = ELLIPSE_RATIO,
) -> RelayPlan:
    """Return the best chain of one relay and of two, beside the direct path.

    ``a`` and ``b`` are longitude, latitude and antenna height above ground; relays carry masts of ``mast_m``.  Chains
    are ordered by the sum of the hops' yearly outages at ``mode`` (default: the radio's most robust modulation), equal
    ones by the least fade margin.  Two places are a hop where 60 % of the Fresnel zone is clear at k = 4/3.  Exact over
    the candidates; ``margin_bound_db`` of a chain holds for any place.  Raises :class:`InputError` for an unknown mode
    or what :func:`link_budget` refuses.
    """
    at = _checked_mode(radio, mode, n_candidates, ellipse_ratio, mast_m)
    weather = Climate() if climate is None else climate
    direct = link_budget(terrain, a, b, radio, antenna, climate=weather)
    ends = End(*a), End(*b)
    raster = _around(terrain, ends, ellipse_ratio)
    search = _Search(raster, radio, antenna, weather, at)
    places = relay_candidates(raster, *ends, n_max=n_candidates, ellipse_ratio=ellipse_ratio)
    sites = np.column_stack([places.lon_deg, places.lat_deg, np.full(places.lon_deg.size, mast_m)])
    from_a = search.hops(np.broadcast_to(np.array(ends[0]), sites.shape), sites)
    to_b = search.hops(sites, np.broadcast_to(np.array(ends[1]), sites.shape))
    single = _best(from_a.outage + to_b.outage, np.minimum(from_a.margin, to_b.margin))
    first, second = _pairs(from_a, to_b)
    middle = search.hops(sites[first], sites[second])
    total = from_a.outage[first] + middle.outage + to_b.outage[second]
    least = np.minimum(np.minimum(from_a.margin[first], middle.margin), to_b.margin[second])
    double = _best(total, least)
    relay = [End(*(float(value) for value in row)) for row in sites]
    return RelayPlan(
        direct=direct,
        one=None if single is None else _chain(search, terrain, ends, (relay[single],)),
        two=None if double is None else _chain(search, terrain, ends, (relay[first[double]], relay[second[double]])),
        mode=radio.mode[at],
        n_candidates=len(relay),
        n_hops_examined=2 * len(relay) + first.size,
    )


def _around(terrain: Terrain, ends: tuple[End, End], ellipse_ratio: float) -> Raster:
    """Return the raster of a box that holds the ellipse, as far as the terrain goes."""
    a, b = ends
    direct = float(great_circle_km(a.lon_deg, a.lat_deg, b.lon_deg, b.lat_deg))
    if not direct > 0.0:
        raise InputError(Problem("the two ends are one point", "give two points that lie apart"))
    lat = 0.5 * (a.lat_deg + b.lat_deg)
    half = 0.5 * ellipse_ratio * direct
    reach_lat = half / KM_PER_DEG + WINDOW_PAD_DEG
    reach_lon = half / (KM_PER_DEG * np.cos(np.radians(lat))) + WINDOW_PAD_DEG
    lon = 0.5 * (a.lon_deg + b.lon_deg)
    return terrain.window(lon - reach_lon, lat - reach_lat, lon + reach_lon, lat + reach_lat)
