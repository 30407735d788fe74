"""What the full backbone promises: joint availability by risk groups, a core that survives, channels that fit."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rahdari.engines.backbone.capacity import core_failures, core_instance, line_price
from rahdari.engines.backbone.channels import channels_in_pairs, core_channels
from rahdari.engines.backbone.core import core_of
from rahdari.engines.backbone.engine import backbone, ways_of
from rahdari.engines.backbone.joint import pair_up, way_up_frac
from rahdari.engines.backbone.national import landing_centres
from rahdari.engines.backbone.params import BackboneParams
from rahdari.engines.backbone.plan import CorePlan, core_plan
from rahdari.engines.backbone.risks import FoundRisks, found_risks, risk_tables
from rahdari.methods.network import make_network
from rahdari.methods.reliability import two_terminal_availability
from rahdari.methods.survivable import verify_design
from rahdari.model import Context, Tables
from tests.engines.backbone.test_backbone import PARAMS, whole_country

if TYPE_CHECKING:
    from rahdari.methods.risk import Level

N_WAYS = 6  # the first three are one route, the others the second
FIRST, SECOND = np.arange(3), np.arange(3, 6)
Ints = NDArray[np.int64]


def risks_of(members: list[frozenset[int]], down_frac: list[float]) -> FoundRisks:
    """Return risk groups of ways with given shares of time down, at every level of rates."""
    group = [g for g, own in enumerate(members) for _ in own]
    way = [w for own in members for w in sorted(own)]
    up = 1.0 - np.array(down_frac, np.float64)
    levels: tuple[Level, ...] = ("central", "low", "high")
    names = tuple(f"g{i}" for i in range(len(members)))
    kinds = ("corridor",) * len(members)
    held = (np.array(group, np.int64), np.array(way, np.int64))
    return FoundRisks(names, kinds, *held, dict.fromkeys(levels, up), {}, ())


@st.composite
def groups(draw: st.DrawFn) -> tuple[list[frozenset[int]], list[float]]:
    """Return up to four groups of ways with shares of time down."""
    members = draw(st.lists(st.frozensets(st.integers(0, N_WAYS - 1), min_size=1), max_size=4))
    down = draw(st.lists(st.floats(0.0, 0.5), min_size=len(members), max_size=len(members)))
    return members, down


def either(risks: FoundRisks, params: BackboneParams) -> float:
    """Return how available the pair of routes is."""
    return pair_up((300.0, 400.0), (FIRST, SECOND), risks, params).either


@given(groups())
def test_a_pair_is_as_available_as_the_sum_over_all_states_of_its_groups_says(
    case: tuple[list[frozenset[int]], list[float]],
) -> None:
    members, down = case
    params = BackboneParams(common_cause_frac=0.0)
    none = risks_of([], [])
    own = [way_up_frac(km, np.zeros(0, np.int64), none, params) for km in (300.0, 400.0)]
    total = 0.0
    for state in itertools.product((False, True), repeat=len(members)):
        chance = float(np.prod([d if is_down else 1.0 - d for d, is_down in zip(down, state, strict=True)]))
        lost = frozenset().union(*(own_ways for own_ways, is_down in zip(members, state, strict=True) if is_down))
        up = [0.0 if lost & set(ways.tolist()) else a for ways, a in zip((FIRST, SECOND), own, strict=True)]
        total += chance * (1.0 - (1.0 - up[0]) * (1.0 - up[1]))
    assert either(risks_of(members, down), params) == pytest.approx(total, abs=1e-12)


def test_a_pair_that_crosses_nowhere_is_as_available_as_the_network_of_its_ways() -> None:
    params = BackboneParams(common_cause_frac=0.0)
    risks = risks_of([frozenset({0, 4}), frozenset({1}), frozenset({2, 5})], [0.01, 0.02, 0.03])
    alone = [way_up_frac(100.0, np.zeros(0, np.int64), risks, params) for _ in range(2)]
    hours = [8766.0 * d / (1.0 - d) for d in (0.01, 0.02, 0.03)]  # one failure a year, down for these hours
    network = make_network(
        "abcdez", ["w0", "w1", "w2", "w3", "w4", "w5"],
        [("a", "b"), ("b", "c"), ("c", "z"), ("a", "d"), ("d", "e"), ("e", "z")], [1.0] * 6,
        link_availability_frac=np.array([alone[0], 1.0, 1.0, alone[1], 1.0, 1.0]),
        risk_groups=pl.DataFrame(
            {"risk_group_id": ["g0", "g1", "g2"], "name": ["g0", "g1", "g2"], "kind": ["corridor"] * 3,
             "rate_per_year": [1.0] * 3, "repair_h": hours}
        ),
        risk_group_members=pl.DataFrame(
            {"risk_group_id": ["g0", "g0", "g1", "g2", "g2"], "member_id": ["w0", "w4", "w1", "w2", "w5"]}
        ),
    )  # fmt: skip
    made = pair_up((100.0, 100.0), (FIRST, SECOND), risks, params).either
    assert made == pytest.approx(two_terminal_availability(network, "a", "z").availability_frac, abs=1e-9)


@given(groups(), st.frozensets(st.integers(0, N_WAYS - 1), min_size=1), st.floats(0.0, 0.5))
def test_one_more_risk_group_never_makes_a_pair_more_available(
    case: tuple[list[frozenset[int]], list[float]], more: frozenset[int], down_frac: float
) -> None:
    members, down = case
    before = either(risks_of(members, down), PARAMS)
    assert either(risks_of([*members, more], [*down, down_frac]), PARAMS) <= before + 1e-12


@given(groups(), st.floats(0.1, 20.0), st.floats(0.1, 20.0), st.floats(0.0, 0.5))
def test_more_cuts_or_more_common_causes_never_make_a_pair_more_available(
    case: tuple[list[frozenset[int]], list[float]], one: float, other: float, common: float
) -> None:
    risks = risks_of(*case)
    few, many = (
        PARAMS.model_copy(update={"cuts_per_1000_km_per_year": rate, "common_cause_frac": share})
        for rate, share in ((min(one, other), 0.0), (max(one, other), common))
    )
    assert either(risks, many) <= either(risks, few) + 1e-12


@pytest.fixture(scope="module")
def country() -> dict[str, pl.DataFrame]:
    return whole_country()


def test_availability_lies_between_its_ends_and_a_second_way_helps(country: dict[str, pl.DataFrame]) -> None:
    routes = backbone(Tables(country), PARAMS, Context()).tables["routes"]
    for name in ("availability", "pair_availability"):
        low, value, high = (routes[f"{name}{level}_frac"].to_numpy() for level in ("_low", "", "_high"))
        assert (low <= value).all()
        assert (value <= high).all()
    pairs = routes.filter("has_disjoint")
    both, alone = (pairs[name].to_numpy() for name in ("pair_availability_frac", "working_availability_frac"))
    assert (both > alone).all()


def test_a_group_that_a_user_lists_lowers_the_routes_that_it_strikes(country: dict[str, pl.DataFrame]) -> None:
    before = backbone(Tables(country), PARAMS, Context()).tables
    used = before["route_ways"].sort("route_id", "step")["row_id"][0]
    source = {"evidence": "synthetic", "source_id": "test_country"}
    group = {"risk_group_id": "bridge-1", "name": "Bridge", "kind": "bridge", "rate_per_year": 1.0, "repair_h": 100.0}
    types = country["risk_groups"].schema
    listed = {
        **country,
        "risk_groups": pl.DataFrame([{**group, **source}], schema=types),
        "risk_group_members": pl.DataFrame(
            [{"risk_group_id": "bridge-1", "member_id": used, **source}], schema=country["risk_group_members"].schema
        ),
    }
    after = backbone(Tables(listed), PARAMS, Context()).tables
    change = (
        before["routes"].sort("route_id")["availability_frac"] - after["routes"].sort("route_id")["availability_frac"]
    )
    struck = set(before["route_ways"].filter(pl.col("row_id") == used)["route_id"])
    is_struck = before["routes"].sort("route_id")["route_id"].is_in(list(struck))
    assert (change.filter(is_struck) > 0.0).all()
    assert (change.filter(~is_struck) == 0.0).all()
    assert "bridge" in after["risk_kinds"]["kind"].to_list()
    assert after["risk_groups_found"].is_empty()


def test_shared_groups_are_counted_and_no_route_names_them(country: dict[str, pl.DataFrame]) -> None:
    tables = backbone(Tables(country), PARAMS, Context()).tables
    shared = tables["route_risks"]
    assert (shared["n_shared_groups"] <= shared["n_groups"]).all()
    known = set(tables["risk_kinds"]["kind"].to_list())
    assert set(shared["kind"].to_list()) <= known
    assert shared.columns == ["route_id", "kind", "n_groups", "n_shared_groups", "shared_frac"]


def made_plan(country: dict[str, pl.DataFrame]) -> CorePlan:
    """Return the engine's plan of the core of the test country."""
    tables = Tables(country)
    ways, nodes = ways_of(tables, PARAMS.foreign_way_ratio)
    core = core_of(tables, ways, nodes, PARAMS, Context().year_end)
    price = line_price(PARAMS, tables["equipment"])
    assert core is not None
    assert price is not None
    landings = landing_centres(core, nodes, tables["cables"])
    local = found_risks(tables, ways, PARAMS).local_groups()
    return core_plan(
        core, ways,
        lambda of: (
            core_instance(of, ways, nodes, landings, params=PARAMS, price=price, least_frac=PARAMS.core_least_frac),
            core_failures(of, ways, local),
        ),
        params=PARAMS, price=price, equipment=tables["equipment"], gap_frac=PARAMS.core_gap_frac,
    )  # fmt: skip


