"""Ranks are counted among peers that grow; years to a level against closed forms and the published pace."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from rahdari.errors import InputError
from rahdari.methods.rank import Peers, peers_from_rank, rank_against, years_to_level


@given(st.floats(5.0, 80.0), st.integers(60, 110), st.floats(0.1, 2.0))
def test_the_distribution_passes_through_both_points(own: float, rank: int, sigma: float) -> None:
    median = own * float(np.exp(-sigma * ndtri(1.0 - (rank - 0.5) / 111)))
    peers = peers_from_rank(own, rank, 111, median_mbps=median)
    assert peers.sigma_ratio == pytest.approx(sigma)
    assert float(peers.faster_frac(own)) * 111 == pytest.approx(rank - 0.5, abs=1e-6)
    by_mean = peers_from_rank(own, rank, 111, mean_mbps=peers.mean_mbps)
    assert by_mean.sigma_ratio == pytest.approx(sigma)


def test_own_rank_and_the_claimed_world_average_fix_the_fixed_peers() -> None:
    # Fixed, October 2024: 15.6 Mbit/s at rank 141 of 158; an international average of 100 Mbit/s as claimed in 2025.
    peers = peers_from_rank(15.6, 141, 158, mean_mbps=100.0)
    assert peers.mean_mbps == pytest.approx(100.0)
    assert float(peers.faster_frac(15.6)) * 158 == pytest.approx(140.5, abs=1e-6)
    assert 0.5 < peers.sigma_ratio < 1.5


def test_the_distributions_own_countries_give_the_rank_back() -> None:
    peers = peers_from_rank(20.61, 100, 111, median_mbps=55.0)
    others = np.delete(peers.speeds_mbps(111), 99)
    assert rank_against([20.61], others, 0.0, [0.0]).tolist() == [100]
    assert peers.speeds_mbps(110).size + 1 == 111


def test_growing_as_fast_as_peers_keeps_the_rank_and_slower_loses_it() -> None:
    speeds, years = Peers(55.0, 0.8).speeds_mbps(110), np.arange(6.0)
    same = rank_against(20.0 * 1.15**years, speeds, 0.15, years)
    assert set(same.tolist()) == {int(same[0])}
    slower = rank_against(20.0 * 1.05**years, speeds, 0.15, years)
    assert slower[-1] > slower[0]


def test_the_rank_lies_in_the_pool_and_draws_run_together() -> None:
    rng = np.random.Generator(np.random.Philox(1))
    speeds, own, growth = rng.lognormal(4.0, 0.8, 20), rng.lognormal(3.0, 1.0, (7, 4)), rng.uniform(0.0, 0.3, (7, 20))
    years = np.arange(4.0)
    many = rank_against(own, speeds, growth, years)
    assert many.min() >= 1
    assert many.max() <= 21
    for i in range(7):
        assert many[i].tolist() == rank_against(own[i], speeds, growth[i], years).tolist()


def test_points_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(InputError, match="contradicts the median"):
        peers_from_rank(80.0, 100, 111, median_mbps=55.0)
    with pytest.raises(InputError) as caught:
        peers_from_rank(0.0, 200, 111)
    assert len(caught.value.problems) == 3


def test_fixed_speed_reaches_100_mbps_in_about_thirty_years_at_its_pace() -> None:
    # 15.58 in September 2024, 18 (rounded: 17.5 to 18.5) in July 2025: the claim is 30 years.
    pace = (np.array([17.5, 18.0, 18.5]) - 15.58) / (10.0 / 12.0)
    years = years_to_level(np.array([17.5, 18.0, 18.5]), pace, 100.0)
    assert years[1] == pytest.approx(28.2, abs=0.1)
    assert years[2] < 30.0 < years[0]


@given(st.floats(1.0, 50.0), st.floats(0.1, 10.0), st.floats(51.0, 200.0), st.floats(-0.05, 0.05))
def test_at_the_years_found_a_linear_pace_meets_the_level(now: float, pace: float, level: float, growth: float) -> None:
    years = float(years_to_level(now, pace, level, level_growth_frac_per_year=growth))
    if np.isfinite(years):
        assert now + pace * years == pytest.approx(level * (1.0 + growth) ** years, rel=1e-6)
        before = np.linspace(0.0, years * (1.0 - 1e-6), 50)
        assert (now + pace * before <= level * (1.0 + growth) ** before * (1.0 + 1e-9)).all()
    else:
        later = np.linspace(0.0, 300.0, 3001)
        assert (now + pace * later < level * (1.0 + growth) ** later).all()


def test_a_level_that_runs_away_is_never_reached() -> None:
    assert years_to_level(10.0, 0.05, 40.0, kind="steady", level_growth_frac_per_year=0.06) == np.inf
    assert years_to_level(10.0, -1.0, 40.0) == np.inf
    assert years_to_level(10.0, 0.2, 40.0, level_growth_frac_per_year=0.02) == np.inf
    assert years_to_level(50.0, 0.0, 40.0) == 0.0
    with pytest.raises(InputError, match="unknown"):
        years_to_level(1.0, 1.0, 2.0, kind="guess")
