from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.beam_capacity import (
    BeamCells,
    Payload,
    SkyView,
    beam_cells,
    capacity_curve,
    cell_numbers,
    flow_bound,
    most_subscribers,
    share_capacity,
    sky_view,
)
from rahdari.methods.constellation import geo_slots, walker_shell
from rahdari.methods.ephemeris import positions_km

NOON = "2024-05-21T12:00:00"
#: 1,000 Mbit/s a cell, 2,000 a satellite.
SMALL = Payload(
    user_mhz=1000.0,
    spectral_bps_per_hz=2.0,
    satellite_mbps=2000.0,
    feeder_mbps=5000.0,
    n_beams=8,
    n_colours=4,
    n_polarisations=2,
)


def view_of(sees: list[list[int]], feeds: list[list[int]]) -> SkyView:
    """Return a view from tables: cells by satellites, and satellites by gateways."""
    table = np.array(sees)
    cell, satellite = np.nonzero(table)
    fed, gateway = np.nonzero(np.array(feeds))
    return SkyView(cell, satellite, fed, gateway, np.arange(table.shape[1]), table.shape[0])


def country() -> BeamCells:
    """Return some hundred cells of a country with the population of a few towns."""
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(66.0, 74.0, 300), rng.uniform(25.0, 35.0, 300)
    return beam_cells(lon, lat, np.full(300, 300.0), rng.lognormal(7.0, 1.2, 300), 5000.0)


def test_one_satellite_is_divided_in_proportion() -> None:
    """2,000 Mbit/s for wishes of 900, 900 and 600: all are cut by 2,000 / 2,400."""
    found = share_capacity(view_of([[1], [1], [1]], [[1]]), SMALL, [9000.0], [900.0, 900.0, 600.0])
    np.testing.assert_allclose(found.served_mbps, [750.0, 750.0, 500.0])
    assert found.satellite_mbps.tolist() == pytest.approx([2000.0])
    assert found.gateway_mbps.tolist() == pytest.approx([2000.0])


def test_a_cell_has_its_colour_and_no_more_whatever_shines_on_it() -> None:
    found = share_capacity(view_of([[1, 1, 1]], [[1], [1], [1]]), SMALL, [9000.0], [5000.0])
    assert found.served_mbps.tolist() == pytest.approx([1000.0])
    more = Payload(1000.0, 2.0, 2000.0, 5000.0, 8, n_colours=1)
    assert share_capacity(view_of([[1, 1, 1]], [[1], [1], [1]]), more, [9000.0], [5000.0]).served_mbps[0] == (
        pytest.approx(4000.0)
    )


def test_a_gateway_limits_all_that_it_feeds_and_a_second_one_helps() -> None:
    sees, wanted = [[1, 0], [0, 1]], [900.0, 900.0]
    alone = share_capacity(view_of(sees, [[1], [1]]), SMALL, [1200.0], wanted)
    np.testing.assert_allclose(alone.served_mbps, [600.0, 600.0])
    helped = share_capacity(view_of(sees, [[1, 0], [1, 1]]), SMALL, [1200.0, 400.0], wanted)
    # Rounds ask both gateways for the second cell, which leaves a little of the second unused: the best is 1,600.
    assert 1550.0 < helped.served_mbps.sum() <= 1600.0
    assert helped.gateway_mbps[0] == pytest.approx(1200.0)


def test_beams_and_feeders_limit_a_satellite() -> None:
    assert SMALL.limit_mbps == 2000.0
    assert Payload(1000.0, 2.0, 9000.0, 9000.0, 1).limit_mbps == 1000.0
    assert Payload(1000.0, 2.0, 9000.0, 700.0, 8, n_feeders=2).limit_mbps == 1400.0
    assert Payload(1000.0, 2.0, 2000.0, 5000.0, 8, usable_frac=0.5).limit_mbps == 1000.0


@given(st.integers(0, 2**32 - 1))
def test_nothing_is_made_or_lost_and_no_limit_is_passed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    view = view_of((rng.random((20, 8)) < 0.4).tolist(), (rng.random((8, 3)) < 0.6).tolist())
    wanted, feed = rng.uniform(0.0, 1500.0, 20), rng.uniform(0.0, 6000.0, 3)
    found = share_capacity(view, SMALL, feed, wanted)
    total = found.served_mbps.sum()
    assert found.satellite_mbps.sum() == pytest.approx(total, abs=1e-6)
    assert found.gateway_mbps.sum() == pytest.approx(total, abs=1e-6)
    slack = 1.0 + 1e-9
    assert (found.served_mbps <= np.minimum(wanted, SMALL.cell_mbps) * slack + 1e-9).all()
    assert (found.satellite_mbps <= SMALL.limit_mbps * slack).all()
    assert (found.gateway_mbps <= feed * slack + 1e-9).all()
    bound = flow_bound(view, SMALL, feed, wanted)
    assert total <= bound + 1e-4
    # A way of the best is cut only by a full cell, satellite or gateway on it: never below a third of the best.
    assert total >= bound / 3.0 - 1e-6


