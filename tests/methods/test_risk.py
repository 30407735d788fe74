"""Risk groups from geometry: what runs together for how long, rates that scale, and what a user lists."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from rahdari.errors import InputError
from rahdari.methods.network import network_of_links
from rahdari.methods.reliability import two_terminal_availability
from rahdari.methods.risk import RiskRules, at_level, hazard_scenarios, risk_tables, with_rates
from rahdari.methods.risk_geometry import KM_PER_DEG, near_stretches, pieces_of

LAT = 31.0
RULES = RiskRules()
GROUP = ["risk_group_id", "name", "kind", "rate_per_year", "repair_h"]
HAZARDS = [
    "hazard_id", "name", "kind", "lon_deg", "lat_deg", "radius_km", "rate_per_year", "duration_h", "severity_frac",
]  # fmt: skip
PLANE = 2e-3  # relative: pieces are laid in a plane


def line(*points_km: tuple[float, float]) -> bytes:
    """Return a line through points given in km east and north of (70, 31)."""
    scale = math.cos(math.radians(LAT)) * KM_PER_DEG
    return bytes(shapely.to_wkb(shapely.LineString([(70.0 + x / scale, LAT + y / KM_PER_DEG) for x, y in points_km])))


def lines(**geometry: bytes) -> pl.DataFrame:
    names = list(geometry)
    return pl.DataFrame({"row_id": names, "geometry": list(geometry.values()), "terrain": ["plain"] * len(names)})


def members_of(members: pl.DataFrame) -> list[set[str]]:
    groups = members.group_by("risk_group_id", maintain_order=True).agg("member_id")
    return [set(own) for own in groups["member_id"].to_list()]


def test_two_lines_side_by_side_are_one_group_with_the_length_of_their_run() -> None:
    frame = lines(a=line((0, 0), (30, 0)), b=line((5, 0.3), (25, 0.3)))
    groups, members = risk_tables(frame)
    assert members_of(members) == [{"a", "b"}]
    assert groups["kind"].to_list() == ["corridor"]
    # The run is the 20 km side by side, and what lies within reach of the shorter line's ends.
    km = float(groups["rate_per_year"].to_numpy()[0]) / RULES.common_cuts_per_km_year.central
    assert 20.0 * (1 - PLANE) <= km <= (20.0 + 2.0 * RULES.apart_km) * (1 + PLANE)
    assert groups["rate_low_per_year"][0] < groups["rate_per_year"][0] < groups["rate_high_per_year"][0]
    assert groups["repair_h"].to_list() == [RULES.cut_repair_h.central]


@pytest.mark.parametrize(
    ("apart_km", "run_km", "is_group"),
    [(0.45, 10.0, True), (0.55, 10.0, False), (0.3, 3.4, True), (0.3, 1.5, False), (2.0, 50.0, False)],
)
def test_the_stated_distance_and_length_decide(apart_km: float, run_km: float, is_group: bool) -> None:  # noqa: FBT001
    frame = lines(a=line((0, 0), (run_km, 0)), b=line((0, apart_km), (run_km, apart_km)))
    assert bool(risk_tables(frame)[0].height) == is_group


def test_lines_that_cross_are_no_group() -> None:
    frame = lines(a=line((-20, 0), (20, 0)), b=line((0, -20), (0, 20)), c=line((-20, -20), (20, 20)))
    assert risk_tables(frame)[0].height == 0


def test_lines_that_go_on_from_each_other_are_no_group() -> None:
    frame = lines(a=line((0, 0), (20, 0)), b=line((20, 0), (40, 0)))
    assert risk_tables(frame)[0].height == 0


def test_lines_that_part_slowly_share_only_the_stretch_within_reach() -> None:
    # They leave one point at an angle with sine 0.1: within 0.5 km of each other for about 5 km.
    frame = lines(a=line((0, 0), (40, 0)), b=line((0, 0), (40, 4)))
    groups, _ = risk_tables(frame)
    km = float(groups["rate_per_year"].to_numpy().sum()) / RULES.common_cuts_per_km_year.central
    assert 0.0 < km < 2.0 * RULES.apart_km / 0.1


def test_a_run_of_many_short_lines_counts_as_one_run() -> None:
    # Each pair lies side by side for 1 km only, less than the least run; together they run for 10 km.
    short = {f"a{i}": line((i, 0), (i + 1, 0)) for i in range(10)}
    short |= {f"b{i}": line((i, 0.3), (i + 1, 0.3)) for i in range(10)}
    groups, members = risk_tables(lines(**short))
    assert groups.height
    assert set().union(*members_of(members)) == set(short)
    alone = risk_tables(lines(a=short["a0"], b=short["b0"]))
    assert alone[0].height == 0


@settings(max_examples=20)
@given(km=st.floats(5.0, 200.0), apart_km=st.floats(0.06, 0.4), angle=st.floats(0.0, math.pi))
def test_the_rate_grows_with_the_length_whatever_the_direction(km: float, apart_km: float, angle: float) -> None:
    along, across = np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])
    first = line((0.0, 0.0), tuple(km * along))
    second = line(tuple(apart_km * across), tuple(km * along + apart_km * across))
    groups, _ = risk_tables(lines(a=first, b=second))
    # Ends 60 m apart or more are two places, so the whole length counts.
    # The scale east to west is that of one latitude: at most 2 degrees off, 4 % of the cosine.
    assert groups["rate_per_year"].sum() == pytest.approx(RULES.common_cuts_per_km_year.central * km, rel=0.05)


def test_mountain_lines_in_one_valley_share_it_and_plain_ones_do_not() -> None:
    ways = {"a": line((0, 0), (30, 0)), "b": line((0, 2.0), (30, 2.0))}
    assert risk_tables(lines(**ways))[0].height == 0
    groups, _ = risk_tables(lines(**ways).with_columns(terrain=pl.lit("mountain")))
    assert groups["kind"].to_list() == ["valley"]
    assert groups["rate_per_year"][0] == pytest.approx(30.0 * RULES.valley_per_km_year.central, rel=0.01)


def _hazards(radius_km: float) -> pl.DataFrame:
    place = (70.0, LAT)
    return pl.DataFrame(
        [
            ("hz", "River", "flood", *place, radius_km, 0.3, 48.0, 0.5),
            ("all", "All", "grid_failure", *place, 9.0, 1.0, 1.0, 1.0),
        ],
        schema=HAZARDS,
        orient="row",
    )  # fmt: skip


def test_a_zone_strikes_the_lines_that_enter_it_by_rate_times_severity() -> None:
    frame = lines(a=line((-50, 5), (50, 5)), b=line((-50, -8), (50, -8)), c=line((-50, 30), (50, 30)))
    groups, members = risk_tables(frame, hazards=_hazards(10.0))
    assert members_of(members) == [{"a", "b"}]
    assert groups["rate_per_year"].to_list() == [pytest.approx(0.15)]
    assert risk_tables(frame, hazards=_hazards(2.0 * RULES.zone_max_km))[0].height == 0


def test_bridges_landings_and_grids_make_groups() -> None:
    frame = lines(a=line((-20, 0), (20, 0)), b=line((0, -20), (0, 20)), c=line((5, -20), (5, 20))).with_columns(
        from_node_id=pl.Series(["st1", "q", "st2"]), to_node_id=pl.Series(["r", "s", "t"])
    )
    structures = pl.DataFrame([("x", "Old bridge", "bridge", 70.0, LAT)], orient="row", schema=[
        "structure_id", "name", "kind", "lon_deg", "lat_deg",
    ])  # fmt: skip
    sites = pl.DataFrame(
        [("st1", "East", "landing_station", 66.0, 24.0), ("st2", "West", "landing_station", 66.1, 24.0)],
        orient="row", schema=["site_id", "name", "kind", "lon_deg", "lat_deg"],
    )  # fmt: skip
    grid = pl.DataFrame([("b", "disco", "Disco"), ("c", "disco", "Disco")], orient="row", schema=[
        "member_id", "grid_company_id", "name",
    ])  # fmt: skip
    groups, members = risk_tables(frame, structures=structures, sites=sites, grid=grid)
    own = dict(zip(groups["kind"].to_list(), members_of(members), strict=True))
    assert own == {"bridge": {"a", "b"}, "grid": {"b", "c"}, "landing": {"st1", "st2", "a", "c"}}


def _given() -> tuple[pl.DataFrame, pl.DataFrame]:
    groups = pl.DataFrame([("mine", "My culvert", "duct", 0.25, 9.0)], schema=GROUP, orient="row")
    members = pl.DataFrame([("mine", "a"), ("mine", "c")], schema=["risk_group_id", "member_id"], orient="row")
    return groups, members


def test_groups_that_a_user_lists_are_kept_as_they_are() -> None:
    frame = lines(a=line((0, 0), (30, 0)), b=line((0, 0.3), (30, 0.3)), c=line((0, 50), (30, 50)))
    derived, _ = risk_tables(frame)
    groups, members = risk_tables(frame, given=_given())
    assert groups.height == derived.height + 1
    mine = groups.filter(pl.col("risk_group_id") == "mine").row(0, named=True)
    assert (mine["name"], mine["rate_per_year"], mine["repair_h"]) == ("My culvert", 0.25, 9.0)
    assert set(members.filter(pl.col("risk_group_id") == "mine")["member_id"]) == {"a", "c"}


def test_a_listed_group_replaces_a_derived_one_of_its_name() -> None:
    frame = lines(a=line((0, 0), (30, 0)), b=line((0, 0.3), (30, 0.3)), c=line((0, 50), (30, 50)))
    name = risk_tables(frame)[0]["risk_group_id"][0]
    own, own_members = (each.with_columns(risk_group_id=pl.lit(name)) for each in _given())
    groups, members = risk_tables(frame, given=(own, own_members))
    assert groups["name"].to_list() == ["My culvert"]
    assert members_of(members) == [{"a", "c"}]


def test_rates_are_replaced_by_group_before_kind_and_lose_their_range() -> None:
    frame = lines(a=line((0, 0), (30, 0)), b=line((0, 0.3), (30, 0.3)), c=line((0, 50), (30, 50)))
    groups, _ = risk_tables(frame, given=_given())
    rates = pl.DataFrame(
        [("mine", None, 7.0, None), (None, "corridor", 3.0, 2.0)],
        schema=["risk_group_id", "kind", "rate_per_year", "repair_h"],
        orient="row",
    )
    changed = with_rates(groups, rates)
    by_kind = {row["kind"]: row for row in changed.iter_rows(named=True)}
    assert (by_kind["duct"]["rate_per_year"], by_kind["duct"]["repair_h"]) == (7.0, 9.0)
    assert (by_kind["corridor"]["rate_per_year"], by_kind["corridor"]["repair_h"]) == (3.0, 2.0)
    assert by_kind["corridor"]["rate_low_per_year"] is None
    with pytest.raises(InputError) as caught:
        with_rates(groups, pl.DataFrame({"risk_group_id": ["x", "y"], "rate_per_year": [1.0, 1.0]}))
    assert all(name in str(caught.value) for name in ("'x'", "'y'"))


def test_levels_order_rates_and_what_they_cost() -> None:
    ends = {"from_node_id": ["p", "p"], "to_node_id": ["q", "q"]}
    frame = lines(a=line((0, 0), (300, 0)), b=line((0, 0.3), (300, 0.3))).with_columns(
        **{name: pl.Series(value) for name, value in ends.items()}, length_km=pl.lit(300.0)
    )
    groups, members = risk_tables(frame)
    up = [
        two_terminal_availability(
            network_of_links(frame, None, at_level(groups, level), members, link_key="row_id"), "p", "q"
        ).availability_frac
        for level in ("low", "central", "high")
    ]  # fmt: skip
    assert up[0] > up[1] > up[2]
    alone = two_terminal_availability(network_of_links(frame, link_key="row_id"), "p", "q").availability_frac
    assert alone > up[0]


def test_order_of_lines_changes_nothing() -> None:
    frame = lines(
        a=line((0, 0), (30, 0)), b=line((0, 0.3), (30, 0.3)), c=line((10, 0.6), (40, 0.6)), d=line((30, 0), (60, 0))
    )
    groups, members = risk_tables(frame, given=_given())
    for order in ([3, 1, 0, 2], [2, 3, 1, 0]):
        again = risk_tables(frame[order], given=_given())
        assert groups.equals(again[0])
        assert members.equals(again[1])


def test_stretches_agree_with_a_dense_sampling_of_distances() -> None:
    random = np.random.Generator(np.random.Philox(key=11))
    walk = np.cumsum(random.normal(0.0, 1.0, (2, 30, 2)) + np.array([1.5, 0.0]), axis=1)
    geometry = [line(*map(tuple, each.tolist())) for each in walk]
    pieces = pieces_of(geometry)
    near = near_stretches(pieces, 1.0)
    km = float((near.high_km - near.low_km)[near.line == 0].sum())
    steps = 20_000
    first, second = (shapely.LineString(each) for each in walk)
    at = shapely.line_interpolate_point(first, np.linspace(0.0, 1.0, steps), normalized=True)
    share = float((shapely.distance(at, second) <= 1.0).mean())
    assert km == pytest.approx(share * first.length, rel=0.02)
    assert np.all(near.low_km < near.high_km)


def test_hazard_scenarios_fill_all_time_and_spare_what_they_do_not_reach() -> None:
    frame = lines(a=line((-50, 5), (50, 5)), b=line((-50, 30), (50, 30)))
    scenarios = hazard_scenarios(frame, _hazards(10.0), key="row_id")
    assert scenarios.probability.sum() == pytest.approx(1.0, rel=1e-12)
    assert scenarios.link_up.tolist() == [[1.0, 1.0], [0.0, 1.0], [0.5, 1.0]]
    endless = _hazards(10.0).with_columns(duration_h=pl.lit(1e9))
    with pytest.raises(InputError, match="more than all time"):
        hazard_scenarios(frame, endless, key="row_id")


def test_lines_without_geometry_or_with_one_name_are_refused_all_at_once() -> None:
    frame = pl.concat([lines(a=line((0, 0), (1, 0)), b=line((0, 0), (1, 0))), lines(a=line((0, 0), (1, 0)))])
    broken = frame.with_columns(geometry=pl.when(pl.col("row_id") == "b").then(None).otherwise(pl.col("geometry")))
    with pytest.raises(InputError) as caught:
        risk_tables(broken)
    assert "row 2" in str(caught.value)
    assert "'a' occurs more than once" in str(caught.value)
    with pytest.raises(InputError, match="geometry"):
        risk_tables(frame.drop("geometry"))
