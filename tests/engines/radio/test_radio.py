from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import rahdari.engines.radio as folder_module
from rahdari.engines.radio.cards import radio_of
from rahdari.engines.radio.cover import Ground, ground_of, near_sites
from rahdari.engines.radio.engine import radio
from rahdari.engines.radio.hops import PLANNED_MODE, choose_equipment, equipment
from rahdari.engines.radio.hubs import azimuth_deg
from rahdari.engines.radio.params import RadioParams
from rahdari.engines.radio.paths import PIECES, Ends, _profiles, closed_loss_db, law_of, loss_db
from rahdari.methods.p1812 import p1812_loss_db
from rahdari.methods.raster import inverse_geodesic
from rahdari.methods.terrain_table import terrain_raster
from rahdari.model import Context, EngineResult, Tables
from tests.fixtures import small_country
from tests.helpers.engine_checks import check_engine, conformed

FOLDER = Path(folder_module.__file__).parent
CTX = Context()
READS = ("places", "sites", "terrain", "technologies", "microwave_radios", "microwave_modes", "microwave_antennas")


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    country = small_country()
    demand = country["places"].select(
        "place_id",
        pl.lit(2025, pl.Int64()).alias("year"),
        (pl.col("n_people") * 0.01).alias("busy_hour_mbps"),
    )
    return {**{name: country[name] for name in READS}, "place_demand": demand}


@pytest.fixture(scope="module")
def result(tables: dict[str, pl.DataFrame]) -> EngineResult:
    return radio(Tables(tables), RadioParams(n_5g_sites=30), CTX)


@pytest.fixture(scope="module")
def found(result: EngineResult) -> dict[str, pl.DataFrame]:
    return conformed(result, FOLDER)


