"""Seven faults found in public planning tools, measured on the research page on planning: none of them is ours."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import polars as pl
import pytest

from rahdari.engines.demand.engine import demand
from rahdari.engines.demand.params import DemandParams
from rahdari.methods.adoption import busy_hour_mbps
from rahdari.methods.cash_flow import Kinds, build_flows, make_money
from rahdari.methods.cash_flow_table import Assumptions, cash_flow
from rahdari.methods.cells import TechnologyCard, capacity_mbps
from rahdari.methods.finance import annuity_factor
from rahdari.methods.geo import great_circle_km
from rahdari.methods.propagation import spectral_efficiency_bps_per_hz
from rahdari.methods.returns import npv_usd
from rahdari.model import Context, Tables
from rahdari.sources.technologies import technology_cards
from tests.fixtures import small_country

CARD = TechnologyCard("t", 1.8, 20.0, 1.0, 1.0, 0.6, 4.4, 1, 700.0, 300.0, 600.0, 300.0, 50.0)
BUILT = pl.DataFrame(
    {
        "kind_id": ["mast"] * 5,
        "year": list(range(2025, 2030)),
        "capex_usd": [300.0, 100.0, 0.0, 50.0, 50.0],
        "life_years": [30.0] * 5,
        "opex_frac_per_year": [0.1] * 5,
    }
)


def test_one_carriers_capacity_uses_its_own_bandwidth_whatever_the_order() -> None:
    # Peer: every carrier's rate for a MHz was multiplied by the last carrier's bandwidth.
    carriers = [replace(CARD, bandwidth_mhz=mhz, frequency_ghz=ghz) for mhz, ghz in ((10, 0.8), (20, 1.8), (60, 2.6))]
    sums = {round(sum(float(capacity_mbps(3.0, card)) for card in order), 9) for order in permutations(carriers)}
    assert len(sums) == 1
    assert sums.pop() == pytest.approx(sum(float(capacity_mbps(3.0, card)) for card in carriers))
    assert float(capacity_mbps(3.0, carriers[1])) == pytest.approx(2.0 * float(capacity_mbps(3.0, carriers[0])))


@pytest.mark.parametrize("latitude_deg", [24.0, 30.0, 36.0])
def test_a_length_is_that_of_the_ground_and_not_of_a_web_map(latitude_deg: float) -> None:
    # Peer: metres of EPSG:3857, 15 % too long at 30 degrees north and 24 % at 36.
    east = float(great_circle_km(70.0, latitude_deg, 70.1, latitude_deg))
    web_map_km = 6378.137 * np.radians(0.1)
    assert east == pytest.approx(web_map_km * np.cos(np.radians(latitude_deg)), rel=2e-3)
    assert web_map_km / east > 1.09


def test_a_yearly_share_for_administration_never_exceeds_what_it_is_a_share_of() -> None:
    # Peer: 20 % a year of a ten-year present value, summed over eleven years, is 174 % of the network's cost; and a
    # cost of capital as a mark-up of 15 % instead of a rate.
    network = cash_flow(BUILT, Assumptions(0.05, 280.0, last_year=2035))
    share = cash_flow(BUILT.with_columns(pl.col("opex_frac_per_year") * 1.2), Assumptions(0.05, 280.0, last_year=2035))
    administration = network.npv_usd - share.npv_usd
    operation = float(npv_usd(network.yearly_usd("opex"), 0.05))
    assert administration == pytest.approx(0.2 * operation)
    assert administration < 0.2 * -network.npv_usd
    # The peer's figure, eleven payments from year 0 on:
    assert 0.2 * annuity_factor(0.05, 11) * 1.05 == pytest.approx(1.744, abs=0.001)
    dearer = cash_flow(BUILT, Assumptions(0.15, 280.0, last_year=2035))
    assert dearer.npv_usd != pytest.approx(1.15 * network.npv_usd, rel=0.05)


def test_demand_differs_by_scenario_and_year_without_a_floor() -> None:
    # Peer: a floor of 5 Mbit/s, above which only 264 GB a month would lift it, made low, base and high the same.
    rates = busy_hour_mbps([[4.8, 14.6], [4.8, 24.4], [4.8, 36.5]], 0.2)
    assert len(set(np.round(rates[:, 1], 9).tolist())) == 3
    assert (rates[:, 1] > rates[:, 0]).all()
    assert float(busy_hour_mbps(0.5, 0.2)) < 0.01
    table = demand(Tables(small_country()), DemandParams(), Context()).tables["place_demand"]
    by_year = table.group_by("year").agg(pl.col("busy_hour_mbps").sum()).sort("year")["busy_hour_mbps"].to_list()
    assert by_year[1] > 1.05 * by_year[0]


def test_what_is_called_a_present_value_is_discounted() -> None:
    # Peer: "NPV" in the readme, and no discounting in the code.
    values = [cash_flow(BUILT, Assumptions(rate, 280.0, last_year=2045)).npv_usd for rate in (0.0, 0.05, 0.15)]
    assert values[0] < values[1] < values[2] < 0.0
    by_hand = [-300.0, -100.0 - 30.0, -40.0, -50.0 - 40.0, -50.0 - 45.0, -50.0]
    short = cash_flow(BUILT.with_columns(life_years=pl.lit(5.0)), Assumptions(0.1, 280.0, last_year=2030))
    # After five years the first mast has nothing left; 1/5, 3/5 and 4/5 of the later ones have.
    by_hand[-1] += 100.0 * 0.2 + 50.0 * 0.6 + 50.0 * 0.8
    assert short.npv_usd == pytest.approx(sum(x / 1.1**t for t, x in enumerate(by_hand)))


def test_capital_is_not_spread_before_it_is_discounted_and_the_rate_is_the_users() -> None:
    # Peer: capital spread over the project before discounting at a fixed 2 %: 10 % too low, 50 % at 15 %.
    money = make_money(range(2025, 2045), exchange_per_usd=280.0, discount_frac_per_year=[0.02, 0.15])
    capital = np.zeros((1, 1, 20))
    capital[0, 0, 0] = 1000.0
    kinds = Kinds(("duct",), np.array([40.0]), *(np.zeros(1) for _ in range(4)))
    ours = money.value_usd(build_flows(capital, kinds, money).capex_usd)[:, 0]
    spread = npv_usd(np.full(20, 50.0), [0.02, 0.15])
    assert ours.tolist() == [1000.0, 1000.0]
    assert (spread / ours).tolist() == pytest.approx([0.834, 0.360], abs=0.001)


def test_more_signal_never_carries_less() -> None:
    # Peer: a table of efficiency by signal that falls from 18.52 to 16.97.
    signal_db = np.linspace(-20.0, 60.0, 801)
    assert (np.diff(spectral_efficiency_bps_per_hz(signal_db)) >= 0.0).all()
    for card in technology_cards().values():
        assert (np.diff(capacity_mbps(10.0 ** (signal_db / 10.0), card)) >= 0.0).all()
