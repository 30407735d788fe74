"""Cascades: power and autonomy, crews, hours of an event, against plain arithmetic and plain searches."""

from __future__ import annotations

import heapq

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.cascade import (
    Crews,
    Pass,
    dependants,
    hourly,
    ready,
    single_service,
    stress_network,
)
from rahdari.methods.hazard_sampling import Hazard, Level, key_of
from rahdari.methods.stress_events import NamedEvent, Report, circle_footprint, replay
from rahdari.units import HOURS_PER_YEAR
from tests.helpers.stress_networks import random_network, star


def test_a_blackout_takes_sites_down_when_battery_and_generator_have_run_out() -> None:
    network = star(
        4, zone=[-1, 0, 0, 0, 1], battery_h=[0.0, 2.0, 4.0, 4.0, 4.0], generator_h=[0.0, 0.0, 0.0, 8.0, 0.0],
        start_fail_frac=0.0,
    )  # fmt: skip
    grid = Hazard("grid", "grid_failure", "grid", (Level(0.4, np.array([0, 1]), value=[1.0, 0.5], duration_h=14.0),))
    series = hourly(network, [grid], np.arange(20) + 0.5)
    hour = np.arange(20) + 0.5
    down = [(hour >= 2) & (hour < 14), (hour >= 4) & (hour < 14), (hour >= 12) & (hour < 14), (hour >= 4) & (hour < 7)]
    assert np.array_equal(series.n_sites_down, np.sum(down, axis=0))
    assert np.array_equal(series.people_out[0], 2.0 ** np.arange(4) @ np.array(down, np.float64))


def test_fuel_shortage_ends_the_generator_early_and_one_that_does_not_start_leaves_the_battery() -> None:
    grid = Hazard("grid", "grid_failure", "grid", (Level(0.4, np.array([0]), duration_h=24.0),))
    fuel = Hazard("fuel", "fuel", "fuel", (Level(0.1, duration_h=100.0, generator_cap_h=3.0),))
    hour = np.arange(24) + 0.5
    common = {"zone": [-1, 0], "battery_h": 2.0, "generator_h": [0.0, 10.0]}
    healthy, silent = star(1, **common, start_fail_frac=0.0), star(1, **common, start_fail_frac=1.0)
    assert np.array_equal(hourly(healthy, [grid], hour).n_sites_down, hour >= 12.0)
    assert np.array_equal(hourly(healthy, [grid, fuel], hour).n_sites_down, hour >= 5.0)
    assert np.array_equal(hourly(silent, [grid], hour).n_sites_down, hour >= 2.0)
    half = star(1, **common, start_fail_frac=0.5)
    assert 0.3 < hourly(half, [grid], [6.0], n_draws=256).n_sites_down[0] < 0.7


def scheduled(ready_h: list[float], work_h: list[float], rank: list[int], n_crews: int, travel_h: float) -> list[float]:
    """Return when each job is done, by a plain list schedule."""
    free = [0.0] * n_crews
    done = [0.0] * len(rank)
    for job in sorted(range(len(rank)), key=lambda i: (ready_h[i], rank[i])):
        done[job] = max(heapq.heappop(free), ready_h[job]) + travel_h + work_h[job]
        heapq.heappush(free, done[job])
    return done


