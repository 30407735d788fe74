"""A hundred thousand national runs under correlated hazards: eight moments a run, crews, batteries, places, intervals.

58,000 sites, 32,000 places.  The target is 60 s on two cores and 2 GB.  The plain figure beside it takes one moment of
one run at a time: the same failures, scipy's components, and numpy sums.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from rahdari.kernels.cascade import MOMENTS, draw_moments
from rahdari.methods.cascade import Crews, Pass, Service, ready, stress_network
from rahdari.methods.hazard_sampling import Hazard, Level, failure_words, key_of, latent_numbers, mixture_of
from rahdari.methods.reach import csr_of_links, prepare, reach_prepared
from rahdari.methods.stress_runs import EDGE_FRAC, run

N_NODES, N_CORE, N_AGGREGATION, N_GATES = 58_000, 40, 1_500, 8
N_PLACES, N_ZONES, N_POOLS = 32_000, 600, 8
CHAINED, CLOSED, NEARER = 0.6, 0.1, 0.8  # shares of access sites on chains and closed to rings; step inwards
N_RUNS, N_WORKERS, N_PLAIN = 100_000, 2, 6
SERVED_BY = 2  # sites that bring service to a place
WINDOW_H = 720.0
NO_GENERATOR, VENDOR = 0.42, 0.3  # shares of sites


def ends_of(random: np.random.Generator, xy: np.ndarray) -> np.ndarray:
    """Return (m, 2) ends of a core mesh, aggregation rings and access chains, a tenth of them closed."""
    core, aggregation = np.arange(N_CORE), np.arange(N_CORE, N_CORE + N_AGGREGATION)
    access = np.arange(N_CORE + N_AGGREGATION, N_NODES)
    near_core, near_aggregation = cKDTree(xy[core]), cKDTree(xy[aggregation])
    ends = [np.stack([np.repeat(core, 3), near_core.query(xy[core], k=4)[1][:, 1:].ravel()], axis=1)]
    ends += [np.stack([aggregation, near_core.query(xy[aggregation])[1]], axis=1)]
    ends += [np.stack([aggregation, aggregation[near_aggregation.query(xy[aggregation], k=2)[1][:, 1]]], axis=1)]
    km, above = near_aggregation.query(xy[access])
    neighbours = cKDTree(xy[access]).query(xy[access], k=9)[1][:, 1:]
    is_nearer = km[neighbours] < NEARER * km[:, None]
    chained = is_nearer.any(axis=1) & (random.random(access.size) < CHAINED)
    nearer = access[neighbours[np.arange(access.size), is_nearer.argmax(axis=1)]]
    ends += [np.stack([access, np.where(chained, nearer, aggregation[above])], axis=1)]
    closed = random.random(access.size) < CLOSED
    ends += [np.stack([access[closed], access[neighbours[closed, 0]]], axis=1)]
    both = np.unique(np.sort(np.concatenate(ends), axis=1), axis=0)
    return both[both[:, 0] != both[:, 1]]


def national(random: np.random.Generator) -> tuple[object, list[Hazard], np.ndarray]:
    """Return a synthetic nation, eleven hazards, and the places of its nodes."""
    xy = random.random((N_NODES, 2)) * 1_000.0
    ends = ends_of(random, xy)
    places = random.random((N_PLACES, 2)) * 1_000.0
    near = cKDTree(xy).query(places, k=SERVED_BY)[1]
    first = np.arange(N_PLACES + 1, dtype=np.int64) * SERVED_BY
    gates = np.sort(random.choice(N_CORE, N_GATES, replace=False))
    service = Service("data", gates, first, near.ravel().astype(np.int64), np.ones(N_PLACES, np.int64))
    centre = random.random((N_ZONES, 2)) * 1_000.0
    zone = cKDTree(centre).query(xy)[1]
    middle = np.concatenate([xy, 0.5 * (xy[ends[:, 0]] + xy[ends[:, 1]])])
    pool = np.minimum(middle[:, 0] // 125.0, N_POOLS - 1).astype(np.int64)
    crews = Crews(pool, np.full(N_POOLS, 100), np.full(N_POOLS, 3.0))
    has_generator = random.random(N_NODES) > NO_GENERATOR
    network = stress_network(
        N_NODES, ends[:, 0], ends[:, 1], [service], people=random.lognormal(8.0, 1.0, N_PLACES), mbps=40.0,
        zone=zone, n_zones=N_ZONES, battery_h=random.choice([2.0, 4.0, 6.0, 8.0], N_NODES),
        generator_h=np.where(has_generator, random.choice([8.0, 24.0], N_NODES), 0.0), crews=crews,
    )  # fmt: skip
    return network, hazards_of(random, xy, middle, ends), near


def hazards_of(random: np.random.Generator, xy: np.ndarray, middle: np.ndarray, ends: np.ndarray) -> list[Hazard]:
    """Return floods, quakes, a landslide, the grid, shedding, fuel, a vendor, heat and everyday faults."""

    def near(x: float, y: float, km: float) -> np.ndarray:
        return np.flatnonzero(np.hypot(middle[:, 0] - x, middle[:, 1] - y) < km)

    def levels(member: np.ndarray, years: tuple[float, ...], chance: tuple[float, ...]) -> tuple[Level, ...]:
        return tuple(Level(1.0 / t, member, c * random.random(member.size)) for t, c in zip(years, chance, strict=True))

    flood = (5.0, 50.0, 200.0), (0.05, 0.2, 0.5)
    made = [
        Hazard(f"flood_{i}", "flood", "damage", levels(near(200 + 150 * i, 500.0, 110.0), *flood), access_h=24.0,
               repair_h=8.0, repair_sigma_ratio=0.6)
        for i in range(4)
    ]  # fmt: skip
    made += [
        Hazard(f"quake_{i}", "earthquake", "damage", levels(near(300.0 * i, 800.0, 90.0), (60.0, 500.0), (0.1, 0.5)),
               repair_h=24.0, repair_sigma_ratio=0.6)
        for i in (1, 2, 3)
    ]  # fmt: skip
    zones = np.arange(N_ZONES)
    lengths = np.hypot(*(xy[ends[:, 0]] - xy[ends[:, 1]]).T)
    everyday = np.concatenate([np.full(N_NODES, 0.1), np.minimum(lengths * 7.3e-4, 0.5)])
    vendor = np.flatnonzero(random.random(N_NODES) < VENDOR)
    made += [
        Hazard("landslide", "landslide", "damage", levels(near(900.0, 900.0, 80.0), (2.0,), (0.05,)), access_h=12.0),
        Hazard("grid", "grid_failure", "grid", (Level(0.4, zones, value=random.uniform(0.5, 1.0, N_ZONES),
                                                      duration_h=14.0, duration_sigma_ratio=0.5),)),
        Hazard("shedding", "feeder", "shedding", (Level(0.0, zones, random.uniform(0.02, 0.3, N_ZONES), value=2.0),),
               is_steady=True),
        Hazard("fuel", "fuel", "fuel", (Level(0.3, duration_h=120.0, generator_cap_h=4.0),), within_h=24.0),
        Hazard("vendor", "vendor", "outage", (Level(0.1, vendor, 0.3, duration_h=8.0),)),
        Hazard("heat", "heat", "damage", levels(near(500.0, 200.0, 200.0), (1.5,), (0.02,))),
        Hazard("everyday", "equipment", "damage", (Level(5.0, np.arange(middle.shape[0]), everyday),), is_steady=True,
               repair_h=10.0, repair_sigma_ratio=0.5),
    ]  # fmt: skip
    return made


CORRELATIONS = {
    ("flood_0", "flood_1"): 0.6, ("flood_1", "flood_2"): 0.6, ("flood_2", "flood_3"): 0.6, ("flood_0", "flood_2"): 0.4,
    ("flood_1", "flood_3"): 0.4, ("flood_0", "flood_3"): 0.3, ("grid", "heat"): 0.4, ("grid", "fuel"): 0.3,
}  # fmt: skip


def plain_s(network: object, made: object, near: np.ndarray) -> float:
    """Return seconds for one moment of one run, searched and summed by itself; checks that the answers are equal."""
    runs = np.arange(N_PLAIN, dtype=np.int64)
    key, moment = key_of(1), np.empty((N_PLAIN, MOMENTS))
    draw_moments(runs, np.array(EDGE_FRAC) * WINDOW_H, key, moment)
    latent, _ = latent_numbers(made.compiled, mixture_of(made.compiled, N_PLAIN), runs, key)
    work = Pass(made)
    work.fail(runs, moment, latent, key)
    out = work.serve(0)
    order, links = made.rows.order, made.rows.links
    tail, head = network.from_node, network.to_node
    spent = 0.0
    for bit in range(0, N_PLAIN * MOMENTS, 5):
        lane, shift = bit // 64, np.uint64(bit % 64)
        up, kept = np.empty(N_NODES, np.bool_), np.zeros(tail.size, np.bool_)
        up[order] = (work.node_up[:, lane] >> shift) & np.uint64(1)
        kept[links] = (work.link_up[:, lane] >> shift) & np.uint64(1)
        start = time.process_time()
        kept &= up[tail] & up[head]
        matrix = csr_array((np.ones(kept.sum(), np.int8), (tail[kept], head[kept])), (N_NODES, N_NODES))
        _, label = connected_components(matrix, directed=False)
        gates = network.services[0].roots
        served = np.isin(label, label[gates[up[gates]]]) & up
        is_out = ~served[near].any(axis=1)
        network.people[is_out].sum()
        spent += time.process_time() - start
        assert np.array_equal(is_out, (out[lane] >> shift) & np.uint64(1) == 1)
    return spent / len(range(0, N_PLAIN * MOMENTS, 5))


def sampling_per_s(network: object) -> tuple[float, float]:
    """Return scenarios a second of drawing failures (2 % of nodes, 1 % of links) and of searching them, one core."""
    chance = np.concatenate([np.full(N_NODES, 0.02), np.full(network.n_links, 0.01)])
    ready_rows = prepare(csr_of_links(N_NODES, network.from_node, network.to_node), network.services[0].roots)
    draw_s, search_s = [], []
    for seed in range(3):
        start = time.process_time()
        words = failure_words(chance, 2_048, seed)
        draw_s.append(time.process_time() - start)
        nodes, links = np.ascontiguousarray(words[:, :N_NODES]), np.ascontiguousarray(words[:, N_NODES:])
        start = time.process_time()
        reach_prepared(ready_rows, nodes, links, lambda _low, _high, _found: None)
        search_s.append(time.process_time() - start)
    return 2_048 / min(draw_s), 2_048 / min(search_s)


def main() -> None:
    """Measure the runs with two threads, and the plain way beside them."""
    n_runs = int(sys.argv[1]) if len(sys.argv) > 1 else N_RUNS
    random = np.random.Generator(np.random.Philox(1))
    network, hazards, near = national(random)
    draw_rate, search_rate = sampling_per_s(network)
    made = ready(network, hazards, window_h=WINDOW_H, correlations=CORRELATIONS)
    plain = plain_s(network, made, near)
    with ThreadPoolExecutor(N_WORKERS) as pool:
        start, used = time.perf_counter(), time.process_time()
        result = run(
            network, hazards, n_runs, window_h=WINDOW_H, correlations=CORRELATIONS,
            map_function=lambda f, chunks: list(pool.map(f, chunks)),
        )  # fmt: skip
        wall_s, core_s = time.perf_counter() - start, time.process_time() - used
    states = n_runs * MOMENTS
    mean_h, low_h, high_h = result.customer_h_per_year[0]
    print(json.dumps({
        "bench": "stress", "n_sites": N_NODES, "n_links": network.n_links, "n_places": N_PLACES, "n_runs": n_runs,
        "states_per_run": MOMENTS, "wall_s": round(wall_s, 1), "asked_s": 60, "core_s": round(core_s, 1),
        "n_workers": N_WORKERS, "threads": threading.active_count(),
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2), "asked_gb": 2,
        "states_per_core_s": round(states / core_s), "plain_states_per_core_s": round(1.0 / plain, 1),
        "ratio": round(states / core_s * plain, 1),
        "drawn_scenarios_per_s": round(draw_rate), "searched_scenarios_per_s": round(search_rate),
        "customer_h_per_year": round(mean_h), "interval_frac": round((high_h - low_h) / 2.0 / mean_h, 4),
        "mean_availability_frac": round(float(network.people @ result.availability_frac[0] / network.people.sum()), 5),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
