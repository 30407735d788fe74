from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from rahdari.methods.outages import feeder_outages
from rahdari.methods.site_outage_bound import block_bound_usd, foresight_bound_usd, outage_bound_usd, outage_sums
from rahdari.methods.site_power_input import CellHours, FeederHours
from rahdari.methods.site_sizing import PowerPrices, size_site
from rahdari.methods.site_sizing_bound import yearly_bound_usd

N_HOURS = 960
RATES = {"pv": 60.0, "battery": 45.0, "generator": 55.0, "generator_fixed": 480.0, "fuel": 0.45, "grid": 0.16,
         "kept": 0.94, "charge": 0.55}  # fmt: skip
NO_EVENTS = (np.zeros(0), np.zeros(0))


def _grid(hours: float) -> FeederHours:
    feeders = pl.DataFrame({"feeder_id": ["f"], "company_id": ["c"], "outage_h_per_day": [hours]})
    return feeder_outages(feeders, n_hours=N_HOURS, events=NO_EVENTS)


def _sun() -> np.ndarray:
    hour = np.arange(N_HOURS) % 24
    return np.asarray(np.maximum(0.0, 0.75 * np.sin(np.pi * (hour - 6.0) / 12.0)), np.float32)


@pytest.mark.parametrize("hours", [0.0, 3.0, 12.0, 20.0])
@pytest.mark.parametrize("target", [0.95, 0.9995])
def test_both_quick_bounds_lie_below_the_bound_of_all_hours(hours: float, target: float) -> None:
    load = 2.0 * np.resize(np.linspace(0.6, 1.4, 24), N_HOURS)
    grid = _grid(hours).parts[0] / 65_535
    whole = yearly_bound_usd(load, _sun(), grid, target, RATES)
    assert whole > 0.0
    for size in (4, 8, 24):
        assert 0.0 < block_bound_usd(load, _sun(), grid, target, RATES, hours=size) <= whole * (1.0 + 1e-5)
    assert outage_bound_usd(load, _sun(), grid, target, RATES) > 0.0


@pytest.mark.parametrize("hours", [0.0, 3.0, 12.0, 20.0])
@pytest.mark.parametrize("fixed", [1.0, 480.0, 5000.0])
def test_leaving_out_a_case_that_cannot_be_the_least_changes_nothing(hours: float, fixed: float) -> None:
    load = 2.0 * np.resize(np.linspace(0.6, 1.4, 24), N_HOURS)
    grid, rates = _grid(hours).parts[0] / 65_535, {**RATES, "generator_fixed": fixed}
    whole = yearly_bound_usd(load, _sun(), grid, 0.9995, rates)
    # The blocks of a case may lie above its hours by the solver's tolerance.
    assert foresight_bound_usd(load, _sun(), grid, 0.9995, rates) == pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize("hours", [0.0, 6.0, 18.0])
def test_no_simulated_design_costs_less_than_the_quick_bounds(hours: float) -> None:
    outages, prices = _grid(hours), PowerPrices()
    heat = np.full((1, N_HOURS), 25.0, np.float32)
    sizing = size_site(2.0, CellHours(("c",), _sun()[None, :], heat), outages, prices=prices, is_bounded=False)
    from rahdari.engines.power.sizing import bound_rates

    rates = bound_rates(prices, float(sizing.designs["generator_kw"].to_numpy().max()))
    load, grid = np.full(N_HOURS, 2.0), outages.parts[0] / 65_535
    assert outage_bound_usd(load, _sun(), grid, 0.9995, rates) <= sizing.cost
    assert block_bound_usd(load, _sun(), grid, 0.9995, rates, hours=8) <= sizing.cost


def test_a_site_without_outages_and_dear_sun_pays_the_grid() -> None:
    load, grid = np.ones(N_HOURS), np.ones(N_HOURS)
    dear = {**RATES, "pv": 1e6}
    # A battery that starts full gives what it holds: at its price it is never worth it.
    expected = 8766.0 * RATES["grid"]
    assert outage_bound_usd(load, _sun(), grid, 1.0, dear) == pytest.approx(expected, rel=1e-5)
    assert block_bound_usd(load, _sun(), grid, 1.0, dear) == pytest.approx(expected, rel=1e-5)


def test_outages_are_runs_of_hours_not_wholly_on_the_grid() -> None:
    grid = np.array([1.0, 0.5, 0.0, 1.0, 0.0])
    load, sun, hours = outage_sums(np.full(5, 2.0), np.ones(5, np.float32), grid)
    assert load.tolist() == [3.0, 2.0]
    assert sun.tolist() == [2.0, 1.0]
    assert hours.tolist() == [1.5, 1.0]
