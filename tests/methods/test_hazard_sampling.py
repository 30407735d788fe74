"""Draws of failures and correlated hazards: right chances, the same for any part, weights without bias."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from rahdari.errors import InputError
from rahdari.kernels.hazard_sampling import quantile
from rahdari.methods.hazard_sampling import (
    Hazard,
    Level,
    compile_hazards,
    correlation_root,
    failure_words,
    key_of,
    latent_numbers,
    mixture_of,
)
from rahdari.methods.reach import unpacked
from rahdari.units import HOURS_PER_YEAR

THING = np.array([0])


def event(name: str, rate: float, *stronger: float) -> Hazard:
    return Hazard(name, "flood", "damage", tuple(Level(r, THING) for r in (rate, *stronger)))


def compiled(*hazards: Hazard, **options: object):  # noqa: ANN201
    return compile_hazards(hazards, n_things=3, n_zones=2, n_asset_classes=1, **options)


def test_things_fail_as_often_as_their_chances_say_from_never_to_always() -> None:
    chance = np.array([0.0, 1.0, 0.5, 0.3, 0.125, 0.07, 0.0101, 0.0012, 3e-4])
    is_out = unpacked(failure_words(chance, 2**20, seed=3))
    sigma = np.sqrt(chance * (1.0 - chance) / is_out.shape[0])
    assert (np.abs(is_out.mean(axis=0) - chance) <= 4.5 * sigma).all()


def test_failures_of_different_things_and_scenarios_are_independent() -> None:
    is_out = unpacked(failure_words(np.full(40, 0.05), 2**17, seed=8)).astype(np.float64)
    correlation = np.corrcoef(is_out.T) - np.eye(40)
    assert np.abs(correlation).max() < 5.0 / np.sqrt(is_out.shape[0])
    after = np.corrcoef(is_out[:-1, 0], is_out[1:, 0])[0, 1]
    assert abs(after) < 5.0 / np.sqrt(is_out.shape[0])


def test_words_drawn_in_parts_are_those_drawn_at_once() -> None:
    chance = np.random.Generator(np.random.Philox(1)).random(500) ** 4
    whole = failure_words(chance, 64 * 40, seed=2)
    parts = [failure_words(chance, 64 * 8, seed=2, first_word=low) for low in range(0, 40, 8)]
    assert np.array_equal(whole, np.concatenate(parts))
    assert not np.array_equal(whole, failure_words(chance, 64 * 40, seed=3))


def test_chances_outside_zero_to_one_are_all_named() -> None:
    with pytest.raises(InputError) as caught:
        failure_words([0.1, -0.2, 1.5, float("nan")], 0, seed=1)
    assert len(caught.value.problems) == 4


def test_the_normal_quantile_is_that_of_scipy() -> None:
    share = np.concatenate(
        [10.0 ** -np.arange(1, 300, 7.0), np.linspace(0.01, 0.99, 99), 1.0 - 10.0 ** -np.arange(3, 15.0)]
    )
    assert np.allclose([quantile(float(x)) for x in share], ndtri(share), rtol=1e-13, atol=1e-13)


def test_correlations_that_contradict_one_another_are_refused_with_the_factor_that_cures() -> None:
    bad = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    with pytest.raises(InputError, match="not positive definite") as caught:
        correlation_root(bad, ["a", "b", "c"])
    factor = float(caught.value.problems[0].cure.split()[-1])
    shrunk = bad * (factor - 1e-3)
    np.fill_diagonal(shrunk, 1.0)
    assert np.allclose(correlation_root(shrunk, "abc") @ correlation_root(shrunk, "abc").T, shrunk)
    with pytest.raises(InputError, match="reverse"):
        correlation_root([[1.0, 0.2], [0.1, 1.0]], "ab")
    with pytest.raises(InputError, match="diagonal"):
        correlation_root([[2.0, 0.1], [0.1, 1.0]], "ab")
    with pytest.raises(InputError, match="unknown event hazard"):
        compiled(event("flood", 0.1), correlations={("flood", "grid"): 0.5})


def test_faults_of_hazards_are_raised_at_once() -> None:
    bad = [
        event("often", 50.0),
        event("upside_down", 0.01, 0.1),
        Hazard("far", "flood", "damage", (Level(0.1, np.array([7])),)),
        Hazard("twice", "flood", "damage", (Level(0.1, np.array([1, 1]), 1.5),)),
        Hazard("shed", "feeder", "shedding", (Level(0.1, np.array([0]), 0.1, value=0.0),)),
    ]
    with pytest.raises(InputError) as caught:
        compiled(*bad)
    text = str(caught.value)
    for name in ("often", "upside_down", "far", "twice", "shed"):
        assert name in text


def test_hazards_come_as_often_and_as_often_together_as_they_should() -> None:
    made = compiled(event("flood", 1.0), event("grid", 0.5, 0.1), correlations={("flood", "grid"): 0.7})
    n_runs = 200_000
    often = np.array([1.0, 0.5, 0.1]) * made.window_h / HOURS_PER_YEAR
    bound = -ndtri(often)
    both = multivariate_normal([0.0, 0.0], [[1.0, 0.7], [0.7, 1.0]]).cdf(-bound[:2])
    for tilted in (0.0, 0.5):
        mixture = mixture_of(made, n_runs, tilted)
        latent, weight = latent_numbers(made, mixture, np.arange(n_runs), key_of(4))
        for is_it, truth in (
            (latent[:, 0] > bound[0], often[0]), (latent[:, 1] > bound[1], often[1]),
            (latent[:, 1] > bound[2], often[2]),
            ((latent[:, 0] > bound[0]) & (latent[:, 1] > bound[1]), both), (np.ones(n_runs, np.bool_), 1.0),
        ):  # fmt: skip
            error = (weight * is_it).std() / np.sqrt(n_runs)
            assert abs((weight * is_it).mean() - truth) < 4.5 * error + 1e-12


def test_importance_sampling_sees_a_thousand_year_event_and_bounds_its_weights() -> None:
    made = compiled(event("quake", 0.01, 0.001))
    n_runs, bound = 20_000, float(-ndtri(0.001 * made.window_h / HOURS_PER_YEAR))
    latent, weight = latent_numbers(made, mixture_of(made, n_runs), np.arange(n_runs), key_of(1))
    seen = weight * (latent[:, 0] > bound)
    truth = 0.001 * made.window_h / HOURS_PER_YEAR
    assert abs(seen.mean() - truth) < 4.5 * seen.std() / np.sqrt(n_runs)
    assert seen.std() / np.sqrt(n_runs) < 0.05 * truth
    assert weight.max() <= 2.0 + 1e-3


def test_latent_numbers_do_not_depend_on_blocks() -> None:
    made = compiled(event("flood", 1.0), event("grid", 0.5), correlations=[[1.0, 0.3], [0.3, 1.0]])
    mixture = mixture_of(made, 1000)
    whole, weight = latent_numbers(made, mixture, np.arange(1000), key_of(1))
    part, own = latent_numbers(made, mixture, np.arange(300, 417), key_of(1))
    assert np.array_equal(whole[300:417], part)
    assert np.array_equal(weight[300:417], own)
