"""The budget of one microwave hop over real terrain: profile, clearance at two k factors, every term.

Laws and sources stand in :mod:`rahdari.methods.microwave`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.geo import great_circle_km
from rahdari.methods.microwave import DEFAULT_RAIN_RATE_MM_H, budgets, dish_gain_dbi, make_hops
from rahdari.methods.microwave_clearance import (
    MEDIAN_CLEARANCE_RATIO,
    MEDIAN_K_RATIO,
    diffraction_db,
    low_clearance_ratio,
    low_k_ratio,
    raise_needed_m,
    worst_clearance,
)
from rahdari.methods.microwave_fading import (
    DEFAULT_GRADIENT_N_PER_KM,
    DEFAULT_REFRACTIVITY_N_UNITS,
    DEFAULT_ROUGHNESS_M,
    geoclimatic_default,
)
from rahdari.methods.microwave_terms import Term, budget_terms
from rahdari.methods.network import Network
from rahdari.methods.raster import Raster, direct_geodesic, inverse_geodesic

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from rahdari.methods.microwave import Budgets, Hops, Radio
    from rahdari.methods.microwave_clearance import Clearance
    from rahdari.methods.raster import Profile, Terrain

    FloatArray = NDArray[np.float64]

MAST_MAX_M = 400.0  # no mast is taller; a larger height is one above sea level
WINDOW_PAD_DEG = 0.02  # geodesics bulge out of the box of their ends: 1.3 km for 300 km at 45 degrees
MIN_POINTS = 16  # pieces of the shortest profile: it needs inner points whatever the grid
NETWORK_MAST_M = 30.0  # antenna height assumed for a network's node, and where an end has none
CLUTTER_MAX_M = 200.0  # no trees, no districts of houses are taller
LOSS_DB = 1.0  # two radomes and short jumpers, assumed: outdoor units sit behind the dish


class End(NamedTuple):
    """One end: longitude, latitude, antenna height above ground."""

    lon_deg: float
    lat_deg: float
    antenna_m: float


@dataclass(frozen=True, slots=True)
class Antenna:
    """A dish: diameter, aperture efficiency and cross-polar discrimination at boresight."""

    antenna_id: str
    diameter_m: float
    efficiency_frac: float
    xpd_db: float

    def __post_init__(self) -> None:
        """Refuse a dish that cannot be."""
        if not (0.0 < self.diameter_m < np.inf and 0.0 < self.efficiency_frac <= 1.0):
            what = f"antenna {self.antenna_id} of {self.diameter_m} m and efficiency {self.efficiency_frac}"
            raise InputError(Problem(what, "give metres above 0 and a share of 0 to 1"))

    def gain_dbi(self, frequency_ghz: float) -> float:
        """Return the boresight gain, dBi."""
        return float(dish_gain_dbi(self.diameter_m, frequency_ghz, self.efficiency_frac))


@dataclass(frozen=True, slots=True)
class Climate:
    """What the weather brings: defaults are national and stated; ITU's maps, read by the user, replace them.

    ``geoclimatic`` (K of P.530-18) is derived from ``gradient_n_per_km`` (dN1) and ``roughness_m`` where ``None``.
    ``rules`` picks the clearance rules, ``tropical`` or ``temperate``.
    """

    rain_rate_mm_h: float = DEFAULT_RAIN_RATE_MM_H
    gradient_n_per_km: float = DEFAULT_GRADIENT_N_PER_KM
    roughness_m: float = DEFAULT_ROUGHNESS_M
    refractivity_n_units: float = DEFAULT_REFRACTIVITY_N_UNITS
    geoclimatic: float | None = None
    rules: str = "tropical"
    source: str = "national defaults of Rahdari: dN1 and rain rate as the radio engine's, dN75 and roughness assumed"

    @property
    def factor(self) -> float:
        """Return K."""
        if self.geoclimatic is not None:
            return self.geoclimatic
        return geoclimatic_default(self.gradient_n_per_km, self.refractivity_n_units, self.roughness_m)


@dataclass(frozen=True, slots=True, eq=False)
class LinkBudget:
    """One hop: ``terms`` (term, mode, value, unit, clause), its profile and its clearance at the two k factors.

    ``distance_km``, ``ground_m`` and ``top_m`` (terrain, and terrain with clutter) are (n,) above sea level and empty
    where no terrain was given.  ``raise_m`` is what both masts lack for the clearance rules.  ``is_coarse`` says that
    the terrain tells plain from mountain but no line of sight.
    """

    a: End
    b: End
    terms: pl.DataFrame
    budgets: Budgets
    distance_km: FloatArray
    ground_m: FloatArray
    top_m: FloatArray
    median: Clearance | None
    low: Clearance | None
    low_k_ratio: float
    raise_m: float
    is_coarse: bool
    source: str

    @property
    def is_clear(self) -> bool:
        """Return whether the clearance rules are met; a path without terrain is not known to be."""
        return self.median is not None and self.raise_m <= 0.0

    @property
    def antenna_height_m(self) -> tuple[float, float]:
        """Return both antennas' heights above sea level."""
        return float(self.budgets.hops.antenna_a_m[0]), float(self.budgets.hops.antenna_b_m[0])


