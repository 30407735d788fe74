"""A flood day from polygon to people: flights, pictures, water, back into stress and the live network, cuts."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
import rasterio
import shapely

from rahdari import air
from rahdari.errors import InputError
from rahdari.methods.made_flood import flooded, picture
from rahdari.methods.offload import queued, uplink_mbps
from rahdari.methods.water_mask import WATER, water_mask
from rahdari.operate.app import App
from rahdari.operate.wire.ndjson import decode_line
from rahdari.service.flood_area import area_of
from rahdari.service.flood_files import EVENTS, write_day
from rahdari.store.query import PlanReader
from tests.helpers.flood_plan import make_flood_plan

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.flood_day import FloodDay

EVENT, AREA = "wet", "District 00"


@pytest.fixture(scope="module")
def flood_plan(country_folder: Path, cache_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a plan of the small country with a flood to play, and edge nodes."""
    return make_flood_plan(country_folder, cache_dir, tmp_path_factory)


@pytest.fixture(scope="module")
def day(flood_plan: Path) -> FloodDay:
    """Return a flood day of the small country."""
    return air.flood_day(flood_plan, AREA, event=EVENT, n_drones=2, hours=4.0)


def test_a_day_goes_from_polygon_to_people(day: FloodDay) -> None:
    told = day.response
    assert told.is_synthetic
    assert "synthetic" in told.water
    assert 0.0 < told.flooded_km2 < told.seen_km2 == pytest.approx(told.area_km2, rel=0.02)
    assert told.flooded_in_flight_km2 <= told.flooded_km2
    assert told.touched.n_sites_flooded == len(day.events) == told.n_events > 0
    assert 0 < told.touched.people_flooded < told.people
    assert told.flown.back_h <= 4.0
    assert told.flown.lower_bound_h <= told.flown.back_h
    assert [row.district for row in told.touched.districts] == [AREA]
    assert "not an authorisation to fly" in " ".join(told.notes)


def test_sites_in_water_can_only_leave_more_people_without(day: FloodDay) -> None:
    before, after = day.response.rounds
    assert after.without.people_area >= before.without.people_area
    assert after.without.people_country >= before.without.people_country
    assert after.n_sites_live < before.n_sites_live
    assert after.way.sent_gb <= before.way.sent_gb


def test_every_picture_is_live_later_or_on_the_card(day: FloodDay) -> None:
    for each in day.response.rounds:
        way = each.way
        assert way.sent_gb + way.card_gb == pytest.approx(way.video_gb + way.stills_gb)
        assert sum(drone.card_gb for drone in way.drones) == pytest.approx(way.card_gb)
        assert 0.0 <= way.video_live_frac <= 1.0
        up = [edge for edge in way.edges if edge.is_up]
        assert way.n_edge_up == len(up)
        assert way.edge_node in {edge.name for edge in up}
        assert all(edge.has_power and edge.has_fibre for edge in up)


def test_flights_keep_to_the_area_and_the_batteries(day: FloodDay) -> None:
    drone = day.fleet.drones[0]
    near = day.area.shape.buffer(0.05)
    for sortie in day.flown.plan.sorties:
        assert sortie.air_s <= drone.usable_s + 1e-6
        ends = sortie.lonlat_deg[[0, -1]]
        assert np.allclose(ends, [drone.base_lon_deg, drone.base_lat_deg], atol=1e-6)
        assert near.contains(shapely.MultiPoint(sortie.lonlat_deg[1:-1]))
    assert day.ground.at(np.array([drone.base_lon_deg]), np.array([drone.base_lat_deg]))[0] != WATER


