"""Designs of a site: the target is met, the bound holds, prices and targets move the answer the right way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from rahdari.errors import InputError
from rahdari.methods.finance import capital_recovery_factor
from rahdari.methods.site_power import simulate
from rahdari.methods.site_power_input import CellHours, FeederHours, controller_table
from rahdari.methods.site_sizing import RULES, PowerPrices, size_classes, size_site
from rahdari.units import HOURS_PER_YEAR

N_HOURS = 24 * 40
HOUR = np.arange(N_HOURS)
SUN = np.maximum(0.0, np.sin((HOUR % 24 - 6) / 12 * np.pi)) * (0.5 + 0.3 * np.sin(HOUR / 100.0))
WEATHER = CellHours(("c",), SUN[None].astype(np.float32), np.full((1, N_HOURS), 25.0, np.float32))
NO_SUN = CellHours(("c",), np.zeros((1, N_HOURS), np.float32), np.full((1, N_HOURS), 25.0, np.float32))


def feeder(h_per_day: int) -> FeederHours:
    up = np.where(h_per_day > (HOUR + 3 * (HOUR // 24)) % 24, 0, 65_535)
    return FeederHours(("f",), up[None].astype(np.uint16))


def test_the_design_meets_the_target_in_a_simulation_of_its_own_and_lies_above_the_bound() -> None:
    sizing = size_site(2.5, WEATHER, feeder(6), 99.9)
    design = sizing.design
    site = pl.DataFrame({"site_id": ["a"], "weather_cell_id": ["c"], "feeder_id": ["f"], "load_kw": [2.5],
                         "pv_kwp": [design.pv_kwp], "battery_kind": [design.battery_kind],
                         "battery_kwh": [design.battery_kwh or None], "generator_kw": [design.generator_kw],
                         "controller_id": [design.controller_id]})  # fmt: skip
    row = simulate(site, WEATHER, feeder(6), controller_table(*RULES)).row(0, named=True)
    assert row["availability_frac"] >= 0.999 - 1e-6
    assert row["fuel_l"] * HOURS_PER_YEAR / N_HOURS == pytest.approx(sizing.figures["fuel_l"], rel=1e-6, abs=1e-6)
    assert 0.4 * sizing.cost < sizing.lower_bound <= sizing.cost
    assert sizing.certificate.gap_frac is not None


def test_the_bound_lies_below_every_design_that_was_simulated() -> None:
    for hours, target in ((2, 99.0), (12, 99.95), (24, 98.0)):
        sizing = size_site(1.5, WEATHER, feeder(hours), target, load_class="4g")
        met = sizing.designs.filter(pl.col("availability_frac") >= target / 100.0)
        assert sizing.lower_bound <= met["cost_usd_per_year"].to_numpy().min() * (1.0 + 1e-9)


def test_on_a_perfect_grid_without_sun_the_site_buys_its_load_and_the_bound_is_tight() -> None:
    prices = PowerPrices()
    sizing = size_site(2.0, NO_SUN, feeder(0), prices=prices)
    assert (sizing.design.pv_kwp, sizing.design.battery_kwh, sizing.design.generator_kw) == (0.0, 0.0, 0.0)
    assert sizing.cost == pytest.approx(2.0 * HOURS_PER_YEAR * prices.tariff_usd_per_kwh, rel=1e-6)
    # The target leaves 0.05 % of the hours dark, which the bound makes use of.
    assert sizing.lower_bound == pytest.approx(sizing.cost * 0.9995, rel=1e-5)


def test_a_site_without_grid_or_sun_runs_its_generator_and_costs_what_a_hand_count_says() -> None:
    prices = PowerPrices()
    sizing = size_site(2.0, NO_SUN, feeder(24), 100.0, prices=prices)
    assert sizing.design.generator_kw >= 2.0
    figures = sizing.figures
    assert figures["co2_tonnes_per_year"] == pytest.approx(2.68e-3 * figures["fuel_l"])
    parts = figures["fuel_l"] * prices.diesel_usd_per_l + figures["generator_h"] * prices.service_usd_per_h
    capital = (3000.0 + 350.0 * sizing.design.generator_kw) * capital_recovery_factor(0.12, 12.0)
    battery = {
        "lithium": 220.0 * capital_recovery_factor(0.12, 10.0),
        "lead_acid": 120.0 * capital_recovery_factor(0.12, 5.0),
    }
    capital += sizing.design.battery_kwh * battery[sizing.design.battery_kind]
    assert sizing.cost == pytest.approx(parts + capital, rel=1e-6)
    assert figures["cost_usd_per_kwh"] == pytest.approx(sizing.cost / (2.0 * HOURS_PER_YEAR), rel=1e-5)


def test_a_stricter_target_never_costs_less() -> None:
    costs = [size_site(2.0, WEATHER, feeder(8), target, is_bounded=False).cost for target in (90.0, 99.0, 99.9, 100.0)]
    assert costs == sorted(costs)


def test_prices_move_cost_and_design_the_right_way() -> None:
    sizing = size_site(2.0, WEATHER, feeder(10), 99.5, is_bounded=False)
    table = sizing.sensitivity
    assert set(table["price"]) == {"diesel", "tariff", "pv", "battery"}
    for _, rows in table.group_by("price", maintain_order=True):
        assert rows["cost_usd_per_year"].is_sorted()
    panels = table.filter(pl.col("price") == "pv")["pv_kwp"].to_list()
    assert panels == sorted(panels, reverse=True)


def test_dear_panels_are_left_out_and_then_pay_back_nothing() -> None:
    dear = replace(PowerPrices(), pv_usd_per_kwp=1e6)
    sizing = size_site(2.0, WEATHER, feeder(4), 99.0, prices=dear, is_bounded=False)
    assert sizing.design.pv_kwp == 0.0
    assert sizing.figures["payback_years"] == 0.0


def test_classes_are_sized_together_as_each_alone_whatever_their_order() -> None:
    two = FeederHours(("f", "g"), np.concatenate([feeder(4).parts, feeder(14).parts]))
    classes = pl.DataFrame({"class_id": ["x", "y"], "weather_cell_id": "c", "feeder_id": ["g", "f"],
                            "load_kw": [1.5, 3.0], "load_class": ["4g", "flat"]})  # fmt: skip
    best, found = size_classes(classes, WEATHER, two, 99.5)
    turned, _ = size_classes(classes[::-1], WEATHER, two, 99.5, n_workers=2)
    assert best.equals(turned)
    assert found.height > 1_000
    alone = size_site(1.5, WEATHER, FeederHours(("g",), two.parts[1:]), 99.5, load_class="4g", is_bounded=False)
    assert best["cost_usd_per_year"][0] == pytest.approx(alone.cost, rel=1e-12)


def test_a_target_out_of_reach_is_told_with_what_can_be_reached() -> None:
    classes = pl.DataFrame({"class_id": ["x"], "weather_cell_id": "c", "feeder_id": ["f"], "load_kw": [1.0],
                            "load_class": ["flat"]})  # fmt: skip
    best, _ = size_classes(classes, NO_SUN, feeder(24), 100.0)
    assert best["generator_kw"][0] > 0.0
    with pytest.raises(InputError, match="target of 101 per cent"):
        size_classes(classes, NO_SUN, feeder(24), 101.0)


def test_faults_of_the_arguments_are_told() -> None:
    two = FeederHours(("f", "g"), np.concatenate([feeder(4).parts, feeder(14).parts]))
    with pytest.raises(InputError, match="2 feeders for one site"):
        size_site(2.0, WEATHER, two)
    with pytest.raises(InputError, match="negative"):
        size_site(-2.0, WEATHER, feeder(4))
