"""The transit engine on the test country dressed as one that has markets."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import rahdari.engines.transit.engine as transit_engine
from rahdari.engines.backbone.engine import backbone
from rahdari.engines.backbone.params import BackboneParams
from rahdari.engines.transit.engine import MARKETS, markets_of, round_trip_ms, transit
from rahdari.engines.transit.params import TransitParams
from rahdari.model import Context, Tables
from tests.fixtures import small_country
from tests.helpers.engine_checks import check_engine, gateways

FOLDER = Path(transit_engine.__file__).parent


@pytest.fixture(scope="module")
def plan() -> dict[str, pl.DataFrame]:
    tables = {**small_country(), **gateways()}
    rename = {"North Pass": "Khunjerab", "Southport": "Karachi", "Midtown": "Rawalpindi"}
    tables["landmarks"] = tables["landmarks"].with_columns(pl.col("name").replace(rename))
    tables["cables"] = tables["cables"].with_columns(pl.col("landing").replace({"North Pass": "Khunjerab"}))
    tables["country"] = tables["country"].with_columns(country_id=pl.lit("PK"))
    return {**tables, "routes": backbone(Tables(tables), BackboneParams(), Context()).tables["routes"]}


def test_result_keeps_schema_formulas_and_row_order(plan: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(transit, plan, TransitParams(), Context(), FOLDER)
    assert frames["transit"].height == markets_of("PK").height
    assert {item.indicator_id for item in result.indicators} >= {
        "transit_revenue_usd_per_year",
        "transit_rtt_saving_ms",
    }


def test_no_more_is_sold_than_stands_idle(plan: dict[str, pl.DataFrame]) -> None:
    frame = transit(Tables(plan), TransitParams(), Context()).tables["transit"]
    assert frame["spare_gbps"][0] == pytest.approx(550.0)
    assert frame["capacity_high_gbps"].sum() <= 550.0 * (1.0 + 1e-9)
    assert frame["share_frac"].sum() == pytest.approx(1.0)


def test_central_revenue_lies_between_its_ends(plan: dict[str, pl.DataFrame]) -> None:
    revenue = transit(Tables(plan), TransitParams(), Context()).indicators[0]
    assert revenue.value_low is not None
    assert revenue.value_high is not None
    assert revenue.value_low < revenue.value < revenue.value_high
    # 550 Gbit/s idle x 0.5 sold x USD 2.00 x 12 months, worked by hand.
    assert revenue.value == pytest.approx(6.6e6)


def test_the_published_floor_from_karachi_to_marseille_is_reproduced() -> None:
    # Research: Karachi-Marseille by 9,480 km of cable has a round-trip floor of 93 ms.
    assert round_trip_ms(9480.0) == pytest.approx(93.0, abs=0.3)


def test_a_country_without_markets_has_an_empty_table_and_says_so(plan: dict[str, pl.DataFrame]) -> None:
    elsewhere = {**plan, "country": plan["country"].with_columns(country_id=pl.lit("XX"))}
    result = transit(Tables(elsewhere), TransitParams(), Context())
    assert result.tables["transit"].is_empty()
    assert result.notes


def test_every_market_says_where_its_lengths_come_from() -> None:
    markets = pl.read_csv(MARKETS)
    assert markets["note"].str.contains("(?i)assumed|published").all()
    assert (markets["outside_low_km"] <= markets["outside_km"]).all()
    assert (markets["sea_km"] <= markets["sea_high_km"]).all()
