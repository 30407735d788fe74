from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.methods.bent_pipe import bent_pipe, ranges_km, sky_of
from rahdari.methods.constellation import joined, walker_shell
from rahdari.methods.ephemeris import positions_km
from rahdari.methods.isl import Planes, clear_links, grid_links, planes_of, route
from rahdari.sources.orbits import read_constellation
from rahdari.units import LIGHT_SPEED_KM_PER_MS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from rahdari.methods.constellation import Constellation

NOON = "2024-05-21T12:00:00"
PLACES = [(73.05, 33.68, 540.0), (74.31, 35.92, 1500.0), (62.33, 25.13, 10.0)]
GATEWAYS = [(29.509, 40.789, 100.0), (67.01, 24.86, 10.0)]


def shell() -> Constellation:
    """Return 1,584 satellites at 550 km."""
    return walker_shell("shell", 72, 22, altitude_km=550.0, inclination_deg=53.0, phasing=17)


def degrees_of(links: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return how many links every satellite holds."""
    return np.bincount(links.ravel(), minlength=n)


def test_every_satellite_of_a_walker_delta_holds_four_links() -> None:
    c = shell()
    links = grid_links(planes_of(c, NOON))
    assert links.shape == (2 * 1584, 2)
    assert set(degrees_of(links, 1584).tolist()) == {4}


@pytest.mark.parametrize("moment", ["2024-05-21T00:00:00", "2024-05-21T07:13:00", "2024-06-01T12:00:00"])
def test_the_grid_of_a_filing_is_the_same_at_every_moment(moment: str) -> None:
    np.testing.assert_array_equal(grid_links(planes_of(shell(), NOON)), grid_links(planes_of(shell(), moment)))


def test_partners_half_a_slot_apart_are_chosen_alike_all_around() -> None:
    """A phasing of half a slot between planes leaves a tie: whole planes are shifted, no zigzag."""
    c = walker_shell("half", 4, 6, altitude_km=1200.0, inclination_deg=60.0, phasing=2)
    links = grid_links(planes_of(c, NOON))
    assert set(degrees_of(links, 24).tolist()) == {4}
    plane, slot = np.divmod(np.arange(24), 6)
    beside = links[plane[links[:, 0]] + 1 == plane[links[:, 1]]]
    for number in range(3):
        pairs = beside[plane[beside[:, 0]] == number]
        assert len(set(((slot[pairs[:, 1]] - slot[pairs[:, 0]]) % 6).tolist())) == 1


def test_a_star_has_no_links_across_its_seam() -> None:
    c = walker_shell("star", 12, 40, altitude_km=1200.0, inclination_deg=87.9, is_star=True)
    links = grid_links(planes_of(c, NOON))
    plane = np.arange(480) // 40
    assert not ((plane[links[:, 0]] == 0) & (plane[links[:, 1]] == 11)).any()
    assert set(degrees_of(links, 480)[(plane == 0) | (plane == 11)].tolist()) == {3}


def test_shells_are_not_linked_with_each_other() -> None:
    low = walker_shell("low", 6, 8, altitude_km=550.0, inclination_deg=53.0)
    high = walker_shell("high", 5, 10, altitude_km=1100.0, inclination_deg=53.0)
    links = grid_links(planes_of(joined("both", [low, high]), NOON))
    assert ((links[:, 0] < 48) == (links[:, 1] < 48)).all()


def test_planes_of_unlike_size_are_paired_once_each() -> None:
    argument = np.concatenate([np.arange(5) * 72.0, np.arange(7) * 360.0 / 7.0, np.arange(6) * 60.0])
    plane = np.repeat([0, 1, 2], [5, 7, 6])
    planes = Planes(np.zeros(18, np.int64), plane, argument, 10.0 * plane)
    links = grid_links(planes)
    assert degrees_of(links, 18).max() <= 4
    beside = links[plane[links[:, 0]] != plane[links[:, 1]]]
    assert beside.shape[0] == 5 + 6


def test_real_planes_are_found(shared_folder: Path) -> None:
    """The two main shells of the fleet of May 2024 are filed as 72 planes each; nobody holds more than four links."""
    file = shared_folder / "validation" / "space" / "starlink_omm_2024-05-21.json"
    if not file.is_file():
        pytest.skip("the real element sets are not beside the checkout")
    c = read_constellation(file)
    planes = planes_of(c, NOON)
    size = np.bincount(planes.shell[planes.shell >= 0])
    counts = [np.unique(planes.plane[planes.shell == number]).size for number in np.flatnonzero(size > 1000)]
    assert counts.count(72) == 2
    links = grid_links(planes)
    assert degrees_of(links, len(c)).max() == 4
    alive, length = clear_links(positions_km(c, NOON)[:, 0], links)
    assert alive.shape[0] > 0.95 * links.shape[0]
    assert float(length.max()) < 5050.0  # twice the way from 560 km down to the air's upper edge
    found = route(c, PLACES, GATEWAYS, NOON)
    assert np.isfinite(found.rtt_ms).all()


def dijkstra_by_hand(c: Constellation, place: int, gateway: int) -> float:
    """Return the round trip by a plain search over a dictionary."""
    position = positions_km(c, NOON)[:, 0]
    alive, length = clear_links(position, grid_links(planes_of(c, NOON)))
    neighbours: dict[int, list[tuple[int, float]]] = {}
    for (a, b), km in zip(alive.tolist(), length.tolist(), strict=True):
        neighbours.setdefault(a, []).append((b, km))
        neighbours.setdefault(b, []).append((a, km))
    up = ranges_km(sky_of(PLACES, 25.0), position)[:, place]
    down = ranges_km(sky_of(GATEWAYS, 25.0), position)[:, gateway]
    queue = [(km, s) for s, km in enumerate(up.tolist()) if np.isfinite(km)]
    heapq.heapify(queue)
    done: dict[int, float] = {}
    while queue:
        km, s = heapq.heappop(queue)
        if s in done:
            continue
        done[s] = km
        for other, way in neighbours.get(s, []):
            heapq.heappush(queue, (km + way, other))
    return 2.0 * min(km + float(down[s]) for s, km in done.items()) / LIGHT_SPEED_KM_PER_MS


def test_ways_are_the_shortest() -> None:
    found = route(shell(), PLACES, GATEWAYS, NOON)
    for place in range(len(PLACES)):
        for gateway in range(len(GATEWAYS)):
            assert found.rtt_ms[place, gateway] == pytest.approx(dijkstra_by_hand(shell(), place, gateway), rel=1e-12)


def test_hops_add_up_to_the_round_trip() -> None:
    found = route(shell(), PLACES, GATEWAYS, NOON, hop_ms=0.5, onward_ms=[3.0, 9.0])
    for place in range(len(PLACES)):
        for gateway in range(len(GATEWAYS)):
            hops = found.path(place, gateway)
            assert hops[-1].kind == "gateway"
            assert hops[-1].row == gateway
            assert 2.0 * hops[-1].after_ms == pytest.approx(found.rtt_ms[place, gateway], rel=1e-12)
            light = sum(hop.length_km for hop in hops) / LIGHT_SPEED_KM_PER_MS
            n_satellites = len(hops) - 1
            assert hops[-1].after_ms == pytest.approx(light + 0.5 * n_satellites + (3.0, 9.0)[gateway])
    assert found.best_ms.tolist() == found.rtt_ms.min(axis=1).tolist()


def test_without_links_it_is_the_bent_pipe() -> None:
    found = route(shell(), PLACES, GATEWAYS, NOON, links="none")
    for g, gateway in enumerate(GATEWAYS):
        one = bent_pipe(shell(), PLACES, [gateway], NOON)
        np.testing.assert_allclose(found.rtt_ms[:, g], one.rtt_ms[:, 0], rtol=1e-12)
        np.testing.assert_array_equal(found.first[:, g], one.satellite[:, 0])
    assert found.path(0, 0) == ()
    assert found.best_gateway.tolist() == np.where(np.isfinite(found.rtt_ms[:, 1]), 1, -1).tolist()
    assert found.best_gateway[0] == 1


def test_links_reach_where_no_satellite_is_shared_and_never_lengthen_a_way() -> None:
    alone, linked = (route(shell(), PLACES, GATEWAYS, NOON, links=links) for links in ("none", "grid"))
    assert np.isnan(alone.rtt_ms[:, 0]).all()
    assert np.isfinite(linked.rtt_ms).all()
    is_direct = np.isfinite(alone.rtt_ms)
    assert (linked.rtt_ms[is_direct] <= alone.rtt_ms[is_direct] * (1.0 + 1e-12)).all()


def test_ways_between_two_points_are_as_long_there_as_back() -> None:
    points = PLACES + GATEWAYS
    found = route(shell(), points, points, NOON)
    np.testing.assert_allclose(found.rtt_ms, found.rtt_ms.T, rtol=1e-12)


def test_a_link_that_dips_into_the_air_is_dead() -> None:
    """At 550 km two satellites see each other over the air up to 2 sqrt(6928.1^2 - 6458.1^2) = 5,017 km."""
    radius, air = 6378.137 + 550.0, 6378.137 + 80.0
    widest = 2.0 * np.degrees(np.arccos(air / radius))
    for turn, is_alive in ((widest - 0.01, True), (widest + 0.01, False)):
        angle = np.radians([0.0, turn])
        position = radius * np.stack([np.cos(angle), np.sin(angle), np.zeros(2)], axis=1)
        assert bool(clear_links(position, np.array([[0, 1]]))[1].size) == is_alive


def test_no_gateway_is_no_way() -> None:
    found = route(shell(), PLACES, np.zeros((0, 2)), NOON)
    assert found.best_gateway.tolist() == [-1, -1, -1]
    assert np.isnan(found.best_ms).all()
    assert found.path(0) == ()


def test_faults_are_refused() -> None:
    with pytest.raises(InputError, match="cannot be laid"):
        route(positions_km(shell(), NOON), PLACES, GATEWAYS)
    with pytest.raises(InputError, match="not there"):
        route(shell(), PLACES, GATEWAYS, NOON, links=[[0, 99_999]])
    with pytest.raises(InputError, match="2 moments"):
        route(shell(), PLACES, GATEWAYS, [NOON, "2024-05-21T12:10:00"])
    with pytest.raises(InputError, match="a satellite's delay"):
        route(shell(), PLACES, GATEWAYS, NOON, hop_ms=-1.0)
