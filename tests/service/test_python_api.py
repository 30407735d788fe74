"""The Python API: the same operations, pleasant in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import rahdari as rd
from rahdari.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from rahdari.service.plan_view import Plan


def test_plan_returns_tables_indicators_and_certificates(country_folder: Path, cache_dir: Path, tmp_path: Path) -> None:
    plan = rd.plan(str(country_folder), out=tmp_path / "p", cache_dir=cache_dir)
    assert plan.places.height == 300
    assert {"indicator_id", "value", "value_low", "value_high", "unit"} <= set(plan.indicators.columns)
    assert {"cost", "lower_bound", "gap_frac"} <= set(plan.certificates.columns)
    assert rd.open_plan(tmp_path / "p").digest == plan.digest


def test_a_table_becomes_a_geodataframe(small_plan: Plan) -> None:
    assert set(small_plan.to_geopandas("links").geom_type) == {"LineString"}
    assert set(small_plan.to_geopandas("places").geom_type) == {"Point"}
    assert len(small_plan.to_geopandas("coverage")) == small_plan.coverage.height
    with pytest.raises(InputError, match="no place on the map"):
        small_plan.to_geopandas("services")


def test_a_plan_shows_itself_in_a_notebook(small_plan: Plan) -> None:
    assert "300 places" in repr(small_plan)
    assert small_plan._repr_html_().startswith("<table>")
    assert "places" in dir(small_plan)


def test_an_unknown_table_names_those_there_are(small_plan: Plan) -> None:
    with pytest.raises(AttributeError, match="places"):
        _ = small_plan.plcaes
    with pytest.raises(InputError, match="places"):
        _ = small_plan.tables["plcaes"]
    assert "plcaes" not in small_plan.tables


def test_public_names_load_lazily() -> None:
    assert {"plan", "access", "backbone"} <= set(dir(rd))
    with pytest.raises(AttributeError, match="no attribute"):
        _ = rd.nothing_of_the_kind
