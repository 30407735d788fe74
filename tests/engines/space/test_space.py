from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import rahdari.engines.space as folder_module
from rahdari.engines.space.engine import gateways, space
from rahdari.engines.space.params import SpaceParams
from rahdari.errors import InputError
from rahdari.methods.beam_capacity import cell_numbers
from rahdari.methods.geo import great_circle_km
from rahdari.model import Context, Tables
from tests.fixtures import small_country
from tests.helpers.engine_checks import check_engine

FOLDER = Path(folder_module.__file__).parent
CTX = Context()


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return {"places": small_country()["places"]}


def test_the_result_meets_its_schema_and_formulas(tables: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(space, tables, SpaceParams(), CTX, FOLDER)
    assert frames["satellite_service"].height == tables["places"].height
    found = {item.indicator_id: item for item in result.indicators}
    assert 0.0 <= found["satellite_places_frac"].value <= 1.0
    assert found["satellite_licensed_constellations_count"].value == 0.0


def test_the_round_trip_is_that_of_a_bent_pipe_and_processing(tables: dict[str, pl.DataFrame]) -> None:
    """Between the least the geometry allows and a tenth of what a geostationary satellite needs."""
    rows = space(Tables(tables), SpaceParams(processing_ms=8.0), CTX).tables["satellite_service"]
    straight_up_ms = 4.0 * 540.0 / 299.792458
    assert (rows["latency_ms"] > straight_up_ms + 8.0).all()
    assert (rows["latency_ms"] < 48.0).all()


def test_a_licensed_constellation_is_preferred(tables: dict[str, pl.DataFrame]) -> None:
    params = SpaceParams(licensed_constellations=("leo_1200_km",))
    rows = space(Tables(tables), params, CTX).tables["satellite_service"]
    assert set(rows["constellation_id"]) == {"leo_1200_km"}
    assert rows["is_licensed"].all()


def test_crowded_cells_give_less_to_each(tables: dict[str, pl.DataFrame]) -> None:
    rows = space(Tables(tables), SpaceParams(), CTX).tables["satellite_service"]
    by_crowd = rows.filter(pl.col("constellation_id") == "leo_540_570_km").sort("n_cell_households")
    assert (np.diff(by_crowd["downlink_mbps"].to_numpy()) <= 1e-12).all()


def test_places_share_the_terminals_of_their_cell(tables: dict[str, pl.DataFrame]) -> None:
    params = SpaceParams(constellations=("leo_540_570_km",))
    rows = space(Tables(tables), params, CTX).tables["satellite_service"].join(tables["places"], on="place_id")
    cell = cell_numbers(rows["lon_deg"].to_numpy(), rows["lat_deg"].to_numpy(), 379.0)
    most = rows.with_columns(cell=pl.Series(cell)).group_by("cell").agg(pl.col("n_users_max").sum())
    assert (most["n_users_max"] <= 2500.0 / params.busy_hour_mbps).all()


def test_gateways_keep_their_distance(tables: dict[str, pl.DataFrame]) -> None:
    hubs = gateways(tables["places"], SpaceParams(n_gateways=3, gateway_spacing_km=60.0))
    lon, lat = hubs["lon_deg"].to_numpy(), hubs["lat_deg"].to_numpy()
    apart = great_circle_km(lon[:, None], lat[:, None], lon[None], lat[None])[~np.eye(3, dtype=bool)]
    assert hubs["n_people"][0] == tables["places"]["n_people"].max()
    assert (apart >= 60.0).all()


def test_an_unknown_constellation_is_refused_with_the_known_ones(tables: dict[str, pl.DataFrame]) -> None:
    with pytest.raises(InputError, match="leo_1200_km"):
        space(Tables(tables), SpaceParams(constellations=("leo_9",)), CTX)
