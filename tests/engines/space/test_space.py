from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import rahdari.engines.space as folder_module
from rahdari.engines.space.engine import space
from rahdari.engines.space.fleets import spread_places
from rahdari.engines.space.params import SpaceParams
from rahdari.engines.space.views import horizon_at
from rahdari.errors import InputError
from rahdari.methods.beam_capacity import beam_cells
from rahdari.methods.geo import great_circle_km
from rahdari.methods.raster import Raster
from rahdari.methods.terrain_table import terrain_rows
from rahdari.model import Context, EngineResult, Tables
from rahdari.schema import table_schema
from rahdari.schema.checks import empty_table
from rahdari.sources.imports import read_import
from tests.fixtures import small_country
from tests.helpers.engine_checks import check_engine, rows

FOLDER = Path(folder_module.__file__).parent
CTX = Context()
READS = (
    "places",
    "country",
    "terrain",
    "constellations",
    "shells",
    "satellite_gateways",
    "satellite_offers",
    "orbit_elements",
)
ONE = SpaceParams(constellations=("starlink_gen1",))


def offers(*, is_licensed: bool) -> pl.DataFrame:
    """Return offers of two constellations, the first as asked."""
    columns = [
        "constellation_id", "is_licensed", "licence_note", "status_on", "usd_per_month", "terminal_usd", "price_status",
    ]  # fmt: skip
    values = [
        ("starlink_gen1", is_licensed, "as the test says", "2026-01", 100.0, 400.0, "expected"),
        ("oneweb", False, "none", "2026-01", None, None, "none"),
    ]
    return rows("satellite_offers", columns, values)


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    country = small_country()
    found = {name: country[name] for name in READS if name in country}
    bare = {"orbit_elements": empty_table(table_schema("orbit_elements"))}
    return {**found, **bare, "satellite_offers": offers(is_licensed=False)}


@pytest.fixture(scope="module")
def base(tables: dict[str, pl.DataFrame]) -> EngineResult:
    return space(Tables(tables), SpaceParams(), CTX)


def valley(country: dict[str, pl.DataFrame], wall_m: float) -> dict[str, pl.DataFrame]:
    """Return one place at 30 N, 70 E with walls to its west and east, and its terrain."""
    n, step = 240, 0.005
    column = np.arange(n)[None] * np.ones((n, 1))
    height = np.where(np.abs(column - n / 2) > 4, wall_m, 0.0) + 500.0  # walls from 1.9 km on
    raster = Raster(
        height.astype(np.float32), 70.0 - n * step / 2, 30.0 + n * step / 2, step, step, is_coarse=False, source="x"
    )
    place = country["places"][:1].with_columns(lon_deg=pl.lit(70.0), lat_deg=pl.lit(30.0), elevation_m=pl.lit(500.0))
    return {**country, "places": place, "terrain": terrain_rows(raster, "xx", "synthetic", "test_country")}


