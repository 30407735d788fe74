"""One draw of the economy in plain Python, lot by lot, kind by kind, year by year: slow, and with nothing shared."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rahdari.methods.economy_draws import Case

Flow = list[float]
HALVINGS = 60


def _indices(case: Case, value: Mapping[str, float]) -> tuple[Flow, Flow, Flow]:
    """Return exchange rates, prices abroad, and the dollar price of home prices, by year."""
    home, abroad = value["inflation_frac_per_year"], value["inflation_abroad_frac_per_year"]
    exchange, foreign, domestic = [], [], []
    for t in range(len(case.years)):
        rate = case.exchange_per_usd * ((1 + home) / (1 + abroad) / (1 - value["exchange_fall_frac_per_year"])) ** t
        exchange.append(rate)
        foreign.append((1 + abroad) ** t)
        domestic.append((1 + home) ** t * case.exchange_per_usd / rate)
    return exchange, foreign, domestic


def costs_of_lot(case: Case, value: Mapping[str, float], lot: int) -> tuple[Flow, Flow, Flow, Flow]:
    """Return capital, renewals, operation and salvage by year, nominal dollars."""
    _, foreign, domestic = _indices(case, value)
    n = len(case.years)
    capex, again, opex, salvage = ([0.0] * n for _ in range(4))
    for k in range(len(case.kinds.kind_id)):
        life = float(case.kinds.life_years[k]) * value["life_ratio"]
        share, dearer = float(case.kinds.imported_frac[k]), value["import_price_ratio"]
        running = float(case.kinds.opex_imported_frac[k])
        drift = 1 + float(case.kinds.price_change_frac_per_year[k])

        def paid(t: int, share: float = share, dearer: float = dearer, drift: float = drift) -> float:
            return (share * dearer * foreign[t] + (1 - share) * domestic[t]) * drift**t

        for t in range(n):
            built = float(case.capex_usd[lot, k, t]) * value["capex_ratio"]
            if built == 0.0:
                continue
            capex[t] += built * paid(t)
            ends, last = t + life, float(t)
            while ends < n - 1 - 1e-9:
                again[min(n - 1, math.ceil(ends - 1e-9))] += built * paid(min(n - 1, math.ceil(ends - 1e-9)))
                last, ends = ends, ends + life
            salvage[n - 1] += built * max(0.0, 1 - (n - 1 - last) / life) * paid(n - 1)
            yearly = built * float(case.kinds.opex_frac_per_year[k]) * value["opex_ratio"]
            for s in range(t + 1, n):
                opex[s] += yearly * (running * foreign[s] + (1 - running) * domestic[s])
    return capex, again, opex, salvage


def buyers_of_lot(case: Case, value: Mapping[str, float], lot: int) -> Flow:
    """Return households that buy, by year."""
    income = value["income_usd_per_month"] * float(case.income_ratio[lot])
    price = value["price_usd_per_month"]
    sigma = math.sqrt(2) * NormalDist().inv_cdf((1 + case.gini) / 2)
    score = (math.log(price / case.affordable_income_frac) - math.log(income) + sigma**2 / 2) / sigma
    able = 1 - NormalDist().cdf(score)
    found = []
    for t in range(len(case.years)):
        wanted = min(1.0, float(case.adopted_frac[t]) * value["adoption_ratio"])
        wanted = min(1.0, wanted * (price / case.price_usd_per_month) ** case.price_elasticity)
        found.append(float(case.passed_households[lot, t]) * min(wanted, able))
    return found


def operator_value_usd(
    case: Case, value: Mapping[str, float], costs: tuple[Flow, Flow, Flow, Flow], buyers: Flow, grant_frac: float
) -> float:
    """Return the operator's value after subsidy, loan and tax."""
    exchange, foreign, domestic = _indices(case, value)
    capex, again, opex, salvage = costs
    n = len(case.years)
    revenue = [buyers[t] * value["price_usd_per_month"] * 12 * domestic[t] for t in range(n)]
    grant = [grant_frac * amount for amount in capex]
    repaid, interest, drawn = [0.0] * n, [0.0] * n, [0.0] * n
    if case.loan is not None:
        drawn = [case.loan.capex_frac * max(0.0, a - b) for a, b in zip(capex, grant, strict=True)]
        for t in range(n):
            for step in range(1, case.loan.repayment_years + 1):
                repaid[min(n - 1, t + case.loan.grace_years + step)] += drawn[t] / case.loan.repayment_years
        for t in range(1, n):
            interest[t] = case.loan.interest_frac_per_year * (sum(drawn[:t]) - sum(repaid[:t]))
    written_off, book = [0.0] * n, 0.0
    for t in range(n):
        basis = max(0.0, capex[t] + again[t] - grant[t]) * exchange[t]
        book += basis
        for s in range(t + 1, min(n, t + 1 + case.tax_life_years)):
            written_off[s] += basis / case.tax_life_years
            book -= basis / case.tax_life_years
    losses: list[tuple[int, float]] = []
    worth = 0.0
    for t in range(n):
        excess = max(0.0, grant[t] - capex[t] - again[t])
        income = (revenue[t] - opex[t] - interest[t] + excess) * exchange[t] - written_off[t]
        if t == n - 1:
            income += salvage[t] * exchange[t] - book
        left = max(0.0, income)
        kept = []
        for year, loss in losses:
            if case.loss_years is not None and t - year > case.loss_years:
                continue
            used = min(loss, left)
            left -= used
            kept.append((year, loss - used))
        losses = [*kept, (t, max(0.0, -income))]
        tax = left * case.tax_frac / exchange[t]
        money = revenue[t] + salvage[t] + grant[t] + drawn[t] - capex[t] - again[t] - opex[t] - interest[t] - repaid[t]
        worth += (money - tax) / foreign[t] / (1 + value["discount_frac_per_year"]) ** t
    return worth


def least_grant_frac(
    case: Case, value: Mapping[str, float], costs: tuple[Flow, Flow, Flow, Flow], buyers: Flow
) -> float:
    """Return the least subsidy as a share of capital, by halving."""
    if operator_value_usd(case, value, costs, buyers, 0.0) >= 0.0:
        return 0.0
    low, high = 0.0, 64.0
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if operator_value_usd(case, value, costs, buyers, middle) < 0.0:
            low = middle
        else:
            high = middle
    return high