def _end_problems(end: End, name: str) -> list[Problem]:
    """Return what is wrong with an end."""
    problems = []
    if not (-180.0 <= end.lon_deg <= 180.0 and -90.0 <= end.lat_deg <= 90.0):  # noqa: PLR2004  # degrees of a turn
        what = f"end {name} lies at longitude {end.lon_deg:g}, latitude {end.lat_deg:g}"
        problems.append(Problem(what, "give longitude, then latitude, in degrees (not metres)"))
    if not 0.0 < end.antenna_m <= MAST_MAX_M:
        what = f"the antenna at {name} is {end.antenna_m:g} m above ground"
        problems.append(Problem(what, f"give metres above ground (not sea level), up to {MAST_MAX_M:g}"))
    return problems


def path_profile(terrain: Terrain, a: End, b: End, step_m: float | None = None) -> tuple[Raster, Profile]:
    """Return the raster around a path and its profile; at least 16 pieces, else the grid's own step.

    Raises :class:`InputError` where the terrain does not cover the path.
    """
    raster = terrain.window(
        min(a.lon_deg, b.lon_deg) - WINDOW_PAD_DEG,
        min(a.lat_deg, b.lat_deg) - WINDOW_PAD_DEG,
        max(a.lon_deg, b.lon_deg) + WINDOW_PAD_DEG,
        max(a.lat_deg, b.lat_deg) + WINDOW_PAD_DEG,
    )
    _, length_m = inverse_geodesic(a.lon_deg, a.lat_deg, b.lon_deg, b.lat_deg)
    step = min(raster.spacing_m if step_m is None else step_m, max(length_m, 1.0) / MIN_POINTS)
    return raster, raster.profile(a.lon_deg, a.lat_deg, b.lon_deg, b.lat_deg, step)


def _clutter(clutter: Raster | float, a: End, b: End, distance_km: FloatArray) -> FloatArray:
    """Return clutter heights along a path, m; points without a value have none."""
    if not isinstance(clutter, Raster):
        if not 0.0 <= clutter <= CLUTTER_MAX_M:
            cure = f"give metres above ground, 0 to {CLUTTER_MAX_M:g}"
            raise InputError(Problem(f"clutter of {clutter} m", cure, column="clutter"))
        return np.full(distance_km.size, float(clutter))
    azimuth_deg, _ = inverse_geodesic(a.lon_deg, a.lat_deg, b.lon_deg, b.lat_deg)
    lon, lat = direct_geodesic(a.lon_deg, a.lat_deg, azimuth_deg, 1000.0 * distance_km)
    return np.nan_to_num(clutter.sample(lon, lat, is_nearest=True), nan=0.0)