def _flat(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return {**tables, "terrain": tables["terrain"].clear()}


def _ground(tables: dict[str, pl.DataFrame]) -> Ground:
    places = tables["places"].sort("place_id")
    return ground_of(places, tables["place_demand"].drop("year"), terrain_raster(tables["terrain"]), RadioParams())


def test_the_result_meets_its_schema_and_formulas(tables: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(radio, tables, RadioParams(n_5g_sites=30), CTX, FOLDER)
    assert frames["coverage"].height == 2 * tables["places"].height
    fed = tables["sites"].filter(pl.col("backhaul") == "microwave").height
    assert frames["microwave_hops"].height == frames["link_budget"].height == fed
    assert frames["cells"].filter(pl.col("technology") == "5g").height == 30
    assert {item.indicator_id for item in result.indicators} >= {
        "population_covered_4g_frac",
        "population_covered_5g_frac",
        "mobile_4g_median_mbps",
        "5g_sites_sites",
        "5g_experience_gain_pct",
        "5g_energy_change_pct",
        "hub_spectral_efficiency_gain_pct",
        "hub_capacity_gain_ratio",
        "hub_interference_change_pct",
    }
    for item in result.indicators:
        assert item.value_low is None or item.value_high is None or item.value_low <= item.value <= item.value_high


def test_a_path_has_the_loss_that_p1812_gives_for_its_profile(tables: dict[str, pl.DataFrame]) -> None:
    raster = terrain_raster(tables["terrain"])
    assert raster is not None
    one = np.ones(1)
    ends = Ends(70.9 * one, 31.5 * one, 71.0 * one, 31.6 * one, 14.6 * one, 14.6 * one, 5.0 * one, 1.0 * one, one > 2)
    law = law_of(1.8, RadioParams())
    km, ground = _profiles(raster, ends, law.street_km, PIECES[0])
    cover = np.where(km[0, -1] - km[0] <= 1.0, 5.0, 0.0)
    at = (70.9, 31.55)
    told = p1812_loss_db(
        km[0],
        ground[0],
        1.8,
        30.0,
        1.5,
        clutter_height_m=cover,
        polarisation="vertical",
        tx_lonlat_deg=at,
        rx_lonlat_deg=at,
    )
    assert loss_db(raster, ends, law, CTX)[0] == pytest.approx(told, abs=0.01)
    assert km[0, -1] - km[0, -2] == pytest.approx(0.027)


def test_a_higher_mast_or_a_barer_place_never_costs_signal(tables: dict[str, pl.DataFrame]) -> None:
    base = radio(Tables(tables), RadioParams(n_5g_sites=0), CTX).tables["coverage"].sort("place_id")
    barer = radio(Tables(tables), RadioParams(n_5g_sites=0, clutter_rural_m=0.0, clutter_urban_m=0.0), CTX)
    bare = barer.tables["coverage"].sort("place_id")
    assert (bare["median_snr_db"] >= base["median_snr_db"] - 1e-9).all()


def test_what_is_surely_covered_is_covered(found: dict[str, pl.DataFrame]) -> None:
    rows = found["coverage"]
    assert rows.filter(pl.col("is_surely_covered") & ~pl.col("is_covered")).height == 0
    assert rows["covered_probability_frac"].is_between(0.0, 1.0).all()
    assert rows.filter(pl.col("is_covered"))["covered_probability_frac"].to_numpy().min() >= 0.5


def test_a_less_certain_terrain_leaves_fewer_places_surely_covered(tables: dict[str, pl.DataFrame]) -> None:
    coarse = {**tables, "terrain": tables["terrain"].with_columns(is_coarse=pl.lit(value=True))}
    params = RadioParams(coarse_sigma_db=20.0)
    rows = radio(Tables(coarse), params, CTX).tables["coverage"]
    fine = radio(Tables(tables), params, CTX).tables["coverage"]
    assert rows["is_coarse_terrain"].all()
    assert not fine["is_coarse_terrain"].any()
    assert rows["is_covered"].equals(fine["is_covered"])
    assert rows["is_surely_covered"].sum() < fine["is_surely_covered"].sum()


def test_without_terrain_a_nearer_site_never_gives_a_weaker_signal(tables: dict[str, pl.DataFrame]) -> None:
    result = radio(Tables(_flat(tables)), RadioParams(n_5g_sites=0), CTX)
    rows = result.tables["coverage"].join(tables["places"].select("place_id", "is_urban"), on="place_id")
    rural = rows.filter(~pl.col("is_urban")).sort("edge_km")
    assert (np.diff(rural["median_snr_db"].to_numpy()) <= 1e-9).all()
    assert any("No terrain" in note for note in result.notes)


def test_the_closed_law_is_used_by_its_surroundings() -> None:
    one = np.ones(2)
    ends = Ends(one, one, one, one, one, one, one, one, np.array([True, False]))
    loss = closed_loss_db(ends, law_of(1.8, RadioParams()))
    assert loss[0] > loss[1]


def test_places_share_no_more_than_the_sites_carry(found: dict[str, pl.DataFrame]) -> None:
    for technology in ("4g", "5g"):
        cells = found["cells"].filter(pl.col("technology") == technology)
        rows = found["coverage"].filter(pl.col("technology") == technology)
        assert rows["capacity_mbps"].to_numpy().sum() <= cells["capacity_mbps"].to_numpy().sum() * (1 + 1e-9)


def test_all_covered_traffic_is_offered_to_cells(found: dict[str, pl.DataFrame]) -> None:
    for technology in ("4g", "5g"):
        rows = found["coverage"].filter((pl.col("technology") == technology) & pl.col("is_covered"))
        cells = found["cells"].filter(pl.col("technology") == technology)
        assert cells["demand_mbps"].sum() == pytest.approx(rows["demand_mbps"].sum(), rel=1e-9)


def test_loads_are_proven_and_more_traffic_never_helps_anybody(tables: dict[str, pl.DataFrame]) -> None:
    more = {**tables, "place_demand": tables["place_demand"].with_columns(pl.col("busy_hour_mbps") * 3.0)}
    params = RadioParams(n_5g_sites=0)
    calm, busy = (radio(Tables(given), params, CTX).tables for given in (tables, more))
    assert calm["cells"]["load_gap_frac"].to_numpy().max() <= 1e-6
    left, right = calm["coverage"].sort("place_id"), busy["coverage"].sort("place_id")
    assert (right["user_sinr_db"] <= left["user_sinr_db"] + 1e-4).all()
    assert (right["downlink_mbps"] <= left["downlink_mbps"] + 1e-3).all()
    assert (busy["cells"]["energy_kwh_per_year"] >= calm["cells"]["energy_kwh_per_year"] - 1e-3).all()


def test_the_5g_plan_goes_to_cities_with_a_bound(
    tables: dict[str, pl.DataFrame], result: EngineResult, found: dict[str, pl.DataFrame]
) -> None:
    chosen = found["cells"].filter(pl.col("technology") == "5g").join(tables["sites"], on="site_id")
    assert set(chosen["place_id"]) <= {"xx-p0000", "xx-p0001"}
    assert chosen["is_planned"].all()
    proof = next(item for item in result.certificates if item.unit == "mbps")
    assert proof.lower_bound is not None
    assert proof.lower_bound <= proof.cost + 1e-9 * abs(proof.cost)


def test_a_country_without_fibre_5g_or_catalogue_still_has_an_answer(tables: dict[str, pl.DataFrame]) -> None:
    bare = tables["sites"].with_columns(is_fibre=pl.lit(value=False), backhaul=pl.lit("microwave"))
    empty = {name: tables[name].clear() for name in READS if name.startswith("microwave") or name == "technologies"}
    for given in ({**tables, "sites": bare}, {**tables, **empty}):
        result = radio(Tables(given), RadioParams(n_5g_sites=0), CTX)
        assert result.tables["microwave_hops"].height == result.tables["hub_plans"].height == 0
        assert set(result.tables["coverage"]["technology"]) == {"4g"}
        assert any("No microwave hop" in note for note in result.notes)


def test_a_country_without_towers_has_no_coverage(tables: dict[str, pl.DataFrame]) -> None:
    result = radio(Tables({**tables, "sites": tables["sites"].clear()}), RadioParams(), CTX)
    assert result.tables["coverage"].height == result.tables["cells"].height == 0


def test_a_long_chain_has_relays_and_less_availability(tables: dict[str, pl.DataFrame]) -> None:
    result = radio(Tables(tables), RadioParams(max_hop_km=10.0), CTX)
    hops, budget = result.tables["microwave_hops"], result.tables["link_budget"]
    assert (hops["hop_km"] <= 10.0 + 1e-9).all()
    both = hops.join(budget.select("site_id", worst_frac="availability_frac"), on="site_id")
    relayed = both.filter(pl.col("n_relays") >= 1)
    assert relayed.height > 0
    assert (relayed["availability_frac"] <= relayed["worst_frac"] + 1e-12).all()
    assert (
        both.filter(pl.col("n_relays") == 0)["availability_frac"] - both.filter(pl.col("n_relays") == 0)["worst_frac"]
    ).abs().to_numpy().max() < 1e-12


def test_longer_hops_go_to_lower_bands_or_larger_dishes(tables: dict[str, pl.DataFrame]) -> None:
    stock = equipment(tables["microwave_radios"], tables["microwave_modes"], tables["microwave_antennas"], 24.0)
    length = np.geomspace(0.1, 60.0, 30)
    band, dish = choose_equipment(length, stock, RadioParams(), 31.0)
    assert (np.diff(band) <= 0).all()
    same = np.diff(band) == 0
    assert (np.diff(dish)[same] >= 0).all()
    assert all(PLANNED_MODE in item.mode for item in stock.radios)


def test_a_ridge_costs_a_hop_its_clearance(tables: dict[str, pl.DataFrame], found: dict[str, pl.DataFrame]) -> None:
    budget = found["link_budget"]
    blocked = budget.filter(pl.col("clearance_ratio") < 0.0)
    assert (blocked["diffraction_db"] > 10.0).all()
    assert not budget.filter(pl.col("clearance_ratio") < 1.0)["is_clear"].any()
    assert not radio(Tables(_flat(tables)), RadioParams(), CTX).tables["link_budget"]["is_clear"].any()


def test_bearings_agree_with_the_ellipsoid_within_a_third_of_a_degree() -> None:
    ends = [np.array([x]) for x in (70.0, 30.0, 70.3, 30.2)]
    told, _ = inverse_geodesic(70.0, 30.0, 70.3, 30.2)
    assert azimuth_deg(*ends)[0] == pytest.approx(told, abs=0.3)


def test_links_that_share_a_channel_are_those_of_one_hub(found: dict[str, pl.DataFrame]) -> None:
    plans, channels = found["hub_plans"], found["frequency_plan"]
    assert channels.height == plans["n_links"].sum()
    assert plans["n_links"].is_between(2, 12).all()
    used = channels.group_by("hub_site_id", "radio_id").agg(n=pl.col("channel_cancelled_id").n_unique())
    both = plans.join(used, on=["hub_site_id", "radio_id"])
    assert (both["n"] == both["n_channels_cancelled"]).all()
    assert (plans["cancelled_mbps"] >= plans["plain_mbps"] - 1e-9).all()


def test_claims_are_shares_and_joint_ones_hold_no_more_often(found: dict[str, pl.DataFrame]) -> None:
    rows = found["radio_claims"]
    assert rows["holds_frac"].is_between(0.0, 1.0).all()
    city = {row["claim_id"]: row["holds_frac"] for row in rows.filter(pl.col("subject") == "city").to_dicts()}
    for mode in ("added", "replaced"):
        assert city[f"city-{mode}-both"] <= min(city[f"city-{mode}-experience"], city[f"city-{mode}-energy"])
    hub = rows.filter(pl.col("subject") == "hub")
    assert hub.filter(pl.col("claim_id").str.ends_with("-interference"))["holds_frac"].max() == 0.0


def test_more_energy_is_drawn_where_5g_is_added_than_where_it_replaces(found: dict[str, pl.DataFrame]) -> None:
    rows = {row["claim_id"]: row["median_ratio"] for row in found["radio_claims"].to_dicts()}
    assert rows["city-added-energy"] > rows["city-replaced-energy"]


def test_the_nearest_sites_are_in_order_and_ties_go_to_the_lower_id(tables: dict[str, pl.DataFrame]) -> None:
    sites = tables["sites"].sort("site_id")
    twice = pl.concat([sites.head(3), sites.head(3)])
    index, distance = near_sites(_ground(tables), twice, 6)
    assert (np.diff(distance, axis=1) >= 0.0).all()
    assert (index[:, 0] < index[:, 1]).all()


def test_cards_take_efficiency_and_power_from_the_catalogue(tables: dict[str, pl.DataFrame]) -> None:
    params = RadioParams()
    usual = radio_of("4g", params, tables["technologies"].clear())
    listed = radio_of("4g", params, tables["technologies"])
    assert usual == listed
    assert listed.carrier_mhz == pytest.approx(params.bandwidth_4g_mhz * params.layers_4g_ratio)


def test_conditions_split_all_draws_of_each_unknown(found: dict[str, pl.DataFrame]) -> None:
    rows = found["radio_claims"].filter(pl.col("subject") == "city_condition")
    split = rows.with_columns(unknown=pl.col("claim_id").str.replace(r"-[-.\d]+$", ""))
    counts = split.group_by("unknown").agg(pl.col("n_tested").sum())
    assert counts.height == 14
    assert (counts["n_tested"] == 20_000).all()
    city = {row["claim_id"]: row["holds_frac"] for row in found["radio_claims"].to_dicts()}
    replaced = split.filter(pl.col("unknown") == "condition-replaced-load_frac")
    mean = (replaced["holds_frac"] * replaced["n_tested"]).sum() / 20_000
    assert mean == pytest.approx(city["city-replaced-both"], abs=1e-12)
