"""The point connector against known totals, a plain spanning tree, and the laws it must keep."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from rahdari.errors import InputError
from rahdari.methods.connect import ConnectedPoints, connect_points

SHARED = Path(__file__).parents[3] / "shared" / "validation" / "planning"
RADIUS_KM = 6371.0


def all_distances_km(lon_deg: np.ndarray, lat_deg: np.ndarray) -> np.ndarray:
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    across = np.sin((lon[:, None] - lon) / 2) ** 2 * np.cos(lat[:, None]) * np.cos(lat)
    return 2 * RADIUS_KM * np.arcsin(np.sqrt(np.minimum(1, np.sin((lat[:, None] - lat) / 2) ** 2 + across)))


def plain_forest(lon: np.ndarray, lat: np.ndarray, source: np.ndarray, hop: float) -> tuple[float, list[int]]:
    """Return total km and unreached points of a dense spanning tree over a merged source."""
    distance = all_distances_km(lon, lat)
    a, b = np.nonzero(np.triu(distance < hop, 1))
    number = np.where(source, 0, np.cumsum(~source))
    length, ends = distance[a, b], np.sort(np.stack([number[a], number[b]]), axis=0)
    keep = ends[0] != ends[1]
    length, ends = length[keep], ends[:, keep]
    order = np.lexsort((length, ends[1], ends[0]))
    first = np.unique(ends[:, order], axis=1, return_index=True)[1]
    ends, length = ends[:, order][:, first], length[order][first]
    size = int(number.max()) + 1
    # Zero would mean "no edge" to the sparse oracle.
    graph = coo_array((length + 1e-9, (ends[0], ends[1])), shape=(size, size)).tocsr()
    _, part = connected_components(graph, directed=False)
    tree = minimum_spanning_tree(graph).tocoo()
    inside = part[tree.row] == part[0]
    unreached = np.flatnonzero(part[number] != part[0])
    return float((tree.data[inside] - 1e-9).sum()), unreached.tolist()


def assert_is_a_forest(found: ConnectedPoints, source: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> None:
    n = source.size
    a, b = found.link_index.T
    assert found.link_index.dtype == np.int32
    assert not source[b].any()
    assert np.unique(b).size == b.size
    assert sorted([*b.tolist(), *found.unreached.tolist()]) == np.flatnonzero(~source).tolist()
    seeds = np.flatnonzero(source)
    ends = (np.concatenate([a, np.full(seeds.size, n)]), np.concatenate([b, seeds]))
    graph = coo_array((np.ones(ends[0].size), ends), shape=(n + 1, n + 1))
    _, part = connected_components(graph, directed=False)
    assert np.array_equal(np.flatnonzero(part[:n] != part[n]), found.unreached)
    assert found.total_km == pytest.approx(all_distances_km(lon, lat)[a, b].sum(), rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(("name", "total_km"), [("pts_200.csv", 1823.4329), ("pts_500.csv", 2985.5085)])
def test_the_known_totals_come_out(name: str, total_km: float) -> None:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is not beside this checkout")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    source = [row["kind"] != "school" for row in rows]
    found = connect_points([float(r["lon"]) for r in rows], [float(r["lat"]) for r in rows], source, 20.0)
    assert found.total_km == pytest.approx(total_km, abs=5e-5)
    assert found.unreached.size == 0
    assert found.certificate.gap_frac == 0.0


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 90),
    hop=st.sampled_from([0.5, 8.0, 40.0, 5000.0, float("inf")]),
    width=st.sampled_from([0.2, 3.0, 360.0]),
    share=st.sampled_from([0.0, 0.03, 0.4, 1.0]),
)
def test_it_equals_a_dense_spanning_tree(seed: int, n: int, hop: float, width: float, share: float) -> None:
    rng = np.random.default_rng(seed)
    lon = (rng.uniform(0, width, n) + 179.9 + 180.0) % 360.0 - 180.0  # across the antimeridian
    lat = np.clip(rng.uniform(-width / 2, width / 2, n), -90, 90)
    if n > 4:
        lon[1], lat[1] = lon[0], lat[0]  # two points at one place
    source = rng.random(n) < share
    found = connect_points(lon, lat, source, hop)
    assert_is_a_forest(found, source, lon, lat)
    if source.any():
        total_km, unreached = plain_forest(lon, lat, source, hop)
        assert found.total_km == pytest.approx(total_km, rel=1e-9, abs=1e-6)
        assert found.unreached.tolist() == unreached
    else:
        assert found.unreached.size == n


def test_the_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    lon, lat = rng.integers(0, 30, 400) / 10.0, rng.integers(0, 30, 400) / 10.0  # a grid: many equal hops
    source = rng.random(400) < 0.02
    mix = rng.permutation(400)
    straight, mixed = connect_points(lon, lat, source, 12.0), connect_points(lon[mix], lat[mix], source[mix], 12.0)
    assert mixed.total_km == pytest.approx(straight.total_km, rel=1e-12)
    assert np.array_equal(np.sort(mix[mixed.unreached]), straight.unreached)


@pytest.mark.parametrize("hop", [5.0, 15.0, 60.0])
def test_a_longer_hop_never_reaches_fewer_points(hop: float) -> None:
    rng = np.random.default_rng(8)
    lon, lat, source = rng.uniform(60, 64, 300), rng.uniform(24, 28, 300), rng.random(300) < 0.05
    short, long = connect_points(lon, lat, source, hop), connect_points(lon, lat, source, 2 * hop)
    assert set(long.unreached.tolist()) <= set(short.unreached.tolist())


def test_a_hop_is_strictly_shorter_than_the_limit() -> None:
    limit = connect_points([0.0, 0.1], [0.0, 0.0], [True, False], np.inf).total_km
    assert connect_points([0.0, 0.1], [0.0, 0.0], [True, False], limit).unreached.tolist() == [1]
    assert connect_points([0.0, 0.1], [0.0, 0.0], [True, False], limit * (1 + 1e-12)).unreached.size == 0


def test_no_points_give_an_empty_answer() -> None:
    found = connect_points([], [], [], 20.0)
    assert found.link_index.shape == (0, 2)
    assert found.total_km == 0.0


def test_all_bad_rows_are_listed_at_once() -> None:
    with pytest.raises(InputError) as caught:
        connect_points([0.0, np.nan, 500.0], [0.0, 91.0, 0.0], [1, 0, 2], -1.0)
    text = str(caught.value)
    assert len(caught.value.problems) == 5
    assert all(part in text for part in ("row 2", "row 3", "nan", "91.0", "is_source", "max_hop_km"))


@pytest.mark.parametrize("bad", [([0.0], [0.0, 1.0], [True], 1.0), (["a"], [0.0], [True], 1.0)])
def test_columns_that_do_not_fit_are_refused(bad: tuple[list[float], list[float], list[bool], float]) -> None:
    with pytest.raises(InputError):
        connect_points(*bad)
