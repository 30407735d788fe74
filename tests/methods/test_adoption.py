"""Curves of adoption against their equation, known fits and the published series; what they cannot know is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.adoption import (
    adoption,
    bass_frac,
    busy_hour_mbps,
    customers_count,
    demand_at_price,
    hindcast,
    series_of,
    traffic_pb_per_year,
)
from rahdari.methods.finance import share_above_income
from rahdari.methods.observations import observations

FACTS = Path(__file__).parents[2] / "rahdari" / "sources" / "packs" / "pakistan" / "facts.csv"


def random() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(11))


def pack(series: str) -> list[tuple[float, float]]:
    facts = {"facts": pl.read_csv(FACTS, infer_schema_length=None)}
    return [(item.at_year, item.value) for item in observations(facts, series)]


@given(st.floats(0.0, 0.2), st.floats(0.01, 1.5), st.floats(0.001, 0.9), st.floats(0.0, 20.0))
def test_the_curve_solves_its_equation(p: float, q: float, start: float, t: float) -> None:
    step = 1e-4
    here, before, after = (float(bass_frac(t + shift, p, q, start)) for shift in (0.0, -step, step))
    assert (after - before) / (2.0 * step) == pytest.approx((p + q * here) * (1.0 - here), abs=1e-6)
    assert float(bass_frac(0.0, p, q, start)) == pytest.approx(start)


def test_colour_television_peaks_when_bass_said() -> None:
    # Bass 1969, table 1: p 0.005, q 0.84: sales are largest after ln(q / p) / (p + q) = 6.06 years.
    t = np.linspace(0.0, 12.0, 12_001)
    adopters = np.diff(bass_frac(t, 0.005, 0.84, 0.0))
    assert t[int(adopters.argmax())] == pytest.approx(np.log(0.84 / 0.005) / 0.845, abs=0.002)


def test_a_fit_to_an_exact_curve_finds_its_numbers_and_the_saturation() -> None:
    t = np.arange(2005.0, 2022.0)
    exact = 7e6 * bass_frac(t - 2005.0, 0.02, 0.45, 0.01)
    found = adoption(list(zip(t, exact, strict=True)))
    assert found.is_settled
    assert found.value("p") == pytest.approx(0.02, rel=1e-3)
    assert found.value("q") == pytest.approx(0.45, rel=1e-3)
    assert found.value("saturation") == pytest.approx(7e6, rel=1e-3)
    assert found.predict([2030.0])[0] == pytest.approx(7e6 * float(bass_frac(25.0, 0.02, 0.45, 0.01)), rel=1e-3)


def test_the_band_of_a_noisy_fit_covers_the_truth_about_as_often_as_it_says() -> None:
    t, rng, hits, n_trials = np.arange(2010.0, 2018.0), random(), 0, 40
    truth = 100.0 * bass_frac(t - 2010.0, 0.02, 0.4, 0.03)
    later = 100.0 * float(bass_frac(10.0, 0.02, 0.4, 0.03))
    for _ in range(n_trials):
        seen = truth * np.exp(0.05 * rng.standard_normal(t.size))
        found = adoption(list(zip(t, seen, strict=True)), saturation=100.0)
        low, _, high = found.band([2020.0], 400, rng)[:, 0]
        hits += low <= later <= high
    assert hits / n_trials >= 0.8


def test_an_early_series_does_not_settle_its_saturation_and_says_so() -> None:
    t = np.arange(2018.0, 2024.0)
    found = adoption(list(zip(t, 1e5 * 1.3 ** (t - 2018.0), strict=True)))
    assert not found.is_settled
    assert "state the saturation" in found.notes


def test_few_points_choose_a_poorer_curve() -> None:
    rising = [(2020.0, 10.0), (2021.0, 12.0), (2022.0, 15.0), (2023.0, 18.0)]
    curves = [adoption(rising[:n], saturation=100.0).curve for n in (2, 3, 4)]
    assert curves == ["growth", "logistic", "bass"]
    assert adoption(rising).curve == "growth"
    assert adoption(rising[:2]).notes != ()


def test_steady_growth_is_a_straight_line_of_logarithms() -> None:
    found = adoption([(2020.0, 10.0), (2021.0, 20.0), (2022.0, 40.0)])
    assert found.value("growth") == pytest.approx(2.0)
    assert found.predict([2025.0])[0] == pytest.approx(320.0)


def test_sites_on_fibre_at_their_pace_miss_the_target_by_far() -> None:
    found = adoption(pack("fibre_to_site"), saturation=100.0)
    assert found.n_points == 4
    low, middle, high = found.band([2030.33], 2000, random())[:, 0]
    assert 20.0 < low < middle < high < 80.0


def test_a_hindcast_of_the_traffic_shows_its_error() -> None:
    found = hindcast(pack("data_total"), fit_to_year=2023.5, at_year=2025.5, random=random())
    assert (found.n_points, found.observed, found.curve) == (3, 27_727.0, "growth")
    # 20,235 at the growth of 2021 to 2023 (26.9 % a year) would have been 32,600: 18 % too much.
    assert found.predicted == pytest.approx(32_625.0, rel=0.01)
    assert found.error_frac == pytest.approx(found.predicted / 27_727.0 - 1.0)


def test_a_hindcast_of_cell_sites_is_near() -> None:
    found = hindcast(pack("cell_sites"), fit_to_year=2023.5, at_year=2025.5, random=random())
    assert abs(found.error_frac) < 0.03
    # Two points do not say how far they scatter; a band without width would claim that they do.
    assert found.low < found.predicted < found.high
    assert found.is_in_band


def test_series_of_the_shared_folder_are_those_of_the_pack(shared_folder: Path) -> None:
    outside = pl.read_csv(shared_folder / "facts" / "pakistan" / "cell_sites_fibre_share.csv").drop_nulls("cell_sites")
    assert [value for _, value in pack("cell_sites")] == outside["cell_sites"].cast(pl.Float64()).to_list()


def test_draws_of_one_seed_are_the_same_and_rows_may_come_in_any_order() -> None:
    rows = [(2020.0, 10.0), (2021.0, 12.5), (2022.0, 14.0), (2023.0, 19.0)]
    a = adoption(rows, saturation=60.0).draws([2027.0, 2030.0], 50, random())
    b = adoption(rows[::-1], saturation=60.0).draws([2027.0, 2030.0], 50, random())
    assert a.shape == (50, 2)
    assert np.array_equal(a, b)


def test_wrong_points_are_reported_together() -> None:
    with pytest.raises(InputError) as caught:
        series_of(pl.DataFrame({"year": [2020.0, 2020.0, 2022.0], "value": [1.0, -2.0, 0.0]}))
    assert len(caught.value.problems) == 3
    with pytest.raises(InputError, match="not above the largest value"):
        adoption([(2020.0, 10.0), (2021.0, 12.0)], saturation=11.0)
    with pytest.raises(InputError, match="above zero"):
        demand_at_price(1.0, 1.0, 0.5)
    with pytest.raises(InputError, match="no point between"):
        hindcast([(2020.0, 1.0), (2021.0, 2.0)], fit_to_year=2023.0, at_year=2025.0, random=random())


@given(st.floats(0.2, 5.0), st.floats(0.2, 5.0), st.floats(-2.0, 0.0))
def test_two_steps_of_price_are_one(first: float, second: float, elasticity: float) -> None:
    twice = demand_at_price(demand_at_price(1.0, first, elasticity), second, elasticity)
    assert twice == pytest.approx(demand_at_price(1.0, first * second, elasticity))


def test_buyers_are_never_more_than_those_who_can_pay() -> None:
    price = np.array([5.0, 14.0, 60.0])
    buyers = customers_count(1000.0, 0.9, price, income_usd_per_month=400.0, gini=0.3)
    able = 1000.0 * share_above_income(price / 0.02, 400.0, 0.3)
    assert (buyers <= able + 1e-9).all()
    assert (np.diff(buyers) < 0.0).all()
    cheaper = customers_count(
        1000.0, 0.4, 5.0, income_usd_per_month=4000.0, gini=0.3, elasticity=-0.5, reference_usd_per_month=10.0
    )
    assert cheaper == pytest.approx(400.0 * 2.0**0.5)


def test_published_traffic_is_eight_gigabytes_a_user_and_month() -> None:
    # 14,153 PB mobile in FY2025 over some 147 million users: research page on planning, section 4.
    assert traffic_pb_per_year(147e6, 8.0) == pytest.approx(14_153.0, rel=0.01)
    # 30.4 days of 24 busy hours at 1 Mbit/s are 329 GB.
    assert busy_hour_mbps(328.7, 1.0 / 24.0) == pytest.approx(1.0, rel=1e-3)
