"""The cash flow of a plan is that of its engine, and its indicators are read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rahdari import economy
from rahdari.errors import InputError

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan


def test_a_plans_cash_flow_without_tax_and_inflation_is_worth_its_costs(small_plan: Plan) -> None:
    parameters = economy.EconomyParams()
    first = small_plan.manifest["scenario"]["years"][0]
    terms = economy.Assumptions(parameters.discount_frac_per_year, last_year=first + parameters.horizon_years)
    found = economy.cash_flow(small_plan, terms)
    costs = small_plan.tables["costs"]
    assert found.money.value_usd(found.flows.capex_usd).sum() == pytest.approx(costs["capex_present_usd"].sum())
    assert -found.npv_usd == pytest.approx(costs["present_value_usd"].sum(), rel=1e-3)
    assert economy.cash_flow(small_plan.folder, terms).npv_usd == pytest.approx(found.npv_usd)


def test_a_subsidy_of_all_capital_leaves_the_operator_with_operation_and_renewals(small_plan: Plan) -> None:
    free = economy.cash_flow(small_plan, economy.Assumptions(0.1, funding=economy.Funding(1.0)))
    paid = economy.cash_flow(small_plan, economy.Assumptions(0.1))
    assert free.npv_usd - paid.npv_usd == pytest.approx(paid.lots["capex_value_usd"].sum())


def test_indicators_are_read_back_and_unknown_names_refused_together(small_plan: Plan) -> None:
    everything = economy.indicators(small_plan)
    assert everything.height == small_plan.indicators.height
    one = economy.indicators(small_plan.folder, ["total_capex_usd"])
    assert set(one["indicator_id"]) == {"total_capex_usd"}
    with pytest.raises(InputError) as caught:
        economy.indicators(small_plan, ["x", "y"])
    assert len(caught.value.problems) == 2
