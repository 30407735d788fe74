"""Networks for the survivable bench: planar ones of the size of germany50, and a national one with trees and chains."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import rustworkx as rx
from scipy.spatial import Delaunay

from rahdari.methods.instance import Instance
from rahdari.methods.survivable_model import Failure

WIDTH_KM = 600.0
NATION_KM = 1_500.0
CITY_SIGMA = 0.9  # spread of the logarithm of city sizes
GRAVITY_POWER = 1.0  # of the distance, in the demand between two cities
PIECES = 2  # ends of a link


def _links(xy: np.ndarray, n_links: int) -> np.ndarray:
    """Return a two-edge-connected part of the Delaunay links: the longest go first."""
    triangles = Delaunay(xy).simplices
    ends = np.unique(
        np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]]), 1), axis=0
    )
    graph = rx.PyGraph(multigraph=False)
    graph.add_nodes_from(range(len(xy)))
    graph.add_edges_from_no_data([(int(a), int(b)) for a, b in ends])
    length = np.hypot(*(xy[ends[:, 0]] - xy[ends[:, 1]]).T)
    for i in np.argsort(-length, kind="stable").tolist():
        if graph.num_edges() == n_links:
            break
        a, b = (int(v) for v in ends[i])
        graph.remove_edge(a, b)
        if rx.bridges(graph):
            graph.add_edge(a, b, None)
    return np.array(sorted(tuple(sorted(pair)) for pair in graph.edge_list()), dtype=np.int64)


def _demands(xy: np.ndarray, people: np.ndarray, n_demands: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of nodes of most traffic by gravity, and the traffic."""
    low, high = np.triu_indices(len(xy), 1)
    apart = np.hypot(*(xy[low] - xy[high]).T)
    value = people[low] * people[high] / np.maximum(apart, 1.0) ** GRAVITY_POWER
    chosen = np.sort(np.argsort(-value, kind="stable")[:n_demands])
    return np.stack([low[chosen], high[chosen]], axis=1), value[chosen] / value[chosen].min()


def _instance(xy: np.ndarray, ends: np.ndarray, pairs: np.ndarray, value: np.ndarray, name: str) -> Instance:
    length = np.hypot(*(xy[ends[:, 0]] - xy[ends[:, 1]]).T)
    size = np.array([40.0, 160.0])
    return Instance(
        node_id=tuple(f"n{i:04d}" for i in range(len(xy))),
        node_lon_deg=None,
        node_lat_deg=None,
        link_id=tuple(f"l{i:04d}" for i in range(len(ends))),
        link_node=ends,
        link_unit_cost=length,
        link_installed=np.zeros(len(ends)),
        link_module_capacity=tuple(size for _ in ends),
        link_module_cost=tuple(km * size**0.8 * size[0] ** 0.2 for km in length),
        link_length_km=length,
        demand_id=tuple(f"d{i:04d}" for i in range(len(pairs))),
        demand_node=pairs,
        demand_value=value,
        name=name,
    )


def planar(seed: int, n_nodes: int = 50, n_links: int = 88, n_demands: int = 662) -> Instance:
    """Return a network of cities: Delaunay links but the longest, demands by gravity."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    xy = WIDTH_KM * rng.random((n_nodes, 2))
    people = rng.lognormal(0.0, CITY_SIGMA, n_nodes)
    pairs, value = _demands(xy, people, n_demands)
    return _instance(xy, _links(xy, n_links), pairs, value, f"planar {n_nodes}/{n_links} {seed}")


@dataclass(frozen=True)
class National:
    """A nation's network, what fails in it, and counts."""

    instance: Instance
    failures: list[Failure]
    n_core_nodes: int


