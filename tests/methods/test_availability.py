"""Availability formulae against hand-worked cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.methods.availability import (
    fibre_availability_frac,
    parallel_availability_frac,
    repairable_availability_frac,
    series_availability_frac,
)

FRAC = st.floats(0.0, 1.0)


def test_a_failure_a_year_of_one_day_costs_a_day_in_a_year_and_a_day() -> None:
    assert float(repairable_availability_frac(1.0, 24.0)) == pytest.approx(8766.0 / 8790.0)


def test_two_long_routes_and_a_common_cause_give_the_worked_example() -> None:
    alone = fibre_availability_frac(2300.0, 2.0, 12.0)
    assert float(alone) == pytest.approx(0.9937, abs=1e-4)
    assert float(parallel_availability_frac(alone, alone, 0.0)) == pytest.approx(0.99996, abs=1e-5)
    assert float(parallel_availability_frac(alone, alone, 0.05)) == pytest.approx(0.99965, abs=2e-5)


@given(FRAC, FRAC)
def test_a_second_way_never_lowers_availability_when_causes_are_independent(first: float, second: float) -> None:
    assert float(parallel_availability_frac(first, second, 0.0)) >= max(first, second) - 1e-12


@given(FRAC, FRAC)
def test_a_further_part_in_series_never_raises_availability(first: float, second: float) -> None:
    assert float(series_availability_frac(first, second)) <= min(first, second) + 1e-12


def test_a_longer_fibre_is_never_more_available() -> None:
    frac = fibre_availability_frac(np.linspace(0.0, 5000.0, 50), 2.7, 12.0)
    assert frac[0] == 1.0
    assert np.all(np.diff(frac) < 0.0)