def test_equal_days_give_equal_files(day: FloodDay, flood_plan: Path, tmp_path: Path) -> None:
    again = air.flood_day(flood_plan, AREA, event=EVENT, n_drones=2, hours=4.0)
    one, other = tmp_path / "one", tmp_path / "other"
    names = write_day(day, one)
    assert write_day(again, other) == names
    for name in names:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    missions = [name for name in names if name.endswith(".plan")]
    assert len(missions) == day.response.flown.n_sorties
    assert json.loads((one / missions[0]).read_text())["note"].startswith("planning only")
    told = json.loads((one / "area.geojson").read_text())
    assert told["note"] == day.response.boundary_note
    with rasterio.open(one / "flood_mask.tif") as file:
        assert file.tags()["synthetic"].startswith("yes")
        assert file.nodata == 255


def test_what_the_flood_finds_becomes_an_incident_of_the_live_network(
    day: FloodDay, flood_plan: Path, tmp_path: Path
) -> None:
    write_day(day, tmp_path)
    events = [decode_line(line) for line in (tmp_path / EVENTS).read_bytes().splitlines()]
    assert events == list(day.events)
    app = App(flood_plan, f"sqlite:///{tmp_path}/live.db").start()
    try:
        app.ingest(events)
        app.ingest(events)
        assert app.wait_idle()
        wet = {event.resource for event in events}
        assert len(app.alarms()) == len(wet)
        assert {alarm.resource for alarm in app.alarms() if alarm.is_known} == wet
        assert app.incidents
    finally:
        app.stop()


def test_a_cut_plays_the_day_again(day: FloodDay, flood_plan: Path) -> None:
    node = next(edge for edge in day.response.rounds[-1].way.edges if edge.is_up)
    site = PlanReader(flood_plan).rows("edge_nodes", {"edge_node_id": node.edge_node_id})["site_id"][0]
    link = PlanReader(flood_plan).table("links")["link_id"][0]
    cut = air.flood_day(flood_plan, AREA, event=EVENT, n_drones=2, hours=4.0, cuts=[site, link]).response
    assert cut.cuts == [site, link]
    assert [each.model_dump() for each in cut.rounds[:2]] == [each.model_dump() for each in day.response.rounds]
    last = cut.rounds[2].way
    assert not next(edge for edge in last.edges if edge.edge_node_id == node.edge_node_id).is_up
    assert last.n_edge_up < cut.rounds[1].way.n_edge_up
    assert cut.rounds[2].without.people_area >= cut.rounds[1].without.people_area
    with pytest.raises(InputError, match="no link or site nowhere"):
        air.flood_day(flood_plan, AREA, event=EVENT, cuts=["nowhere"])


def test_a_polygon_and_an_image_may_be_given(day: FloodDay, flood_plan: Path, tmp_path: Path) -> None:
    place = day.area.places.sort("n_people").row(-1, named=True)
    around = shapely.Point(place["lon_deg"], place["lat_deg"]).buffer(0.025)
    area = tmp_path / "river.geojson"
    area.write_text(shapely.to_geojson(around))
    n, step = 400, 0.0005
    west, north = place["lon_deg"] - 0.1002, place["lat_deg"] + 0.1
    nir = np.full((n, n), 0.3, np.float32)
    nir[:, :200] = 0.05
    with rasterio.open(
        tmp_path / "sat.tif", "w", driver="GTiff", width=n, height=n, count=2, dtype="float32", crs="EPSG:4326",
        transform=rasterio.Affine(step, 0, west, 0, -step, north),
    ) as file:  # fmt: skip
        file.write(np.stack([np.full((n, n), 0.12, np.float32), nir]))
        file.descriptions = ("green", "nir")
    found = air.flood_day(
        flood_plan, area, event=EVENT, images=tmp_path / "sat.tif", n_drones=2, hours=4.0, out=tmp_path / "out"
    ).response
    assert not found.is_synthetic
    assert found.area == "river"
    assert found.flown.is_whole
    assert found.flooded_km2 == pytest.approx(found.area_km2 / 2, rel=0.02)
    assert "flood_mask.tif" in found.files
    other = tmp_path / "elsewhere.geojson"
    bow = [[70.5, 30.1], [70.6, 30.2], [70.6, 30.1], [70.5, 30.2], [70.5, 30.1]]
    other.write_text(json.dumps({"type": "Polygon", "coordinates": [bow]}))
    with pytest.raises(InputError, match="crosses itself"):
        air.flood_day(flood_plan, other, event=EVENT)


