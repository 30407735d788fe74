"""The transit engine on the test country dressed as one that has a corridor."""

from __future__ import annotations

import itertools
from pathlib import Path

import polars as pl
import pytest

import rahdari.engines.transit.engine as transit_engine
from rahdari.engines.transit.engine import MARKETS, markets_of, transit
from rahdari.engines.transit.net import Net
from rahdari.engines.transit.params import TransitParams
from rahdari.engines.transit.world import check_legs, packaged
from rahdari.errors import InputError
from rahdari.methods.geo import great_circle_km
from rahdari.model import Context, Tables
from tests.helpers.engine_checks import check_engine
from tests.helpers.transit_plan import dressed_country

FOLDER = Path(transit_engine.__file__).parent


@pytest.fixture(scope="module")
def plan() -> dict[str, pl.DataFrame]:
    return dressed_country()


@pytest.fixture(scope="module")
def frames(plan: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return dict(transit(Tables(plan), TransitParams(), Context()).tables)


def run(plan: dict[str, pl.DataFrame], **params: float) -> dict[str, pl.DataFrame]:
    return dict(transit(Tables(plan), TransitParams(**params), Context()).tables)


def test_result_keeps_schema_formulas_and_row_order(plan: dict[str, pl.DataFrame]) -> None:
    result, frames = check_engine(transit, plan, TransitParams(), Context(), FOLDER)
    assert frames["transit"].height == markets_of("PK").height
    assert {item.indicator_id for item in result.indicators} >= {
        "transit_revenue_usd_per_year",
        "transit_rtt_saving_ms",
        "transit_market_revenue_usd_per_year",
        "transit_npv_usd",
    }
    assert all(frame.height for frame in frames.values())


def test_no_more_is_sold_than_stands_idle(frames: dict[str, pl.DataFrame]) -> None:
    frame = frames["transit"]
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


def test_a_country_without_a_corridor_has_empty_tables_and_says_so(plan: dict[str, pl.DataFrame]) -> None:
    elsewhere = {**plan, "country": plan["country"].with_columns(country_id=pl.lit("XX"))}
    result = transit(Tables(elsewhere), TransitParams(), Context())
    assert all(frame.is_empty() for frame in result.tables.values())
    assert result.notes


def test_every_market_and_leg_says_where_its_figures_come_from() -> None:
    assert pl.read_csv(MARKETS)["note"].str.contains("(?i)assumed|published").all()
    for name in ("legs", "demand", "causes"):
        frame = packaged(name)
        assert frame["evidence"].is_in(["published", "derived", "assumed"]).all()
    assert (packaged("legs")["note"].str.len_chars() > 10).all()


def test_no_packaged_leg_is_shorter_than_the_great_circle() -> None:
    hubs = {row["hub_id"]: row for row in packaged("hubs").iter_rows(named=True)}
    for leg in packaged("legs").iter_rows(named=True):
        ends = hubs[leg["from_hub"]], hubs[leg["to_hub"]]
        crow_km = float(great_circle_km(*(end[axis] for end in ends for axis in ("lon_deg", "lat_deg"))))
        assert leg["length_low_km"] >= crow_km * 0.994, leg["leg_id"]


def test_a_leg_in_metres_or_to_nowhere_is_named_with_its_row() -> None:
    legs = packaged("legs").with_columns(
        length_low_km=pl.when(pl.col("leg_id") == "karachi_egypt").then(5.5).otherwise("length_low_km"),
        to_hub=pl.when(pl.col("leg_id") == "tashkent_almaty").then(pl.lit("atlantis")).otherwise("to_hub"),
    )
    with pytest.raises(InputError) as caught:
        check_legs(legs, packaged("hubs"))
    text = str(caught.value)
    assert "karachi_egypt is 5.5 km, shorter than the great circle" in text
    assert "there is no hub 'atlantis'" in text
    assert len(caught.value.problems) == 2


def test_published_delays_are_never_below_our_floors(frames: dict[str, pl.DataFrame]) -> None:
    # Submarine Networks: Stockholm - Beijing 156 ms on the Trans-Siberian way; Frankfurt lies no nearer than that.
    legs = frames["transit_legs"].filter(pl.col("leg_id").is_in(["beijing_manzhouli", "manzhouli_moscow"]))
    assert legs["rtt_floor_ms"].sum() < 156.0
    # China Telecom, 2010: 180 ms between China and Europe by land against 240 ms by sea.
    way = frames["transit_routes"].filter(pl.col("pair_id") == "shanghai_marseille")
    floor = dict(way.select("way_id", "rtt_floor_ms").iter_rows())
    assert floor["steppe"] < 180.0
    assert floor["malacca"] < 240.0
    assert floor["steppe"] < floor["malacca"]


def test_the_published_floor_from_karachi_to_marseille_is_reproduced(frames: dict[str, pl.DataFrame]) -> None:
    # Research: Karachi - Marseille by 9,480 km of cable has a round-trip floor of 93 ms.
    row = frames["latency_legs"].filter(pl.col("leg") == "Karachi - Marseille")
    assert row["rtt_floor_ms"][0] == pytest.approx(93.0, abs=0.3)
    assert not row["is_claim_possible"][0]


def test_a_longer_way_never_has_a_lower_round_trip(frames: dict[str, pl.DataFrame]) -> None:
    frame = frames["transit_routes"].sort("fibre_km")
    assert frame["rtt_floor_ms"].is_sorted()
    assert (frame["rtt_low_ms"] <= frame["rtt_floor_ms"]).all()
    assert (frame["rtt_floor_ms"] <= frame["rtt_high_ms"]).all()


def test_availability_lies_in_its_range_and_restoration_never_lowers_it(frames: dict[str, pl.DataFrame]) -> None:
    frame = frames["transit_routes"]
    assert (frame["availability_low_frac"] <= frame["availability_frac"]).all()
    assert (frame["availability_frac"] <= frame["availability_high_frac"]).all()
    assert (frame["wavelength_availability_frac"] <= frame["availability_frac"] + 1e-12).all()


def test_the_corridor_never_adds_downtime_and_a_cause_never_removes_any(frames: dict[str, pl.DataFrame]) -> None:
    risk = frames["transit_risk"]
    assert (risk["down_with_frac"] <= risk["down_without_frac"] + 1e-12).all()
    every = risk.filter(pl.col("cause_id") == "all").select("pair_id", every="down_without_frac")
    joined = risk.join(every, on="pair_id")
    assert (joined["down_without_frac"] >= joined["every"] - 1e-12).all()


def test_named_causes_need_clearance_and_sums_do_not(frames: dict[str, pl.DataFrame]) -> None:
    risk = frames["transit_risk"]
    assert risk.filter(pl.col("cause_id") == "all")["classification"].unique().to_list() == ["public"]
    assert risk.filter(pl.col("cause_id") != "all")["classification"].unique().to_list() == ["restricted"]


def test_the_risk_groups_of_a_country_take_the_place_of_packaged_rates(plan: dict[str, pl.DataFrame]) -> None:
    group = pl.DataFrame(
        {
            "risk_group_id": ["red-sea-egypt"], "name": ["Red Sea"], "kind": ["corridor"], "rate_per_year": [2.0],
            "repair_h": [900.0], "evidence": ["assumed"], "source_id": ["test_country"],
        }
    )  # fmt: skip
    changed = run({**plan, "risk_groups": group})["transit_causes"]
    row = changed.filter(pl.col("cause_id") == "red_sea").row(0, named=True)
    assert (row["rate_per_year"], row["repair_h"]) == (2.0, 900.0)
    assert row["rate_high_per_year"] == 2.0


def test_discounted_cash_adds_up_to_the_value(frames: dict[str, pl.DataFrame]) -> None:
    npv = frames["transit_business"].filter(pl.col("case_id") == "central")["npv_usd"][0]
    assert frames["transit_cash"]["discounted_usd"].sum() == pytest.approx(npv, rel=1e-9)


def test_market_rows_add_up_to_the_cash_of_their_year(frames: dict[str, pl.DataFrame]) -> None:
    sums = frames["transit_years"].group_by("year").agg(pl.col("revenue_usd_per_year", "sold_gbps").sum()).sort("year")
    cash = frames["transit_cash"].sort("year")
    assert sums["revenue_usd_per_year"].to_list() == pytest.approx(cash["revenue_usd"].to_list())
    assert sums["sold_gbps"].to_list() == pytest.approx(cash["sold_gbps"].to_list())


def test_nothing_is_sold_before_the_service_opens(frames: dict[str, pl.DataFrame]) -> None:
    early = frames["transit_cash"].filter(pl.col("year") < TransitParams().start_year)
    assert early["revenue_usd"].to_list() == [0.0]


def test_the_cases_of_the_business_are_in_order(frames: dict[str, pl.DataFrame]) -> None:
    npv = dict(frames["transit_business"].select("case_id", "npv_usd").iter_rows())
    assert npv["low"] <= npv["central"] <= npv["high"]
    assert npv["central_new_fibre"] < npv["central"]


def test_more_capacity_never_earns_less_at_the_same_price(plan: dict[str, pl.DataFrame]) -> None:
    def revenue(installed_tbps: float) -> list[float]:
        is_crossing = pl.col("kind") == "terrestrial"
        cables = plan["cables"].with_columns(
            installed_tbps=pl.when(is_crossing).then(installed_tbps).otherwise("installed_tbps")
        )
        no_design = plan["optical_paths"].clear()
        made = run({**plan, "cables": cables, "optical_paths": no_design})
        return [float(value) for value in made["transit_cash"].sort("year")["revenue_usd"]]

    made = [revenue(installed) for installed in (0.46, 0.5, 0.7, 1.5)]
    for less, more in itertools.pairwise(made):
        assert all(after >= before for before, after in zip(less, more, strict=True))
    assert sum(made[0]) < sum(made[-1])


@pytest.mark.parametrize("extra", [0.01, 0.3, 2.0])
def test_a_longer_crossing_never_wins_a_larger_share(
    plan: dict[str, pl.DataFrame], frames: dict[str, pl.DataFrame], extra: float
) -> None:
    longer = plan["routes"].with_columns(pl.col("fibre_km", "disjoint_fibre_km") * (1.0 + extra))
    made = run({**plan, "routes": longer})["transit_years"].sort("market_id", "year")
    assert (made["share_frac"] <= frames["transit_years"].sort("market_id", "year")["share_frac"] + 1e-12).all()


def test_the_corridor_is_one_leg_where_its_parts_do_not_add_up(plan: dict[str, pl.DataFrame]) -> None:
    is_part = pl.col("route_id") == "rawalpindi--karachi"
    routes = plan["routes"].with_columns(fibre_km=pl.when(is_part).then(999.0).otherwise("fibre_km"))
    legs = run({**plan, "routes": routes})["transit_legs"].filter("is_domestic")
    assert legs["leg_id"].to_list() == ["khunjerab_karachi"]
    assert legs["fibre_km"].to_list() == [2190.0]


def test_a_net_from_shuffled_tables_finds_the_same_ways(frames: dict[str, pl.DataFrame]) -> None:
    legs, causes = frames["transit_legs"], frames["transit_causes"]
    straight, mixed = Net.of(legs, causes), Net.of(legs.reverse(), causes.reverse())
    for ends in (("urumqi", "marseille"), ("tashkent", "fujairah")):
        ways = straight.ways(*ends), mixed.ways(*ends)
        assert ways[0] == ways[1]
        assert straight.law(ways[0]).availability_frac(3) == mixed.law(ways[1]).availability_frac(3)
