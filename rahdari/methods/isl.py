"""Links between satellites, and the quickest way from places through them to gateways at one moment.

The grid: every satellite holds four links, to the one before and behind in its plane and to one in each plane beside.
Planes are those of the filing; of real satellites those whose ascending nodes lie together within one shell.  A link
lives as long as its line of sight stays above the air.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.bent_pipe import ways_to_each
from rahdari.methods.bent_pipe import MIN_ELEVATION_DEG, moments, onward_km, ranges_km, sky_of, warnings_of
from rahdari.methods.constellation import CircularOrbits, Constellation
from rahdari.methods.sidereal import julian_days, utc_times
from rahdari.units import LIGHT_SPEED_KM_PER_MS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.bent_pipe import Satellites, Sky
    from rahdari.methods.earth_points import PlacesLike

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

GRAZING_KM = 80.0  # above it the air no longer bends or fades a laser: the mesopause, as Hypatia takes it
EARTH_KM = 6378.137  # WGS 84, equator: the larger radius hides more
BOX_DEG, BOX_KM, FULL_BOX = 0.02, 2.0, 8  # 5,977 real satellites of May 2024: shells are peaks a box or two wide
PLANE_GAP_DEG = 1.0  # nodes of a real plane lie closer; planes filed for low orbits are 3.6 degrees apart or more
SKIPPED_PLANES = 2.5  # neighbours further apart than so many usual gaps are a seam: no link
LONGEST_PHASE = 1.0  # beside, a partner may run ahead or behind by so many slots at most
FEWEST = 3  # satellites of a plane that close a ring
_SAME_DEG = 1e-6  # shifts of slots that differ by less in the mean are one


class Planes(NamedTuple):
    """(n,) shell and plane of every satellite, and its argument of latitude and ascending node, degrees."""

    shell: IntArray
    plane: IntArray
    argument_deg: FloatArray
    node_deg: FloatArray


def _split(value: FloatArray, gap: float) -> IntArray:
    """Return (n,) groups of values that lie together, numbered upwards: a wider gap than ``gap`` parts two."""
    order = np.argsort(value, kind="stable")
    group = np.empty(value.size, np.int64)
    group[order] = np.cumsum(np.diff(value[order], prepend=-np.inf) > gap) - 1
    return group


def _split_circle(angle_deg: FloatArray, gap_deg: float) -> IntArray:
    """Return groups as above on a circle: the last joins the first across 360 degrees."""
    group = _split(angle_deg, gap_deg)
    if angle_deg.size and angle_deg.min() + 360.0 - angle_deg.max() <= gap_deg and group.max() > 0:
        group = np.where(group == group.max(), 0, group)
    return group


def planes_of(c: Constellation, time_utc: Any) -> Planes:  # noqa: ANN401  # see utc_times
    """Return shells and planes of a constellation at one moment.

    Filings know their planes.  Real satellites are parted by semi-major axis and inclination into shells, and within a
    shell by the gaps between their ascending nodes; those on the way up or down stand alone and get no links.
    """
    position, velocity = (part[:, 0] for part in c.orbits.states(*julian_days(utc_times(time_utc)[:1]), None))
    momentum = np.cross(position, velocity)
    inclination = np.degrees(np.arctan2(np.hypot(momentum[:, 0], momentum[:, 1]), momentum[:, 2]))
    node = np.arctan2(momentum[:, 0], -momentum[:, 1])
    towards = np.stack([np.cos(node), np.sin(node), np.zeros_like(node)], axis=1)
    beside = np.cross(momentum, towards) / np.maximum(np.linalg.norm(momentum, axis=1), 1e-9)[:, None]
    argument = np.degrees(np.arctan2((position * beside).sum(axis=1), (position * towards).sum(axis=1))) % 360.0
    node_deg = np.degrees(node) % 360.0
    orbits = c.orbits
    if isinstance(orbits, CircularOrbits):
        key = np.stack([orbits.radius_km, orbits.inclination_deg], axis=1)
        shell = np.unique(key, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
        return Planes(shell, orbits.plane.astype(np.int64), argument, node_deg)
    axis_km = getattr(orbits, "axis_km", np.linalg.norm(position, axis=1))
    return _real_planes(axis_km, getattr(orbits, "inclination_deg", inclination), argument, node_deg)


def _shells(axis_km: FloatArray, inclination: FloatArray) -> IntArray:
    """Return (n,) shells, -1 for satellites that fly alone: those on the way between shells, and spares.

    Semi-major axes and inclinations are counted in small boxes; boxes that hold many, side by side, are one shell.
    """
    key = np.stack([np.floor(inclination / BOX_DEG), np.floor(axis_km / BOX_KM)], axis=1).astype(np.int64)
    boxes, box, count = np.unique(key, axis=0, return_inverse=True, return_counts=True)
    is_full = np.flatnonzero(count >= FULL_BOX)
    is_beside = (np.abs(boxes[is_full][:, None] - boxes[is_full][None]) <= 1).all(axis=2)
    shell = np.full(count.size, -1, np.int64)
    if is_full.size:
        shell[is_full] = connected_components(csr_array(is_beside), directed=False)[1]
    return np.asarray(shell[box.reshape(-1)])


def _real_planes(axis_km: FloatArray, inclination: FloatArray, argument: FloatArray, node_deg: FloatArray) -> Planes:
    shell, plane = np.full(argument.size, -1, np.int64), np.full(argument.size, -1, np.int64)
    rows = np.flatnonzero(np.isfinite(argument))
    shell[rows] = _shells(axis_km[rows], inclination[rows])
    n_planes = 0
    for number in range(int(shell.max(initial=-1)) + 1):
        members = np.flatnonzero(shell == number)
        group = _split_circle(node_deg[members], PLANE_GAP_DEG)
        plane[members] = n_planes + group
        n_planes += int(group.max()) + 1
    return Planes(shell, plane, argument, node_deg)


def _turn(from_deg: ArrayLike, to_deg: ArrayLike) -> FloatArray:
    """Return the way from one angle to another, -180 to 180 degrees."""
    return np.asarray((np.asarray(to_deg, np.float64) - np.asarray(from_deg) + 180.0) % 360.0 - 180.0)


def _partners(argument_deg: FloatArray, left: IntArray, right: IntArray) -> tuple[IntArray, IntArray]:
    """Return pairs of satellites of two planes, each in one pair at most, that run as nearly abreast as can be.

    Planes of one size are shifted as a whole, so that a pattern stays a pattern; else the pairs' phases sum to least.
    """
    phase = _turn(argument_deg[left][:, None], argument_deg[right][None, :])
    n = left.size
    if n == right.size:
        row = np.arange(n)
        cost = np.abs(phase[row, (row + row[:, None]) % n]).mean(axis=1)
        shift = int(np.flatnonzero(cost <= cost.min() + _SAME_DEG)[0])
        rows, columns = row, (row + shift) % n
    else:
        rows, columns = linear_sum_assignment(np.abs(phase))
    slot_deg = 360.0 / min(n, right.size)
    keep = np.abs(phase[rows, columns]) <= LONGEST_PHASE * slot_deg
    return left[rows[keep]], right[columns[keep]]


def grid_links(planes: Planes) -> IntArray:
    """Return (m, 2) pairs of satellites that the grid links, each pair once, in rising order.

    Rings in every plane of three and more; between planes that lie beside each other, one link a satellite.  Where
    planes stop (a star's seam, where neighbours meet head on) nothing is linked.
    """
    order = np.lexsort((planes.argument_deg, planes.plane, planes.shell))
    order = order[planes.shell[order] >= 0]
    starts = np.flatnonzero(np.diff(planes.plane[order], prepend=-1) | np.diff(planes.shell[order], prepend=-1))
    rings = [ring for ring in np.split(order, starts[1:]) if ring.size >= FEWEST]
    pairs = [(ring, np.roll(ring, -1)) for ring in rings]
    shell_of = np.array([planes.shell[ring[0]] for ring in rings], np.int64)
    for shell in np.unique(shell_of):
        alike = [rings[i] for i in np.flatnonzero(shell_of == shell)]
        if len(alike) > 1:
            pairs += _beside(planes, alike)
    if not pairs:
        return np.zeros((0, 2), np.int64)
    n = planes.shell.size
    first, second = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
    key = np.unique(np.minimum(first, second) * n + np.maximum(first, second))
    return np.stack(np.divmod(key, n), axis=1)


def _beside(planes: Planes, rings: list[IntArray]) -> list[tuple[IntArray, IntArray]]:
    """Return the pairs between neighbouring planes of one shell."""
    first = np.array([planes.node_deg[ring[0]] for ring in rings])
    around = [_turn(first[i], planes.node_deg[ring]).mean() for i, ring in enumerate(rings)]
    node = (first + np.array(around)) % 360.0
    order = np.argsort(node, kind="stable")
    gap = np.diff(node[order], append=node[order[0]] + 360.0)
    usual = float(np.median(gap))
    return [
        _partners(planes.argument_deg, rings[order[i]], rings[order[(i + 1) % order.size]])
        for i in range(order.size)
        if gap[i] <= SKIPPED_PLANES * usual and (order.size >= FEWEST or i == 0)
    ]


def clear_links(
    position_km: FloatArray, links: IntArray, grazing_km: float = GRAZING_KM
) -> tuple[IntArray, FloatArray]:
    """Return the links whose line of sight stays above the air, and their lengths, km.

    >>> clear_links(np.array([[7000.0, 0.0, 0.0], [-7000.0, 0.0, 1.0]]), np.array([[0, 1]]))[1].size
    0
    """
    first, second = position_km[links[:, 0]], position_km[links[:, 1]]
    way = second - first
    length = np.sqrt((way * way).sum(axis=1))
    share = np.clip(-(first * way).sum(axis=1) / np.maximum(length, 1e-9) ** 2, 0.0, 1.0)
    lowest = first + share[:, None] * way
    is_clear = (lowest * lowest).sum(axis=1) >= (EARTH_KM + grazing_km) ** 2
    return links[is_clear], length[is_clear]


class Hop(NamedTuple):
    """One leg: what it leads to, which one, its length, and the delay from the place to its end, one way."""

    kind: Literal["satellite", "gateway"]
    row: int
    length_km: float
    after_ms: float


@dataclass(frozen=True, slots=True, eq=False)
class Routes:
    """Ways from (p,) places to (g,) gateways at one moment; NaN and -1 where there is none.

    ``rtt_ms`` (p, g) round trips, ``first`` (p, g) the first satellite; ``before`` (g, s) the satellite after each one
    on its way to the gateway, -1 at the last.  ``n_links`` links between satellites are alive.
    """

    rtt_ms: FloatArray
    first: NDArray[np.int32]
    before: NDArray[np.int32]
    n_links: int
    warnings: tuple[str, ...]
    _satellite_km: FloatArray
    _place_km: FloatArray
    _gateway_km: FloatArray
    _hop_ms: float
    _onward_ms: FloatArray

    @property
    def best_ms(self) -> FloatArray:
        """Return (p,) round trips to the best gateway, NaN where there is none."""
        ways = np.where(np.isnan(self.rtt_ms), np.inf, self.rtt_ms).min(axis=1, initial=np.inf)
        return np.where(np.isfinite(ways), ways, np.nan)

    @property
    def best_gateway(self) -> IntArray:
        """Return (p,) the best gateways, -1 where there is none; of equal ones the first."""
        if not self.rtt_ms.shape[1]:
            return np.full(self.rtt_ms.shape[0], -1, np.int64)
        ways = np.where(np.isnan(self.rtt_ms), np.inf, self.rtt_ms)
        return np.where(np.isfinite(ways.min(axis=1)), ways.argmin(axis=1), -1)

    def path(self, place: int, gateway: int | None = None) -> tuple[Hop, ...]:
        """Return the hops from a place to a gateway, by default to its best; none where there is no way."""
        goal = int(self.best_gateway[place]) if gateway is None else gateway
        if goal < 0 or self.first[place, goal] < 0:
            return ()
        here, at, delay_ms, hops = self._place_km[place], int(self.first[place, goal]), 0.0, []
        while at >= 0:
            there = self._satellite_km[at]
            length = float(np.linalg.norm(there - here))
            delay_ms += length / LIGHT_SPEED_KM_PER_MS + self._hop_ms
            hops.append(Hop("satellite", at, length, delay_ms))
            here, at = there, int(self.before[goal, at])
        length = float(np.linalg.norm(self._gateway_km[goal] - here))
        delay_ms += length / LIGHT_SPEED_KM_PER_MS + float(self._onward_ms[goal])
        return (*hops, Hop("gateway", goal, length, delay_ms))


def _links_of(satellites: Satellites, time_utc: Any, links: str | ArrayLike, n: int) -> IntArray:  # noqa: ANN401
    if isinstance(links, str):
        if links == "none":
            return np.zeros((0, 2), np.int64)
        if links == "grid" and isinstance(satellites, Constellation):
            return grid_links(planes_of(satellites, time_utc))
        cure = "give 'grid' with a constellation, 'none', or pairs of satellites"
        raise InputError(Problem(f"links '{links}' cannot be laid", cure, column="links"))
    pairs = np.asarray(links, np.int64).reshape(-1, 2)
    if ((pairs < 0) | (pairs >= n)).any():
        raise InputError(Problem("a link leads to a satellite that is not there", "count from 0", column="links"))
    return pairs


def _graph(
    position: FloatArray, pairs: IntArray, length: FloatArray, ground_km: FloatArray, hop_km: float
) -> csr_array:
    """Return (s + g, s + g) costs: both ways along links, and from gateways up, never down through one."""
    n, n_gateways = position.shape[0], ground_km.shape[1]
    satellite, gateway = np.nonzero(np.isfinite(ground_km))
    rows = np.concatenate([pairs[:, 0], pairs[:, 1], gateway + n])
    columns = np.concatenate([pairs[:, 1], pairs[:, 0], satellite])
    costs = np.concatenate([length, length, ground_km[satellite, gateway]]) + hop_km
    return csr_array((costs, (rows, columns)), shape=(n + n_gateways, n + n_gateways))


def _one_moment(satellites: Satellites, time_utc: Any, hop_ms: float) -> FloatArray:  # noqa: ANN401
    """Return (s, 3) positions at the one moment asked for."""
    n_steps, steps = moments(satellites, time_utc)
    problems = []
    if n_steps != 1:
        problems.append(Problem(f"{n_steps} moments", "ask for one at a time", column="time_utc"))
    if not 0.0 <= hop_ms < np.inf:
        problems.append(Problem("a satellite's delay is missing or below 0", "give 0 or more", column="hop_ms"))
    raise_if_any(problems)
    return next(steps)


def _from_gateways(graph: csr_array, n: int, n_gateways: int) -> tuple[FloatArray, NDArray[np.int32]]:
    """Return (g, s) costs from gateways to satellites, and the satellite after each on the way there, or -1."""
    if not n_gateways:
        return np.zeros((0, n)), np.zeros((0, n), np.int32)
    cost, before = dijkstra(graph, indices=np.arange(n, n + n_gateways), return_predecessors=True)
    before = before[:, :n]
    return cost[:, :n], np.where((before >= 0) & (before < n), before, -1).astype(np.int32)


def _ways_up(sky: Sky, position: FloatArray, cost_km: FloatArray) -> tuple[FloatArray, NDArray[np.int32]]:
    """Return (p, g) least kilometres of light to every gateway and the first satellite of that way, or -1."""
    used = np.flatnonzero(np.isfinite(cost_km).any(axis=0))
    light = np.full((len(sky), cost_km.shape[0]), np.inf)
    first = np.full(light.shape, -1, np.int32)
    across, down = np.ascontiguousarray(position[used].T), np.ascontiguousarray(cost_km[:, used].T)
    ways_to_each(sky.places, sky.horizon_deg, sky.sines, across, down, light, first)
    return light, np.where(first >= 0, used[first] if used.size else -1, -1).astype(np.int32)


def route(
    satellites: Satellites,
    places: PlacesLike,
    gateways: PlacesLike,
    time_utc: Any = None,  # noqa: ANN401  # see utc_times
    links: str | ArrayLike = "grid",
    *,
    min_elevation_deg: ArrayLike = MIN_ELEVATION_DEG,
    gateway_min_elevation_deg: ArrayLike | None = None,
    horizon_deg: ArrayLike | None = None,
    hop_ms: float = 0.0,
    onward_ms: ArrayLike = 0.0,
    grazing_km: float = GRAZING_KM,
) -> Routes:
    """Return the quickest ways from places over satellites and the links between them to every gateway, at one moment.

    ``links`` is ``"grid"`` (see :func:`grid_links`), ``"none"`` (one satellite only, the bent pipe) or (m, 2) pairs of
    satellites, which spares laying the grid anew at every moment of a filing.  ``hop_ms`` is what each satellite on the
    way adds; ``onward_ms`` one way beyond each gateway.  Other arguments as for
    :func:`rahdari.methods.bent_pipe.bent_pipe`.  Raises :class:`InputError`.

    Dijkstra runs from the gateways: time grows as gateways times (satellites + links) and a logarithm.
    """
    sky = sky_of(places, min_elevation_deg, horizon_deg)
    ground = sky_of(gateways, min_elevation_deg if gateway_min_elevation_deg is None else gateway_min_elevation_deg)
    extra = onward_km(onward_ms, len(ground))
    position = _one_moment(satellites, time_utc, hop_ms)
    laid = _links_of(satellites, time_utc, links, position.shape[0])
    alive, length = clear_links(position, laid, grazing_km)
    graph = _graph(position, alive, length, ranges_km(ground, position) + extra, hop_ms * LIGHT_SPEED_KM_PER_MS)
    cost_km, before = _from_gateways(graph, position.shape[0], len(ground))
    light, first = _ways_up(sky, position, cost_km)
    said = warnings_of(satellites, time_utc, np.isnan(position[:, 0]))
    rtt_ms = np.where(np.isfinite(light), 2.0 * light / LIGHT_SPEED_KM_PER_MS, np.nan)
    ends = position, sky.places[:, :3], ground.places[:, :3]
    return Routes(rtt_ms, first, before, int(alive.shape[0]), said, *ends, hop_ms, extra / LIGHT_SPEED_KM_PER_MS)