def _point(end: str | tuple[float, ...]) -> End:
    """Return an end given as longitude, latitude and, where known, height; anything else raises InputError."""
    try:
        lon, lat, *height = (float(value) for value in end)
    except (TypeError, ValueError):
        lon, lat, height = np.nan, np.nan, [np.nan] * 2
    if len(height) > 1:
        cure = "give longitude, latitude in degrees and the antenna's metres above ground"
        raise InputError(Problem(f"{end!r} is no end of a hop", cure))
    return End(lon, lat, *height) if height else End(lon, lat, NETWORK_MAST_M)


def _network_end(network: Network, end: str | tuple[float, ...]) -> End:
    """Return an end given as a node or as coordinates; raises :class:`InputError` for a node without a place."""
    if not isinstance(end, str):
        return _point(end)
    node = network.node(end)
    if network.node_lon_deg is None or network.node_lat_deg is None:
        raise InputError(Problem(f"node {end!r} has no coordinates", "give the network's nodes longitude and latitude"))
    return End(float(network.node_lon_deg[node]), float(network.node_lat_deg[node]), NETWORK_MAST_M)


def _ends(where: Terrain | Network | None, a: str | tuple[float, ...], b: str | tuple[float, ...]) -> tuple[End, End]:
    """Return both ends, checked together."""
    if isinstance(where, Network):
        ends = _network_end(where, a), _network_end(where, b)
    elif isinstance(a, str) or isinstance(b, str):
        raise InputError(Problem("an end is named, but no network was given", "give longitude, latitude and height"))
    else:
        ends = _point(a), _point(b)
    problems = [problem for end, name in zip(ends, "ab", strict=True) for problem in _end_problems(end, name)]
    if ends[0][:2] == ends[1][:2]:
        problems.append(Problem("the two ends of the hop are one point", "give two points that lie apart"))
    raise_if_any(problems)
    return ends


def _ground_terms(ground: _Ground, rules: str) -> list[Term]:
    """Return the rows of the clearance at two k factors; none without terrain."""
    rows: list[Term] = []
    low_k = float(low_k_ratio(ground.length_km))
    low_share = low_clearance_ratio(ground.length_km, rules)
    for worst, k, share in (
        (ground.median, MEDIAN_K_RATIO, MEDIAN_CLEARANCE_RATIO),
        (ground.low, low_k, low_share),
    ):
        if worst is None:
            continue
        at = f"k = {k:.3f}"
        rows += [
            Term(f"worst clearance, {at}", "", float(worst.clearance_m[0]), "m", "P.530-18 section 2.2.2.1"),
            Term(f"first Fresnel radius there, {at}", "", float(worst.fresnel_m[0]), "m", "P.530-18 eq. 3"),
            Term(f"distance from a, {at}", "", float(worst.at_km[0]), "km", "least clearance over Fresnel radius"),
            Term(f"clearance over Fresnel radius, {at}", "", float(worst.ratio[0]), "1", f"rule: at least {share:g}"),
        ]
    if ground.median is not None:
        rows.append(Term("both masts lack", "", ground.raise_m, "m", f"clearance rules, {rules}"))
    return rows


class _Ground(NamedTuple):
    """The terrain's part of a budget."""

    distance_km: FloatArray
    ground_m: FloatArray
    top_m: FloatArray
    length_km: float
    mean_m: float
    height_m: tuple[float, float]
    median: Clearance | None
    low: Clearance | None
    raise_m: float
    is_coarse: bool
    source: str


def _bare(a: End, b: End) -> _Ground:
    """Return the part of a path whose terrain is unknown."""
    none = np.empty(0)
    length = float(great_circle_km(a.lon_deg, a.lat_deg, b.lon_deg, b.lat_deg))
    heights = a.antenna_m, b.antenna_m
    source = "no terrain: the path is taken as clear, over ground at sea level"
    return _Ground(none, none, none, length, 0.0, heights, None, None, 0.0, is_coarse=True, source=source)


