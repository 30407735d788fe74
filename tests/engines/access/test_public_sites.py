from __future__ import annotations

import polars as pl
import pytest

from rahdari.engines.access.public_sites import public_indicators, public_sites
from rahdari.model import Tables
from tests.fixtures import small_country

SERVICES = small_country()["services"]


def tables(sky_mbps: float, sky_ms: float | None, n_room: int) -> Tables:
    """Return two places with three and one schools and a clinic each, under a satellite service as given."""
    demand = pl.DataFrame(
        [
            ("a", "school", 2025, 3.0),
            ("b", "school", 2025, 1.0),
            ("a", "clinic", 2025, 1.0),
            ("b", "clinic", 2025, 1.0),
        ],
        schema=["place_id", "service_id", "year", "n_possible"],
        orient="row",
    )
    satellite = pl.DataFrame(
        {
            "place_id": ["a", "b"],
            "downlink_mbps": [sky_mbps] * 2,
            "latency_ms": [sky_ms] * 2,
            "n_users_max": [n_room] * 2,
        },
        schema_overrides={"latency_ms": pl.Float64},
    )
    return Tables({"services": SERVICES, "demand": demand, "satellite_service": satellite})


def access(latency_ms: float = 20.0) -> pl.DataFrame:
    """Return access that suits a school in the first place and nobody in the second."""
    return pl.DataFrame(
        {"place_id": ["a", "b"], "year": [2025] * 2, "downlink_mbps": [20.0, 1.0], "latency_ms": [latency_ms, 20.0]}
    )


def row(found: pl.DataFrame, service_id: str) -> dict[str, float]:
    return found.filter(pl.col("service_id") == service_id).row(0, named=True)


def test_schools_count_where_rate_and_delay_are_met() -> None:
    found = public_sites(tables(0.0, None, 0), access())
    assert row(found, "school")["served_frac"] == pytest.approx(0.75)
    assert row(found, "school")["with_satellite_frac"] == pytest.approx(0.75)
    assert row(found, "clinic")["served_frac"] == pytest.approx(0.5)


def test_too_slow_an_answer_is_no_service() -> None:
    """A school may wait 100 ms, a clinic 80."""
    found = public_sites(tables(0.0, None, 0), access(latency_ms=90.0))
    assert row(found, "school")["served_frac"] == pytest.approx(0.75)
    assert row(found, "clinic")["served_frac"] == 0.0


def test_satellite_adds_the_others_where_its_cell_has_room_and_its_delay_is_short() -> None:
    assert row(public_sites(tables(50.0, 40.0, 5), access()), "school")["with_satellite_frac"] == pytest.approx(1.0)
    assert row(public_sites(tables(50.0, 40.0, 0), access()), "school")["with_satellite_frac"] == pytest.approx(0.75)
    assert row(public_sites(tables(50.0, 500.0, 5), access()), "school")["with_satellite_frac"] == pytest.approx(0.75)


def test_indicators_run_from_the_plan_to_satellite() -> None:
    found = {item.indicator_id: item for item in public_indicators(public_sites(tables(50.0, 40.0, 5), access()))}
    assert (found["schools_served_frac"].value, found["schools_served_frac"].value_high) == pytest.approx((0.75, 1.0))
    assert found["clinics_served_frac"].value == pytest.approx(0.5)
