"""How available a route is alone and with its second way, risk groups included: exact where ways share no arc.

A way is up while none of its own cuts and none of the groups that strike it is down.  Cuts and groups are independent
alternating renewals, so that a way's availability is a product, and so is that of both ways together, in which a shared
group counts once: P(either) = P(first) + P(second) - P(first) P(second) / P(no shared group down).  Traffic stays on
one way from end to end: where the ways cross, changing over would only raise it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.methods.availability import fibre_availability_frac

if TYPE_CHECKING:
    from rahdari.engines.backbone.params import BackboneParams
    from rahdari.engines.backbone.risks import FoundRisks
    from rahdari.methods.risk import Level
    from rahdari.methods.routing import IntArray


@dataclass(frozen=True, slots=True)
class PairUp:
    """Shares of time: each way up, both groups' products, and either way up."""

    risk_up: tuple[float, float, float]
    way_up: tuple[float, float]
    either: float


def rate_at(params: BackboneParams, level: Level) -> float:
    """Return the cuts in a year and 1,000 km at a level of rates."""
    return {
        "central": params.cuts_per_1000_km_per_year,
        "low": params.cuts_low_per_1000_km_per_year,
        "high": params.cuts_high_per_1000_km_per_year,
    }[level]


def common_cause_at(params: BackboneParams, level: Level) -> float:
    """Return the common-cause share at a level of rates."""
    return {
        "central": params.common_cause_frac,
        "low": params.common_cause_low_frac,
        "high": params.common_cause_high_frac,
    }[level]


def way_up_frac(
    fibre_km: float, groups: IntArray, risks: FoundRisks, params: BackboneParams, level: Level = "central"
) -> float:
    """Return the share of time in which a way of some length, struck by some groups, is up."""
    whole = float(fibre_availability_frac(fibre_km, rate_at(params, level), params.repair_h))
    return whole * risks.up(groups, level)


def pair_up(
    fibre_km: tuple[float, float],
    ways: tuple[IntArray, IntArray],
    risks: FoundRisks,
    params: BackboneParams,
    level: Level = "central",
) -> PairUp:
    """Return how available two ways that share no right of way are, alone and together.

    The common-cause share, of the geometric mean of both times down, stands for what no risk group tells.
    """
    groups = tuple(risks.striking(way) for way in ways)
    shared = np.intersect1d(groups[0], groups[1])
    first, second = (way_up_frac(km, own, risks, params, level) for km, own in zip(fibre_km, groups, strict=True))
    shared_up = risks.up(shared, level)
    rest = common_cause_at(params, level) * math.sqrt((1.0 - first) * (1.0 - second))
    either = (first + second - first * second / shared_up) * (1.0 - rest)
    return PairUp((risks.up(groups[0], level), risks.up(groups[1], level), shared_up), (first, second), either)
