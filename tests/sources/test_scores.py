"""Scores: agreement is 0 misallocated, the figures are bounded, and real files print a score."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.sources.scores import SCORE_SCHEMA, misallocated_frac, population_score, score_layers, sites_score

if TYPE_CHECKING:
    from pathlib import Path

amounts = st.lists(st.floats(0.1, 1e6), min_size=2, max_size=30)


@given(amounts, st.floats(0.01, 100.0))
def test_a_layer_in_proportion_to_the_truth_is_not_misallocated(truth: list[float], scale: float) -> None:
    assert misallocated_frac(np.array(truth) * scale, np.array(truth)) == pytest.approx(0.0, abs=1e-12)


@given(st.lists(st.tuples(st.floats(0.1, 1e6), st.floats(0.1, 1e6)), min_size=1, max_size=30))
def test_the_misallocated_share_lies_between_nothing_and_all(pairs: list[tuple[float, float]]) -> None:
    model, truth = (np.array(column) for column in zip(*pairs, strict=True))
    assert -1e-12 <= misallocated_frac(model, truth) <= 1.0 + 1e-12
    assert misallocated_frac(model, truth) == pytest.approx(misallocated_frac(truth, model))


def write_reference(folder: Path) -> Path:
    """Write two sub-districts side by side with 300 and 100 people."""
    (folder / "admin").mkdir(parents=True)
    (folder / "census").mkdir()
    features = [
        {
            "type": "Feature",
            "properties": {"district_name": "Alpha", "tehsil_name": name},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for name, shape in (("West", shapely.box(70, 30, 71, 31)), ("East", shapely.box(71, 30, 72, 31)))
    ]
    path = folder / "admin" / "pk_tehsils.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    lines = ["DISTRICT,TEHSIL,REGION,ALL_SEXES"]
    lines += [
        f"ALPHA,{name} TEHSIL,{region},{n}"
        for name, n in (("WEST", 300), ("EAST", 100))
        for region in ("OVERALL", "RURAL")
    ]
    (folder / "census" / "x_table_01.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def places(west: int, east: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "place_id": ["a", "b"],
            "district_id": ["pk-alpha", "pk-alpha"],
            "kind": ["village", "village"],
            "is_urban": [False, False],
            "lon_deg": [70.5, 71.5],
            "lat_deg": [30.5, 30.5],
            "n_people": [west, east],
        }
    )


def value_of(scores: pl.DataFrame, metric: str) -> float:
    return float(scores.filter(pl.col("metric").str.contains(metric, literal=True))["value"][0])


def test_people_in_the_right_units_score_nothing_misallocated(tmp_path: Path) -> None:
    folder = write_reference(tmp_path / "r")
    files = folder / "admin" / "pk_tehsils.geojson", folder / "census" / "x_table_01.csv"
    right = population_score(places(3_000, 1_000), *files)
    assert value_of(right, "misallocated between units") == pytest.approx(0.0, abs=1e-12)
    # Even by area puts 200 and 200 where the truth is 300 and 100: a quarter must move.
    assert value_of(right, "spread evenly by area") == pytest.approx(0.25, abs=0.001)
    wrong = population_score(places(1_000, 3_000), *files)
    assert value_of(wrong, "misallocated within districts") == pytest.approx(0.5)


def test_towers_where_the_cells_are_score_full_marks(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_text("net,lon,lat\n1,70.5,30.5\n1,71.5,30.5\n", encoding="utf-8")
    sites = pl.DataFrame(
        {
            "site_id": ["s", "t"],
            "kind": ["tower", "tower"],
            "place_id": ["a", "b"],
            "lon_deg": [70.5, 71.5],
            "lat_deg": [30.5, 30.5],
        }
    )
    scores = sites_score(sites, places(1, 1), path)
    assert value_of(scores, "median distance") == pytest.approx(0.0, abs=1e-6)
    assert value_of(scores, "misallocated between districts") == pytest.approx(0.0)


def test_a_folder_without_reference_files_says_what_to_supply(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="opencellid"):
        score_layers({}, tmp_path)


def test_the_layers_are_scored_against_the_reference_data(shared: Path, country: dict[str, pl.DataFrame]) -> None:
    scores = score_layers(country, shared / "data")
    assert dict(scores.schema) == SCORE_SCHEMA
    assert set(scores["layer"]) == {"population", "rural population", "places", "sites"}
    assert scores["value"].is_finite().all()
    shares = scores.filter(pl.col("unit") == "frac")["value"]
    assert ((shares >= 0) & (shares <= 1)).all()