def test_what_is_unknown_is_said_with_what_is_known(flood_plan: Path) -> None:
    with pytest.raises(InputError, match="District 0"):
        air.flood_day(flood_plan, "Distrikt 00", event=EVENT)
    with pytest.raises(InputError, match="use one of"):
        air.flood_day(flood_plan, AREA, event="no-such-flood")
    with pytest.raises(InputError, match="no hour 5000"):
        air.flood_day(flood_plan, AREA, event=EVENT, hour=5000)
    with pytest.raises(InputError, match="--image"):
        air.flood_day(flood_plan, "District 11", event=EVENT)


def test_districts_share_the_ground_out_without_overlap(flood_plan: Path) -> None:
    reader = PlanReader(flood_plan)
    shapes = [area_of(reader, name).shape for name in reader.table("districts")["name"].to_list()]
    whole = shapely.union_all(shapes).area
    assert sum(shape.area for shape in shapes) == pytest.approx(whole, rel=0.02)
    places = reader.table("places")
    own = area_of(reader, AREA)
    inside = shapely.contains_xy(own.shape, own.places["lon_deg"].to_numpy(), own.places["lat_deg"].to_numpy())
    assert inside.mean() > 0.95
    others = places.filter(~pl.col("place_id").is_in(own.places["place_id"].implode()))
    assert shapely.contains_xy(own.shape, others["lon_deg"].to_numpy(), others["lat_deg"].to_numpy()).mean() < 0.01


def test_a_queue_keeps_all_that_is_made() -> None:
    random = np.random.Generator(np.random.Philox(key=3))
    made, room = random.random(500) * 10.0, random.random(500) * 9.0
    queue = queued(made, room, 2.0)
    waiting = 0.0
    for k in range(500):  # step by step, as a queue is thought of
        waiting = max(waiting + 2.0 * (made[k] - room[k]), 0.0)
        assert queue.waiting_mbit[k] == pytest.approx(waiting, abs=1e-9)
    assert queue.sent_mbit.sum() + queue.left_mbit == pytest.approx(2.0 * made.sum())
    assert (queue.sent_mbit <= 2.0 * room + 1e-9).all()
    assert queued([1.0, 0.0], [2.0, 2.0], 1.0).at_once_frac == 1.0
    assert queued([1.0, 1.0], [0.0, 0.0], 1.0).done_step() is None
    assert queued([4.0, 0.0, 0.0], [2.0, 2.0, 2.0], 1.0).done_step() == 1


def test_a_farther_drone_never_sends_faster() -> None:
    km = np.linspace(0.0, 12.0, 200)
    rate = uplink_mbps(km, 120.0, range_km=10.0, held_frac=0.1, most_mbps=20.0)
    assert (np.diff(rate) <= 0.0).all()
    assert rate[0] == 20.0
    assert (rate[km > 10.0] == 0.0).all()


def test_the_mask_of_a_made_up_picture_finds_the_made_up_water() -> None:
    above = np.add.outer(np.arange(60.0), np.arange(80.0))
    can = np.zeros(above.shape, np.bool_)
    can[:, :40] = True
    wet = flooded(above, can, 0.3)
    assert wet.sum() == pytest.approx(0.3 * can.sum(), rel=0.05)
    assert not wet[~can].any()
    mask = water_mask(picture(wet, 1), "ndwi-otsu")
    assert ((mask == WATER) == wet).mean() > 0.99
    assert not flooded(above, np.zeros_like(can), 0.3).any()


def test_a_day_is_plain_data(day: FloodDay) -> None:
    assert json.loads(day.response.model_dump_json())["area"] == AREA
    assert dataclasses.is_dataclass(day)
