"""Traffic is conserved, grows, and is never tuned in silence."""

from __future__ import annotations

import math

import polars as pl
import pytest

from rahdari.engines.demand.engine import demand
from rahdari.engines.demand.params import DemandParams
from rahdari.model import Context, EngineResult, Tables
from tests.fixtures import small_country


@pytest.fixture(scope="module")
def country() -> dict[str, pl.DataFrame]:
    return small_country()


def _run(country: dict[str, pl.DataFrame], **values: object) -> EngineResult:
    return demand(Tables(country), DemandParams(**values), Context())


def _value(result: EngineResult, name: str, year: int = 2025) -> float:
    return next(item.value for item in result.indicators if item.indicator_id == name and item.year == year)


def test_traffic_by_service_sums_to_traffic_by_place(country: dict[str, pl.DataFrame]) -> None:
    tables = _run(country).tables
    for column in ("busy_hour_mbps", "gb_per_month"):
        assert tables["demand"][column].sum() == pytest.approx(tables["place_demand"][column].sum(), rel=1e-12)


def test_the_town_and_country_split_keeps_national_adoption(country: dict[str, pl.DataFrame]) -> None:
    even = _run(country, urban_use_ratio=1.0).tables["demand"]
    uneven = _run(country, urban_use_ratio=4.0).tables["demand"]
    mobile = pl.col("service_id") == "mobile_broadband"
    assert uneven.filter(mobile)["n_users"].sum() == pytest.approx(even.filter(mobile)["n_users"].sum(), rel=1e-9)


def test_people_of_every_year_are_the_census(country: dict[str, pl.DataFrame]) -> None:
    people = _run(country).tables["place_demand"].group_by("year").agg(pl.col("n_people").sum())
    assert set(people["n_people"]) == {country["places"]["n_people"].sum()}


def test_traffic_grows_with_the_years(country: dict[str, pl.DataFrame]) -> None:
    result = _run(country)
    assert _value(result, "data_demand_pb_per_year", 2030) > _value(result, "data_demand_pb_per_year", 2025)


def test_nothing_is_tuned_unless_asked_for(country: dict[str, pl.DataFrame]) -> None:
    result = _run(country)
    assert set(result.tables["demand"]["calibration_ratio"]) == {1.0}
    assert any("nothing was tuned" in note for note in result.notes)


def test_calibration_states_the_ratio_before_and_after(country: dict[str, pl.DataFrame]) -> None:
    result = _run(country, is_calibrated=True)
    before = _value(result, "data_demand_over_published_ratio")
    assert before == pytest.approx(_value(_run(country), "data_demand_over_published_ratio"))
    assert _value(result, "calibrated_data_demand_over_published_ratio") == pytest.approx(1.0)
    assert not math.isclose(before, 1.0, rel_tol=0.01)


def test_a_country_without_published_traffic_is_said_to_be_unchecked(country: dict[str, pl.DataFrame]) -> None:
    result = _run({**country, "facts": country["facts"].clear()})
    assert "unchecked" in result.notes[0]


def test_row_order_does_not_matter(country: dict[str, pl.DataFrame]) -> None:
    shuffled = {name: frame.reverse() for name, frame in country.items()}
    first, second = _run(country).tables, _run(shuffled).tables
    for name in ("demand", "place_demand"):
        assert first[name].equals(second[name].select(first[name].columns))


def test_a_gigabyte_a_month_is_the_hand_worked_rate(country: dict[str, pl.DataFrame]) -> None:
    table = (
        _run(country).tables["demand"].join(country["services"].select("service_id", "busy_hour_frac"), on="service_id")
    )
    row = table.row(0, named=True)
    megabits_a_day = row["gb_per_month"] * 8000 / 30.4375
    assert row["busy_hour_mbps"] == pytest.approx(megabits_a_day * row["busy_hour_frac"] / 3600)
