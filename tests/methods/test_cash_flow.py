"""Money over time against hand-worked cases; money in is money out; draws run together as each alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods import finance
from rahdari.methods.cash_flow import (
    Flows,
    Funding,
    Kinds,
    Loan,
    Money,
    build_flows,
    make_money,
    renewal_matrices,
    statement,
    tax_local,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

YEARS = range(2025, 2036)
N = len(YEARS)


def kinds(*lives: float, opex: float = 0.1, imported: float = 0.0, drift: float = 0.0) -> Kinds:
    each = np.ones(len(lives))
    names = tuple(f"k{i}" for i in range(len(lives)))
    return Kinds(names, np.array(lives), opex * each, imported * each, imported * each, drift * each)


def money(**changes: object) -> Money:
    given_by: dict[str, object] = {"exchange_per_usd": 280.0, "discount_frac_per_year": 0.1} | changes
    return make_money(YEARS, **given_by)  # type: ignore[arg-type]


def once(amount: float = 100.0, year: int = 0) -> FloatArray:
    capital = np.zeros((1, 1, N))
    capital[0, 0, year] = amount
    return capital


def test_one_build_is_paid_at_once_operated_later_renewed_and_sold() -> None:
    flows = build_flows(once(), kinds(4.0), money())
    assert flows.capex_usd[0].tolist() == [100.0] + [0.0] * 10
    assert flows.opex_usd[0].tolist() == [0.0] + [10.0] * 10
    assert flows.replacement_usd[0].nonzero()[0].tolist() == [4, 8]
    # Bought in year 8 for four years, used for two: half is left in year 10.
    assert flows.salvage_usd[0].tolist() == [0.0] * 10 + [50.0]


def test_the_value_of_one_build_equals_the_closed_form_of_total_cost() -> None:
    m = money()
    for life in (3.0, 4.0, 5.0, 10.0, 25.0):
        value = m.value_usd(build_flows(once(), kinds(life), m).cost_usd).item()
        closed = finance.total_cost_of_ownership_usd(
            100.0, 10.0, life_years=life, horizon_years=10.0, rate_frac_per_year=0.1
        )
        assert value == pytest.approx(float(closed), rel=1e-12)


def test_a_renewal_between_two_years_is_paid_in_the_later_one() -> None:
    again, left = renewal_matrices(np.array([2.5]), 6)
    assert again[0, 0].tolist() == [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
    assert left[0, 0] == pytest.approx(0.0)


def test_a_stable_real_exchange_rate_and_equal_inflation_leave_real_money_alone() -> None:
    calm = money()
    rising = money(inflation_frac_per_year=0.12, inflation_abroad_frac_per_year=0.03)
    for imported in (0.0, 0.4, 1.0):
        a = build_flows(once(), kinds(4.0, imported=imported), calm)
        b = build_flows(once(), kinds(4.0, imported=imported), rising)
        assert rising.real(b.cost_usd) == pytest.approx(calm.real(a.cost_usd), rel=1e-12)
        assert b.cost_usd[0, -1] != pytest.approx(a.cost_usd[0, -1])


def test_nominal_flows_at_the_nominal_rate_are_worth_what_real_ones_are_at_the_real_rate() -> None:
    m = money(inflation_frac_per_year=0.12, inflation_abroad_frac_per_year=0.03)
    flows = build_flows(once(), kinds(4.0, imported=0.5), m).cost_usd
    nominal = finance.net_present_value(1.1 * 1.03 - 1.0, flows[0])
    assert m.value_usd(flows).item() == pytest.approx(nominal, rel=1e-12)


def test_a_fall_of_the_rupee_makes_imports_dearer_at_home_and_domestic_work_cheaper_abroad() -> None:
    rates = {year: 280.0 if year < 2030 else 560.0 for year in YEARS}
    m = money(exchange_per_usd=rates)
    late = once(year=7)
    abroad = build_flows(late, kinds(20.0, imported=1.0), m)
    home = build_flows(late, kinds(20.0, imported=0.0), m)
    mixed = build_flows(late, kinds(20.0, imported=0.25), m)
    assert abroad.capex_usd[0, 7] == pytest.approx(100.0)
    assert m.local(abroad.capex_usd)[0, 7] == pytest.approx(56_000.0)
    assert home.capex_usd[0, 7] == pytest.approx(50.0)
    assert mixed.capex_usd[0, 7] == pytest.approx(62.5)


def test_a_real_fall_of_prices_reaches_later_purchases_and_renewals() -> None:
    flows = build_flows(once(), kinds(5.0, drift=-0.1), money())
    assert flows.replacement_usd[0, 5] == pytest.approx(100.0 * 0.9**5)


def test_tax_with_depreciation_and_losses_by_hand() -> None:
    # 100 bought in year 0, written off over 5 years; 30 a year earned: 10 a year taxed, then 30.
    m = money(tax_frac=0.3, tax_life_years=5)
    flows = build_flows(once(), kinds(10.0, opex=0.0), m)
    revenue = np.concatenate([[0.0], np.full(N - 1, 30.0)])[None]
    tax = statement(flows, revenue, m).tax_usd[0]
    assert tax.tolist() == pytest.approx([0.0] + [3.0] * 5 + [9.0] * 5)
    # 10 a year earned: a loss of 10 a year for five years, used up in the five that follow.
    small = statement(flows, revenue / 3.0, m).tax_usd[0]
    assert small.tolist() == pytest.approx([0.0] * N)
    forgetful = money(tax_frac=0.3, tax_life_years=5, loss_years=3)
    # Losses of years 1 to 5; at 10 a year, years 6 to 8 use those of 3 to 5; 9 and 10 are taxed.
    taxed = statement(flows, revenue / 3.0, forgetful).tax_usd[0]
    assert taxed.tolist() == pytest.approx([0.0] * 9 + [3.0] * 2)


def test_inflation_shrinks_the_worth_of_depreciation() -> None:
    revenue = np.concatenate([[0.0], np.full(N - 1, 40.0)])[None]
    worth = []
    for rate in (0.0, 0.15):
        m = money(tax_frac=0.3, tax_life_years=8, inflation_frac_per_year=rate)
        flows = build_flows(once(), kinds(10.0, opex=0.0), m)
        worth.append(m.value_usd(statement(flows, revenue, m).tax_usd).item())
    assert worth[1] > worth[0]


def test_what_is_sold_above_its_book_value_is_taxed() -> None:
    m = money(tax_frac=0.5, tax_life_years=1)
    flows = build_flows(once(), kinds(20.0, opex=0.0), m)
    # All written off in year 1 against nothing: the loss of 100 shelters the sale of 50.
    assert statement(flows, np.zeros((1, N)), m).tax_usd.sum() == 0.0
    strict = money(tax_frac=0.5, tax_life_years=1, loss_years=0)
    assert statement(flows, np.zeros((1, N)), strict).tax_usd[0, -1] == pytest.approx(25.0)


def test_a_loan_is_repaid_with_interest_after_grace() -> None:
    m = money()
    flows = build_flows(once(), kinds(20.0, opex=0.0), m)
    s = statement(flows, np.zeros((1, N)), m, Funding(loan=Loan(0.8, 0.05, 2, 4)))
    assert s.loan_usd[0].tolist() == pytest.approx([80.0] + [0.0] * 10)
    assert s.repaid_usd[0].tolist() == pytest.approx([0.0] * 3 + [20.0] * 4 + [0.0] * 4)
    assert s.interest_usd[0].tolist() == pytest.approx([0.0, 4.0, 4.0, 4.0, 3.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    # At the loan's own rate the loan is worth nothing to either side.
    lender = s.parties()["lender"][0]
    assert finance.net_present_value(0.05, lender) == pytest.approx(0.0, abs=1e-12)


def test_what_is_still_owed_is_repaid_in_the_last_year() -> None:
    m = money()
    flows = build_flows(once(year=8), kinds(20.0), m)
    s = statement(flows, np.zeros((1, N)), m, Funding(loan=Loan(1.0, 0.05, 5, 10)))
    assert s.repaid_usd[0].nonzero()[0].tolist() == [N - 1]
    assert s.repaid_usd.sum() == pytest.approx(s.loan_usd.sum())


@given(
    st.lists(st.floats(0.0, 1e6), min_size=N, max_size=N),
    st.lists(st.floats(0.0, 1e5), min_size=N, max_size=N),
    st.tuples(st.floats(0.0, 0.5), st.floats(0.0, 0.5)),
    st.floats(0.0, 0.3),
    st.sampled_from([None, 0, 3, 6]),
)
def test_money_in_is_money_out_in_every_year(
    capital: list[float], revenue: list[float], paid: tuple[float, float], inflation: float, loss_years: int | None
) -> None:
    grant, lent = paid
    falling = np.linspace(280.0, 500.0, N)
    m = money(
        inflation_frac_per_year=inflation,
        tax_frac=0.29,
        loss_years=loss_years,
        exchange_per_usd=falling,
    )
    built = np.array([capital, capital[::-1]])[None]
    flows = build_flows(built, kinds(3.0, 7.0, imported=0.6), m)
    s = statement(flows, np.array(revenue), m, Funding(grant, Loan(lent, 0.04, 2, 5)))
    total = sum(s.parties().values())
    assert np.abs(total).max() <= 1e-9 * (1.0 + np.abs(s.capex_usd).max() + np.abs(s.revenue_usd).max())
    assert (s.tax_usd >= 0.0).all()
    assert s.loan_usd.sum() == pytest.approx(s.repaid_usd.sum())


@given(st.lists(st.floats(-100.0, 100.0), min_size=3, max_size=12), st.integers(0, 6))
def test_keeping_losses_longer_never_raises_the_tax(income: list[float], kept: int) -> None:
    taxable = np.array(income)
    short, longer, forever = (tax_local(taxable, 0.3, n).sum() for n in (kept, kept + 1, None))
    assert forever <= longer + 1e-9
    assert longer <= short + 1e-9


def test_a_loan_lends_for_what_the_subsidy_leaves() -> None:
    m = money()
    flows = build_flows(once(), kinds(20.0), m)
    assert statement(flows, 0.0, m, Funding(0.75, Loan(0.4, 0.05, 2, 4))).loan_usd.sum() == pytest.approx(10.0)
    assert statement(flows, 0.0, m, Funding(1.75, Loan(0.4, 0.05, 2, 4))).loan_usd.sum() == 0.0


def test_a_subsidy_lowers_what_may_be_written_off() -> None:
    m = money(tax_frac=0.3, tax_life_years=5)
    flows = build_flows(once(), kinds(10.0, opex=0.0), m)
    revenue = np.concatenate([[0.0], np.full(N - 1, 30.0)])[None]
    s = statement(flows, revenue, m, Funding(0.5))
    assert s.depreciation_usd[0, 1:6].tolist() == pytest.approx([10.0] * 5)
    assert s.tax_usd[0, 1] == pytest.approx(6.0)
    beyond = statement(flows, revenue, m, Funding(1.2))
    assert beyond.tax_usd[0, 0] == pytest.approx(6.0)


def test_one_taxpayer_pays_no_more_than_its_lots_apart() -> None:
    m = money(tax_frac=0.3)
    capital = np.stack([once(100.0)[0], once(900.0)[0]])
    flows = build_flows(capital, kinds(10.0), m)
    revenue = np.stack([np.full(N, 60.0), np.full(N, 60.0)])
    apart = statement(flows, revenue, m).tax_usd.sum()
    pooled = statement(flows.pooled(), revenue.sum(axis=0)[None], m).tax_usd.sum()
    assert 0.0 < pooled < apart


def test_draws_run_together_as_each_alone() -> None:
    rng = np.random.Generator(np.random.Philox(7))
    d, u, k = 5, 3, 2
    capital = rng.uniform(0.0, 100.0, (d, u, k, N))
    lives = rng.integers(2, 9, (d, k)).astype(float)
    shares = rng.uniform(0.0, 1.0, (4, d, k))
    revenue = rng.uniform(0.0, 50.0, (d, u, N))
    rates, inflation = rng.uniform(0.02, 0.2, d), rng.uniform(0.0, 0.2, (d, N))
    exchange = rng.uniform(250.0, 500.0, (d, N))
    grant = rng.uniform(0.0, 0.5, (d, u))

    def run(at: slice | int) -> tuple[FloatArray, Flows]:
        m = make_money(
            YEARS,
            exchange_per_usd=exchange[at],
            discount_frac_per_year=rates[at],
            inflation_frac_per_year=inflation[at],
            tax_frac=0.3,
            loss_years=4,
        )
        built = build_flows(capital[at], Kinds(("a", "b"), lives[at], *(share[at] for share in shares)), m)
        s = statement(built, revenue[at], m, Funding(grant[at], Loan(0.4, 0.05, 1, 3)))
        return m.value_usd(s.operator_usd), built

    together, flows = run(slice(None))
    assert flows.capex_usd.shape == (d, u, N)
    for i in range(d):
        assert together[i] == pytest.approx(run(i)[0], rel=1e-12)


def test_missing_exchange_rates_and_wrong_shares_are_reported_together() -> None:
    with pytest.raises(InputError) as caught:
        make_money(
            range(2025, 2030), exchange_per_usd={2025: 280.0, 2027: 290.0}, discount_frac_per_year=-1.0, tax_frac=1.0
        )
    assert len(caught.value.problems) == 3
    assert "exchange rates of 2026, 2028, 2029 are missing" in str(caught.value)
    with pytest.raises(InputError) as kinds_caught:
        Kinds(
            ("duct", "mast"),
            np.array([0.0, 5.0]),
            np.array([0.1, -0.1]),
            np.array([0.0, 2.0]),
            np.zeros(2),
            np.zeros(2),
        )
    assert len(kinds_caught.value.problems) == 3
    with pytest.raises(InputError, match="below zero"):
        build_flows(-once(), kinds(5.0), money())
    with pytest.raises(InputError, match="not between 0 and 1"):
        statement(build_flows(once(), kinds(5.0), money()), 0.0, money(), Funding(0.7, Loan(1.5, 0.1, 1, 1)))
