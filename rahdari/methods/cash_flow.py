"""Money over time, by lot and year: what is built, renewed, operated, earned, taxed, and who pays.

Timing.  Year 0 is the first year.  What is built in a year is paid in that year and operated from the next year on;
what reaches the end of its life is bought again in that year, unless that is the last; at the end of the last year the
unused life of what stands is sold (straight line, at the price of that year).

Prices.  Capital and revenue come at the prices of year 0.  The imported part of a price follows inflation abroad, the
domestic part inflation at home and the exchange rate; tax is reckoned in nominal local money, so that depreciation at
historical cost and old losses shrink with inflation.  Everything returned is in nominal dollars of its year;
:meth:`Money.real` turns it into dollars of year 0, and only those meet the real discount rate.

Shapes.  Draws lead: capital (..., u, k, y) by lot u, kind k and year y; kinds (..., k); money (..., y); flows
(..., u, y).  Leading axes broadcast, so that a thousand draws of a country are one call.
Sources: IAS 16 (depreciation), IAS 20 (grants lower the depreciable cost); Park, Contemporary Engineering Economics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.finance import replacement_years
from rahdari.methods.returns import npv_usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

MOST_YEARS = 100  # of a calculation
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Money:
    """Rates by year: make with :func:`make_money`, which checks.

    ``exchange_per_usd``, ``home_index`` and ``abroad_index`` are (..., y), the indices 1 in year 0; the discount rate
    is real, in dollars; ``loss_years`` is how long a loss may lower later taxes, ``None`` for ever.
    """

    year: IntArray
    exchange_per_usd: FloatArray
    home_index: FloatArray
    abroad_index: FloatArray
    discount_frac_per_year: FloatArray
    tax_frac: FloatArray
    tax_life_years: int
    loss_years: int | None

    @property
    def n_years(self) -> int:
        """Return the number of years."""
        return int(self.year.size)

    @property
    def domestic_index(self) -> FloatArray:
        """Return (..., y) the dollar price of what cost one dollar at home in year 0."""
        return np.asarray(self.home_index * self.exchange_per_usd[..., :1] / self.exchange_per_usd)

    def real(self, nominal_usd: FloatArray) -> FloatArray:
        """Return flows (..., u, y) of nominal dollars in dollars of year 0."""
        return np.asarray(nominal_usd / self.abroad_index[..., None, :])

    def local(self, nominal_usd: FloatArray) -> FloatArray:
        """Return flows (..., u, y) of nominal dollars in nominal local money."""
        return np.asarray(nominal_usd * self.exchange_per_usd[..., None, :])

    def value_usd(self, nominal_usd: FloatArray) -> FloatArray:
        """Return (..., u) the value in year 0 of flows (..., u, y), at the real rate."""
        return npv_usd(self.real(nominal_usd), self.discount_frac_per_year[..., None])


def _exchange(
    exchange: Mapping[int, float] | ArrayLike, years: IntArray, drift: FloatArray
) -> tuple[FloatArray, list[Problem]]:
    """Return (..., y) rates: by year, by array, or one rate that then follows inflation; and what is missing."""
    if isinstance(exchange, Mapping):
        missing = [year for year in years.tolist() if year not in exchange]
        if missing:
            named = ", ".join(map(str, missing))
            cure = "give a rate for each year of the calculation, or one rate that follows inflation"
            return np.ones(years.size), [Problem(f"exchange rates of {named} are missing", cure, "exchange_per_usd")]
        return np.array([float(exchange[year]) for year in years.tolist()]), []
    rates = np.asarray(exchange, np.float64)
    if rates.ndim == 0:
        return np.asarray(rates * drift), []
    if rates.shape[-1] != years.size:
        words = f"{rates.shape[-1]} exchange rates for {years.size} years"
        return np.ones(years.size), [Problem(words, "give one for each year", "exchange_per_usd")]
    return rates, []


def _index(rate: ArrayLike, n_years: int, name: str) -> tuple[FloatArray, list[Problem]]:
    """Return (..., y) the price index of yearly inflation, 1 in year 0; a single rate holds in every year."""
    each = np.asarray(rate, np.float64)
    if each.ndim == 0 or each.shape[-1] == 1:
        each = np.broadcast_to(each, (*each.shape[:-1], n_years))
    if each.shape[-1] != n_years:
        return np.ones(n_years), [Problem(f"{each.shape[-1]} rates for {n_years} years", "give one for each", name)]
    if not (np.isfinite(each).all() and (each > -1.0).all()):
        return np.ones(n_years), [Problem("a rate is not a share above -1", "give a share, such as 0.06", name)]
    growth = 1.0 + each
    growth = np.concatenate([np.ones_like(growth[..., :1]), growth[..., 1:]], axis=-1)
    return np.asarray(np.cumprod(growth, axis=-1)), []


def make_money(
    years: Sequence[int],
    *,
    exchange_per_usd: Mapping[int, float] | ArrayLike,
    discount_frac_per_year: ArrayLike,
    inflation_frac_per_year: ArrayLike = 0.0,
    inflation_abroad_frac_per_year: ArrayLike = 0.0,
    tax_frac: ArrayLike = 0.0,
    tax_life_years: int = 10,
    loss_years: int | None = None,
) -> Money:
    """Return checked rates for consecutive ``years``; all that is wrong or missing is raised at once.

    ``exchange_per_usd`` is a rate for each year, as a mapping or (..., y); a single rate is that of year 0 and follows
    the difference of inflation, that is, holds in real terms.  Inflation is that of the year before to the year, so the
    first element counts for nothing; a single rate holds in every year.  Rates may lead with a draws axis; a discount
    or tax rate by draw is (d,), inflation by draw (d, y) or (d, 1).

    >>> money = make_money([2025, 2026], exchange_per_usd=280.0, discount_frac_per_year=0.1,
    ...     inflation_frac_per_year=0.05)
    >>> money.exchange_per_usd.tolist(), money.domestic_index.tolist()
    ([280.0, 294.0], [1.0, 1.0])
    """
    year = np.asarray(years, np.int64)
    if not 0 < year.size <= MOST_YEARS or (np.diff(year) != 1).any():
        raise InputError(Problem("years are not consecutive, or none, or over a hundred", "give a range", "years"))
    home, faults = _index(inflation_frac_per_year, year.size, "inflation_frac_per_year")
    abroad, more = _index(inflation_abroad_frac_per_year, year.size, "inflation_abroad_frac_per_year")
    rates, missing = _exchange(exchange_per_usd, year, home / abroad)
    discount, tax = np.asarray(discount_frac_per_year, np.float64), np.asarray(tax_frac, np.float64)
    checks = (
        ("exchange_per_usd", bool((rates > 0.0).all()), "an exchange rate is not positive", "give one above 0"),
        ("discount_frac_per_year", bool((discount > -1.0).all()), "a discount rate is not above -1", "give 0.07, say"),
        ("tax_frac", bool(((tax >= 0.0) & (tax < 1.0)).all()), "a tax rate is not between 0 and 1", "give 0.29, say"),
        ("tax_life_years", tax_life_years >= 1, "the tax life is under a year", "give whole years"),
        ("loss_years", loss_years is None or loss_years >= 0, "losses are kept under no year", "give 0 up or none"),
    )  # fmt: skip
    faults += more + missing + [Problem(what, cure, name) for name, is_right, what, cure in checks if not is_right]
    raise_if_any(faults)
    return Money(year, rates, home, abroad, discount, tax, int(tax_life_years), loss_years)


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """What is bought, by kind: life, yearly operation as a share of capital, imported shares, real price change.

    ``kind_id`` (k,); the others (k,) or (..., k) with draws.
    """

    kind_id: tuple[str, ...]
    life_years: FloatArray
    opex_frac_per_year: FloatArray
    imported_frac: FloatArray
    opex_imported_frac: FloatArray
    price_change_frac_per_year: FloatArray

    def __post_init__(self) -> None:
        """Refuse lives that are not positive and shares outside their range, all at once."""
        faults = []
        limits = {
            "life_years": (1e-9, MOST_YEARS * 10.0, "years above 0"),
            "opex_frac_per_year": (0.0, np.inf, "a share of 0 or more"),
            "imported_frac": (0.0, 1.0, "a share of 0 to 1"),
            "opex_imported_frac": (0.0, 1.0, "a share of 0 to 1"),
            "price_change_frac_per_year": (-1.0 + 1e-9, np.inf, "a share above -1"),
        }
        for name, (low, high, cure) in limits.items():
            values = np.asarray(getattr(self, name), np.float64)
            object.__setattr__(self, name, values)
            if not values.ndim or values.shape[-1] != len(self.kind_id):
                faults.append(Problem(f"not one value for each of {len(self.kind_id)} kinds", "give one each", name))
                continue
            is_bad = ~((values >= low) & (values <= high))
            bad = is_bad.reshape(-1, is_bad.shape[-1]).any(axis=0)
            faults += [
                Problem(f"{self.kind_id[i]} is out of range", f"give {cure}", name) for i in np.flatnonzero(bad)[:6]
            ]
        raise_if_any(faults)


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """What a build costs, (..., u, y) in nominal dollars, all positive; salvage is received in the last year."""

    capex_usd: FloatArray
    replacement_usd: FloatArray
    opex_usd: FloatArray
    salvage_usd: FloatArray

    def pooled(self) -> Self:
        """Return the flows of all lots as one lot: one taxpayer, (..., 1, y)."""
        names = [item.name for item in fields(self)]
        return type(self)(**{name: getattr(self, name).sum(axis=-2, keepdims=True) for name in names})

    @property
    def cost_usd(self) -> FloatArray:
        """Return what is paid less what is sold at the end."""
        return self.capex_usd + self.replacement_usd + self.opex_usd - self.salvage_usd


def renewal_matrices(life_years: FloatArray, n_years: int) -> tuple[FloatArray, FloatArray]:
    """Return (..., y, y) what one unit built in a year (row) buys again in later years, and (..., y) what is left.

    A renewal that falls between two years is paid in the later one; what is left is a share of the price at the end.

    >>> again, left = renewal_matrices(np.array(2.0), 4)
    >>> again.tolist()[0], left.tolist()
    ([0.0, 0.0, 1.0, 0.0], [0.5, 0.0, 0.5, 1.0])
    """
    lives, position = np.unique(np.asarray(life_years, np.float64), return_inverse=True)
    again, left = np.zeros((lives.size, n_years, n_years)), np.zeros((lives.size, n_years))
    for m, life in enumerate(lives.tolist()):
        for start in range(n_years):
            rest = float(n_years - 1 - start)
            steps = replacement_years(life, rest) if rest > 0.0 else []
            for step in steps:
                again[m, start, min(n_years - 1, start + int(np.ceil(step - 1e-9)))] += 1.0
            left[m, start] = max(0.0, 1.0 - (rest - (steps[-1] if steps else 0.0)) / life)
    shape = np.shape(life_years)
    at = np.reshape(position, shape)
    return again[at], left[at]


def _capital_problems(capital: FloatArray, n_kinds: int, n_years: int) -> list[Problem]:
    if capital.ndim < 3 or capital.shape[-2:] != (n_kinds, n_years):  # noqa: PLR2004  # lots, kinds, years
        words = f"capital has the shape {capital.shape}, not (..., lots, {n_kinds} kinds, {n_years} years)"
        return [Problem(words, "give one amount for each lot, kind and year", "capex_usd")]
    if not (np.isfinite(capital).all() and (capital >= 0.0).all()):
        return [Problem("an amount is below zero or no number", "give 0 or more", "capex_usd")]
    return []


def build_flows(capex_usd: ArrayLike, kinds: Kinds, money: Money, *, other_opex_usd: ArrayLike = 0.0) -> Flows:
    """Return what a build costs: capital (..., u, k, y) at the prices of year 0, by kind and year in which it is built.

    ``other_opex_usd`` (..., u, y), at domestic prices of year 0, is paid in its year as it stands.
    """
    capital = np.asarray(capex_usd, np.float64)
    n_kinds, n_years = len(kinds.kind_id), money.n_years
    raise_if_any(_capital_problems(capital, n_kinds, n_years))
    again, left = renewal_matrices(kinds.life_years, n_years)
    drift = (1.0 + kinds.price_change_frac_per_year)[..., None] ** np.arange(n_years)

    def price(imported: FloatArray) -> FloatArray:
        share = imported[..., None]
        return np.asarray(share * money.abroad_index[..., None, :] + (1.0 - share) * money.domestic_index[..., None, :])

    bought_price, running_price = price(kinds.imported_frac) * drift, price(kinds.opex_imported_frac)
    other = np.asarray(other_opex_usd, np.float64) * money.domestic_index[..., None, :]
    built = renewed = running = sold = np.zeros(())
    for k in range(n_kinds):
        each, paid = capital[..., k, :], bought_price[..., k, None, :]
        standing = np.cumsum(each, axis=-1) - each
        built = built + each * paid
        renewed = renewed + (each @ again[..., k, :, :]) * paid
        running = running + standing * (kinds.opex_frac_per_year[..., k, None, None] * running_price[..., k, None, :])
        sold = sold + (each @ left[..., k, :, None])[..., 0] * paid[..., -1]
    shape = np.broadcast_shapes(built.shape, renewed.shape, running.shape, other.shape)
    salvage = np.zeros(shape)
    salvage[..., -1] = sold
    built, renewed, running = (np.broadcast_to(item, shape) for item in (built, renewed, running + other))
    return Flows(built, renewed, running, salvage)


@dataclass(frozen=True, slots=True)
class Loan:
    """A donor's loan in dollars for a share of the first capital that no subsidy pays.

    Interest is paid from the year after the loan is drawn.

    Nothing is repaid during ``grace_years``, then equal parts over ``repayment_years``; what is still owed in the last
    year is repaid then.  The rate is nominal.
    """

    capex_frac: float
    interest_frac_per_year: float
    grace_years: int
    repayment_years: int


@dataclass(frozen=True, slots=True, eq=False)
class Funding:
    """Who besides the operator pays for first capital: a subsidy of (..., u) shares, 0 or more, then a loan.

    A subsidy above 1 pays for operation too.
    """

    subsidy_frac: ArrayLike = 0.0
    loan: Loan | None = None


OPERATOR_PAYS = Funding()


def _funding_problems(funding: Funding) -> list[Problem]:
    grant, loan = np.asarray(funding.subsidy_frac, np.float64), funding.loan
    faults = [] if (grant >= 0.0).all() else [Problem("a subsidy is below zero", "give 0 or more", "subsidy_frac")]
    if loan is None:
        return faults
    if not 0.0 <= loan.capex_frac <= 1.0:
        faults.append(Problem("the share of capital is not between 0 and 1", "give a share", "loan"))
    if loan.grace_years < 0 or loan.repayment_years < 1 or loan.interest_frac_per_year < 0.0:
        faults.append(Problem("grace, repayment or interest is out of range", "give 0 up, 1 up, 0 up", "loan"))
    return faults


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """All money of an operator, (..., u, y) in nominal dollars, every item positive where it flows as named."""

    revenue_usd: FloatArray
    capex_usd: FloatArray
    replacement_usd: FloatArray
    opex_usd: FloatArray
    salvage_usd: FloatArray
    subsidy_usd: FloatArray
    loan_usd: FloatArray
    interest_usd: FloatArray
    repaid_usd: FloatArray
    tax_usd: FloatArray
    depreciation_usd: FloatArray

    @property
    def project_usd(self) -> FloatArray:
        """Return the money of the project itself: before subsidy, loan and tax."""
        spent = self.capex_usd + self.replacement_usd + self.opex_usd
        return np.asarray(self.revenue_usd + self.salvage_usd - spent)

    @property
    def operator_usd(self) -> FloatArray:
        """Return what the operator gains or must find in each year, after all."""
        others = self.subsidy_usd + self.loan_usd - self.interest_usd - self.repaid_usd - self.tax_usd
        return np.asarray(self.project_usd + others)

    def parties(self) -> dict[str, FloatArray]:
        """Return what each party receives less what it pays; over all parties every year sums to nothing."""
        return {
            "operator": self.operator_usd,
            "customers": -self.revenue_usd,
            "suppliers": self.capex_usd + self.replacement_usd + self.opex_usd,
            "buyers_of_what_is_left": -self.salvage_usd,
            "subsidy_fund": -self.subsidy_usd,
            "lender": self.interest_usd + self.repaid_usd - self.loan_usd,
            "treasury": self.tax_usd,
        }


def _loan_flows(capex: FloatArray, loan: Loan | None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what is drawn, paid as interest, and repaid, (..., u, y)."""
    nothing = np.zeros(np.shape(capex))
    if loan is None or loan.capex_frac == 0.0:
        return nothing, nothing, nothing
    n_years = capex.shape[-1]
    repays = np.zeros((n_years, n_years))
    for start in range(n_years):
        for step in range(1, loan.repayment_years + 1):
            repays[start, min(n_years - 1, start + loan.grace_years + step)] += 1.0 / loan.repayment_years
    drawn = loan.capex_frac * capex
    owed = np.triu(np.ones((n_years, n_years))) - np.cumsum(repays, axis=1)
    # Parts that sum to the whole leave rounding, on which nobody pays interest.
    owed[owed < ROUNDING] = 0.0
    bears = np.zeros((n_years, n_years))
    bears[:, 1:] = loan.interest_frac_per_year * owed[:, :-1]
    repaid, interest = drawn @ repays, drawn @ bears
    return drawn, interest, repaid


