"""Corridors of drones: laws of the link, what terrain hides, why stretches fail, and what is refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import shapely

from rahdari.errors import InputError
from rahdari.methods.air_corridor import CAUSES, NOTE, Asked, corridor
from rahdari.methods.air_link import AirLink, AirNetwork, antenna_loss_db, service, views
from rahdari.methods.air_space import Airspace, border_distance_km
from rahdari.methods.propagation import free_space_db
from rahdari.methods.raster import Raster

LON, LAT = 71.0, 30.0
KM_LON, KM_LAT = 1.0 / 96.49, 1.0 / 110.85
LINE = [(LON, LAT), (LON + 20.0 * KM_LON, LAT)]
ONE = pl.DataFrame({"site_id": ["a"], "lon_deg": [LON + 10.0 * KM_LON], "lat_deg": [LAT], "load_frac": [0.0]})


def cells(*at_km: float, load: float = 0.5, operators: tuple[str, ...] | None = None) -> pl.DataFrame:
    return pl.DataFrame({
        "site_id": [f"s{k}" for k in range(len(at_km))], "lon_deg": [LON + x * KM_LON for x in at_km],
        "lat_deg": [LAT + 0.3 * KM_LAT] * len(at_km), "load_frac": [load] * len(at_km),
        "operator_id": list(operators or ("one",) * len(at_km)),
    })  # fmt: skip


def ground(height: float, wall_m: float = 0.0, wall_at_km: tuple[float, float] = (14.0, 15.0)) -> Raster:
    """Return level ground of 200 m cells, with a wall from south to north."""
    west, north, step = LON - 0.6, LAT + 0.6, 0.002
    value = np.full((600, 800), height, np.float32)
    east = (west + (np.arange(800) + 0.5) * step - LON) / KM_LON
    value[:, (east > wall_at_km[0]) & (east < wall_at_km[1])] += wall_m
    return Raster(value, west, north, step, step, is_coarse=False, source="a wall")


def circles(*rows: tuple[str, float, float, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["name", "lon_deg", "lat_deg", "radius_km"], orient="row")


def test_points_lie_every_hundred_metres_and_speak_for_the_whole_line() -> None:
    found = corridor(LINE, 100.0, ONE)
    assert found.points["length_km"].sum() == pytest.approx(found.length_km)
    assert found.points["km"].diff()[1:-1].to_numpy() == pytest.approx(0.1)
    assert found.notes == (NOTE,)


def test_over_level_ground_loss_is_free_space_and_antenna() -> None:
    network, link = AirNetwork.of(ONE), AirLink()
    lonlat = np.array([[LON + 15.0 * KM_LON, LAT]])
    seen = views(None, network, lonlat, np.zeros(1), np.full(1, 120.0), link=link)
    assert seen.is_sight.all()
    assert float(seen.loss_db[0, 0]) == pytest.approx(float(free_space_db(5.0, 1.8)), abs=1.0)
    assert float(seen.elevation_deg[0, 0]) == pytest.approx(np.degrees(np.arctan(90.0 / 5000.0)), abs=0.05)


def test_a_mast_that_looks_down_loses_most_towards_a_drone_overhead() -> None:
    loss = antenna_loss_db(np.array([-6.0, 0.0, 6.0, 45.0, 90.0]), AirLink())
    assert (np.diff(loss) >= 0.0).all()
    assert loss[-1] - loss[0] == pytest.approx(20.0)


def test_a_wall_between_takes_sight_and_power() -> None:
    bare = corridor(LINE, 60.0, ONE, ground(200.0)).points.filter(pl.col("km") > 16.0)
    hidden = corridor(LINE, 60.0, ONE, ground(200.0, wall_m=400.0)).points.filter(pl.col("km") > 19.5)
    assert bare["is_sight"].all()
    assert not hidden["is_sight"].any()
    assert (hidden["power_dbm"] < bare.tail(hidden.height)["power_dbm"] - 10.0).all()


def test_a_drone_flies_over_a_wall_as_its_climb_allows() -> None:
    found = corridor(LINE, 60.0, ONE, ground(200.0, wall_m=400.0), asked=Asked(climb_frac=0.2)).points
    slope = np.abs(np.diff(found["flight_m"])) / (1000.0 * np.diff(found["km"]))
    assert slope.max() <= 0.2 + 1e-9
    assert (found["above_m"] >= 60.0 - 1e-9).all()
    steep = found.filter(pl.col("above_m") > 60.0 + Asked().too_high_m)
    assert steep.height > 0
    assert steep["reason"].str.contains("terrain clearance").all()


def test_the_second_cell_is_never_stronger_and_hand_overs_are_few() -> None:
    found = corridor(LINE, 100.0, cells(0.0, 5.0, 10.0, 15.0, 20.0))
    table = found.points.drop_nulls("second_dbm")
    assert (table["second_dbm"] <= table["power_dbm"] + AirLink().hysteresis_db).all()
    assert found.n_handovers == 4
    assert found.points["cell_id"].unique().len() == 5


def test_a_loaded_network_of_the_same_operator_disturbs_and_another_does_not() -> None:
    def least(network: pl.DataFrame) -> float:
        return float(corridor(LINE, 100.0, network).points["sinr_db"].to_numpy().min())

    idle, busy = cells(5.0, 15.0, load=0.0), cells(5.0, 15.0, load=1.0)
    apart = cells(5.0, 15.0, load=1.0, operators=("one", "two"))
    assert least(busy) < least(idle) - 10.0
    assert least(apart) == pytest.approx(least(idle))


def test_control_reaches_farther_than_video() -> None:
    far = corridor([(LON, LAT), (LON + 44.0 * KM_LON, LAT)], 100.0, ONE).points
    assert far["reason"].str.contains("video below need").any()
    assert far.filter(pl.col("cell_km") < 3.0)["is_failing"].any() is False
    assert (far.filter(pl.col("reason").str.contains("no control link"))["video_mbps"] < Asked().video_mbps).all()


def test_without_a_cell_in_reach_control_and_video_fail_and_nothing_is_made_up() -> None:
    lonely = pl.DataFrame({"site_id": ["far"], "lon_deg": [60.0], "lat_deg": [20.0]})
    for network in (lonely, lonely.clear()):
        found = corridor(LINE, 100.0, network)
        assert found.points["cell_id"].null_count() == found.points.height
        assert found.points["control_margin_db"].null_count() == found.points.height
        assert found.failing["reason"].to_list() == ["no control link, video below need"]
        assert found.failing_km == pytest.approx(found.length_km)


def test_failing_stretches_are_named_by_airport_border_and_zone() -> None:
    space = Airspace(
        circles(("field", LON, LAT, 6.0)), circles(("zone", LON + 12.0 * KM_LON, LAT, 1.0)),
        (shapely.LineString([(LON + 22.0 * KM_LON, LAT - 1.0), (LON + 22.0 * KM_LON, LAT + 1.0)]),), border_km=4.0,
    )  # fmt: skip
    found = corridor(LINE, 100.0, cells(0.0, 10.0, 20.0, load=0.0), airspace=space)
    assert found.failing["reason"].to_list() == ["airport", "no-fly zone", "border"]
    assert found.failing["length_km"].to_list() == pytest.approx([6.0, 2.0, 2.0], abs=0.15)
    assert set(found.points["reason"].unique()) <= {"", *CAUSES}


def test_the_failing_stretches_add_up_to_the_points_that_fail() -> None:
    found = corridor(LINE, 100.0, cells(0.0, load=1.0), airspace=Airspace(circles(("field", LON, LAT, 6.0))))
    assert found.failing["length_km"].sum() == pytest.approx(found.failing_km)
    assert found.failing["from_km"].is_sorted()


def test_a_gorge_costs_positions_and_height_wins_them_back() -> None:
    deep = ground(0.0, wall_m=-2000.0, wall_at_km=(-5.0, 0.4))
    gorge = [(LON - 2.3 * KM_LON, LAT - 0.1), (LON - 2.3 * KM_LON, LAT + 0.1)]
    low, high = (corridor(gorge, height, ONE, deep).points for height in (20.0, 1900.0))
    assert (low["pdop_ratio"] > high["pdop_ratio"]).all()
    assert (low["horizon_deg"] > 10.0).all()


def test_the_distance_to_a_border_is_that_of_its_nearest_point() -> None:
    line = shapely.LineString([(LON, LAT - 1.0), (LON, LAT + 1.0)])
    found = border_distance_km([line], np.array([LON + 7.0 * KM_LON]), np.array([LAT]))
    assert float(found[0]) == pytest.approx(7.0, rel=0.01)


def test_results_do_not_depend_on_the_order_of_cells() -> None:
    network = cells(0.0, 5.0, 5.0, 15.0)
    one, other = (corridor(LINE, 100.0, given).points for given in (network, network.reverse()))
    assert one.equals(other)


def test_a_service_of_no_points_is_empty() -> None:
    network = AirNetwork.of(ONE)
    seen = views(None, network, np.empty((0, 2)), np.empty(0), np.empty(0), link=AirLink())
    assert service(seen, network, AirLink()).site.size == 0


@pytest.mark.parametrize("height", [0.0, 4000.0, float("nan")])
def test_a_height_that_is_no_flight_is_refused(height: float) -> None:
    with pytest.raises(InputError, match="height"):
        corridor(LINE, height, ONE)


def test_a_network_without_places_is_refused() -> None:
    with pytest.raises(InputError, match="no such column"):
        corridor(LINE, 100.0, ONE.drop("lon_deg"))
    with pytest.raises(InputError, match="no place on earth"):
        corridor(LINE, 100.0, ONE.with_columns(load_frac=pl.lit(2.0)))
    with pytest.raises(InputError, match="two places"):
        corridor([(LON, LAT)], 100.0, ONE)