def _over(
    terrain: Terrain, a: End, b: End, f: float, *, rules: str, clutter: Raster | float, step_m: float | None
) -> _Ground:
    """Return profile and clearances over terrain."""
    raster, profile = path_profile(terrain, a, b, step_m)
    distance, ground = profile.distance_km, profile.height_m
    top = ground + _clutter(clutter, a, b, distance)
    length = float(distance[-1])
    heights = float(ground[0]) + a.antenna_m, float(ground[-1]) + b.antenna_m
    median, low = (
        worst_clearance(distance, top, *heights, frequency_ghz=f, k_ratio=k)
        for k in (MEDIAN_K_RATIO, float(low_k_ratio(length)))
    )
    lack = raise_needed_m(distance, top, *heights, frequency_ghz=f, climate=rules)
    mean = float(ground.mean())
    return _Ground(distance, ground, top, length, mean, heights, median, low, lack, raster.is_coarse, raster.source)


def link_budget(
    terrain: Terrain | Network | None,
    a: str | tuple[float, ...],
    b: str | tuple[float, ...],
    radio: Radio,
    antenna: Antenna,
    *,
    antenna_b: Antenna | None = None,
    climate: Climate | None = None,
    frequency_ghz: float | None = None,
    clutter: Raster | float = 0.0,
    step_m: float | None = None,
    **hop: float,
) -> LinkBudget:
    """Return the budget of one hop with every term (ITU-R P.530-18).

    ``a`` and ``b`` are longitude, latitude and antenna height above ground (30 m where left out); over a
    :class:`Network` they may be nodes (30 m masts).  Without terrain, or over a network, the path counts as clear over
    ground at sea level and the terms say nothing of clearance.  ``frequency_ghz`` replaces the radio's own.
    ``clutter`` is a height or a raster of heights.  ``hop`` sets ``loss_db`` (1), ``degradation_db``, ``tilt_deg``,
    ``spacing_m``, ``frequency_step_ghz``.
    Raises :class:`InputError` for ends, terrain or figures out of range, with the cure.
    """
    weather = Climate() if climate is None else climate
    ends = _ends(terrain, a, b)
    f = radio.frequency_ghz if frequency_ghz is None else frequency_ghz
    if terrain is None or isinstance(terrain, Network):
        ground = _bare(*ends)
    else:
        ground = _over(terrain, *ends, f, rules=weather.rules, clutter=clutter, step_m=step_m)
    found = budgets(_hop(ground, ends, (antenna, antenna_b or antenna), f=f, weather=weather, extra=hop), radio)
    return LinkBudget(
        a=ends[0],
        b=ends[1],
        terms=budget_terms(found, 0, _ground_terms(ground, weather.rules)),
        budgets=found,
        distance_km=ground.distance_km,
        ground_m=ground.ground_m,
        top_m=ground.top_m,
        median=ground.median,
        low=ground.low,
        low_k_ratio=float(low_k_ratio(ground.length_km)),
        raise_m=ground.raise_m,
        is_coarse=ground.is_coarse,
        source=ground.source,
    )


def _hop(
    ground: _Ground,
    ends: tuple[End, End],
    dishes: tuple[Antenna, Antenna],
    *,
    f: float,
    weather: Climate,
    extra: dict[str, float],
) -> Hops:
    """Return the one hop that a profile, dishes and the weather make."""
    median, low = (
        0.0 if worst is None else float(diffraction_db(worst.ratio)[0]) for worst in (ground.median, ground.low)
    )
    return make_hops(
        **{
            "length_km": ground.length_km,
            "frequency_ghz": f,
            "antenna_a_m": ground.height_m[0],
            "antenna_b_m": ground.height_m[1],
            "terrain_m": ground.mean_m,
            "lat_deg": 0.5 * (ends[0].lat_deg + ends[1].lat_deg),
            "gain_a_dbi": dishes[0].gain_dbi(f),
            "gain_b_dbi": dishes[1].gain_dbi(f),
            "antenna_xpd_db": min(dish.xpd_db for dish in dishes),
            "rain_rate_mm_h": weather.rain_rate_mm_h,
            "geoclimatic": weather.factor,
            "refractivity_n_units": weather.refractivity_n_units,
            "diffraction_median_db": median,
            "diffraction_low_db": low,
            "loss_db": LOSS_DB,
        }
        | extra
    )
