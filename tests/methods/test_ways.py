"""Shortest ways of families against networkx, and floors against published delays."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rahdari.methods.ways import ANY, Leg, family_way, hubs_along, round_trip_ms, shortest_way

HUBS = "abcdef"


@st.composite
def leg_sets(draw: st.DrawFn) -> list[Leg]:
    ends = draw(st.lists(st.tuples(st.sampled_from(HUBS), st.sampled_from(HUBS)), min_size=1, max_size=14))
    lengths = draw(st.lists(st.integers(1, 50), min_size=len(ends), max_size=len(ends)))
    families = draw(st.lists(st.sampled_from(["any", "red", "blue"]), min_size=len(ends), max_size=len(ends)))
    return [
        Leg(f"leg-{number}", start, end, float(length), frozenset({family}))
        for number, ((start, end), length, family) in enumerate(zip(ends, lengths, families, strict=True))
        if start != end
    ]


@settings(max_examples=150, deadline=None)
@given(legs=leg_sets())
def test_the_shortest_way_is_as_long_as_that_of_networkx(legs: list[Leg]) -> None:
    graph = nx.MultiGraph()
    graph.add_nodes_from(HUBS)
    graph.add_weighted_edges_from((leg.from_hub, leg.to_hub, leg.length_km) for leg in legs)
    way = shortest_way(legs, ("a", "f"))
    if not nx.has_path(graph, "a", "f"):
        assert way is None
        return
    assert way is not None
    assert sum(legs[number].length_km for number in way) == nx.shortest_path_length(graph, "a", "f", weight="weight")
    assert hubs_along(legs, way, "a")[-1] == "f"


@settings(max_examples=80, deadline=None)
@given(legs=leg_sets())
def test_the_order_of_legs_does_not_matter(legs: list[Leg]) -> None:
    def names(given: list[Leg]) -> list[str] | None:
        way = shortest_way(given, ("a", "f"))
        return None if way is None else [given[number].leg_id for number in way]

    assert names(legs) == names(legs[::-1])


@settings(max_examples=80, deadline=None)
@given(legs=leg_sets())
def test_a_way_of_a_family_uses_its_own_legs_and_shared_ones_only(legs: list[Leg]) -> None:
    way = family_way(legs, "red", ("a", "f"))
    if way is not None:
        families = [legs[number].families for number in way]
        assert any("red" in each for each in families)
        assert all("red" in each or ANY in each for each in families)


@given(shorter=st.floats(0.0, 4e4), more=st.floats(0.0, 4e4))
def test_a_longer_way_never_has_a_lower_floor(shorter: float, more: float) -> None:
    assert round_trip_ms(shorter + more) >= round_trip_ms(shorter)


def test_the_floor_is_that_of_gnpy() -> None:
    # GNPy reports 4.897 microseconds a kilometre, one way.
    assert round_trip_ms(1.0) / 2.0 == pytest.approx(4.897e-3, rel=1e-4)
