"""The joint choice against brute force over every set of ways on small countries."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from rahdari.engines.access import choose
from rahdari.engines.access.options import TECHNOLOGIES
from rahdari.engines.access.waygraph import WayGraph

N_PLACES, N_WAYS = 4, 8


def _problem(seed: int) -> choose.Problem:
    random = np.random.Generator(np.random.Philox(key=seed))
    ring = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (0, 2), (1, 3), (2, 4)]
    full, none = np.ones(N_PLACES), np.zeros((N_PLACES, len(TECHNOLOGIES)))
    tco = none.copy()
    tco[:, choose.FIBRE] = random.integers(20, 60, N_PLACES)
    tco[:, 1] = random.integers(40, 120, N_PLACES)
    possible = np.zeros_like(tco, dtype=np.bool_)
    possible[:, [choose.FIBRE, 1]] = True
    site_place = np.array([0, 1, 1, 2, 3])
    edge = random.integers(5, 60, N_WAYS).astype(np.float64)
    money = choose.Money(
        tco_usd=tco,
        capex_usd=0.5 * tco,
        penalty_usd=none,
        is_possible=possible,
        hop_tco_usd=random.integers(5, 20, len(site_place)).astype(np.float64),
        lateral_tco_usd=random.integers(1, 25, len(site_place)).astype(np.float64),
        lateral_capex_usd=np.ones(len(site_place)),
        edge_tco_usd=edge,
        edge_capex_usd=0.8 * edge,
        none_usd=1e3 * full,
        n_new_sites=none,
    )
    graph = WayGraph(
        n_nodes=5,
        lon_deg=np.zeros(5),
        lat_deg=np.zeros(5),
        edge_node=np.array(ring),
        length_km=edge,
        price_ratio=np.ones(N_WAYS),
        way=np.arange(N_WAYS),
        place=np.full(N_WAYS, -1),
        to_place=np.full(N_WAYS, -1),
        place_node=np.arange(1, 5),
        source=np.array([0]),
        row_id=[str(number) for number in range(N_WAYS)],
        is_source_assumed=False,
    )
    households = random.integers(1, 9, N_PLACES).astype(np.float64)
    return choose.Problem(money, graph, site_place, np.ones(len(site_place), dtype=np.bool_), households, None)


def _reached(problem: choose.Problem, edges: tuple[int, ...]) -> np.ndarray:
    seen = {0}
    for _ in range(5):
        for edge in edges:
            one, two = (int(node) for node in problem.graph.edge_node[edge])
            if one in seen or two in seen:
                seen |= {one, two}
    return np.array([node in seen for node in problem.graph.place_node])


def _optimum(problem: choose.Problem, households: float) -> float:
    """Return the least cost over every set of ways and of places on fibre, with at least ``households`` passed."""
    money = problem.money
    best = math.inf
    sets = itertools.chain.from_iterable(itertools.combinations(range(N_WAYS), size) for size in range(5))
    for edges in sets:
        reached = _reached(problem, edges)
        ways = float(money.edge_tco_usd[list(edges)].sum())
        at = reached[problem.site_place]
        sites = np.where(at, np.minimum(money.hop_tco_usd, money.lateral_tco_usd), money.hop_tco_usd).sum()
        for takes in itertools.product((False, True), repeat=N_PLACES):
            homes = np.array(takes)
            if (homes & ~reached).any() or problem.new_households[homes].sum() < households:
                continue
            lines = np.where(homes, money.tco_usd[:, choose.FIBRE], money.tco_usd[:, 1]).sum()
            best = min(best, ways + float(sites) + float(lines))
    return best


@pytest.mark.parametrize("seed", range(12))
def test_the_cost_is_that_of_a_plan_and_the_bound_is_below_every_plan(seed: int) -> None:
    problem = _problem(seed)
    wanted = choose.Wanted(0.0, 0.0, 5.0, 0.0, math.inf)
    choice, tried = choose.search(problem, wanted, 0, lambda *_: None)
    whole = choose.certificates(choice, tried, wanted)[0]
    optimum = _optimum(problem, 0.0)
    assert whole.lower_bound is not None
    assert whole.lower_bound <= optimum + 0.05
    assert optimum <= choice.tco_usd + 1e-9
    assert choice.tco_usd <= 1.02 * optimum


@pytest.mark.parametrize("seed", range(12))
def test_a_household_target_is_bounded_from_below_by_the_premium(seed: int) -> None:
    problem = _problem(seed)
    wanted = choose.Wanted(0.8 * float(problem.new_households.sum()), 0.0, 5.0, 0.0, math.inf)
    choice, tried = choose.search(problem, wanted, 12, lambda *_: None)
    whole = choose.certificates(choice, tried, wanted)[0]
    optimum = _optimum(problem, wanted.households)
    assert choice.passed_households >= wanted.households
    assert whole.lower_bound is not None
    assert whole.lower_bound <= optimum + 0.05
    assert optimum <= choice.tco_usd + 1e-9
