"""Cells of a mobile network: rate by signal, load that disturbs its neighbours, rate of a user, energy.

A cell's load is the share of its resources that its traffic takes.  Loaded neighbours disturb, so rates and loads hang
on each other; :func:`coupled_loads` solves for all cells at once and proves how near it is.
Sources: 3GPP TR 36.942 annex A (rate by signal); Siomina and Yuan, IEEE Transactions on Wireless Communications 11,
2012 (loads as a standard interference function, after Yates 1995); G. Auer and others, IEEE Wireless Communications 18,
2011 (power by load); sleep states in the manner of 3GPP TR 38.864.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from scipy.sparse import csr_array

    FloatArray = NDArray[np.float64]

TOLERANCE = 1e-9  # width of the interval in which every load is proven to lie
MOST_ROUNDS = 10_000
HOURS_PER_DAY = 24
WATT_PER_KILOWATT = 1000.0
MEGABITS_PER_GIGABYTE = 8000.0
SECONDS_PER_HOUR = 3600.0
#: Traffic of each hour over that of the busiest, from midnight: usual form of mobile data, assumed.
DAY_SHAPE = (0.55, 0.38, 0.26, 0.2, 0.18, 0.2, 0.28, 0.4, 0.52, 0.6, 0.65, 0.7,
             0.74, 0.76, 0.76, 0.77, 0.79, 0.82, 0.86, 0.92, 0.98, 1.0, 0.92, 0.75)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TechnologyCard:
    """One generation at one site: what it carries by signal, and what it draws by load, sleep included.

    ``layers_ratio`` is the rate of its antennas over one layer; ``downlink_frac`` the downlink's share of the band
    (1 where paired).  Power in watts for all sectors: without traffic, added at full load, and in each sleep state.
    """

    technology_id: str
    frequency_ghz: float
    bandwidth_mhz: float
    downlink_frac: float
    layers_ratio: float
    attenuation_ratio: float
    max_bps_per_hz: float
    n_sectors: int
    idle_w: float
    full_load_added_w: float
    micro_sleep_w: float
    light_sleep_w: float
    deep_sleep_w: float

    @property
    def carrier_mhz(self) -> float:
        """Return downlink bandwidth times layers of all sectors."""
        return self.bandwidth_mhz * self.downlink_frac * self.layers_ratio * self.n_sectors


@dataclass(frozen=True, slots=True, eq=False)
class CoupledLoads:
    """Loads (n,), between proven bounds (n,); signal over noise and interference; what each cell could carry, Mbit/s.

    A load of 1 with more asked than carried is overload: ``served_mbps`` is then below the demand.
    """

    load_frac: FloatArray
    lowest_frac: FloatArray
    highest_frac: FloatArray
    sinr_db: FloatArray
    capacity_mbps: FloatArray
    served_mbps: FloatArray
    n_rounds: int

    @property
    def gap_frac(self) -> float:
        """Return the widest interval in which a load is proven to lie."""
        return float((self.highest_frac - self.lowest_frac).max(initial=0.0))


def efficiency_bps_per_hz(sinr_ratio: ArrayLike, card: TechnologyCard) -> FloatArray:
    """Return Shannon's bound attenuated and capped, for one layer (TR 36.942 annex A.1); ``sinr_ratio`` no decibels.

    No lowest signal cuts it off, so that loads depend on it without a jump.
    """
    bound = card.attenuation_ratio * np.log2(1.0 + np.asarray(sinr_ratio, np.float64))
    return np.asarray(np.minimum(bound, card.max_bps_per_hz))


def capacity_mbps(sinr_ratio: ArrayLike, card: TechnologyCard) -> FloatArray:
    """Return what a whole site carries at a signal, Mbit/s."""
    return efficiency_bps_per_hz(sinr_ratio, card) * card.carrier_mhz


def _checked(demand_mbps: FloatArray, noise_ratio: FloatArray, coupling: csr_array, damping: float) -> None:
    problems = []
    n = demand_mbps.size
    if noise_ratio.shape != (n,) or coupling.shape != (n, n):
        what = f"{n} demands, {noise_ratio.size} noises, a coupling of {coupling.shape}"
        problems.append(Problem(what, "give one of each a cell"))
    if not (np.isfinite(demand_mbps).all() and (demand_mbps >= 0.0).all()):
        problems.append(Problem("a demand is missing or below 0", "give Mbit/s of 0 or more", column="demand_mbps"))
    if not (np.isfinite(noise_ratio).all() and (noise_ratio > 0.0).all()):
        problems.append(Problem("a noise ratio is not above 0", "give noise over signal", column="noise_ratio"))
    if coupling.nnz and not (np.isfinite(coupling.data).all() and (coupling.data >= 0.0).all()):
        problems.append(Problem("a coupling is missing or below 0", "give interference over signal at full load"))
    if not 0.0 < damping <= 1.0:
        problems.append(Problem(f"a damping of {damping}", "give a share above 0, up to 1"))
    raise_if_any(problems)


def coupled_loads(
    demand_mbps: ArrayLike,
    noise_ratio: ArrayLike,
    coupling: csr_array,
    card: TechnologyCard,
    *,
    damping: float = 1.0,
    tolerance: float = TOLERANCE,
    most_rounds: int = MOST_ROUNDS,
) -> CoupledLoads:
    """Return the load of every cell under the interference that all loads together make.

    ``noise_ratio`` (n,) is noise over signal at the cell's typical user; ``coupling`` (n, n), sparse, interference of
    column's cell at full load over signal in row's.  Two iterations run side by side: from empty cells loads only rise,
    from full cells they only fall, so every solution lies between them; noise above zero makes it the only one (Yates
    1995).  They stop when no interval is wider than ``tolerance``; the answer is their middle.  Too many rounds raise
    :class:`InputError`.  ``damping`` below 1 slows both and keeps their order.
    """
    demand, noise = np.asarray(demand_mbps, np.float64), np.asarray(noise_ratio, np.float64)
    _checked(demand, noise, coupling, damping)

    def asked(load: FloatArray) -> FloatArray:
        capacity = capacity_mbps(1.0 / (noise + coupling @ load), card)
        return np.minimum(demand / capacity, 1.0)

    low, high, n_rounds = np.zeros(demand.size), np.ones(demand.size), 0
    while demand.size and float((high - low).max()) > tolerance:
        if n_rounds == most_rounds:
            cure = "allow more rounds or a wider tolerance"
            raise InputError(Problem(f"loads lie within {float((high - low).max()):.2g} after {n_rounds} rounds", cure))
        low = np.maximum(low + damping * (asked(low) - low), low)
        high = np.minimum(high + damping * (asked(high) - high), high)
        n_rounds += 1
    low, high = np.minimum(low, high), np.maximum(low, high)  # rounding may cross them by the last digit
    load = np.clip(0.5 * (low + high), low, high)
    sinr = 1.0 / (noise + coupling @ load)
    capacity = capacity_mbps(sinr, card)
    return CoupledLoads(load, low, high, 10.0 * np.log10(sinr), capacity, np.minimum(demand, capacity), n_rounds)


def user_rate_mbps(capacity: ArrayLike, load_frac: ArrayLike) -> FloatArray:
    """Return the mean rate of a user while downloading, under processor sharing: capacity times what is free.

    A full cell gives 0: its queue grows without end.

    >>> user_rate_mbps(100.0, [0.0, 0.5, 1.0]).tolist()
    [100.0, 50.0, 0.0]
    """
    return np.asarray(np.asarray(capacity, np.float64) * np.clip(1.0 - np.asarray(load_frac, np.float64), 0.0, 1.0))


def cells_needed_count(demand_mbps: ArrayLike, capacity: ArrayLike, rate_mbps: float, load_frac: float) -> FloatArray:
    """Return how many equal cells keep the load and the user's rate at once; shapes broadcast.

    Infinity where even an empty cell is slower than ``rate_mbps``.

    >>> cells_needed_count([300.0, 10.0], 100.0, 40.0, 0.7).tolist()
    [5.0, 1.0]
    """
    each, demand = np.asarray(capacity, np.float64), np.asarray(demand_mbps, np.float64)
    allowed = np.minimum(load_frac, 1.0 - rate_mbps / np.maximum(each, 1e-12))
    count = np.ceil(np.round(demand / np.maximum(each * allowed, 1e-12), 9))
    return np.asarray(np.where(allowed > 0.0, np.maximum(count, 1.0), np.inf))


def power_w(
    card: TechnologyCard, load_frac: ArrayLike, asleep_frac: ArrayLike = 0.0, state: str = "micro"
) -> FloatArray:
    """Return a site's mean power, W: idle and added power by load, and a share of idle time in a sleep state.

    ``asleep_frac`` is the share of time without traffic spent in ``state``: ``micro``, ``light`` or ``deep``.
    """
    asleep_w = {"micro": card.micro_sleep_w, "light": card.light_sleep_w, "deep": card.deep_sleep_w}
    if state not in asleep_w:
        raise InputError(Problem(f"'{state}' is no sleep state", f"use one of {', '.join(asleep_w)}"))
    load = np.clip(np.asarray(load_frac, np.float64), 0.0, 1.0)
    saved = (1.0 - load) * np.asarray(asleep_frac, np.float64) * (card.idle_w - asleep_w[state])
    return np.asarray(card.idle_w + load * card.full_load_added_w - saved)


def energy_kwh_per_day(
    card: TechnologyCard, busy_load_frac: ArrayLike, asleep_frac: ArrayLike = 0.0, state: str = "micro"
) -> FloatArray:
    """Return (…, 24) energy of each hour, kWh, for a site with a load in the busiest hour; shapes broadcast."""
    load = np.asarray(busy_load_frac, np.float64)[..., None] * np.array(DAY_SHAPE)
    return power_w(card, load, np.asarray(asleep_frac, np.float64)[..., None], state) / WATT_PER_KILOWATT


def traffic_gb_per_day(busy_mbps: ArrayLike) -> FloatArray:
    """Return gigabytes of a day whose busiest hour carries ``busy_mbps``.

    >>> float(traffic_gb_per_day(100.0).round(1))
    674.6
    """
    hourly = np.asarray(busy_mbps, np.float64) * SECONDS_PER_HOUR / MEGABITS_PER_GIGABYTE
    return np.asarray(hourly * sum(DAY_SHAPE))
