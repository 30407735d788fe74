"""Roots are found from topology: exact against brute force, and in the cases that operators know."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rahdari.operate.cover import Candidate, cheapest
from rahdari.operate.network import LiveNetwork
from rahdari.operate.replay import replay
from tests.operate.story_case import network, told

if TYPE_CHECKING:
    from rahdari.operate.incidents import Incident

N_NETWORKS, N_TRUTHS = 40, 6
Element = tuple[str, str, tuple[int, ...], tuple[int, ...]]


def random_story(rng: np.random.Generator) -> dict[str, Any]:
    """Return a small network with rings, trees, parallel links, shared ducts, cells and gateways."""
    n = int(rng.integers(5, 10))
    sites = [f"N{i}" for i in range(n)]
    ends = [(sites[i], sites[int(rng.integers(0, i))]) for i in range(1, n)]
    ends += [tuple(sites[i] for i in rng.choice(n, 2, replace=False)) for _ in range(int(rng.integers(0, n)))]
    links: dict[str, dict[str, Any]] = {f"L{k}": {"a": a, "b": b, "ducts": []} for k, (a, b) in enumerate(ends)}
    for duct in range(int(rng.integers(0, 4))):
        for name in rng.choice(list(links), min(len(links), int(rng.integers(2, 4))), replace=False).tolist():
            links[name]["ducts"].append(f"D{duct}")
    cells = {
        f"C{i}": {"parent": sites[int(rng.integers(0, n))], "customers": i} for i in range(int(rng.integers(1, 5)))
    }
    gateways = [sites[i] for i in rng.choice(n, int(rng.integers(1, 3)), replace=False)]
    return {"sites": sites, "gateways": gateways, "cells": cells, "links": links}


def elements(made: LiveNetwork) -> list[Element]:
    """Return all that can fail by itself: links, ducts of several links, nodes."""
    found: list[Element] = [("link", name, (), (i,)) for i, name in enumerate(made.link_id)]
    found += [("duct", group.name, (), group.links) for group in made.groups if len(group.links) > 1]
    return found + [("node", name, (i,), ()) for i, name in enumerate(made.node_id)]


def alarms_of(made: LiveNetwork, failed: tuple[Element, ...]) -> frozenset[tuple[str, str]]:
    """Return what a network without noise tells: each end still reached of each dead link, each node not reached."""
    dead = {node for each in failed for node in each[2]}
    cut = {link for each in failed for link in each[3]}
    joined: dict[int, set[int]] = {i: set() for i in range(made.n_nodes)}
    ends = list(zip(made.tail.tolist(), made.head.tolist(), strict=True))
    for link, (a, b) in enumerate(ends):
        if link not in cut and a not in dead and b not in dead:
            joined[a].add(b)
            joined[b].add(a)
    reached = {int(node) for node in made.gateways if node not in dead}
    left = list(reached)
    while left:
        for other in joined[left.pop()] - reached:
            reached.add(other)
            left.append(other)
    found = {
        (f"{made.link_id[link]}:{made.node_id[end]}-port", "LOS")
        for link, pair in enumerate(ends)
        if link in cut or not dead.isdisjoint(pair)
        for end in pair
        if end in reached
    }
    return frozenset(found | {(name, "unreachable") for i, name in enumerate(made.node_id) if i not in reached})


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("seed", range(N_NETWORKS))
def test_roots_explain_all_alarms_exactly_and_are_no_more_than_the_true_faults(seed: int, size: int) -> None:
    """The true root is found, or one of its class: as few roots that raise the very same alarms."""
    rng = np.random.Generator(np.random.Philox(seed))
    made = LiveNetwork.of_story(random_story(rng))
    every = elements(made)
    by_name = {each[:2]: each for each in every}
    pool = list(combinations(every, size))
    for choice in rng.choice(len(pool), min(N_TRUTHS, len(pool)), replace=False).tolist():
        heard = alarms_of(made, pool[choice])
        events = told(*((0.01 * i, name, kind) for i, (name, kind) in enumerate(sorted(heard))))
        found = replay(made, events)
        roots = tuple(by_name[each.root.kind, each.root.object] for each in found)
        assert len(roots) <= size
        assert alarms_of(made, roots) == heard
        alarmed = sorted(seq for each in found for seq in each.symptom_seqs)
        own = sum(len(each.root_keys) for each in found)
        assert len(alarmed) + own == len(events)


def roots(found: list[Incident]) -> list[tuple[str, str]]:
    """Return kind and name of the roots."""
    return [(each.root.kind, each.root.object) for each in found]


def test_a_duct_is_blamed_when_its_links_fail_together_and_a_link_when_its_neighbour_stays_up() -> None:
    cut = [(0.0, "T1:E-port", "LOS"), (0.4, "T2:E-port", "LOS"), (2.0, "H", "unreachable"), (5.0, "c1", "unreachable")]
    (one,) = replay(network(), told(*cut))
    assert roots([one]) == [("duct", "D7")]
    assert one.symptom_seqs == (1, 2, 3, 4)
    assert one.cells_without_service == ("c1", "c2")
    assert one.rivals == ("node H",)
    (one,) = replay(network(), told(cut[0]))
    assert roots([one]) == [("link", "T1")]
    assert one.next_single_failure_that_isolates == ("T2",)
    assert one.protection_lost_for == ("H", "c1", "c2")


def test_links_that_fail_far_apart_in_time_are_two_faults() -> None:
    found = replay(network(), told((0.0, "R3:S-port", "LOS"), (600.0, "R4:S-port", "LOS")))
    assert roots(found) == [("link", "R3"), ("link", "R4")]
    found = replay(network(), told((0.0, "X1:N-port", "LOS"), (900.0, "X2:W-port", "LOS"), (902.0, "M", "unreachable")))
    assert roots(found) == [("link", "X1"), ("link", "X2")]
    assert [each.symptom_seqs for each in found] == [(1,), (2, 3)]
    assert [each.customers_without_service for each in found] == [0, 6000]


def test_a_dead_node_is_one_root_and_its_sessions_are_symptoms() -> None:
    rows = [(0.0, "R1:W-port", "LOS"), (0.1, "R2:E-port", "LOS"), (0.1, "X1:M-port", "LOS"), (1.0, "N", "unreachable"),
            (2.0, "W:bgp-N", "adjacencyDown")]  # fmt: skip
    (one,) = replay(network(), told(*rows))
    assert roots([one]) == [("node", "N")]
    assert one.symptom_seqs == (1, 2, 3, 5)
    assert one.customers_without_service == 0
    alive = [*rows[:3], (0.2, "R1:N-port", "LOS")]
    assert ("node", "N") not in roots(replay(network(), told(*alive)))


def test_a_failed_gateway_takes_what_hangs_on_it_alone() -> None:
    rows = [(0.0, "R2:N-port", "LOS"), (0.0, "R3:S-port", "LOS"), (1.0, "E", "unreachable"), (2.0, "H", "unreachable")]
    (one,) = replay(network(), told(*rows))
    assert roots([one]) == [("node", "E")]
    assert one.cells_without_service == ("c1", "c2")


def test_a_silent_fault_is_inferred_from_what_lies_beyond_it() -> None:
    (one,) = replay(network(), told((0.0, "c4", "unreachable"), (1.0, "c5", "unreachable")))
    assert roots([one]) == [("node", "F")]
    assert one.is_inferred
    assert one.rivals == ("link V1",)
    assert any("inferred" in line for line in one.evidence)
    assert one.cells_without_service == ("c4", "c5")


def test_power_explains_a_death_hours_later_but_not_a_cut_before_the_battery_can_be_empty() -> None:
    dead = [(14400.0, "U1:S-port", "LOS"), (14402.0, "B", "unreachable"), (14405.0, "F", "unreachable")]
    (one,) = replay(network(), told((0.0, "B:rectifier", "mainsFail"), *dead))
    assert roots([one]) == [("power", "B:mains")]
    assert one.symptom_seqs == (2, 3, 4)
    early = [(at_s - 12_600.0, name, kind) for at_s, name, kind in dead]
    found = replay(network(), told((0.0, "B:rectifier", "mainsFail"), *early))
    assert roots(found) == [("power", "B:mains"), ("link", "U1")]
    assert found[1].symptom_seqs == (2, 3, 4)
    assert found[0].customers_without_service == 0
    silent = told(
        (0.0, "B:rectifier", "mainsFail"), *((14_405.0, name, "unreachable") for name in ("c3", "F", "c4", "c5"))
    )
    (one,) = replay(network(), silent)
    assert roots([one]) == [("power", "B:mains")]
    assert one.customers_without_service == 12_000
    low = told((0.0, "B:rectifier", "mainsFail"), (1700.0, "B:battery", "batteryLow"), *early)
    assert roots(replay(network(), low)) == [("power", "B:mains")]


def test_sites_of_one_feeder_without_mains_are_one_incident() -> None:
    made = network(feeders={"feeder-9": {"sites": ["B", "F", "H"]}})
    rows = [(0.0, "B:rectifier", "mainsFail"), (20.0, "F:rectifier", "mainsFail")]
    (one,) = replay(made, told(*rows))
    assert roots([one]) == [("power", "feeder-9")]
    assert roots(replay(made, told(rows[0]))) == [("power", "B:mains")]
    (one,) = replay(made, told((0.0, "feeder-9", "outage")))
    assert [step.n_sites for step in one.forecast] == [3]


def test_software_is_blamed_only_where_chance_is_no_answer() -> None:
    names = [f"P{i}" for i in range(24)]
    sites: dict[str, dict[str, str]] = {name: {} for name in "NESW"}
    sites |= {name: {"vendor": "A" if i < 6 else "B", "version": "7.2"} for i, name in enumerate(names)}
    links = {f"R{i}": {"a": a, "b": b} for i, (a, b) in enumerate((("N", "E"), ("E", "S"), ("S", "W"), ("W", "N")))}
    links |= {f"S{i}": {"a": name, "b": "NESW"[i % 4]} for i, name in enumerate(names)}
    made = LiveNetwork.of_story({"sites": sites, "gateways": ["W"], "cells": {}, "links": links})
    down = [(float(i), name, "unreachable") for i, name in enumerate(names[:6])]
    (one,) = replay(made, told(*down))
    assert roots([one]) == [("software", "A 7.2")]
    mixed = [(float(i), name, "unreachable") for i, name in enumerate(names[3:9])]
    assert {each.root.kind for each in replay(made, told(*mixed))} == {"node"}


def test_what_nothing_explains_is_its_own_incident_and_what_touches_one_joins_it() -> None:
    found = replay(network(), told((0.0, "=cmd()", "LOS"), (1.0, "M:fan", "fanFailure")))
    assert roots(found) == [("unknown", "=cmd()"), ("unknown", "M:fan")]
    assert [each.symptom_seqs for each in found] == [(1,), (2,)]
    (one,) = replay(network(), told((0.0, "V1:B-port", "LOS"), (1.0, "F", "unreachable"), (2.0, "F:fan", "fanFailure")))
    assert one.symptom_seqs == (1, 2, 3)


def test_the_cheapest_cover_is_proven_and_hangs_on_no_order() -> None:
    rng = np.random.Generator(np.random.Philox(7))
    for _ in range(60):
        n = int(rng.integers(2, 7))
        pool = [Candidate("link", f"L{i}", frozenset({i}), 1.0, 0, 2) for i in range(n)]
        for k in range(int(rng.integers(0, 6))):
            members = frozenset(rng.choice(n, int(rng.integers(2, n + 1)), replace=False).tolist())
            silent = int(rng.integers(0, 3))
            pool.append(Candidate("duct", f"D{k}", members, 1.0 + silent, silent, 1))
        best = min(
            sum(each.cost for each in some)
            for size in range(1, n + 1)
            for some in combinations(pool, size)
            if frozenset().union(*(each.covers for each in some)) >= frozenset(range(n))
        )
        chosen, is_exact = cheapest(range(n), pool)
        assert is_exact
        assert sum(each.cost for each in chosen) == best
        again, _ = cheapest(range(n), [pool[i] for i in rng.permutation(len(pool))])
        assert sorted(each.name for each in again) == sorted(each.name for each in chosen)
