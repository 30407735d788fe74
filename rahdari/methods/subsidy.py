"""The least subsidy at which a lot is worth building, for each km and person, beside the lots that were let.

The viability gap: an operator that asks for its cost of capital builds where the value of its own money is not below
zero.  The subsidy is paid with the first capital, in the years in which that is spent.  Without tax the gap has a
closed form; with tax the subsidy also lowers what may be written off, and the share is found by false position.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.methods.cash_flow import Funding, statement
from rahdari.methods.returns import npv_usd

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.cash_flow import Flows, Loan, Money

    FloatArray = NDArray[np.float64]

MOST_FRAC = 64.0  # of capital; a lot that asks for more never pays
ROUNDS = 60  # of the search; some eight are usual, as the value is piecewise linear in the subsidy
ENOUGH = 1e-8  # of the value of capital, within which the operator's money counts as worth nothing
LOT = re.compile(r"^usf_(fibre|mobile)_(.+)_subsidy_pkr$")
QUANTITY = {"fibre": "fibre_km", "mobile": "people"}  # what a lot of each kind is let by
LotKind = Literal["fibre", "mobile"]


@dataclass(frozen=True, slots=True, eq=False)
class Subsidy:
    """The least subsidy of each lot, (..., u).

    ``subsidy_frac`` of first capital, 0 where the lot pays by itself or builds nothing; ``subsidy_usd`` its sum in
    nominal dollars and ``value_usd`` its value in year 0; ``is_enough`` is false where even 64 times the capital would
    not do.  A share above 1 says that operation, too, must be paid for.
    """

    subsidy_frac: FloatArray
    subsidy_usd: FloatArray
    value_usd: FloatArray
    is_enough: NDArray[np.bool_]

    def per_unit(self, n_units: ArrayLike) -> FloatArray:
        """Return (..., u) the subsidy in year-0 value for each km or person; infinite where there are none."""
        units = np.asarray(n_units, np.float64)
        safe = np.where(units > 0.0, units, 1.0)
        return np.where(units > 0.0, self.value_usd / safe, np.where(self.value_usd > 0.0, np.inf, 0.0))


def viability_gap_usd(flows: ArrayLike, cost_of_capital: ArrayLike) -> FloatArray:
    """Return (...) what must be paid in year 0 for flows (..., y) to be worth nothing instead of less.

    >>> viability_gap_usd([-100.0, 55.0], 0.1).round(9).item(), viability_gap_usd([-100.0, 220.0], 0.1).item()
    (50.0, 0.0)
    """
    return np.maximum(0.0, -npv_usd(flows, cost_of_capital))


def minimum_subsidy(flows: Flows, revenue_usd: ArrayLike, money: Money, *, loan: Loan | None = None) -> Subsidy:
    """Return the least subsidy of each lot at which the operator's money is worth nothing at ``money``'s discount rate.

    The rate is the operator's cost of capital, real.  ``revenue_usd`` (..., u, y) at prices of year 0.  A loan lends
    its share of the capital that the subsidy leaves.
    """
    capital = money.value_usd(flows.capex_usd)

    def worth(share: FloatArray) -> FloatArray:
        return money.value_usd(statement(flows, revenue_usd, money, Funding(share, loan)).operator_usd)

    bare = worth(np.zeros(np.shape(capital)))
    is_built = np.broadcast_to(capital > 0.0, bare.shape)
    scale = np.where(is_built, capital, 1.0)
    is_short = (bare < -ENOUGH * scale) & is_built
    # The marginal unit of subsidy is taxed at most once.
    kept = 1.0 - money.tax_frac[..., None]
    high = np.where(is_short, np.minimum(-bare / (scale * kept), MOST_FRAC), 0.0)
    top = worth(high)
    while (is_low := is_short & (top < 0.0) & (high < MOST_FRAC)).any():
        high = np.where(is_low, np.minimum(2.0 * high, MOST_FRAC), high)
        top = worth(high)
    is_enough = ~is_short | (top >= 0.0)
    share = _crossing(worth, (np.zeros(bare.shape), bare), (high, top), is_short & is_enough, ENOUGH * scale)
    share = np.where(is_built & ~is_enough, MOST_FRAC, share)
    paid = share[..., None] * flows.capex_usd
    is_enough &= is_built | (bare >= 0.0)
    return Subsidy(share, paid.sum(axis=-1), money.value_usd(paid), is_enough)


def _crossing(
    worth: Callable[[FloatArray], FloatArray],
    low_end: tuple[FloatArray, FloatArray],
    high_end: tuple[FloatArray, FloatArray],
    wanted: NDArray[np.bool_],
    enough: FloatArray,
) -> FloatArray:
    """Return the share at which each wanted value crosses zero, by false position with halved ends (Illinois)."""
    (low, at_low), (high, at_high) = low_end, high_end
    share = np.where(wanted, high, 0.0)
    side = np.zeros(share.shape)
    for _ in range(ROUNDS):
        span = np.where(wanted, at_high - at_low, 1.0)
        share = np.where(wanted, (low * at_high - high * at_low) / np.where(span > 0.0, span, 1.0), share)
        value = worth(share)
        if (~wanted | (np.abs(value) <= enough)).all():
            break
        is_low = value < 0.0
        at_high = np.where(is_low, np.where(side < 0.0, 0.5 * at_high, at_high), value)
        at_low = np.where(is_low, value, np.where(side > 0.0, 0.5 * at_low, at_low))
        low, high = np.where(is_low, share, low), np.where(is_low, high, share)
        side = np.where(is_low, -1.0, 1.0)
    return share


def let_lots(facts: pl.DataFrame) -> pl.DataFrame:
    """Return the lots that a universal-service fund has let, out of a country's table ``facts``.

    Columns ``lot``, ``kind`` (fibre or mobile), ``period``, ``subsidy_pkr``, ``quantity_count`` (km or people),
    ``pkr_per_unit``, sorted by kind and lot.  A lot is a fact ``usf_<kind>_<lot>_subsidy_pkr`` with, beside it,
    ``_fibre_km`` or ``_people``.
    """
    value = dict(facts.select("fact_id", "value").iter_rows())
    rows = []
    for fact, period in facts.select("fact_id", "period").iter_rows():
        found = LOT.match(fact)
        quantity = value.get(f"usf_{found[1]}_{found[2]}_{QUANTITY[found[1]]}") if found else None
        if found and quantity:
            rows.append((found[2], found[1], period, value[fact], quantity, value[fact] / quantity))
    names = ("lot", "kind", "period", "subsidy_pkr", "quantity_count", "pkr_per_unit")
    number = pl.Float64()
    schema = dict(zip(names, (*[pl.String()] * 3, *[number] * 3), strict=True))
    return pl.DataFrame(rows, schema=schema, orient="row").sort("kind", "lot")


@dataclass(frozen=True, slots=True)
class LotsBand:
    """What lots of one kind were let for, rupees a unit: the least, the middle, the most, and how many lots."""

    kind: LotKind
    low_pkr: float
    median_pkr: float
    high_pkr: float
    n_lots: int

    def place(self, pkr_per_unit: float) -> str:
        """Return where a figure lies: ``below``, ``within`` or ``above`` the lots let."""
        if pkr_per_unit < self.low_pkr:
            return "below"
        return "above" if pkr_per_unit > self.high_pkr else "within"


def lots_band(lots: pl.DataFrame, kind: LotKind) -> LotsBand:
    """Return the band of the lots of one kind; refuses where none was let."""
    each = lots.filter(pl.col("kind") == kind)["pkr_per_unit"].sort().to_numpy()
    if not each.size:
        raise InputError(Problem(f"no {kind} lot was let", "give facts usf_<kind>_<lot>_subsidy_pkr", "facts"))
    return LotsBand(kind, float(each[0]), float(np.median(each)), float(each[-1]), each.size)


def against_lots(lot_id: list[str], pkr_per_unit: ArrayLike, band: LotsBand) -> pl.DataFrame:
    """Return each planned lot beside the band: ``lot_id``, ``pkr_per_unit``, ``ratio`` to the median, ``place``."""
    each = np.asarray(pkr_per_unit, np.float64)
    return pl.DataFrame(
        {
            "lot_id": lot_id,
            "pkr_per_unit": each,
            "ratio": each / band.median_pkr,
            "place": [band.place(value) for value in each.tolist()],
        },
        schema_overrides={"lot_id": pl.String(), "place": pl.String()},
    ).sort("lot_id")