def _grown(
    rng: np.random.Generator, xy: np.ndarray, ends: np.ndarray, n_chain: int, n_tree: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return places and links, and whether on a ring, with ``n_chain`` nodes put on links and ``n_tree`` hung on."""
    length = np.hypot(*(xy[ends[:, 0]] - xy[ends[:, 1]]).T)
    extra = rng.multinomial(n_chain, length / length.sum())
    points, links, count = [xy], [], len(xy)
    for (a, b), k in zip(ends.tolist(), extra.tolist(), strict=True):
        share = np.arange(1, k + 1)[:, None] / (k + 1)
        points.append(xy[a] * (1 - share) + xy[b] * share)
        chain = [a, *range(count, count + k), b]
        links += list(itertools.pairwise(chain))
        count += k
    n_ring = len(links)
    place = np.concatenate(points)
    for _ in range(n_tree):
        foot = int(rng.integers(0, len(place)))
        place = np.concatenate([place, place[foot : foot + 1] + rng.normal(0.0, 12.0, (1, 2))])
        links.append((foot, len(place) - 1))
    made = np.sort(np.array(links, dtype=np.int64), axis=1)
    return place, made, np.arange(len(made)) < n_ring


def national(
    seed: int = 1,
    *,
    n_core: int = 600,
    n_core_links: int = 1_000,
    n_chain: int = 800,
    n_tree: int = 1_000,
    n_cities: int = 40,
    n_demands: int = 400,
    n_groups: int = 150,
    n_hazards: int = 60,
) -> National:
    """Return a nation: every link of a ring fails alone, neighbouring links fail together, regions fail whole.

    Risk groups and regions ask for what they leave connected (``unprotected="report"``).
    """
    rng = np.random.Generator(np.random.Philox(key=seed))
    xy = NATION_KM * rng.random((n_core, 2))
    place, ends, is_ring = _grown(rng, xy, _links(xy, n_core_links), n_chain, n_tree)
    people = rng.lognormal(0.0, CITY_SIGMA, len(place))
    city = np.sort(rng.choice(len(place), n_cities, replace=False))
    people[city] *= 100.0
    towns = np.setdiff1d(rng.choice(len(place), n_demands, replace=False), city)
    low, high = np.triu_indices(n_cities, 1)
    n_between = n_demands // 2
    between = np.stack([city[low], city[high]], axis=1)
    weight = people[between].prod(axis=1) / np.hypot(*(place[between[:, 0]] - place[between[:, 1]]).T)
    between = between[np.sort(np.argsort(-weight, kind="stable")[:n_between])]
    towns = towns[: n_demands - n_between]
    nearest = city[np.argmin(np.hypot(*(place[towns][:, None] - place[city][None]).transpose(2, 0, 1)), axis=1)]
    pairs = np.concatenate([between, np.stack([towns, nearest], axis=1)])
    gap_km = np.maximum(np.hypot(*(place[pairs[:, 0]] - place[pairs[:, 1]]).T), 10.0)
    value = people[pairs].prod(axis=1) / gap_km
    instance = _instance(place, ends, pairs, 1.0 + 1e3 * value / value.max(), f"national {seed}")
    failures = [
        Failure(f"link {instance.link_id[i]}", frozenset([instance.link_id[i]])) for i in np.flatnonzero(is_ring)
    ]
    middle = place[ends].mean(axis=1)
    ring = np.flatnonzero(is_ring)
    for g in range(n_groups):
        near = np.hypot(*(middle[ring] - middle[rng.choice(ring)]).T)
        links = ring[np.argsort(near, kind="stable")[: int(rng.integers(2, 5))]]
        failures.append(Failure(f"group {g}", frozenset(instance.link_id[i] for i in links)))
    for h in range(n_hazards):
        near = np.hypot(*(middle - NATION_KM * rng.random(2)).T)
        hit = np.flatnonzero(near < rng.uniform(20.0, 60.0))
        if hit.size:
            failures.append(Failure(f"hazard {h}", frozenset(instance.link_id[i] for i in hit), share=0.8))
    return National(instance, failures, n_core + n_chain)