def test_the_capacity_of_the_core_survives_by_an_independent_check(country: dict[str, pl.DataFrame]) -> None:
    plan = made_plan(country)
    verify_design(plan.offered, plan.everywhere)
    verify_design(plan.instance, plan.design)
    # What is lit costs no less by the kilometre than the bound over all candidates.
    assert plan.design.cost >= plan.everywhere.lower_bound * (1.0 - 1e-9)
    cut = {name for _, name in plan.design.cut_off}
    assert cut <= {name for _, name in plan.everywhere.cut_off}


def test_fibre_pairs_hold_the_capacity_and_no_channel_is_taken_twice(country: dict[str, pl.DataFrame]) -> None:
    plan = made_plan(country)
    channels = core_channels(plan, PARAMS, country["equipment"])
    count = np.zeros((len(plan.instance.link_id), PARAMS.n_channels), np.int64)
    for demand, channel in zip(channels.demand.tolist(), channels.channel.tolist(), strict=True):
        count[plan.routes[demand], channel] += 1
    assert (count.max(axis=1) <= channels.n_pairs).all()
    assert (count.sum(axis=1) == channels.n_used).all()
    assert (plan.n_wavelengths <= channels.n_pairs * PARAMS.n_channels).all()
    for light, value in zip(channels.light, plan.instance.demand_value.tolist(), strict=True):
        assert light is not None
        assert light.n_wavelengths * light.channel_gbps >= value * (1.0 - 1e-9)


