"""Availability against enumeration of every state, published values, sampling, and the laws it must keep."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rahdari.errors import InputError, TargetError
from rahdari.methods.diversity import disjoint_routes
from rahdari.methods.network import Network, make_network, network_of_instance, no_risks, part_of
from rahdari.methods.reliability import (
    all_terminal_availability,
    joint_availability,
    make_scenarios,
    routes_availability,
    two_terminal_availability,
)
from rahdari.methods.reliability_bounds import availability_ceiling_frac
from rahdari.sources.networks.files import load_instance, load_network
from tests.helpers.networks import group_frames

if TYPE_CHECKING:
    from pathlib import Path

EXACT = 1e-12  # of double precision over a few hundred sums of products
LEFT_OUT = 1e-9  # probability of scenarios that an exact answer may leave open
UP = 0.99
PERN_ALL = 0.305094472674  # PERN is 118 bridges and a small core; every link up for 99 % of the time
POLSKA_ALL = 0.999784857124


@st.composite
def networks(draw: st.DrawFn, n_groups_max: int = 3) -> Network:
    """Networks of up to 6 nodes and 8 links, multiple ones too, with chances of links, nodes and groups."""
    n = draw(st.integers(2, 6))
    pair = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda each: each[0] != each[1])
    ends = draw(st.lists(pair, min_size=1, max_size=8))
    chance = st.sampled_from([0.0, 0.3, 0.9, 0.99, 1.0])
    up = draw(st.lists(chance, min_size=len(ends), max_size=len(ends)))
    node_up = draw(st.lists(st.sampled_from([0.5, 0.95, 1.0]), min_size=n, max_size=n))
    things = [f"l{i}" for i in range(len(ends))] + [f"n{i}" for i in range(n)]
    own = st.sets(st.sampled_from(things), min_size=1, max_size=3).map(sorted)
    groups = {f"g{i}": each for i, each in enumerate(draw(st.lists(own, max_size=n_groups_max)))}
    frame, members = group_frames(groups, rate_per_year=draw(st.sampled_from([0.5, 50.0, 2000.0])))
    return make_network(
        [f"n{i}" for i in range(n)], [f"l{i}" for i in range(len(ends))], [(f"n{a}", f"n{b}") for a, b in ends], 1.0,
        link_availability_frac=up, node_availability_frac=node_up, risk_groups=frame if groups else None,
        risk_group_members=members if groups else None,
    )  # fmt: skip


def enumerated(network: Network, terminals: list[int]) -> float:
    """Return the chance that the terminals work and are joined, over every state of groups, links and nodes."""
    m, n, risks = network.n_links, network.n_nodes, network.risks
    unsure = [i for i in range(n) if network.node_availability_frac[i] < 1.0]
    total = 0.0
    for down in itertools.product((False, True), repeat=len(risks.group_id)):
        share = risks.unavailability_frac
        chance = float(np.prod(np.where(down, share, 1.0 - share)))
        struck = {int(link) for g, is_down in enumerate(down) if is_down for link in risks.links_of(g)}
        link_up = np.where(np.isin(np.arange(m), sorted(struck)), 0.0, network.link_availability_frac)
        for lost in itertools.product((False, True), repeat=len(unsure)):
            gone = {v for v, is_lost in zip(unsure, lost, strict=True) if is_lost}
            if gone & set(terminals):
                continue
            alive = [network.node_availability_frac[v] for v in unsure if v not in gone]
            dead = [1.0 - network.node_availability_frac[v] for v in gone]
            weight = chance * float(np.prod(alive)) * float(np.prod(dead))
            total += weight * _links_join(network, link_up, gone, terminals)
    return total


def _links_join(network: Network, link_up: np.ndarray, gone: set[int], terminals: list[int]) -> float:
    """Return the chance that links alone join the terminals without the nodes that are gone."""
    used = [
        (i, u, v)
        for i, (u, v) in enumerate(network.link_node.tolist())
        if link_up[i] > 0.0 and not {u, v} & gone
    ]  # fmt: skip
    total = 0.0
    for works in itertools.product((False, True), repeat=len(used)):
        weight = float(
            np.prod([link_up[i] if on else 1.0 - link_up[i] for (i, _, _), on in zip(used, works, strict=True)])
        )
        if weight == 0.0:
            continue
        graph = nx.Graph()
        graph.add_nodes_from(terminals)
        graph.add_edges_from((u, v) for (_, u, v), on in zip(used, works, strict=True) if on)
        if set(terminals) <= nx.node_connected_component(graph, terminals[0]):
            total += weight
    return total


@settings(max_examples=60)
@given(network=networks(n_groups_max=0))
def test_two_terminals_agree_with_enumeration(network: Network) -> None:
    found = two_terminal_availability(network, "n0", "n1")
    assert found.availability_frac == pytest.approx(enumerated(network, [0, 1]), abs=EXACT)
    assert found.low_frac == pytest.approx(found.high_frac, abs=EXACT)


@settings(max_examples=40)
@given(network=networks(n_groups_max=0))
def test_all_and_some_terminals_agree_with_enumeration(network: Network) -> None:
    everyone = list(range(network.n_nodes))
    assert all_terminal_availability(network).availability_frac == pytest.approx(
        enumerated(network, everyone), abs=EXACT
    )
    some = everyone[::2]
    names = [network.node_id[v] for v in some]
    assert joint_availability(network, names).availability_frac == pytest.approx(enumerated(network, some), abs=EXACT)


@settings(max_examples=40)
@given(network=networks())
def test_common_causes_agree_with_enumeration_within_the_bounds_given(network: Network) -> None:
    found = two_terminal_availability(network, "n0", "n1")
    truth = enumerated(network, [0, 1])
    assert found.low_frac - EXACT <= truth <= found.high_frac + EXACT
    assert found.high_frac - found.low_frac <= LEFT_OUT + EXACT


@settings(max_examples=60)
@given(network=networks())
def test_a_common_cause_never_raises_the_availability(network: Network) -> None:
    alone = two_terminal_availability(replace(network, risks=no_risks()), "n0", "n1")
    assert two_terminal_availability(network, "n0", "n1").low_frac <= alone.availability_frac + EXACT


@settings(max_examples=60)
@given(network=networks())
def test_a_route_bounds_from_below_and_what_separates_from_above(network: Network) -> None:
    found = two_terminal_availability(network, "n0", "n1")
    ceiling = availability_ceiling_frac(network, "n0", "n1")
    assert found.low_frac <= ceiling + EXACT
    routes = disjoint_routes(network, "n0", "n1", k=1).routes
    if not routes:
        assert ceiling == found.availability_frac == 0.0
        return
    assert routes_availability(network, routes).low_frac <= found.high_frac + EXACT


@settings(max_examples=60)
@given(network=networks(), link=st.integers(0, 7))
def test_another_link_never_lowers_the_availability(network: Network, link: int) -> None:
    kept = set(network.link_id) - {f"l{link}"}
    fewer = part_of(network, kept)
    if {"n0", "n1"} <= set(fewer.node_id):
        less = two_terminal_availability(fewer, "n0", "n1").low_frac
        assert less <= two_terminal_availability(network, "n0", "n1").high_frac + EXACT


@settings(max_examples=25)
@given(network=networks(), seed=st.integers(0, 5))
def test_sampling_agrees_with_the_exact_answer_within_a_few_deviations(network: Network, seed: int) -> None:
    exact = two_terminal_availability(network, "n0", "n1").availability_frac
    drawn = two_terminal_availability(network, "n0", "n1", "montecarlo", n_samples=2**14, seed=seed)
    # Many networks are tried, so six deviations are allowed; the 95 % interval has a test of its own.
    deviation = np.sqrt(exact * (1.0 - exact) / drawn.n_samples)
    assert abs(drawn.availability_frac - exact) <= 6.0 * deviation + 1.0 / drawn.n_samples
    assert drawn.low_frac <= drawn.availability_frac <= drawn.high_frac


def _bridge(groups: dict[str, list[str]] | None = None) -> Network:
    """Two ways a-x-b and a-y-b with a link between x and y."""
    frame, members = group_frames(groups or {}, rate_per_year=20.0)
    return make_network(
        "abxy", ["1", "2", "3", "4", "5"], [("a", "x"), ("x", "b"), ("a", "y"), ("y", "b"), ("x", "y")], 1.0,
        link_availability_frac=0.9, risk_groups=frame if groups else None,
        risk_group_members=members if groups else None,
    )  # fmt: skip


def test_the_interval_of_sampling_covers_the_truth_as_often_as_it_says() -> None:
    network = _bridge({"g": ["1", "3"]})
    exact = two_terminal_availability(network, "a", "b").availability_frac
    n_runs = 200
    drawn = [two_terminal_availability(network, "a", "b", "montecarlo", n_samples=4096, seed=i) for i in range(n_runs)]
    covered = sum(each.low_frac <= exact <= each.high_frac for each in drawn)
    # 95 % or more by construction; the seeds are fixed, three deviations of a binomial are 9 runs.
    assert covered >= 0.95 * n_runs - 9
    assert covered < n_runs


def test_the_bridge_network_has_its_textbook_availability() -> None:
    # 2 p^2 + 2 p^3 - 5 p^4 + 2 p^5 (Barlow and Proschan 1975).
    p = 0.9
    assert two_terminal_availability(_bridge(), "a", "b").availability_frac == pytest.approx(
        2 * p**2 + 2 * p**3 - 5 * p**4 + 2 * p**5, abs=EXACT
    )


def test_a_common_cause_costs_a_pair_what_it_is_down() -> None:
    frame, members = group_frames({"g": ["p", "q"]}, rate_per_year=8.766)
    pair = make_network(
        "ab", ["p", "q"], [("a", "b")] * 2, 1.0, link_availability_frac=0.99, risk_groups=frame,
        risk_group_members=members,
    )  # fmt: skip
    down = float(pair.risks.unavailability_frac[0])
    assert down == pytest.approx(0.012 / 1.012, rel=1e-3)
    found = two_terminal_availability(pair, "a", "b")
    assert found.availability_frac == pytest.approx((1.0 - down) * (1.0 - 0.01**2), abs=EXACT)


def test_scenarios_that_are_given_replace_the_groups_and_leave_the_rest_open() -> None:
    network = _bridge({"g": ["1", "3"]})
    half = make_scenarios([0.5], np.ones((1, 5)))
    found = two_terminal_availability(network, "a", "b", scenarios=half)
    alone = two_terminal_availability(_bridge(), "a", "b").availability_frac
    assert found.low_frac == pytest.approx(0.5 * alone, abs=EXACT)
    assert found.high_frac == pytest.approx(0.5 * alone + 0.5, abs=EXACT)


def test_pern_and_polska_have_the_values_known_for_them(shared_folder: Path) -> None:
    folder = shared_folder / "validation" / "backbone"
    if not folder.is_dir():
        pytest.skip("the reference networks are absent")
    pern = network_of_instance(load_network(folder / "Pern.graphml").instance, UP)
    found = all_terminal_availability(pern)
    assert found.availability_frac == pytest.approx(PERN_ALL, abs=1e-12)
    polska = network_of_instance(load_instance(folder / "polska.txt"), UP)
    assert all_terminal_availability(polska).availability_frac == pytest.approx(POLSKA_ALL, abs=1e-12)


def test_the_order_of_rows_and_of_ends_changes_nothing() -> None:
    ends = [("a", "x"), ("x", "b"), ("a", "y"), ("y", "b"), ("x", "y")]
    up = [0.9, 0.8, 0.7, 0.95, 0.6]
    one = make_network("abxy", list("12345"), ends, 1.0, link_availability_frac=up)
    two = make_network("yxba", list("54321"), [e[::-1] for e in ends[::-1]], 1.0, link_availability_frac=up[::-1])
    first, second = (two_terminal_availability(each, "a", "b").availability_frac for each in (one, two))
    assert first == second
    drawn = [two_terminal_availability(each, "a", "b", "montecarlo", n_samples=4096) for each in (one, two)]
    assert drawn[0].availability_frac == drawn[1].availability_frac
    back = two_terminal_availability(one, "b", "a").availability_frac
    assert back == pytest.approx(first, abs=EXACT)


def test_a_country_of_trees_and_rings_is_exact_at_any_size() -> None:
    # 1,250 rings of four in a row, joined by bridges: 5,000 nodes, and the answer by hand.
    n_rings, p = 1_250, 0.9999
    ends = []
    for ring in range(n_rings):
        at = [f"n{4 * ring + i:05d}" for i in range(4)]
        ends += [(at[i], at[(i + 1) % 4]) for i in range(4)]
        if ring:
            ends.append((f"n{4 * ring - 2:05d}", at[0]))
    names = [f"n{i:05d}" for i in range(4 * n_rings)]
    network = make_network(names, [f"l{i:05d}" for i in range(len(ends))], ends, 1.0, link_availability_frac=p)
    ring_up = 1.0 - (1.0 - p**2) ** 2
    found = two_terminal_availability(network, names[0], names[-2])
    assert found.availability_frac == pytest.approx(ring_up**n_rings * p ** (n_rings - 1), rel=1e-9)
    assert availability_ceiling_frac(network, names[0], names[-2]) == pytest.approx(p ** (n_rings - 1), rel=1e-9)


def test_a_network_too_wide_is_refused_with_the_cure_and_bounded_by_sampling() -> None:
    grid = nx.grid_2d_graph(24, 24)
    name = {at: f"n{at[0]:02d}{at[1]:02d}" for at in grid}
    ends = [(name[u], name[v]) for u, v in grid.edges]
    network = make_network(
        list(name.values()), [f"l{i:04d}" for i in range(len(ends))], ends, 1.0, link_availability_frac=0.9
    )
    with pytest.raises(TargetError, match="montecarlo"):
        two_terminal_availability(network, "n0000", "n2323")
    drawn = two_terminal_availability(network, "n0000", "n2323", "montecarlo", n_samples=2**12)
    # Both corners have two links; hardly anything else separates them at 90 %.
    assert drawn.high_frac >= 0.98 * (1.0 - 0.1**2) ** 2
    assert drawn.low_frac <= availability_ceiling_frac(network, "n0000", "n2323")


def test_every_wrong_argument_is_named_at_once_with_its_cure() -> None:
    with pytest.raises(InputError) as caught:
        two_terminal_availability(_bridge(), "nowhere", "z", "guess", n_samples=0)  # type: ignore[arg-type]
    text = str(caught.value)
    assert all(part in text for part in ("nowhere", "'z'", "'guess'", "n_samples is 0", "exact or montecarlo"))
    with pytest.raises(InputError, match="5 columns"):
        two_terminal_availability(_bridge(), "a", "b", scenarios=make_scenarios([1.0], np.ones((1, 4))))
    with pytest.raises(InputError, match="sum to more than 1"):
        two_terminal_availability(_bridge(), "a", "b", scenarios=make_scenarios([0.7, 0.7], np.ones((2, 5))))
    with pytest.raises(InputError, match="0 pairs of ends"):
        routes_availability(_bridge(), [])


def test_a_part_of_a_network_keeps_the_members_that_are_left() -> None:
    network = _bridge({"g": ["1", "3", "y"], "h": ["5"]})
    part = part_of(network, {"1", "2"})
    assert part.node_id == ("a", "b", "x")
    assert part.risks.group_id == ("g",)
    assert [part.link_id[i] for i in part.risks.links_of(0)] == ["1"]
    assert part.risks.nodes_of(0).tolist() == []
    assert part.risks.rate_per_year.tolist() == [20.0]
