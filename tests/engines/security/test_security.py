"""The security engine on the test country."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import rahdari.engines.security.engine as security_engine
from rahdari.engines.security.engine import security
from rahdari.engines.security.params import SecurityParams
from rahdari.model import Context, Tables
from tests.fixtures import small_country
from tests.helpers.engine_checks import check_engine, gateways

FOLDER = Path(security_engine.__file__).parent


@pytest.fixture(scope="module")
def country() -> dict[str, pl.DataFrame]:
    return {**small_country(), **gateways()}


def test_result_keeps_schema_formulas_proofs_and_row_order(country: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(security, country, SecurityParams(), Context(), FOLDER)
    assert frames["secure_pairs"].height == 3
    assert all(item.gap_frac is not None and abs(item.gap_frac) < 1e-9 for item in result.certificates)


def test_every_pair_is_labelled_fictional(country: dict[str, pl.DataFrame]) -> None:
    frame = security(Tables(country), SecurityParams(), Context()).tables["secure_pairs"]
    assert frame["is_fictional"].all()
    assert frame["name"].str.starts_with("Fictional pair").all()


def test_a_grid_country_has_a_second_way_for_every_pair(country: dict[str, pl.DataFrame]) -> None:
    frame = security(Tables(country), SecurityParams(), Context()).tables["secure_pairs"]
    assert frame["has_disjoint"].all()
    assert (frame["second_fibre_km"] >= frame["first_fibre_km"]).all()
    assert (frame["pair_availability_frac"] > frame["availability_frac"]).all()


def test_one_chain_of_roads_has_no_second_way(country: dict[str, pl.DataFrame]) -> None:
    ways = country["rights_of_way"].filter(pl.col("kind") == "motorway")
    towns = country["places"].with_columns(kind=pl.lit("town"))
    chain = {**country, "rights_of_way": ways, "places": towns, "landmarks": country["landmarks"].clear()}
    frame = security(Tables(chain), SecurityParams(), Context()).tables["secure_pairs"]
    assert frame.height
    assert not frame["has_disjoint"].any()
    assert frame["second_fibre_km"].null_count() == frame.height


def test_the_drawn_pairs_follow_the_seed_alone(country: dict[str, pl.DataFrame]) -> None:
    without = {**country, "landmarks": country["landmarks"].clear()}
    first, again, other = (
        security(Tables(without), SecurityParams(n_pairs=5), Context(seed=seed)).tables["secure_pairs"]["name"]
        for seed in (1, 1, 2)
    )
    assert first.to_list() == again.to_list()
    assert first.to_list() != other.to_list()


def test_a_country_without_ways_has_an_empty_table(country: dict[str, pl.DataFrame]) -> None:
    bare = {**country, "rights_of_way": country["rights_of_way"].clear()}
    result = security(Tables(bare), SecurityParams(), Context())
    assert result.tables["secure_pairs"].is_empty()
    assert any("fictional" in note for note in result.notes)
