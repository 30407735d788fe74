"""Three published claims about a hub with interference cancellation, tested together against one baseline.

The claims speak of spectral efficiency (+50 %), capacity (twice) and interference (100 % less).  The baseline of a
test is fixed before anything is computed: the same links, antennas, powers and spectrum, without cancellation, either
planned as well as can be or by a stated rule of angles.  Nothing is tuned to reach a claim.

At equal spectrum, efficiency and capacity are one ratio, so twice the capacity asks for +100 % efficiency; capacity
that nobody asks for is not carried, so it also asks for a load.  A finite cancellation leaves a residual: interference
is never exactly 100 % less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.kernels import hub as kernel
from rahdari.kernels import hub_plan as planner
from rahdari.methods.hub import check_cancellation, interference_ratios, solve
from rahdari.methods.hub_input import DEFAULTS, HubRules, as_table, hub_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rahdari.methods.antenna import AntennaPattern
    from rahdari.methods.hub import Solved
    from rahdari.methods.hub_input import HubLinks

    FloatArray = NDArray[np.float64]

EFFICIENCY_CLAIM_RATIO = 1.5  # +50 %
CAPACITY_CLAIM_RATIO = 2.0
INTERFERENCE_CLAIM_FRAC = 1.0  # 100 % less
ROUNDED_FRAC = 0.995  # prints as 100 % without decimals
PLANNED = "planned without cancellation"
ROUNDING = 1e-12  # a ratio equal to a claim meets it


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a hub is compared with: planned as well as can be, or links closer than ``angle_deg`` kept apart."""

    angle_deg: float | None = None

    @property
    def name(self) -> str:
        """Return the baseline in words.

        >>> Baseline(60.0).name
        'links closer than 60 degrees on different channels'
        """
        if self.angle_deg is None:
            return PLANNED
        return f"links closer than {self.angle_deg:g} degrees on different channels"


#: The best plan without cancellation, a rule of better antennas, and two rules of cautious planners.
BASELINES = (Baseline(), Baseline(32.0), Baseline(60.0), Baseline(90.0))
CANCELLATIONS_DB = (10.0, 15.0, 20.0, 30.0)  # published figures are 10 to 20
LOADS_RATIO = (0.5, 1.0, 2.0, 4.0)
ANTENNAS_RATIO = (1.0, 2.0)  # times the diameter given


def _carried(links: HubLinks, plan: Solved, asked: FloatArray, rules: HubRules) -> FloatArray:
    """Return (hubs,) bits per second and hertz carried, of each link no more than it is asked for."""
    efficiency = np.append(np.array([scheme.bps_per_hz for scheme in rules.modulations]), 0.0)
    width = 1.0 / np.repeat(plan.hub[:, planner.N_CHANNELS], np.diff(links.start))
    rate = efficiency[plan.link[1].astype(np.int64)] * links.fields[kernel.STREAMS] * width
    return np.asarray(np.add.reduceat(np.minimum(rate, asked), links.start[:-1]))


def _asked(links: HubLinks, base: Solved, load_ratio: float) -> FloatArray:
    """Return (n,) traffic of each link: an equal share of ``load_ratio`` times what its hub carries at the baseline."""
    n = np.diff(links.start)
    return np.repeat(load_ratio * base.hub[:, planner.RATE] / n, n)


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    """Return the quotient; where the baseline carries nothing, infinity if anything is carried now, else 1."""
    nothing = np.where(above > 0.0, np.inf, 1.0)
    return np.where(below > 0.0, above / np.where(below > 0.0, below, 1.0), nothing)


