"""Impact is that of engine stress; lost protection is that of a search over every single failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pytest

from rahdari.methods.stress_worst import people_out
from rahdari.operate.impact import MOST_FAILED, Cuts, exposure, impacts
from rahdari.operate.network import LiveNetwork
from rahdari.service.stress import network_of
from tests.operate.story_case import network
from tests.operate.test_cause import random_story

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan


def test_live_impact_is_what_stress_says_of_the_same_failures(small_plan: Plan) -> None:
    made = LiveNetwork.of_plan(small_plan.folder)
    stress = network_of(small_plan.folder)[0]
    assert (stress.n_nodes, stress.n_links) == (made.n_nodes, made.n_links)
    rng = np.random.Generator(np.random.Philox(11))
    states = [
        (rng.choice(made.n_nodes, k, replace=False).tolist(), rng.choice(made.n_links, k, replace=False).tolist())
        for k in (0, 1, 2, 3, 5, 8, 12)
        for _ in range(6)
    ]
    failed = [[*dead, *(made.n_nodes + link for link in cut)] for dead, cut in states]
    found = impacts(made, states)
    assert any(each.customers for each in found)
    for s, service in enumerate(made.services):
        base = people_out(stress, [[]], s)[0]
        lost = people_out(stress, failed, s) - base
        assert [each.customers_by_service[service.service_id] for each in found] == pytest.approx(lost.tolist())


def test_states_together_lose_what_each_loses_alone() -> None:
    made = network()
    states = [((), (4, 5)), ((5,), ()), ((), ()), ((0, 3), (2,))]
    assert impacts(made, states) == [impacts(made, [state])[0] for state in states]
    assert impacts(made, []) == []


@pytest.mark.parametrize("seed", range(25))
def test_who_lost_protection_is_who_a_further_single_cut_now_isolates(seed: int) -> None:
    rng = np.random.Generator(np.random.Philox(seed))
    made = LiveNetwork.of_story(random_story(rng))
    cut = rng.choice(made.n_links, int(rng.integers(1, 4)), replace=False).tolist()
    dead = rng.choice(made.n_nodes, int(rng.integers(0, 2)), replace=False).tolist()

    def reached(links: list[int], nodes: list[int]) -> set[int]:
        graph = nx.Graph()
        graph.add_nodes_from(node for node in range(made.n_nodes) if node not in nodes)
        for i, (a, b) in enumerate(zip(made.tail.tolist(), made.head.tolist(), strict=True)):
            if i not in links and a not in nodes and b not in nodes:
                graph.add_edge(a, b)
        parts = [nx.node_connected_component(graph, int(root)) for root in made.gateways if int(root) in graph]
        return set().union(*parts)

    ways = [(made.link_id[i], [i]) for i in range(made.n_links) if i not in cut]
    ways += [(group.name, list(group.links)) for group in made.groups
             if len(group.links) > 1 and not set(group.links) & set(cut)]  # fmt: skip
    now, whole = reached(cut, dead), reached([], [])
    names, lost = set(), set()
    for name, links in ways:
        before = whole - reached(links, [])
        new = now - reached([*cut, *links], dead)
        if new and not before:
            names.add(name)
            lost |= new
    found = exposure(made, Cuts(made), (dead, cut))
    single = {name for name in found.next_single_failure_that_isolates if name in made.link_at}
    assert single == {name for name in names if name in made.link_at}
    links_only = set()
    for name in single:
        links_only |= now - reached([*cut, made.link_at[name]], dead)
    assert links_only <= {made.node_at[name] for name in found.protection_lost_for}
    groups = set(found.next_single_failure_that_isolates) - single
    for name in groups:
        assert now - reached([*cut, *made.groups[made.group_at[name]].links], dead)


def test_beyond_its_limit_lost_protection_is_said_to_be_unknown() -> None:
    n = MOST_FAILED + 2
    sites = [f"S{i}" for i in range(n)]
    links = {f"L{i}": {"a": sites[i], "b": sites[(i + 1) % n]} for i in range(n)}
    links |= {f"M{i}": {"a": sites[i], "b": sites[(i + 2) % n]} for i in range(n)}
    made = LiveNetwork.of_story({"sites": sites, "gateways": ["S0"], "cells": {}, "links": links})
    assert not exposure(made, Cuts(made), ((), list(range(MOST_FAILED + 1)))).is_complete
    assert exposure(made, Cuts(made), ((), [0])).is_complete
