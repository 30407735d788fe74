"""A thousand draws at once say what a plain loop says of each; parts do not matter; ranges matter as they should."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods.economy_draws import DRAWN, Economy, economy_of
from rahdari.methods.tornado import drawn, importance, tornado
from tests.helpers.economy_case import RANGES, country
from tests.verifiers.economy import buyers_of_lot, costs_of_lot, least_grant_frac, operator_value_usd


def random() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(9))


def test_every_draw_equals_a_plain_loop_over_lots_kinds_and_years() -> None:
    case, n = country(3, 14, 1.2e9), 4
    values = drawn(RANGES, n, random())
    found = economy_of(case, values)
    for i in range(n):
        one = {name: float(values[name][i]) if name in values else case.middle(name) for name in DRAWN}
        pooled = [np.zeros(14) for _ in range(4)]
        everybody = np.zeros(14)
        for lot in range(3):
            costs, buyers = costs_of_lot(case, one, lot), buyers_of_lot(case, one, lot)
            worth = operator_value_usd(case, one, costs, buyers, 0.0)
            assert found.npv_of_lot_usd[i, lot] == pytest.approx(worth, rel=1e-9)
            capital = [x / (1 + one["inflation_abroad_frac_per_year"]) ** t for t, x in enumerate(costs[0])]
            value = sum(x / (1 + one["discount_frac_per_year"]) ** t for t, x in enumerate(capital))
            grant = least_grant_frac(case, one, costs, buyers) * value
            assert found.subsidy_of_lot_usd[i, lot] == pytest.approx(grant, rel=1e-6, abs=1.0)
            pooled = [a + np.array(b) for a, b in zip(pooled, costs, strict=True)]
            everybody += np.array(buyers)
        assert found.customers_by_year[i] == pytest.approx(everybody)
        together = tuple(item.tolist() for item in pooled)
        worth = operator_value_usd(case, one, together, everybody.tolist(), 0.0)  # type: ignore[arg-type]
        assert found.npv_usd[i] == pytest.approx(worth, rel=1e-9)


def test_parts_and_the_company_of_other_draws_do_not_change_a_draw() -> None:
    case, values = country(4, 12), drawn(RANGES, 20, random())
    whole, parts = economy_of(case, values), economy_of(case, values, n_part=7)
    alone = economy_of(case, {name: column[3:4] for name, column in values.items()})
    for item in fields(Economy):
        a, b, c = (getattr(each, item.name) for each in (whole, parts, alone))
        assert a == pytest.approx(b, rel=1e-9, nan_ok=True), item.name
        assert a[3] == pytest.approx(c[0], rel=1e-6, nan_ok=True), item.name


def test_dearer_capital_never_helps_and_more_buyers_never_hurt() -> None:
    case = country(6, 15)
    steps = np.array([0.8, 1.0, 1.2, 1.5])
    dear = economy_of(case, {"capex_ratio": steps})
    assert (np.diff(dear.npv_usd) < 0.0).all()
    assert (np.diff(dear.subsidy_value_usd) >= 0.0).all()
    many = economy_of(case, {"adoption_ratio": steps})
    assert (np.diff(many.npv_usd) >= 0.0).all()
    assert (np.diff(many.subsidy_value_usd) <= 0.0).all()


def test_a_fall_of_the_currency_costs_the_operator_who_earns_at_home() -> None:
    found = economy_of(country(6, 15), {"exchange_fall_frac_per_year": np.array([0.0, 0.05, 0.1])})
    assert (np.diff(found.npv_usd) < 0.0).all()


def test_the_tornado_and_the_draws_agree_on_what_moves_the_capital() -> None:
    case = country(3, 12)
    table = tornado(lambda values: economy_of(case, values).capex_value_usd, RANGES)
    values = drawn(RANGES, 400, random())
    shares = importance(values, economy_of(case, values).capex_value_usd)
    assert table["name"][0] == "capex_ratio"
    assert shares["name"][0] == "capex_ratio"
    unmoved = table.filter(table["swing_value"] == 0.0)["name"].to_list()
    assert {"adoption_ratio", "price_usd_per_month", "ready_frac"} <= set(unmoved)


def test_adoption_may_come_as_draws_of_its_own_curve() -> None:
    case = country(3, 12)
    curves = np.stack([0.5 * case.adopted_frac, case.adopted_frac])
    found = economy_of(replace(case, adopted_frac=curves), {"capex_ratio": np.ones(2)})
    assert found.customers_by_year[0, -1] < found.customers_by_year[1, -1]


def test_unknown_names_and_wrong_shapes_are_reported_together() -> None:
    case = replace(country(3, 12), speed_mbps=np.ones(5))
    with pytest.raises(InputError) as caught:
        economy_of(case, {"luck": np.ones(4), "capex_ratio": np.ones(3)})
    words = str(caught.value)
    assert "'luck' is nothing that can be drawn" in words
    assert "'capex_ratio' has (3,) draws, others 4" in words
    assert "speed_mbps has the shape (5,), not (12,)" in words
