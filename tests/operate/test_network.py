"""Names of things and parts, networks of stories and of plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from rahdari.errors import InputError
from rahdari.operate.network import BATTERY_H, UNKNOWN, LiveNetwork
from tests.operate.story_case import network, story

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan


@pytest.mark.parametrize(
    ("resource", "kind", "name", "end"),
    [
        ("H", "node", "H", None),
        ("B:battery", "node", "B", None),
        ("T1", "link", "T1", None),
        ("T1:E-port", "link", "T1", "E"),
        ("E:T1-port", "link", "T1", "E"),
        ("E/T1", "unknown", "", None),
        ("N:bgp-E", "pair", "N", "E"),
        ("D7", "group", "D7", None),
        ("c1", "node", "c1", None),
        ("", "unknown", "", None),
        ("T1:", "link", "T1", None),
        ("Q:bgp-N", "unknown", "", None),
    ],
)
def test_resources_name_things_and_ends(resource: str, kind: str, name: str, end: str | None) -> None:
    made = network()
    thing = made.resolve(resource)
    assert thing.kind == kind
    if kind == "unknown":
        assert thing == UNKNOWN
        return
    names = {"node": made.node_id, "pair": made.node_id, "link": made.link_id}.get(kind)
    assert (names[thing.at] if names else made.groups[thing.at].name) == name
    assert (made.node_id[thing.end] if thing.end >= 0 else None) == end


def test_everything_wrong_with_a_story_is_told_at_once() -> None:
    bad = story(gateways=["W", "Z"], links={"L": {"a": "N", "b": "Q"}})
    with pytest.raises(InputError) as caught:
        LiveNetwork.of_story(bad)
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError, match="no gateway"):
        network(gateways=[])


def test_cells_without_a_link_are_joined_to_each_of_their_parents() -> None:
    cells = {"k": {"parents": ["H", "B"], "customers": 5}}
    made = network(cells=cells)
    h, b, k = (made.node_at[name] for name in "HBk")
    assert made.links_between(k, h)
    assert made.links_between(k, b)
    (row,) = made.places_out(made.reached([((h,), ())]))
    assert not row.any()
    (row,) = made.places_out(made.reached([((h, b), ())]))
    assert row.all()


def test_hours_of_batteries_come_from_sites_a_table_or_one_number_else_are_assumed() -> None:
    made = network(sites={name: {"battery_h": 6.0} if name == "H" else {} for name in "NESWHBFM"}, battery_h={"B": 2.0})
    at = made.node_at
    assert (made.battery_h[at["H"]], made.battery_h[at["B"]], made.battery_h[at["F"]]) == (6.0, 2.0, BATTERY_H)
    assert not made.is_battery_assumed[[at["H"], at["B"]]].any()
    assert made.is_battery_assumed[at["F"]]
    assert (network(battery_h=3.0).battery_h == 3.0).all()


def test_states_searched_together_are_those_searched_alone() -> None:
    made = network()
    states = [((i,), (i % made.n_links,)) for i in range(made.n_nodes)] * 40
    together = made.reached(states)
    assert together.shape == (len(states), made.n_nodes)
    for i in (0, 5, 300, len(states) - 1):
        assert (together[i] == made.reached([states[i]])[0]).all()
    columns = [4, 0, 7]
    assert (made.reached(states, nodes=columns) == together[:, columns]).all()


def test_a_plan_keeps_the_names_of_its_things(small_plan: Plan) -> None:
    made = LiveNetwork.of_plan(small_plan.folder)
    sites, links = small_plan.tables["sites"], small_plan.tables["links"]
    assert set(sites["site_id"]) <= set(made.node_id)
    assert len(set(made.node_id)) == made.n_nodes
    assert len(set(made.link_id)) == made.n_links
    for name, a, b in links.select("link_id", "from_node_id", "to_node_id").iter_rows():
        if name in made.link_at:
            at = made.link_at[name]
            assert {made.node_id[made.tail[at]], made.node_id[made.head[at]]} == {a, b}
    hop = next((name for name in made.link_id if name.startswith("hop-")), None)
    assert hop is None or made.node_kind[int(made.tail[made.link_at[hop]])] in set(sites["kind"])
    assert np.isfinite(made.battery_h).all()