@settings(max_examples=40)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.integers(1, 4), st.integers(0, 2**31))
def test_crews_take_jobs_by_the_people_who_wait_like_a_plain_schedule(
    hours: list[int], n_crews: int, seed: int
) -> None:
    n = len(hours)
    random = np.random.Generator(np.random.Philox(seed))
    priority = np.append(random.permutation(n + 1), np.full(n, -1.0)).astype(np.float64)
    crews = Crews(np.zeros(2 * n + 1, np.int64), np.array([n_crews]), np.array([1.0]))
    work = np.tile(np.append(0.5, np.array(hours) + 0.25)[:, None], (1, 4))
    network = star(
        n, crews=crews, priority=priority, class_name=[str(i) for i in range(n + 1)],
        asset_class=np.append(np.arange(n + 1), np.zeros(n, np.int64)),
    )  # fmt: skip
    early, late = np.arange(1, n // 2 + 1), np.arange(n // 2 + 1, n + 1)
    hazards = [
        Hazard("b_first", "flood", "damage", (Level(0.1, early),), access_h=2.0, repair_h=work),
        Hazard("a_later", "flood", "damage", (Level(0.1, late),), access_h=9.0, repair_h=work),
    ]
    t = np.arange(0.1, 420.0, 1.0)
    series = hourly(network, hazards, t, n_draws=2)
    ready_h = [2.0 if i < n // 2 else 9.0 for i in range(n)]
    by_rank = (-priority[1 : n + 1]).tolist()
    done = scheduled(ready_h, [h + 0.25 for h in hours], by_rank, n_crews, 1.0)
    expected = sum(2.0**i * (t < end) for i, end in enumerate(done))
    assert np.allclose(series.people_out[0], expected)


def test_places_out_are_those_that_a_plain_search_finds_for_every_service() -> None:
    network = random_network(1)
    everything = np.arange(network.n_things)
    hazards = [
        Hazard("flood", "flood", "damage", (Level(0.1, everything, 0.05),), repair_h=30.0),
        Hazard("grid", "grid_failure", "grid", (Level(0.1, np.arange(5), duration_h=12.0),)),
    ]
    made = ready(network, hazards)
    work = Pass(made)
    run = np.arange(40, dtype=np.int64)
    moment = np.tile(np.linspace(0.5, 40.0, 8), (40, 1))
    work.fail(run, moment, np.full((40, 2), 9.0), key_of(1))
    node_up, link_up = work.node_up.copy(), work.link_up.copy()
    n = network.n_nodes
    for s, service in enumerate(network.services):
        out = work.serve(s).copy()
        for byte, k in ((0, 0), (3, 4), (9, 7), (39, 2)):
            shift = np.uint64(byte % 8 * 8 + k)
            up = np.zeros(n, np.bool_)
            up[made.rows.order] = (node_up[:, byte // 8] >> shift) & np.uint64(1)
            alive = np.zeros(network.n_links, np.bool_)
            alive[made.rows.links] = (link_up[:, byte // 8] >> shift) & np.uint64(1)
            graph = nx.Graph()
            graph.add_nodes_from(np.flatnonzero(up).tolist())
            graph.add_edges_from(
                (int(a), int(b))
                for a, b, is_up in zip(network.from_node, network.to_node, alive, strict=True)
                if is_up and up[a] and up[b]
            )
            reached = set().union(
                *(nx.node_connected_component(graph, r) for r in service.roots.tolist() if up[r]), set()
            )
            for p in range(network.people.size):
                sites = service.site[service.first[p] : service.first[p + 1]].tolist()
                is_out = len(sites) > 0 and sum(site in reached for site in sites) < service.n_needed[p]
                assert bool((out[byte // 8, p] >> shift) & np.uint64(1)) == is_out
        assert 0 < np.bitwise_count(out[:5]).mean() < 64


def test_what_hangs_on_a_thing_is_what_a_search_without_it_loses_in_a_tree() -> None:
    random = np.random.Generator(np.random.Philox(3))
    parent = np.array([int(random.integers(0, i)) for i in range(1, 60)])
    own = random.random(60)
    total = dependants(60, np.arange(1, 60), parent, np.array([0]), own)
    tree = nx.Graph(list(zip(range(1, 60), parent.tolist(), strict=True)))
    for node in (1, 5, 17, 40):
        left = tree.copy()
        left.remove_node(node)
        lost = set(range(60)) - nx.node_connected_component(left, 0)
        assert total[node] == pytest.approx(own[sorted(lost)].sum())
        assert total[60 + node - 1] == pytest.approx(total[node])


def test_faults_of_a_network_are_raised_at_once() -> None:
    service = single_service([5], [-1, 0], 1)
    with pytest.raises(InputError) as caught:
        stress_network(2, [0], [9], [service], people=[-1.0], zone=[0, 2], n_zones=3, battery_h=-1.0)
    text = str(caught.value)
    for part in ("not there", "have no node", "people of 0", "battery_h of 0", "service data"):
        assert part in text


def test_a_replay_puts_reports_beside_the_hours_and_finds_faults() -> None:
    network = star(4, zone=[-1, 0, 0, 0, 0], battery_h=[0.0, 2.0, 4.0, 6.0, 60.0], start_fail_frac=0.0,
                   is_site=[False, True, True, True, True])  # fmt: skip
    grid = Hazard("grid", "grid_failure", "grid", (Level(0.4, np.array([0]), duration_h=22.0),))
    reports = (
        Report(11.0, "sites_down_frac", 0.5),
        Report(23.0, "n_sites_down", 0.0),
        Report(5.0, "n_sites_down", 40.0),
    )
    got = replay(network, NamedEvent("blackout", (grid,), 30, reports, base_sites=80.0))
    table = got.table
    assert table["hour_h"].to_list() == [5.0, 11.0, 23.0]
    assert table["predicted_value"].to_list() == [40.0, 0.75, 0.0]
    assert table["error_frac"].to_list() == [0.0, 0.5, None]
    assert table["is_in_band"].to_list() == [True, False, True]
    assert got.median_error_frac == 0.25
    bad = (Report(99.0, "n_sites_down", 1.0), Report(1.0, "nothing", -1.0))  # type: ignore[arg-type]
    with pytest.raises(InputError) as caught:
        replay(network, NamedEvent("blackout", (grid,), 30, bad))
    assert len(caught.value.problems) == 3


def test_a_hazard_outside_the_country_is_refused_with_how_far_off_it_is() -> None:
    lon, lat = np.array([70.0, 71.0]), np.array([30.0, 31.0])
    inside = circle_footprint(lon, lat, (70.0, 30.0), 50.0, peak_value=3.0, return_period_years=10.0)
    assert inside.member.tolist() == [0]
    assert inside.intensity_value.tolist() == [3.0]
    with pytest.raises(InputError, match="km off"):
        circle_footprint(lon, lat, (0.0, 0.0), 50.0, peak_value=3.0, return_period_years=10.0)


def test_everyday_faults_in_a_replay_are_as_many_as_their_rate_says() -> None:
    network = star(60)
    faults = Hazard("faults", "equipment", "damage", (Level(8.0, np.arange(1, 61)),), is_steady=True, repair_h=50.0)
    series = hourly(network, [faults], np.arange(48), n_draws=400)
    truth = 60 * 8.0 * 50.0 / HOURS_PER_YEAR
    assert abs(series.n_sites_down.mean() - truth) < 0.1 * truth