def test_the_bound_is_what_the_best_sharing_gives() -> None:
    """The first cell sees both satellites, the second one only: the best leaves the second its own."""
    view = view_of([[1, 1, 0], [1, 1, 0], [1, 1, 0], [0, 1, 1]], [[1], [1], [1]])
    assert flow_bound(view, SMALL, [9000.0], [1000.0] * 4) == pytest.approx(4000.0)
    assert flow_bound(view, SMALL, [2500.0], [1000.0] * 4) == pytest.approx(2500.0)
    even = flow_bound(view, SMALL, [2500.0], [500.0] * 4, is_even=True)
    assert even == pytest.approx(1.25)
    blind = view_of([[1], [0]], [[1]])
    assert flow_bound(blind, SMALL, [9000.0], [10.0, 10.0], is_even=True) == pytest.approx(0.0)


def test_subscribers_get_what_they_ask_for_until_the_sky_is_full() -> None:
    shell = walker_shell("shell", 72, 22, altitude_km=550.0, inclination_deg=53.0, phasing=17)
    payload = Payload(2000.0, 3.0, 20_000.0, 10_000.0, 8, usable_frac=0.7)
    cells, gateways = country(), [(67.0, 24.9, 10.0), (73.0, 33.7, 500.0)]
    adoption = [0.0, 0.001, 0.01, 0.1, 0.5, 1.0]
    curve = capacity_curve(
        shell, cells, gateways, payload, NOON, gateway_mbps=80_000.0, adoption_frac=adoption, busy_hour_mbps=2.2
    )
    assert np.isnan(curve.mbps_per_subscriber[0]).all()
    np.testing.assert_allclose(curve.mbps_per_subscriber[1], 2.2, rtol=1e-6)
    assert curve.full_frac[1] == pytest.approx(1.0)
    assert (np.diff(curve.served_mbps) >= -1e-6 * curve.served_mbps[1:]).all()
    assert (np.diff(curve.mean_mbps_per_subscriber[1:]) <= 1e-9).all()
    assert (curve.served_mbps <= curve.demand_mbps * (1.0 + 1e-9)).all()
    assert (curve.worst_mbps <= curve.served_mbps * (1.0 + 1e-12)).all()
    assert curve.mean_mbps_per_subscriber[-1] < 1.0
    assert curve.served_mbps[-1] <= 2.0 * 80_000.0 * (1.0 + 1e-9)
    assert most_subscribers(curve, 2.2) == pytest.approx(curve.served_mbps[-1] / 2.2)


def test_links_between_satellites_lend_the_far_gateway() -> None:
    """A gateway 2,500 km away shares few satellites with the country; over links it feeds all."""
    shell = walker_shell("shell", 72, 22, altitude_km=550.0, inclination_deg=53.0, phasing=17)
    position = positions_km(shell, NOON)[:, 0]
    cells = country()
    demand = 0.001 * cells.n_households
    for has_links, is_served in ((False, False), (True, True)):
        view = sky_view(position, cells.points(), [(44.0, 41.0)], has_links=has_links)
        served = share_capacity(view, SMALL, [50_000.0], demand).served_mbps
        assert bool(served.sum() >= demand.sum() * (1.0 - 1e-6)) == is_served


def test_a_geostationary_satellite_is_one_satellite() -> None:
    cells = country()
    position = positions_km(geo_slots("GEO", {"PakSat-MM1": 38.2}), NOON)[:, 0]
    view = sky_view(position, cells.points(), [(67.0, 24.9)])
    found = share_capacity(view, SMALL, [9000.0], 10.0 * cells.n_households)
    assert found.served_mbps.sum() == pytest.approx(SMALL.limit_mbps)


def test_cells_hold_each_place_once() -> None:
    rng = np.random.default_rng(4)
    lon, lat, households = rng.uniform(66.0, 74.0, 300), rng.uniform(25.0, 35.0, 300), rng.integers(1, 900, 300)
    cells = beam_cells(lon, lat, np.zeros(300), households, 5000.0)
    assert cells.n_households.sum() == households.sum()
    number = cell_numbers(lon, lat, 5000.0)
    np.testing.assert_array_equal(np.unique(number)[cells.cell_of_place], number)
    one = cells.cell_of_place == 7
    assert cells.n_households[7] == households[one].sum()
    assert cells.lon_deg[7] == pytest.approx(lon[one].mean())


def test_faults_are_refused_together() -> None:
    with pytest.raises(InputError) as caught:
        Payload(0.0, 2.0, float("nan"), 1.0, 0, usable_frac=2.0)
    assert len(caught.value.problems) == 4
    view = view_of([[1]], [[1]])
    with pytest.raises(InputError):
        share_capacity(view, SMALL, [9000.0], [-1.0])
    with pytest.raises(InputError):
        share_capacity(view, SMALL, [float("nan")], [1.0])
    with pytest.raises(InputError):
        beam_cells([0.0], [0.0], [0.0], [1.0], 0.0)
