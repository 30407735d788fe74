"""Two published claims about 5G in cities, +150 % user experience and -15 % energy, tested together.

The baseline is fixed before anything is computed: spectrum, sites, busy-hour load and traffic of 4G.  Then 5G comes to
the same sites.  What is not known is drawn at random within stated ranges, and the share of draws in which both claims
hold is the answer, with the ranges in which they do.  The claims are never inputs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from rahdari.errors import Problem, raise_if_any
from rahdari.methods.cells import capacity_mbps, energy_kwh_per_day, traffic_gb_per_day, user_rate_mbps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.cells import TechnologyCard

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

EXPERIENCE_CLAIM_RATIO = 2.5  # +150 %
ENERGY_CLAIM_RATIO = 0.85  # -15 %
N_DRAWS = 20_000
N_BINS = 4
Mode = Literal["added", "replaced"]


@dataclass(frozen=True, slots=True)
class Spread:
    """A range within which every value is as likely."""

    low: float
    high: float

    def draw(self, random: np.random.Generator, n_draws: int) -> FloatArray:
        """Return (n_draws,) values."""
        return random.uniform(self.low, self.high, n_draws)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a city's site is before 5G, and what the traffic does after; fixed before the test.

    ``sinr_db`` is the typical user's signal over noise and interference at the baseline's load; signal of 5G differs
    from it by a draw.  ``traffic_growth_ratio`` is traffic after over before: 1 compares equal traffic.  Sleep is in
    ``sleep_state``.
    """

    sinr_db: float = 8.0
    load_frac: Spread = Spread(0.3, 0.8)
    traffic_growth_ratio: float = 1.0
    sleep_state: str = "light"


@dataclass(frozen=True, slots=True)
class Unknowns:
    """Ranges of what decides the outcome; each is an assumption stated here and may be replaced."""

    device_frac: Spread = Spread(0.1, 0.6)  # users with 5G devices where 5G comes
    bandwidth_ratio: Spread = Spread(0.5, 1.2)  # over the card's, as operators won 50 to 120 MHz
    sinr_change_db: Spread = Spread(-3.0, 3.0)
    power_ratio: Spread = Spread(0.8, 1.2)  # of all of 5G's power
    asleep_frac: Spread = Spread(0.0, 0.6)  # idle time of 5G asleep
    asleep_before_frac: Spread = Spread(0.0, 0.2)  # of 4G, before and after


@dataclass(frozen=True, slots=True, eq=False)
class ClaimTest:
    """``summary``: one row a kind of introduction and figure; ``conditions``: shares by quarter of each unknown."""

    summary: pl.DataFrame
    conditions: pl.DataFrame


def _outcome(
    cards: tuple[TechnologyCard, TechnologyCard], base: Baseline, drawn: dict[str, FloatArray], mode: Mode
) -> dict[str, FloatArray]:
    """Return experience after over before, energy after over before, and the same per gigabyte, (draws,) each."""
    before, after = cards
    sinr = 10.0 ** (base.sinr_db / 10.0)
    old_mbps = float(capacity_mbps(sinr, before))
    asked = drawn["load_frac"] * old_mbps
    new_mbps = capacity_mbps(sinr * 10.0 ** (drawn["sinr_change_db"] / 10.0), after) * drawn["bandwidth_ratio"]
    grown = asked * base.traffic_growth_ratio
    devices = drawn["device_frac"] if mode == "added" else np.ones_like(asked)
    new_load = np.minimum(devices * grown / new_mbps, 1.0)
    old_load = np.minimum((1.0 - devices) * grown / old_mbps, 1.0)
    rate_before = user_rate_mbps(old_mbps, drawn["load_frac"])
    rate_after = devices * user_rate_mbps(new_mbps, new_load) + (1.0 - devices) * user_rate_mbps(old_mbps, old_load)
    old_asleep = drawn["asleep_before_frac"]
    kwh_before = energy_kwh_per_day(before, drawn["load_frac"], old_asleep, base.sleep_state).sum(axis=-1)
    kwh_new = energy_kwh_per_day(after, new_load, drawn["asleep_frac"], base.sleep_state).sum(axis=-1)
    kwh_new = kwh_new * drawn["power_ratio"]
    kwh_old = energy_kwh_per_day(before, old_load, old_asleep, base.sleep_state).sum(axis=-1)
    kwh_old = kwh_old if mode == "added" else np.zeros_like(kwh_old)
    carried = devices * grown * np.minimum(new_mbps / np.maximum(devices * grown, 1e-12), 1.0)
    carried += np.minimum((1.0 - devices) * grown, old_mbps)
    energy = (kwh_new + kwh_old) / kwh_before
    per_gb = energy * traffic_gb_per_day(asked) / np.maximum(traffic_gb_per_day(carried), 1e-12)
    return {"experience_ratio": rate_after / rate_before, "energy_ratio": energy, "energy_per_gb_ratio": per_gb}


