"""Who is told with which incident: each place once, and all of them together are all that are without service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from rahdari.operate.alarms import AlarmBook
from rahdari.operate.impact import impacts, impacts_in_order, repairs
from rahdari.operate.incidents import Reasoner
from rahdari.operate.network import LiveNetwork
from rahdari.operate.replay import replay
from tests.operate.story_case import network, told
from tests.operate.test_cause import random_story

if TYPE_CHECKING:
    from rahdari.service.plan_view import Plan

    State = tuple[set[int], set[int]]


def random_states(made: LiveNetwork, rng: np.random.Generator, n: int) -> list[State]:
    """Return states of one to three things each, some of them shared."""
    return [
        (
            set(rng.choice(made.n_nodes, int(rng.integers(0, 2)), replace=False).tolist()),
            set(rng.choice(made.n_links, int(rng.integers(1, 3)), replace=False).tolist()),
        )
        for _ in range(n)
    ]


def union(states: list[State]) -> State:
    """Return all that fails in any of the states."""
    return {node for dead, _ in states for node in dead}, {link for _, cut in states for link in cut}


@pytest.mark.parametrize("seed", range(20))
def test_what_states_add_and_give_back_is_what_a_search_for_each_of_them_says(seed: int) -> None:
    rng = np.random.Generator(np.random.Philox(seed))
    made = LiveNetwork.of_story(random_story(rng))
    states = random_states(made, rng, 70)[: int(rng.integers(1, 70))]
    prefixes = made.reached([union(states[: i + 1]) for i in range(len(states))])
    first = np.where(prefixes.all(axis=0), len(states), (~prefixes).argmax(axis=0))
    assert made.first_lost(states).tolist() == first.tolist()
    rest = made.reached([union([*states[:i], *states[i + 1 :]]) for i in range(len(states))])
    back = rest & ~prefixes[-1]
    assert list(zip(*(each.tolist() for each in made.regained(states)), strict=True)) == list(
        zip(*(each.tolist() for each in np.nonzero(back)), strict=True)
    )
    lost = made.reached([((), ())]) & ~made.reached(states)
    (pairs,) = made.lost(states)
    assert [each.tolist() for each in pairs] == [each.tolist() for each in np.nonzero(lost)]


def test_what_is_lost_is_counted_from_what_each_state_had_before() -> None:
    made = network()
    rng = np.random.Generator(np.random.Philox(1))
    states, which = random_states(made, rng, 600), rng.integers(0, 3, 600)
    before = made.reached(random_states(made, rng, 3))
    lost = before[which] & ~made.reached(states)
    found = list(made.lost(states, before=before, which=which))
    assert [np.concatenate(each).tolist() for each in zip(*found, strict=True)] == [
        each.tolist() for each in np.nonzero(lost)
    ]


def test_on_a_plan_places_that_need_several_sites_are_told_once_and_all_of_them(small_plan: Plan) -> None:
    made = LiveNetwork.of_plan(small_plan.folder)
    rng = np.random.Generator(np.random.Philox(3))
    states = [({int(node)}, set()) for node in rng.permutation(made.n_nodes)[: made.n_nodes // 2]]
    states = [*states, *random_states(made, rng, 20)]
    found, (whole,) = impacts_in_order(made, states), impacts(made, [union(states)])
    assert whole.customers > 0
    assert sum(each.customers for each in found) == whole.customers
    assert sorted(place for each in found for place in each.places) == sorted(whole.places)
    assert sorted(name for each in found for name in each.circuits_down) == sorted(whole.circuits_down)
    for service in made.services:
        name = service.service_id
        assert sum(each.customers_by_service[name] for each in found) == whole.customers_by_service[name]
    n = len(states) // 2
    (half,) = impacts(made, [union(states[:n])])
    assert {place for each in found[:n] for place in each.places} == set(half.places)
    lost = np.array([made.place_id.index(name) for name in whole.places])
    for i, back in list(enumerate(repairs(made, states, lost)))[:: max(1, len(states) // 20)]:
        (rest,) = impacts(made, [union([*states[:i], *states[i + 1 :]])])
        assert {made.place_id[place] for place in back} == set(whole.places) - set(rest.places)


def test_what_two_incidents_take_only_together_is_told_with_the_later_and_names_the_other() -> None:
    rows = [(0.0, "X1:N-port", "LOS"), (900.0, "X2:W-port", "LOS"), (902.0, "M", "unreachable")]
    first, second = replay(network(), told(*rows))
    assert (first.customers_without_service, first.customers_without_service_own) == (0, 0)
    assert (second.customers_without_service, second.customers_without_service_joint) == (6000, 6000)
    assert second.customers_without_service_own == 0
    assert second.joint_with == (first.incident_id,)
    assert first.joint_with == ()


def test_what_two_incidents_each_take_alone_is_told_with_the_first_and_is_own_to_both() -> None:
    rows = [(0.0, "V1:B-port", "LOS"), (900.0, "U1:S-port", "LOS")]
    first, second = replay(network(), told(*rows))
    assert [first.cells_without_service, second.cells_without_service] == [("c4", "c5"), ("c3",)]
    assert [first.customers_without_service_own, second.customers_without_service_own] == [9000, 12_000]
    assert [first.customers_without_service_joint, second.customers_without_service_joint] == [0, 0]
    over = [*rows, (1000.0, "V1:B-port", "LOS", "cleared")]
    assert [each.customers_without_service for each in replay(network(), told(*over))] == [0, 12_000]


@pytest.mark.parametrize("seed", range(20))
def test_customers_of_incidents_add_up_to_all_that_are_without_service(seed: int) -> None:
    rng = np.random.Generator(np.random.Philox(seed))
    made = LiveNetwork.of_story(random_story(rng))
    rows = [(float(rng.uniform(0, 5000)), f"{made.link_id[int(link)]}:{made.node_id[int(made.tail[link])]}-port", "LOS")
            for link in rng.choice(made.n_links, min(6, made.n_links), replace=False)]  # fmt: skip
    book, reasoner = AlarmBook(), Reasoner(made)
    book.accept(book.folded(told(*sorted(rows))))
    found = reasoner.read(book.alarms.values(), 6000.0)
    places = [name for each in found for name in each.cells_without_service]
    assert len(places) == len(set(places))
    cut = {made.link_at[name.partition(":")[0]] for _, name, _ in rows}
    (whole,) = impacts(made, [((), cut)])
    assert sum(each.customers_without_service for each in found) == whole.customers
    for each in found:
        own = each.customers_without_service - each.customers_without_service_joint
        assert 0 <= own <= each.customers_without_service_own


@pytest.mark.parametrize("seed", range(20))
def test_reading_storms_bit_by_bit_ends_where_reading_them_at_once_does(seed: int) -> None:
    rng = np.random.Generator(np.random.Philox(100 + seed))
    made = LiveNetwork.of_story(random_story(rng))
    names = [f"{link}:{made.node_id[int(end)]}-port" for link, end in zip(made.link_id, made.tail, strict=True)]
    kinds = [*((name, "LOS") for name in names), *((name, "unreachable") for name in made.node_id),
             *((f"{name}:rectifier", "mainsFail") for name in made.node_id)]  # fmt: skip
    picked = rng.integers(0, len(kinds), 40).tolist()
    events = told(*((60.0 * i, *kinds[k], rng.choice(["major", "cleared"])) for i, k in enumerate(picked)))
    book, live = AlarmBook(), Reasoner(made)
    for low in range(0, len(events), 3):
        changed = book.folded(events[low : low + 3])
        book.accept(changed)
        live.update(book, changed, events[low].at_s)
        assert live.read(book.alarms.values(), 3000.0) == Reasoner(made).read(book.alarms.values(), 3000.0)