def test_the_result_meets_its_schema_and_formulas(tables: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(space, tables, SpaceParams(), CTX, FOLDER)
    n_places = tables["places"].height
    assert frames["satellite_service"].height == n_places
    assert frames["satellite_views"].height == 3 * n_places
    found = {item.indicator_id: item for item in result.indicators}
    assert 0.0 <= found["satellite_places_frac"].value <= 1.0
    assert found["satellite_licensed_constellations_count"].value == 0.0


def test_the_round_trip_lies_between_straight_up_and_a_tenth_of_a_geostationary_one(base: EngineResult) -> None:
    views = base.tables["satellite_views"].filter(pl.col("constellation_id") == "starlink_gen1")
    assert (views["bent_rtt_ms"] > 4.0 * 540.0 / 299.792458).all()
    assert (views["bent_rtt_ms"] < 24.0).all()
    assert (base.tables["satellite_geo"]["rtt_ms"] > 4.0 * 35_786.0 / 299.792458).all()


def test_a_full_day_of_minutes_agrees_with_the_quick_look(tables: dict[str, pl.DataFrame]) -> None:
    few = {**tables, "places": tables["places"][:6]}
    quick, full = (
        space(Tables(few), ONE, Context(detail=name)).tables["satellite_views"] for name in ("quick", "full")
    )
    assert full["n_visible_mean"].to_numpy() == pytest.approx(quick["n_visible_mean"].to_numpy(), rel=0.15)
    assert quick["n_handovers"].null_count() == quick.height
    # Satellites at 550 km stay above 25 degrees for four minutes at most.
    assert (full["n_handovers"] > 24 * 60 // 5).all()


def test_walls_of_a_valley_take_satellites_and_the_geostationary_ones_behind_them(
    tables: dict[str, pl.DataFrame],
) -> None:
    open_land, deep = (space(Tables(valley(tables, wall)), ONE, CTX).tables for wall in (0.0, 3000.0))
    seen_open, seen_deep = (float(found["satellite_views"]["n_visible_mean"][0]) for found in (open_land, deep))
    assert seen_deep < 0.6 * seen_open
    # The western wall reaches its 3,000 m 2.17 km away.
    assert float(deep["satellite_service"]["horizon_max_deg"][0]) == pytest.approx(54.1, abs=0.5)
    # 134 E stands 15 degrees high in the east, behind the wall; 76.5 E high in the south, along the valley.
    clear = {
        name: dict(found["satellite_geo"].select("constellation_id", "is_clear").iter_rows())
        for name, found in (("open", open_land), ("deep", deep))
    }
    assert clear["open"]["apstar_6d"]
    assert not clear["deep"]["apstar_6d"]
    assert clear["deep"]["apstar_7"]
    assert not deep["satellite_views"]["is_coarse_terrain"].any()


def test_coarse_terrain_is_said_in_every_row_and_in_a_note(tables: dict[str, pl.DataFrame]) -> None:
    coarse = tables["terrain"].with_columns(is_coarse=pl.lit(True))
    result = space(Tables({**tables, "terrain": coarse}), ONE, CTX)
    for name in ("satellite_views", "satellite_service", "satellite_geo"):
        assert result.tables[name]["is_coarse_terrain"].all()
    assert any("coarse" in note for note in result.notes)


def test_without_terrain_the_sky_is_flat_and_marked(tables: dict[str, pl.DataFrame]) -> None:
    result = space(Tables({**tables, "terrain": tables["terrain"].clear()}), ONE, CTX)
    assert (result.tables["satellite_service"]["horizon_max_deg"] == 0.0).all()
    assert result.tables["satellite_views"]["is_coarse_terrain"].all()


def test_a_licensed_constellation_is_preferred_and_no_longer_hypothetical(tables: dict[str, pl.DataFrame]) -> None:
    params = SpaceParams(licensed_constellations=("oneweb",))
    found = space(Tables(tables), params, CTX).tables
    assert set(found["satellite_service"]["constellation_id"]) == {"oneweb"}
    assert found["satellite_service"]["is_licensed"].all()
    by_table = space(Tables({**tables, "satellite_offers": offers(is_licensed=True)}), SpaceParams(), CTX).tables
    row = by_table["satellite_constellations"].filter(pl.col("constellation_id") == "starlink_gen1")
    assert row["is_licensed"].item()
    assert not row["is_hypothetical"].item()
    assert row["usd_per_month"].item() == 100.0


def test_nothing_more_is_served_as_subscribers_grow_than_gateways_feed(base: EngineResult) -> None:
    growth = base.tables["satellite_growth"].sort("constellation_id", "step")
    assert (growth["served_mbps"] <= growth["demand_mbps"] * (1.0 + 1e-9)).all()
    assert (growth["worst_mbps"] <= growth["served_mbps"] * (1.0 + 1e-9)).all()
    leo = growth.filter(pl.col("constellation_id") == "starlink_gen1")
    assert (np.diff(leo["served_mbps"].to_numpy()) >= -1e-6).all()
    assert (np.diff(leo["subscriber_mbps"].to_numpy()) <= 1e-9).all()
    assert float(leo["served_mbps"].max()) <= 2 * 80_000.0 * (1.0 + 1e-9)  # type: ignore[arg-type]  # two gateways


def test_crowded_cells_give_less_to_each(tables: dict[str, pl.DataFrame]) -> None:
    service = space(Tables(tables), ONE, CTX).tables["satellite_service"]
    by_crowd = service.sort("n_cell_households")
    assert (np.diff(by_crowd["load_frac"].to_numpy()) >= -1e-12).all()
    places = tables["places"].sort("place_id")
    lon, lat, height, homes = (
        places[name].to_numpy() for name in ("lon_deg", "lat_deg", "elevation_m", "n_households")
    )
    cell = beam_cells(lon, lat, height, homes, 379.0).cell_of_place
    terminals = np.bincount(cell, service.sort("place_id")["n_users_max"].to_numpy())
    assert (terminals <= 2500.0 / 2.2).all()


def test_without_a_gateway_at_home_a_far_one_serves_nobody_and_one_at_home_cures_all(base: EngineResult) -> None:
    """The listed gateway in Turkey is 3,900 km away; two cones of 940 km do not meet over the country."""
    choice = base.tables["satellite_gateway_choice"]
    found = {item.indicator_id: item.value for item in base.indicators}
    assert found["satellite_gateway_abroad_people_frac"] == 0.0
    assert choice["added_frac"].sum() == pytest.approx(1.0)
    assert base.certificates[0].lower_bound == base.certificates[0].cost == 0.0


def test_without_links_a_gateway_abroad_is_no_way_and_with_links_it_is(tables: dict[str, pl.DataFrame]) -> None:
    columns = ["gateway_id", "name", "constellation_id", "country_code", "lon_deg", "lat_deg", "height_m", "status"]
    values = [
        ("far", "Far", None, "YY", 29.5, 40.8, 100.0, "existing"),
        ("here", "Here", "amazon_leo", "XX", 70.5, 30.5, 100.0, "existing"),
    ]
    far = rows("satellite_gateways", columns, values)
    found = space(Tables({**tables, "satellite_gateways": far}), SpaceParams(), CTX).tables
    views = found["satellite_views"]
    linked = views.filter(pl.col("constellation_id") == "starlink_gen1")
    assert (linked["abroad_rtt_ms"] > 2.0 * 3500.0 / 299.792458).all()
    assert views.filter(pl.col("constellation_id") == "oneweb")["abroad_rtt_ms"].null_count() == linked.height
    named = dict(found["satellite_constellations"].select("constellation_id", "gateways").iter_rows())
    assert named["amazon_leo"] == "Here"
    assert "(assumed)" in named["starlink_gen1"]


def test_a_telephone_gets_no_more_than_its_beam(tables: dict[str, pl.DataFrame]) -> None:
    """The card of 3GPP NTN: 30 MHz in three colours at 0.7 bit/s/Hz are 7 Mbit/s a beam, for all in it."""
    found = space(Tables(tables), SpaceParams(constellations=("direct_to_device",)), CTX).tables
    assert float(found["satellite_service"]["downlink_mbps"].max()) <= 7.0  # type: ignore[arg-type]
    row = found["satellite_constellations"].filter(pl.col("constellation_id") == "direct_to_device")
    assert row["cell_mbps"].item() == pytest.approx(7.0)
    assert row["is_hypothetical"].item()


def test_real_elements_take_the_place_of_the_filed_shells(tables: dict[str, pl.DataFrame], shared_folder: Path) -> None:
    file = shared_folder / "validation" / "space" / "starlink_omm_2024-05-21.json"
    if not file.is_file():
        pytest.skip("the real element sets are not beside the checkout")
    result = read_import("orbits", file, small_country())
    assert result.problems == ()
    elements = result.tables["orbit_elements"]
    found = space(Tables({**tables, "orbit_elements": elements}), ONE, CTX)
    row = found.tables["satellite_constellations"].filter(pl.col("constellation_id") == "starlink_gen1")
    assert row["n_satellites"].item() == elements.height == 5977
    assert any("elements of 2024-05-2" in note for note in found.notes)
    # Half as many again as filed in 2018, over the same latitudes.
    filed = space(Tables(tables), ONE, CTX).tables["satellite_views"]["n_visible_mean"].mean()
    assert found.tables["satellite_views"]["n_visible_mean"].mean() > filed  # type: ignore[operator]


def test_gateways_keep_their_distance(tables: dict[str, pl.DataFrame]) -> None:
    hubs = spread_places(tables["places"], 3, 60.0)
    lon, lat = hubs["lon_deg"].to_numpy(), hubs["lat_deg"].to_numpy()
    apart = great_circle_km(lon[:, None], lat[:, None], lon[None], lat[None])[~np.eye(3, dtype=bool)]
    assert hubs["n_people"][0] == tables["places"]["n_people"].max()
    assert (apart >= 60.0).all()


def test_the_rim_is_read_between_sectors_and_across_north() -> None:
    rim = np.array([[0.0, 10.0, 20.0, 30.0]] * 3)
    assert horizon_at(rim, np.array([0.0, 45.0, 315.0])).tolist() == [0.0, 5.0, 15.0]


def test_a_country_without_constellations_gets_empty_tables(tables: dict[str, pl.DataFrame]) -> None:
    bare = {**tables, "constellations": tables["constellations"].clear(), "shells": tables["shells"].clear()}
    result = space(Tables(bare), SpaceParams(), CTX)
    assert all(frame.is_empty() for frame in result.tables.values())


def test_an_unknown_constellation_is_refused_with_the_known_ones(tables: dict[str, pl.DataFrame]) -> None:
    with pytest.raises(InputError, match="starlink_gen1"):
        space(Tables(tables), SpaceParams(constellations=("leo_9",)), CTX)
