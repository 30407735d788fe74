from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import rahdari.engines.radio as folder_module
from rahdari.engines.radio.cells import card, planned_5g_sites, site_mbps
from rahdari.engines.radio.claims import energy_change_pct, experience_gain_pct
from rahdari.engines.radio.engine import radio
from rahdari.engines.radio.hub import capacity_gain_ratio, channels_needed
from rahdari.engines.radio.params import RadioParams
from rahdari.model import Context, Tables
from tests.fixtures import small_country
from tests.helpers.engine_checks import check_engine

FOLDER = Path(folder_module.__file__).parent
CTX = Context()


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    country = small_country()
    demand = country["places"].select(
        "place_id",
        pl.lit(2025, pl.Int64()).alias("year"),
        (pl.col("n_people") * 0.01).alias("busy_hour_mbps"),
    )
    return {"places": country["places"], "sites": country["sites"], "place_demand": demand}


def test_the_result_meets_its_schema_and_formulas(tables: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(radio, tables, RadioParams(n_5g_sites=30), CTX, FOLDER)
    assert frames["coverage"].height == 2 * tables["places"].height
    assert frames["microwave_hops"].height == tables["sites"].filter(pl.col("backhaul") == "microwave").height
    assert {item.indicator_id for item in result.indicators} >= {
        "population_covered_4g_frac",
        "population_covered_5g_frac",
        "5g_sites_sites",
        "5g_experience_gain_pct",
        "5g_energy_change_pct",
        "hub_spectral_efficiency_gain_pct",
        "hub_capacity_gain_ratio",
        "hub_interference_change_pct",
    }
    for item in result.indicators:
        assert item.value_low is None or item.value_high is None or item.value_low <= item.value <= item.value_high


def test_a_nearer_site_never_gives_a_weaker_edge_signal(tables: dict[str, pl.DataFrame]) -> None:
    result = radio(Tables(tables), RadioParams(n_5g_sites=0), CTX)
    rows = result.tables["coverage"].join(tables["places"].select("place_id", "is_urban"), on="place_id")
    rural = rows.filter(~pl.col("is_urban")).sort("edge_km")
    assert (np.diff(rural["edge_snr_db"].to_numpy()) <= 1e-9).all()


def test_places_share_no_more_than_the_sites_carry(tables: dict[str, pl.DataFrame]) -> None:
    params = RadioParams(n_5g_sites=0)
    rows = radio(Tables(tables), params, CTX).tables["coverage"]
    towers = tables["sites"].filter(pl.col("generation") == "4g")
    assert rows["capacity_mbps"].sum() <= site_mbps(towers, card("4g", params), params).sum() * (1 + 1e-12)


def test_more_traffic_never_raises_the_rate_of_a_user(tables: dict[str, pl.DataFrame]) -> None:
    more = {**tables, "place_demand": tables["place_demand"].with_columns(pl.col("busy_hour_mbps") * 3.0)}
    calm = radio(Tables(tables), RadioParams(), CTX).tables["coverage"].sort("place_id", "technology")
    busy = radio(Tables(more), RadioParams(), CTX).tables["coverage"].sort("place_id", "technology")
    assert (busy["downlink_mbps"] <= calm["downlink_mbps"] + 1e-9).all()


def test_the_5g_plan_goes_to_cities_by_population(tables: dict[str, pl.DataFrame]) -> None:
    planned = planned_5g_sites(tables["places"], tables["sites"].sort("site_id"), RadioParams(n_5g_sites=12))
    chosen = tables["sites"].filter(pl.col("site_id").is_in(planned["site_id"].implode()))
    assert set(chosen["place_id"]) <= {"xx-p0000", "xx-p0001"}
    assert 0 < chosen.height <= 12


def test_a_country_without_fibre_or_5g_still_has_an_answer(tables: dict[str, pl.DataFrame]) -> None:
    bare = tables["sites"].with_columns(is_fibre=pl.lit(value=False), backhaul=pl.lit("microwave"))
    result = radio(Tables({**tables, "sites": bare}), RadioParams(n_5g_sites=0), CTX)
    assert result.tables["microwave_hops"].height == 0
    assert set(result.tables["coverage"]["technology"]) == {"4g"}


def test_a_long_chain_has_relays_and_less_availability(tables: dict[str, pl.DataFrame]) -> None:
    hops = radio(Tables(tables), RadioParams(max_hop_km=10.0), CTX).tables["microwave_hops"]
    assert (hops["hop_km"] <= 10.0 + 1e-9).all()
    assert hops.filter(pl.col("n_relays") >= 1).height > 0


def test_links_in_opposite_directions_share_one_channel() -> None:
    assert channels_needed(np.array([0.0, 180.0]), 60.0) == 1
    assert channels_needed(np.array([0.0, 5.0, 10.0]), 60.0) == 3
    # A ring of five with only neighbours in conflict is an odd cycle: three colours.
    assert channels_needed(np.array([0.0, 72.0, 144.0, 216.0, 288.0]), 73.0) == 3


def test_a_narrower_angle_never_costs_capacity() -> None:
    gains = [capacity_gain_ratio(CTX.random("t"), 60.0, after) for after in (60.0, 32.0, 15.0)]
    assert gains[0] == 1.0
    assert gains[0] <= gains[1] <= gains[2]


def test_more_5g_devices_or_capacity_gain_more() -> None:
    assert experience_gain_pct(0.5, 4.0, 0.3) > experience_gain_pct(0.5, 4.0, 0.1) > 0.0
    # Everybody on a cell of 1.75 times the capacity at half load: the rate is 2.5 times what it was.
    assert experience_gain_pct(0.5, 1.75, 1.0) == pytest.approx(150.0)


def test_sleep_and_capacity_save_energy() -> None:
    # 0.7 + 0.3 x 0.5 / 1.75 over 0.7 + 0.3 x 0.5.
    assert energy_change_pct(0.5, 1.75, 0.7, 0.0) == pytest.approx(-7.563, abs=1e-3)
    assert energy_change_pct(0.5, 1.75, 0.7, 0.2) < energy_change_pct(0.5, 1.75, 0.7, 0.0)