def tax_local(taxable_local: FloatArray, tax_frac: ArrayLike, loss_years: int | None) -> FloatArray:
    """Return the tax (..., y) on taxable income (..., y) when losses are carried forward, the oldest used first.

    ``tax_frac`` broadcasts with what is before the years; ``loss_years`` of ``None`` keeps losses for ever, 0 not at
    all.  A loss never gives money back.

    >>> tax_local(np.array([-100.0, 60.0, 60.0]), 0.5, None).tolist()
    [0.0, 0.0, 10.0]
    >>> tax_local(np.array([-100.0, 60.0, 60.0]), 0.5, 1).tolist()
    [0.0, 0.0, 30.0]
    """
    income = np.asarray(taxable_local, np.float64)
    n_years = income.shape[-1]
    kept_years = n_years if loss_years is None else min(loss_years, n_years)
    losses = np.zeros((max(kept_years, 1), *income.shape[:-1]))  # the oldest first
    tax = np.zeros_like(income)
    for t in range(n_years):
        left = np.maximum(income[..., t], 0.0)
        # For ever: one purse is enough.
        for vintage in range(1 if loss_years is None else kept_years):
            if not losses[vintage].any():
                continue
            used = np.minimum(losses[vintage], left)
            losses[vintage] -= used
            left = left - used
        tax[..., t] = left * tax_frac
        loss = np.maximum(-income[..., t], 0.0)
        if loss_years is None:
            losses[0] += loss
        elif kept_years:
            losses[:-1] = losses[1:]
            losses[-1] = loss
    return tax


