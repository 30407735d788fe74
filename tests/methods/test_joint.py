"""The joint law of ways against enumeration of every state of every cause and system."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.availability import parallel_availability_frac, series_availability_frac
from rahdari.methods.joint import joint_law, scenarios
from rahdari.methods.network import make_network
from rahdari.methods.reliability import make_scenarios, two_terminal_availability


def enumerated(
    ways: list[list[int]], systems: list[np.ndarray], active: np.ndarray, hit: np.ndarray
) -> dict[int, float]:
    """Return the availability of every set of ways by brute force over causes and systems."""
    names = [(leg, number) for leg, each in enumerate(systems) for number in range(each.size)]
    total = dict.fromkeys(range(1, 2 ** len(ways)), 0.0)
    for acts in itertools.product((False, True), repeat=active.size):
        chance = float(np.prod([a if on else 1.0 - a for on, a in zip(acts, active, strict=True)]))
        spared = [float(np.prod([1.0 - hit[c, leg] for c, on in enumerate(acts) if on])) for leg in range(len(systems))]
        for works in itertools.product((False, True), repeat=len(names)):
            weight = chance
            up = dict.fromkeys(range(len(systems)), False)
            for (leg, number), on in zip(names, works, strict=True):
                share = systems[leg][number] * spared[leg]
                weight *= share if on else 1.0 - share
                up[leg] = up[leg] or on
            for subset in total:
                if any(subset >> place & 1 and all(up[leg] for leg in way) for place, way in enumerate(ways)):
                    total[subset] += weight
    return total


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[list[int]], list[np.ndarray], np.ndarray, np.ndarray]:
    n_legs, n_causes = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    share = st.floats(0.0, 1.0)
    systems = [np.array(draw(st.lists(share, min_size=1, max_size=2))) for _ in range(n_legs)]
    active = np.array(draw(st.lists(share, min_size=n_causes, max_size=n_causes)))
    hits = draw(st.lists(st.one_of(st.just(0.0), share), min_size=n_causes * n_legs, max_size=n_causes * n_legs))
    legs = st.sets(st.integers(0, n_legs - 1), min_size=1).map(sorted)
    ways = draw(st.lists(legs, min_size=1, max_size=3))
    return ways, systems, active, np.array(hits).reshape(n_causes, n_legs)


@settings(max_examples=60, deadline=None)
@given(world=worlds())
def test_the_law_agrees_with_enumeration(
    world: tuple[list[list[int]], list[np.ndarray], np.ndarray, np.ndarray],
) -> None:
    law = joint_law(*world)
    for subset, availability in enumerated(*world).items():
        assert law.availability_frac(subset) == pytest.approx(availability, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(world=worlds())
def test_another_way_never_lowers_availability(
    world: tuple[list[list[int]], list[np.ndarray], np.ndarray, np.ndarray],
) -> None:
    law, n_ways = joint_law(*world), len(world[0])
    for subset in range(1, 2**n_ways):
        for place in range(n_ways):
            assert law.availability_frac(subset | 1 << place) >= law.availability_frac(subset) - 1e-12


def test_without_causes_series_and_parallel_are_the_classical_ones() -> None:
    systems = [np.array([0.9]), np.array([0.8]), np.array([0.95])]
    law = joint_law([[0, 1], [2]], systems, np.zeros(0), np.zeros((0, 3)))
    series = series_availability_frac(0.9, 0.8)
    assert law.availability_frac(0b01) == pytest.approx(float(series))
    assert law.availability_frac(0b11) == pytest.approx(float(parallel_availability_frac(series, 0.95, 0.0)))


def test_a_common_cause_that_strikes_both_ways_bounds_the_pair() -> None:
    # Worked by hand: a certain hit while the cause acts leaves 1 - 0.01; the rest is independent.
    law = joint_law([[0], [1]], [np.array([0.99]), np.array([0.99])], np.array([0.01]), np.array([[1.0, 1.0]]))
    assert law.availability_frac(0b11) == pytest.approx(0.99 * (1.0 - 0.01**2), rel=1e-12)


def test_nothing_is_up_where_no_way_is_asked_for() -> None:
    assert joint_law([[0]], [np.array([0.9])], np.zeros(0), np.zeros((0, 1))).availability_frac(0) == 0.0


def test_chances_of_scenarios_add_up_to_one() -> None:
    _, chance = scenarios(np.array([0.1, 0.5, 0.999, 0.0]))
    assert chance.sum() == pytest.approx(1.0, rel=1e-12)


def test_too_many_causes_or_ways_are_refused() -> None:
    with pytest.raises(InputError, match="17 common causes"):
        scenarios(np.full(17, 0.1))
    with pytest.raises(InputError, match="9 ways"):
        joint_law([[0]] * 9, [np.array([0.9])], np.zeros(0), np.zeros((0, 1)))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_law_agrees_with_the_sweep_over_a_network_where_ways_are_all_its_paths(seed: int) -> None:
    random = np.random.default_rng(seed)
    # Legs: ax with two systems, xb, ay, yb; the network has one link a system.
    systems = [random.random(2), random.random(1), random.random(1), random.random(1)]
    active, hit = random.random(3) * 0.3, random.random((3, 4)) * (random.random((3, 4)) < 0.6)
    law = joint_law([[0, 1], [2, 3]], systems, active, hit)
    ends, leg = [("a", "x"), ("a", "x"), ("x", "b"), ("a", "y"), ("y", "b")], [0, 0, 1, 2, 3]
    network = make_network(
        "abxy", ["1", "2", "3", "4", "5"], ends, np.ones(5), link_availability_frac=np.concatenate(systems)
    )
    state, chance = scenarios(active)
    spared = np.where(state[:, :, None], 1.0 - hit[None, :, :], 1.0).prod(axis=1)
    swept = two_terminal_availability(network, "a", "b", scenarios=make_scenarios(chance, spared[:, leg]))
    assert law.availability_frac(0b11) == pytest.approx(swept.availability_frac, abs=1e-10)