def _summary(outcome: dict[str, FloatArray], mode: Mode) -> dict[str, float | str]:
    fast = outcome["experience_ratio"] >= EXPERIENCE_CLAIM_RATIO
    saves = outcome["energy_ratio"] <= ENERGY_CLAIM_RATIO
    saves_per_gb = outcome["energy_per_gb_ratio"] <= ENERGY_CLAIM_RATIO
    row: dict[str, float | str] = {"mode": mode}
    for name, values in outcome.items():
        for label, share in (("low", 0.1), ("median", 0.5), ("high", 0.9)):
            row[f"{label}_{name}"] = float(np.quantile(values, share))
    return row | {
        "experience_holds_frac": float(fast.mean()),
        "energy_holds_frac": float(saves.mean()),
        "energy_per_gb_holds_frac": float(saves_per_gb.mean()),
        "both_hold_frac": float((fast & saves).mean()),
        "both_hold_per_gb_frac": float((fast & saves_per_gb).mean()),
    }


def _conditions(drawn: dict[str, FloatArray], outcome: dict[str, FloatArray], mode: Mode) -> list[dict[str, object]]:
    """Return how often both hold within each quarter of each unknown's range."""
    both = (outcome["experience_ratio"] >= EXPERIENCE_CLAIM_RATIO) & (outcome["energy_ratio"] <= ENERGY_CLAIM_RATIO)
    rows: list[dict[str, object]] = []
    for name, values in drawn.items():
        edge = np.linspace(values.min(), values.max(), N_BINS + 1)
        place = np.clip(np.searchsorted(edge, values, side="right") - 1, 0, N_BINS - 1)
        for k in range(N_BINS):
            here = place == k
            rows.append(
                {
                    "mode": mode,
                    "unknown": name,
                    "value_from": float(edge[k]),
                    "value_to": float(edge[k + 1]),
                    "n_draws": int(here.sum()),
                    "both_hold_frac": float(both[here].mean()) if here.any() else None,
                }
            )
    return rows


def city_claims(
    before: TechnologyCard,
    after: TechnologyCard,
    random: np.random.Generator,
    *,
    baseline: Baseline | None = None,
    unknowns: Unknowns | None = None,
    n_draws: int = N_DRAWS,
) -> ClaimTest:
    """Return how often +150 % experience and -15 % energy hold, alone and together, over ``n_draws`` draws.

    ``before`` serves all traffic of a site at the baseline.  ``after`` is added for users with devices, or replaces it
    for all: modes ``added`` and ``replaced``.  Experience is a user's mean rate under processor sharing, averaged over
    users; energy is a day's, absolute and per gigabyte carried.  ``random`` should be a Philox generator; the same
    draws serve both modes.
    """
    base, ranges = baseline or Baseline(), unknowns or Unknowns()
    spreads = {"load_frac": base.load_frac} | {name: getattr(ranges, name) for name in Unknowns.__slots__}
    problems = [
        Problem(f"{name} from {spread.low} to {spread.high}", "give finite numbers, the lower first", column=name)
        for name, spread in spreads.items()
        if not (np.isfinite([spread.low, spread.high]).all() and spread.low <= spread.high)
    ]
    if not (base.load_frac.low > 0.0 and base.load_frac.high < 1.0):
        problems.append(Problem("a baseline load outside 0 to 1", "give shares between them", column="load_frac"))
    if not (np.isfinite(base.traffic_growth_ratio) and base.traffic_growth_ratio > 0.0):
        problems.append(Problem("traffic after is not above 0", "give a ratio", column="traffic_growth_ratio"))
    raise_if_any(problems)
    drawn = {name: spread.draw(random, n_draws) for name, spread in spreads.items()}
    rows, conditions = [], []
    modes: tuple[Mode, ...] = ("added", "replaced")
    for mode in modes:
        outcome = _outcome((before, after), base, drawn, mode)
        rows.append(_summary(outcome, mode))
        conditions += _conditions(drawn, outcome, mode)
    return ClaimTest(pl.DataFrame(rows), pl.DataFrame(conditions))


def experience_needs_capacity_ratio(load_frac: float, experience_ratio: float = EXPERIENCE_CLAIM_RATIO) -> float:
    """Return how many times the capacity equal traffic needs for such an experience: g - (g - 1) rho.

    >>> [experience_needs_capacity_ratio(load) for load in (0.3, 0.5, 0.7)]
    [2.05, 1.75, 1.4500000000000002]
    """
    return experience_ratio - (experience_ratio - 1.0) * load_frac


def with_bandwidth(card: TechnologyCard, bandwidth_mhz: float) -> TechnologyCard:
    """Return the card with an operator's own holding."""
    return replace(card, bandwidth_mhz=bandwidth_mhz)