def _depreciation(bought_local: FloatArray, life_years: int) -> FloatArray:
    """Return straight-line depreciation (..., y) from the year after each purchase (..., y), at historical cost."""
    n_years = bought_local.shape[-1]
    spread = np.zeros((n_years, n_years))
    for start in range(n_years):
        spread[start, start + 1 : start + 1 + life_years] = 1.0 / life_years
    return np.asarray(bought_local @ spread)


def statement(flows: Flows, revenue_usd: ArrayLike, money: Money, funding: Funding = OPERATOR_PAYS) -> Statement:
    """Return all money of each lot as its own taxpayer (pool the flows for one taxpayer).

    ``revenue_usd`` (..., u, y) is at the prices of year 0 and follows inflation at home and the exchange rate.  A
    subsidy lowers the depreciable cost; what exceeds the purchases is income.  Interest lowers the tax.  What is sold
    at the end is taxed above its book value.
    """
    raise_if_any(_funding_problems(funding))
    grant_frac = np.asarray(funding.subsidy_frac, np.float64)
    revenue = np.asarray(revenue_usd, np.float64) * money.domestic_index[..., None, :]
    grant = grant_frac[..., None] * flows.capex_usd
    drawn, interest, repaid = _loan_flows(np.maximum(flows.capex_usd - grant, 0.0), funding.loan)
    bought = flows.capex_usd + flows.replacement_usd
    basis = np.maximum(bought - grant, 0.0)
    written_off = _depreciation(money.local(basis), money.tax_life_years)
    taxable = money.local(revenue - flows.opex_usd - interest + np.maximum(grant - bought, 0.0)) - written_off
    book = (money.local(basis) - written_off).sum(axis=-1)
    taxable[..., -1] += money.local(np.broadcast_to(flows.salvage_usd, taxable.shape))[..., -1] - book
    tax = tax_local(taxable, money.tax_frac[..., None], money.loss_years) / money.exchange_per_usd[..., None, :]
    items = (
        revenue, flows.capex_usd, flows.replacement_usd, flows.opex_usd, flows.salvage_usd, grant, drawn, interest,
        repaid, tax, written_off / money.exchange_per_usd[..., None, :],
    )  # fmt: skip
    shape = np.broadcast_shapes(*(item.shape for item in items))
    return Statement(*(np.broadcast_to(item, shape) for item in items))
