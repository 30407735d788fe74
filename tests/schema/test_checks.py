"""Schemas refuse numbers without units; checks name every fault with row and cure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rahdari.errors import InputError, Problem
from rahdari.schema import base_schemas, read_schema, table_schema
from rahdari.schema.checks import conform, empty_table, reference_problems
from tests.fixtures import small_country

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "column,type,unit,default,description,status\n"


def problems_of(frame: pl.DataFrame, table: str) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        conform(frame, table_schema(table), file=f"{table}.csv")
    return caught.value.problems


@pytest.fixture(scope="module")
def places() -> pl.DataFrame:
    return small_country()["places"]


def test_every_base_table_has_a_key_and_descriptions() -> None:
    for schema in base_schemas().values():
        assert schema.key
        assert all(column.description for column in schema.columns)


def test_a_number_without_a_unit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_text(HEADER + "link_id,id,,,Key,key\nlength,float,km,,Length,required\n", encoding="utf-8")
    with pytest.raises(InputError, match="rename it to end in its unit"):
        read_schema(path)


def test_a_wrong_unit_is_named_with_the_conversion(places: pl.DataFrame) -> None:
    found = problems_of(places.rename({"road_distance_km": "road_distance_m"}), "places")
    assert len(found) == 1
    assert "metre" in found[0].what
    assert "road_distance_km" in found[0].cure


def test_all_faults_of_a_file_come_at_once_with_file_row_and_cure(places: pl.DataFrame) -> None:
    bad = places.with_row_index("row").with_columns(
        n_people=pl.when(pl.col("row") == 3).then(-5).otherwise(pl.col("n_people")),
        density_per_km2=pl.when(pl.col("row") == 4).then(float("nan")).otherwise(pl.col("density_per_km2")),
        kind=pl.when(pl.col("row") == 5).then(pl.lit("vilage")).otherwise(pl.col("kind")),
        lat_deg=pl.when(pl.col("row") == 6).then(pl.lit(95.0)).otherwise(pl.col("lat_deg")),
        place_id=pl.when(pl.col("row") == 8).then(pl.col("place_id").shift(1)).otherwise(pl.col("place_id")),
    )
    found = problems_of(bad.drop("row", "name"), "places")
    by_column = {problem.column: problem for problem in found}
    assert {"n_people", "density_per_km2", "kind", "lat_deg", "place_id", "name"} <= set(by_column)
    assert by_column["n_people"].row == 4
    assert by_column["kind"].cure == "use 'village'"
    assert "swapped" in by_column["lat_deg"].cure
    assert all(problem.file == "places.csv" and problem.cure for problem in found)


def test_a_misspelt_column_names_the_right_one(places: pl.DataFrame) -> None:
    found = problems_of(places.with_columns(pl.lit("x").alias("namme_local")), "places")
    assert found[0].cure == "remove it or rename it to 'name_local'"


def test_a_missing_reference_is_found(places: pl.DataFrame) -> None:
    tables = {"districts": small_country()["districts"], "places": places.with_columns(district_id=pl.lit("nowhere"))}
    found = reference_problems(tables, base_schemas())
    assert found
    assert found[0].what == "'nowhere' is not in districts"


def test_an_empty_table_conforms() -> None:
    for schema in base_schemas().values():
        assert conform(empty_table(schema), schema).height == 0


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(40)))
def test_conforming_does_not_depend_on_row_order(order: list[int]) -> None:
    frame = small_country()["places"].head(40)
    schema = table_schema("places")
    assert conform(frame[order], schema).equals(conform(frame, schema))


@pytest.mark.parametrize("value", ["3.7", "3,000", "1e400", "many", "NaN"])
def test_a_count_that_is_no_whole_number_is_refused_and_not_cut_off(places: pl.DataFrame, value: str) -> None:
    text = places.with_columns(pl.col("n_people").cast(pl.String())).with_row_index("row")
    bad = text.with_columns(n_people=pl.when(pl.col("row") == 3).then(pl.lit(value)).otherwise(pl.col("n_people")))
    found = problems_of(bad.drop("row"), "places")
    assert [(problem.row, problem.column) for problem in found] == [(4, "n_people")]


def test_an_engines_share_of_a_person_is_refused(places: pl.DataFrame) -> None:
    found = problems_of(places.with_columns(pl.col("n_people") + 0.5), "places")
    assert found[0].column == "n_people"
    whole = places.with_columns(pl.col("n_people").cast(pl.Float64()))
    assert conform(whole, table_schema("places")).equals(places)


def test_a_decimal_comma_is_named_with_its_cure(places: pl.DataFrame) -> None:
    bad = places.with_columns(area_km2=pl.col("area_km2").cast(pl.String()).str.replace(".", ",", literal=True))
    assert "decimals with a point" in problems_of(bad, "places")[0].cure
