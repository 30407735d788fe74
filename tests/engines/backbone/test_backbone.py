"""The backbone engine on the test country."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import rahdari.engines.backbone.engine as backbone_engine
from rahdari.engines.backbone.engine import backbone
from rahdari.engines.backbone.params import BackboneParams
from rahdari.model import Context, Tables
from rahdari.schema import table_schema
from rahdari.schema.checks import empty_table
from tests.fixtures import small_country
from tests.helpers.engine_checks import check_engine, gateways

FOLDER = Path(backbone_engine.__file__).parent
PARAMS = BackboneParams(corridor_from_name="North Pass", corridor_via_name="Midtown", corridor_to_name="Southport")


def whole_country() -> dict[str, pl.DataFrame]:
    """Return the test country with gateways, a quarter of a Mbit/s for each person, and no risk groups."""
    tables = {**small_country(), **gateways()}
    places = tables["places"].select("place_id", "n_people", busy_hour_mbps=pl.col("n_people") * 0.25)
    years = [places.with_columns(year=pl.lit(year, pl.Int64)) for year in Context().years]
    tables["place_demand"] = pl.concat(years)
    for name in ("risk_groups", "risk_group_members"):
        tables.setdefault(name, empty_table(table_schema(name)))
    return tables


@pytest.fixture(scope="module")
def country() -> dict[str, pl.DataFrame]:
    return whole_country()


def test_result_keeps_schema_formulas_proofs_and_row_order(country: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(backbone, country, PARAMS, Context(), FOLDER)
    assert frames["routes"].height == frames["optical_paths"].height > 10
    gaps = [item.gap_frac for item in result.certificates]
    assert all(gap is not None and abs(gap) < 1e-9 for gap in gaps[:2])
    assert gaps[2] is not None
    assert -1e-9 < gaps[2] <= PARAMS.core_gap_frac


def test_the_corridor_is_the_sum_of_its_legs_and_its_ways(country: dict[str, pl.DataFrame]) -> None:
    frames = backbone(Tables(country), PARAMS, Context()).tables
    routes = frames["routes"]
    corridor = routes.row(by_predicate=pl.col("kind") == "corridor", named=True)
    legs = routes.filter(pl.col("kind") == "corridor_leg")
    assert corridor["name"] == "North Pass - Midtown - Southport"
    assert corridor["fibre_km"] == pytest.approx(legs["fibre_km"].sum())
    steps = frames["route_ways"].filter(pl.col("route_id") == corridor["route_id"]).sort("step")
    assert steps["fibre_km"].sum() == pytest.approx(corridor["fibre_km"])
    assert steps["step"].to_list() == list(range(1, steps.height + 1))


def test_the_ways_of_a_route_join_end_to_end(country: dict[str, pl.DataFrame]) -> None:
    ways = backbone(Tables(country), PARAMS, Context()).tables["route_ways"]
    ends = ways.join(country["rights_of_way"].select("row_id", "from_node_id", "to_node_id"), on="row_id")
    swap = pl.col("is_reversed")
    ends = ends.with_columns(
        start=pl.when(swap).then("to_node_id").otherwise("from_node_id"),
        stop=pl.when(swap).then("from_node_id").otherwise("to_node_id"),
    ).sort("route_id", "step")
    inner = ends.with_columns(before=pl.col("stop").shift(1).over("route_id")).filter(pl.col("step") > 1)
    assert inner.filter(pl.col("before") != pl.col("start")).is_empty()


def test_a_second_way_is_never_shorter_than_the_first(country: dict[str, pl.DataFrame]) -> None:
    routes = backbone(Tables(country), PARAMS, Context()).tables["routes"]
    with_pair = routes.filter("has_disjoint")
    assert with_pair.height
    assert with_pair.filter(pl.col("disjoint_fibre_km") < pl.col("working_fibre_km")).is_empty()


def test_a_country_without_corridor_landings_or_crossings_still_joins_its_cities() -> None:
    country = {name: frame.clear() if name in gateways() else frame for name, frame in whole_country().items()}
    result, frames = check_engine(backbone, country, BackboneParams(), Context(), FOLDER)
    assert set(frames["routes"]["kind"].to_list()) == {"city_pair"}
    assert not [item for item in result.indicators if item.indicator_id.startswith("corridor")]


def test_a_country_without_ways_gets_empty_tables_and_a_note(country: dict[str, pl.DataFrame]) -> None:
    empty = {**country, "rights_of_way": country["rights_of_way"].clear()}
    result = backbone(Tables(empty), PARAMS, Context())
    assert result.tables["routes"].is_empty()
    assert any("no pair of ends" in note for note in result.notes)


def test_ways_abroad_are_avoided_unless_the_detour_is_longer_than_their_weight(
    country: dict[str, pl.DataFrame],
) -> None:
    abroad = {
        **country,
        "rights_of_way": country["rights_of_way"].with_columns(is_in_country=pl.col("kind") != "motorway"),
    }
    routes = backbone(Tables(abroad), PARAMS, Context()).tables["routes"]
    liked = backbone(Tables(abroad), PARAMS.model_copy(update={"foreign_way_ratio": 1.0}), Context()).tables["routes"]
    assert routes["abroad_km"].sum() <= liked["abroad_km"].sum()


def test_the_core_carries_its_working_load_and_names_its_proof(country: dict[str, pl.DataFrame]) -> None:
    result = backbone(Tables(country), PARAMS, Context())
    core = result.tables["backbone_capacity"]
    assert core.height
    assert (core["spare_gbps"].to_numpy() >= 0.0).all()
    bill = result.tables["core_bill"]
    proof = result.certificates[3]
    assert proof.lower_bound is not None
    assert proof.lower_bound <= proof.cost == pytest.approx(bill["usd"].sum())


def test_a_named_cable_cut_is_replayed_with_a_band_around_the_prediction(country: dict[str, pl.DataFrame]) -> None:
    replay = backbone(Tables(country), PARAMS, Context()).tables["backbone_replay"]
    lost = replay.row(by_predicate=(pl.col("event_id") == "ev-cable") & (pl.col("measure") == "lost"), named=True)
    assert lost["predicted_low_value"] <= lost["predicted_value"] <= lost["predicted_high_value"]
    # Alpha carries 2 Tbit/s, 0.78 of it in use, and a far fault closes one direction of three.
    assert lost["predicted_value"] == pytest.approx(2000.0 * 0.78 / 3.0)


def test_risk_groups_are_named_only_where_asked_for(country: dict[str, pl.DataFrame]) -> None:
    hidden = backbone(Tables(country), PARAMS, Context()).tables["risk_groups_found"]
    shown_params = PARAMS.model_copy(update={"show_named_risks": True})
    shown = backbone(Tables(country), shown_params, Context()).tables["risk_groups_found"]
    assert hidden.is_empty()
    assert set(shown["classification"].to_list()) <= {"restricted"}


def test_a_format_with_more_noise_never_carries_more(country: dict[str, pl.DataFrame]) -> None:
    quiet = backbone(Tables(country), PARAMS, Context()).tables["optical_paths"]
    loud_params = PARAMS.model_copy(update={"noise_figure_db": 8.0})
    loud = backbone(Tables(country), loud_params, Context()).tables["optical_paths"]
    assert (loud["gsnr_db"].to_numpy() <= quiet["gsnr_db"].to_numpy()).sum() == quiet.height