@given(
    st.lists(st.frozensets(st.integers(0, 3), min_size=1), min_size=1, max_size=12), st.integers(1, 4),
    st.lists(st.floats(1.0, 9.0), min_size=4, max_size=4),
)  # fmt: skip
def test_pairs_suffice_and_are_no_fewer_than_load_asks_for(
    sets: list[frozenset[int]], n_channels: int, usd: list[float]
) -> None:
    routes = [np.array(sorted(own), np.int64) for own in sets]
    load = np.bincount(np.concatenate(routes), minlength=4)
    least = -(-load // n_channels)
    channel, pairs = channels_in_pairs(routes, [float(r.size) for r in routes], least, np.array(usd), n_channels)
    assert (pairs >= least).all()
    for link in range(4):
        own = [int(at) for at, route in zip(channel, routes, strict=True) if link in route.tolist()]
        assert max(np.bincount(own), default=0) <= pairs[link]


def test_results_name_the_same_bill_whatever_the_order_of_rows(country: dict[str, pl.DataFrame]) -> None:
    mixed = {name: frame.reverse() for name, frame in country.items()}
    straight, other = (backbone(Tables(given_), PARAMS, Context()).tables for given_ in (country, mixed))
    for name in ("core_bill", "core_wavelengths", "backbone_capacity", "routes", "route_risks"):
        key = straight[name].columns[:2]
        assert straight[name].sort(key).equals(other[name].sort(key))


def test_grid_failures_that_the_amplifiers_outlast_do_not_count(country: dict[str, pl.DataFrame]) -> None:
    given_ = {**country, "districts": country["districts"].with_columns(grid_company_id=pl.lit("disco-1"))}
    ways, _ = ways_of(Tables(given_), PARAMS.foreign_way_ratio)
    short, long = (
        found_risks(Tables(given_), ways, PARAMS.model_copy(update={"amplifier_backup_h": hours}))
        for hours in (0.0, 100.0)
    )
    place = short.kind.index("grid")
    assert short.up_frac["central"][place] < long.up_frac["central"][place] < 1.0
    assert not [name for name in short.local_groups() if name.startswith("grid")]


def test_the_public_risk_tables_leave_out_members_that_are_no_way(country: dict[str, pl.DataFrame]) -> None:
    source = {"evidence": "synthetic", "source_id": "test_country"}
    row = {"risk_group_id": "x", "name": "Elsewhere", "kind": "duct", "rate_per_year": 1.0, "repair_h": 1.0, **source}
    given_ = (
        pl.DataFrame([row], schema=country["risk_groups"].schema),
        pl.DataFrame([{"risk_group_id": "x", "member_id": "no-way", **source}]),
    )
    found, _ = risk_tables(country["rights_of_way"], country["rights_of_way_nodes"], country["hazards"], given_)
    assert "x" not in found["risk_group_id"].to_list()


def test_a_chain_of_the_core_joins_where_nothing_branches(country: dict[str, pl.DataFrame]) -> None:
    plan = made_plan(country)
    ends = np.bincount(plan.instance.link_node.ravel(), minlength=len(plan.instance.node_id))
    city = np.searchsorted(plan.core.nodes, plan.core.centre_node)
    passed = np.setdiff1d(np.flatnonzero(ends == 2), city)
    assert passed.size == 0
