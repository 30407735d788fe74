"""A national prize-collecting instance: a country's main roads in short segments, with synthetic villages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from scipy.spatial import cKDTree

from rahdari.kernels import user_cache_dir
from rahdari.sources.packages.outline import read_atlas
from rahdari.sources.packages.roads import world_ways

PAKISTAN_ISO_NUMERIC = 586
KM_PER_DEG = 111.195
FIBRE_USD_PER_KM = 8_000.0
PEOPLE_PER_HOUSEHOLD = 6.3
WAY_FACTOR = 1.3  # way over straight line on connectors
JOIN_KM = 1.0  # road parts nearer than this are one
ROOT_APART_KM = 25.0
N_ROOTS = 60


@dataclass(frozen=True)
class National:
    """The arguments of ``steiner_forest``."""

    n_nodes: int
    edge_node: np.ndarray
    edge_cost: np.ndarray
    terminal: np.ndarray
    source: np.ndarray
    prize: np.ndarray
    road_km: float


def roads() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return node positions (n, 2) in km, edges (m, 2) and their km inside the country, near parts joined."""
    ways = world_ways("highways", Path(user_cache_dir()) / "rahdari" / "bench")
    atlas = read_atlas()
    shape = shapely.union_all(atlas.polygons(atlas.iso_numerics.index(PAKISTAN_ISO_NUMERIC)))
    ways = ways.clipped(shapely.contains_xy(shape, ways.lon_deg, ways.lat_deg))
    lat0 = np.radians(ways.lat_deg.mean())
    xy = np.stack([ways.lon_deg * KM_PER_DEG * np.cos(lat0), ways.lat_deg * KM_PER_DEG], axis=1)
    parent = np.arange(len(xy))

    def top(x: int) -> int:
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for a, b in sorted(cKDTree(xy).query_pairs(JOIN_KM)):
        low, high = sorted((top(a), top(b)))
        parent[high] = low
    ids, number = np.unique([top(i) for i in range(len(xy))], return_inverse=True)
    edges = np.stack([number[ways.edge_from], number[ways.edge_to]], axis=1)
    keep = edges[:, 0] != edges[:, 1]
    return xy[ids], edges[keep], ways.length_km[keep]


def national(segment_km: float, n_villages: int, median_people: float = 150.0, seed: int = 1) -> National:
    """Make the instance; ``segment_km`` cuts the roads, each village has three connectors."""
    rng = np.random.default_rng(seed)
    xy, edges, km = roads()
    points, pairs, cost_km = [xy], [], []
    count = len(xy)
    for (a, b), length_km in zip(edges, km, strict=True):
        pieces = max(1, int(np.ceil(length_km / segment_km)))
        share = np.arange(1, pieces)[:, None] / pieces
        points.append(xy[a] * (1 - share) + xy[b] * share)
        chain = np.concatenate([[a], np.arange(count, count + pieces - 1), [b]])
        count += pieces - 1
        pairs.append(np.stack([chain[:-1], chain[1:]], axis=1))
        cost_km.append(np.full(pieces, length_km / pieces))
    road = np.concatenate(points)
    near_nodes = np.array([len(x) for x in cKDTree(xy).query_ball_point(xy, ROOT_APART_KM)])
    roots: list[int] = []
    for i in np.argsort(-(near_nodes * rng.lognormal(0, 0.5, len(xy)))):
        if all(np.hypot(*(xy[i] - xy[j])) > ROOT_APART_KM for j in roots):
            roots.append(int(i))
        if len(roots) == N_ROOTS:
            break
    density = cKDTree(road).query_ball_point(road, 15.0, return_length=True) ** 0.7
    foot = rng.choice(len(road), n_villages, p=density / density.sum())
    off_km, angle = rng.exponential(2.5, n_villages), rng.uniform(0, 2 * np.pi, n_villages)
    village = road[foot] + np.stack([off_km * np.cos(angle), off_km * np.sin(angle)], axis=1)
    households = np.exp(rng.normal(np.log(median_people), 1.1, n_villages)) / PEOPLE_PER_HOUSEHOLD
    prize = households * rng.uniform(200, 900, n_villages)
    distance, nearest = cKDTree(road).query(village, k=3)
    terminal = count + np.arange(n_villages)
    pairs.append(np.stack([nearest.reshape(-1), np.repeat(terminal, 3)], axis=1))
    cost_km.append(distance.reshape(-1) * WAY_FACTOR)
    edge_cost = np.maximum(1.0, np.rint(np.concatenate(cost_km) * FIBRE_USD_PER_KM))
    return National(
        n_nodes=count + n_villages,
        edge_node=np.concatenate(pairs),
        edge_cost=edge_cost,
        terminal=terminal,
        source=np.array(roots),
        prize=np.rint(prize),
        road_km=float(km.sum()),
    )