def _verdict(
    links: HubLinks, base: Solved, plan: Solved, loads: Sequence[float], rules: HubRules
) -> list[dict[str, float | int]]:
    left, raw = interference_ratios(links, plan)
    before, _ = interference_ratios(links, base)
    removed = np.where(raw > 0.0, 1.0 - left / np.where(raw > 0.0, raw, 1.0), 0.0)
    efficiency = _ratio(plan.hub[:, planner.RATE], base.hub[:, planner.RATE])
    rows: list[dict[str, float | int]] = []
    for load in loads:
        asked = _asked(links, base, load)
        capacity = _ratio(_carried(links, plan, asked, rules), _carried(links, base, asked, rules))
        is_efficient = efficiency >= EFFICIENCY_CLAIM_RATIO - ROUNDING
        is_double = capacity >= CAPACITY_CLAIM_RATIO - ROUNDING
        is_clean, is_rounded = removed >= INTERFERENCE_CLAIM_FRAC, removed >= ROUNDED_FRAC
        rows.append(
            {
                "load_ratio": load,
                "n_hubs": int(removed.size),
                "median_efficiency_gain_ratio": float(np.median(efficiency)),
                "median_capacity_gain_ratio": float(np.median(capacity)),
                "least_residual_frac": float(1.0 - removed.max()),
                "more_interference_frac": float((left > before).mean()),
                "efficiency_holds_frac": float(is_efficient.mean()),
                "capacity_holds_frac": float(is_double.mean()),
                "interference_holds_frac": float(is_clean.mean()),
                "interference_rounded_holds_frac": float(is_rounded.mean()),
                "all_hold_frac": float((is_efficient & is_double & is_clean).mean()),
                "all_rounded_hold_frac": float((is_efficient & is_double & is_rounded).mean()),
            }
        )
    return rows


def _larger(hub_links: pl.DataFrame, ratio: float) -> pl.DataFrame:
    """Return the links with both dishes ``ratio`` times as wide; links on vendors' patterns keep the hub's."""
    names = ("diameter_m", "far_diameter_m")
    filled = [pl.lit(DEFAULTS[name]).alias(name) for name in names if name not in hub_links.columns]
    return hub_links.with_columns(filled).with_columns(pl.col(names).fill_null(DEFAULTS["diameter_m"]) * ratio)


def hub_claims(
    hub_links: pl.DataFrame,
    rules: HubRules | None = None,
    patterns: Mapping[str, AntennaPattern] | None = None,
    *,
    baselines: Sequence[Baseline] = BASELINES,
    cancellations_db: Sequence[float] = CANCELLATIONS_DB,
    antennas_ratio: Sequence[float] = ANTENNAS_RATIO,
    loads_ratio: Sequence[float] = LOADS_RATIO,
) -> pl.DataFrame:
    """Return how often three claims hold over hubs, alone and together: a row a baseline, antenna, figure and load.

    ``antenna_ratio`` multiplies the dishes on both sides of the comparison; ``load_ratio`` is the traffic asked, in
    equal shares of a hub's links, over what the hub carries at the baseline.  ``all_hold_frac`` is the share of hubs
    where efficiency (without a limit of load), carried capacity and interference meet their claims at once, and
    ``all_rounded_hold_frac`` the same with 99.5 % less interference taken as 100 %.  ``interference_*`` compares a
    plan's co-channel power with what it would be without cancelling; ``more_interference_frac`` counts hubs that
    nonetheless bear more than at the baseline, because they spend the gain on sharing channels.  Over a rule of angles,
    ``median_gain_by_planning_alone_ratio`` is what exact planning gives without any cancellation.
    """
    rules = HubRules() if rules is None else rules
    hub_links = as_table(hub_links)
    for cancellation_db in cancellations_db:
        check_cancellation(cancellation_db)
    bad = [load for load in loads_ratio if not (np.isfinite(load) and load > 0.0)]
    if bad:
        raise InputError([Problem(f"a load of {load}", "give a ratio above 0", column="loads_ratio") for load in bad])
    rows: list[dict[str, float | int | str]] = []
    for antenna in antennas_ratio:
        links = hub_arrays(_larger(hub_links, antenna), rules, patterns or {})
        plain = solve(links, rules, 0.0)
        plans = {
            figure: solve(links, rules, figure, given=plain.link[0].astype(np.int64)) for figure in cancellations_db
        }
        for baseline in baselines:
            base = plain if baseline.angle_deg is None else solve(links, rules, 0.0, angle_deg=baseline.angle_deg)
            for figure, plan in plans.items():
                key: dict[str, float | int | str] = {
                    "baseline": baseline.name,
                    "antenna_ratio": antenna,
                    "cancellation_db": figure,
                }
                by_planning = _ratio(plain.hub[:, planner.RATE], base.hub[:, planner.RATE])
                key["median_gain_by_planning_alone_ratio"] = float(np.median(by_planning))
                rows += [{**key, **verdict} for verdict in _verdict(links, base, plan, loads_ratio, rules)]
    return pl.DataFrame(rows)
