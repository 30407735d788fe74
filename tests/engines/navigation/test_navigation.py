from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import rahdari.engines.navigation as folder_module
from rahdari.engines.navigation.engine import navigation
from rahdari.engines.navigation.params import NavigationParams
from rahdari.model import Context, Tables
from tests.fixtures import small_country
from tests.helpers.engine_checks import check_engine, gateways

FOLDER = Path(folder_module.__file__).parent
CTX = Context()
PARAMS = NavigationParams(n_epochs=48)


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return {"places": small_country()["places"], "landmarks": gateways()["landmarks"]}


def test_the_result_meets_its_schema_and_formulas(tables: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(navigation, tables, PARAMS, CTX, FOLDER)
    assert frames["navigation"].height == tables["landmarks"].height
    ratio = next(item for item in result.indicators if item.indicator_id == "corridor_pdop_ratio")
    assert ratio.value_low is not None
    assert ratio.value_high is not None
    assert 1.0 < ratio.value_low <= ratio.value <= ratio.value_high


def test_steep_country_has_fewer_satellites_and_larger_errors(tables: dict[str, pl.DataFrame]) -> None:
    steep = {**tables, "places": tables["places"].with_columns(slope_frac=pl.lit(0.25))}
    flat = {**tables, "places": tables["places"].with_columns(slope_frac=pl.lit(0.0))}
    high = navigation(Tables(steep), PARAMS, CTX).tables["navigation"]
    low = navigation(Tables(flat), PARAMS, CTX).tables["navigation"]
    assert (high["n_satellites"] < low["n_satellites"]).all()
    assert high["horizontal_error_m"].mean() > low["horizontal_error_m"].mean()


def test_the_regional_satellites_help(tables: dict[str, pl.DataFrame]) -> None:
    alone = PARAMS.model_copy(update={"has_regional": False})
    with_them = navigation(Tables(tables), PARAMS, CTX).tables["navigation"]["n_satellites"]
    assert (with_them > navigation(Tables(tables), alone, CTX).tables["navigation"]["n_satellites"]).all()


def test_a_country_without_waypoints_has_no_corridor_figure(tables: dict[str, pl.DataFrame]) -> None:
    none = {**tables, "landmarks": tables["landmarks"].filter(pl.col("kind") == "border_crossing")}
    result = navigation(Tables(none), PARAMS, CTX)
    assert result.indicators == ()
    assert result.tables["navigation"].height == 2
    empty = navigation(Tables({**tables, "landmarks": tables["landmarks"].clear()}), PARAMS, CTX)
    assert empty.tables["navigation"].height == 0
