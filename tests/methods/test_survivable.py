"""Survivable capacity: outside values, laws, full linear programmes on small graphs, and what the verifiers catch."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from rahdari.errors import InputError
from rahdari.methods.instance import Instance
from rahdari.methods.survivable import DesignViolation, Failure, design_survivable, verify_design
from tests.verifiers.survivable import bound_problems, design_problems

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def network(
    ends: list[tuple[int, int]], cost: list[float], demands: list[tuple[int, int, float]], installed: float = 0.0
) -> Instance:
    """Return an instance with modules of one and of four units at three times the price."""
    n, m = 1 + max(max(pair) for pair in ends), len(ends)
    price = np.array(cost, dtype=np.float64)
    return Instance(
        node_id=tuple(f"n{i}" for i in range(n)),
        node_lon_deg=None,
        node_lat_deg=None,
        link_id=tuple(f"l{i}" for i in range(m)),
        link_node=np.array(ends, dtype=np.int64).reshape(-1, 2),
        link_unit_cost=price,
        link_installed=np.full(m, installed),
        link_module_capacity=tuple(np.array([1.0, 4.0]) for _ in range(m)),
        link_module_cost=tuple(np.array([c, 3.0 * c]) for c in cost),
        link_length_km=price,
        demand_id=tuple(f"d{i}" for i in range(len(demands))),
        demand_node=np.array([(a, b) for a, b, _ in demands], dtype=np.int64).reshape(-1, 2),
        demand_value=np.array([v for _, _, v in demands], dtype=np.float64),
        name="small",
    )


def sndlib(path: Path) -> Instance:
    """Read the little of the SNDlib native format that the tests need."""
    text = path.read_text(encoding="utf-8")

    def section(name: str) -> list[str]:
        found = re.search(rf"^{name} \(\s*\n(.*?)^\)", text, re.DOTALL | re.MULTILINE)
        assert found
        return [line for line in found[1].split("\n") if line.strip()]

    nodes = [line.split()[0] for line in section("NODES")]
    number = {name: i for i, name in enumerate(nodes)}
    links = [re.findall(r"[^\s()]+", line) for line in section("LINKS")]
    demands = [re.findall(r"[^\s()]+", line) for line in section("DEMANDS")]
    ends = [(number[row[1]], number[row[2]]) for row in links]
    cost = [float(row[8]) / float(row[7]) for row in links]
    wanted = [(number[row[1]], number[row[2]], float(row[3]) * float(row[4])) for row in demands]
    return dataclasses.replace(network(ends, cost, wanted), name=path.stem)


def written(instance: Instance) -> dict[str, Any]:
    """Return the instance as a file would hold it."""
    node = instance.node_id
    return {
        "nodes": list(node),
        "links": [
            [name, node[a], node[b], float(cost), float(units)]
            for name, (a, b), cost, units in zip(
                instance.link_id,
                instance.link_node.tolist(),
                instance.link_unit_cost,
                instance.link_installed,
                strict=True,
            )
        ],
        "demands": [
            [name, node[a], node[b], float(value)]
            for name, (a, b), value in zip(
                instance.demand_id, instance.demand_node.tolist(), instance.demand_value, strict=True
            )
        ],
    }


def full_programme(instance: Instance, states: list[set[int]], share: float = 1.0) -> float:
    """Return the least cost by one programme over capacities and the flow of every demand in every state."""
    m, n, d = len(instance.link_id), len(instance.node_id), len(instance.demand_id)
    width = m + len(states) * d * 2 * m
    equal, right, upper, room = [], [], [], []
    for s, failed in enumerate(states):
        for e in range(m):
            row = np.zeros(width)
            row[e] = -1.0
            for k in range(d):
                base = m + (s * d + k) * 2 * m
                row[[base + 2 * e, base + 2 * e + 1]] = 1.0
            upper.append(row)
            room.append(instance.link_installed[e])
            if e in failed:
                row = row.copy()
                row[e] = 0.0
                upper.append(row)
                room.append(0.0)
        for k in range(d):
            base = m + (s * d + k) * 2 * m
            for v in range(n):
                row = np.zeros(width)
                for e, (a, b) in enumerate(instance.link_node.tolist()):
                    for column, tail, head in ((base + 2 * e, a, b), (base + 2 * e + 1, b, a)):
                        row[column] += float(head == v) - float(tail == v)
                a, b = instance.demand_node[k].tolist()
                value = instance.demand_value[k] * (share if s else 1.0)
                equal.append(row)
                right.append(value * (float(v == b) - float(v == a)))
    cost = np.concatenate([instance.link_unit_cost, np.zeros(width - m)])
    found = linprog(cost, np.array(upper), room, np.array(equal), right, method="highs")
    assert found.status == 0
    assert found.fun is not None
    return float(found.fun)


@st.composite
def small_networks(draw: st.DrawFn) -> Instance:
    """Return a ring with chords: every single link may fail."""
    n = draw(st.integers(3, 5))
    ends = [(i, (i + 1) % n) for i in range(n)]
    chords = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=3))
    ends += [(a, b) for a, b in chords if a != b]
    cost = [float(draw(st.integers(0, 9))) for _ in ends]
    pairs = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), min_size=1, max_size=3))
    demands = [(a, b, float(draw(st.integers(0, 20)))) for a, b in pairs if a != b] or [(0, 1, 5.0)]
    return network(ends, cost, demands, installed=float(draw(st.sampled_from([0, 0, 3]))))


RING = network([(0, 1), (1, 2), (2, 3), (3, 0)], [1.0, 2.0, 3.0, 4.0], [(0, 2, 10.0), (1, 3, 5.0)])


@pytest.mark.parametrize(
    ("name", "nominal", "low", "high", "pairs"),
    [
        ("polska", 30275.7, 44993.3, 44993.3, 77418.6),
        ("nobel-germany", 221276.0, 364181.8, 364189.1, 567428.0),
        ("nobel-eu", 1396544.0, 2312586.0, 2314172.5, 3665590.0),
    ],
)
def test_known_networks_cost_what_other_codes_found(  # noqa: PLR0917 - one row a network
    shared_folder: Path, name: str, nominal: float, low: float, high: float, pairs: float
) -> None:
    instance = sndlib(shared_folder / "validation" / "backbone" / f"{name}.txt")
    design = design_survivable(instance, gap=1e-4)
    assert design.gap <= 1e-4
    assert design.lower_bound <= high * (1 + 1e-6)
    assert design.cost >= low * (1 - 1e-6)
    assert design.cost <= high * (1 + 1e-4)
    verify_design(instance, design)
    assert design_survivable(instance, "none").cost == pytest.approx(nominal, rel=1e-6)
    assert design_survivable(instance, protection="1+1").cost == pytest.approx(pairs, rel=1e-6)


@SLOW
@given(small_networks())
def test_cost_and_bound_enclose_the_full_programme(instance: Instance) -> None:
    design = design_survivable(instance, gap=1e-5)
    best = full_programme(instance, [set(), *({e} for e in range(len(instance.link_id)))])
    assert design.lower_bound <= best + 1e-6 * max(1.0, best)
    assert design.cost >= best - 1e-6 * max(1.0, best)
    assert design.cost - design.lower_bound <= 1e-5 * design.cost + 1e-9
    verify_design(instance, design)


@pytest.mark.parametrize(
    ("ends", "cost", "demands"),
    [
        # Ways of one price; capacity in place that is just enough and leaves the prices free to swing; ways whose small
        # differences of price the installed capacity magnifies; and installed capacity that is all that is needed.
        ([(0, 1), (1, 2), (2, 0), (0, 1), (0, 2), (0, 2)], [0, 1, 0, 2, 0, 1], [(0, 1, 7)]),
        ([(0, 1), (1, 2), (2, 3), (3, 0), (0, 1), (0, 1), (1, 2)], [1, 2, 0, 0, 1, 1, 1], [(0, 2, 9)]),
        ([(0, 1), (1, 2), (2, 0), (2, 1), (1, 2)], [4, 9, 4, 7, 2], [(0, 1, 9), (2, 0, 7)]),
        ([(0, 1), (1, 2), (2, 3), (3, 0), (2, 1), (2, 3)], [8, 0, 0, 2, 2, 1], [(3, 1, 6)]),
        ([(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), *[(3, 2)] * 3], [2, 9, 5, 5, 0, 7, 4, 6], [(3, 2, 12)]),
    ],
)
def test_ties_and_capacity_in_place_do_not_keep_cost_and_bound_apart(
    ends: list[tuple[int, int]], cost: list[float], demands: list[tuple[int, int, float]]
) -> None:
    case = network(ends, cost, demands, installed=3.0)
    design = design_survivable(case, gap=1e-6)
    best = full_programme(case, [set(), *({e} for e in range(len(ends)))])
    assert design.gap <= 1e-6
    assert design.lower_bound - 1e-9 <= best <= design.cost + 1e-9
    verify_design(case, design)


@SLOW
@given(small_networks(), st.floats(0.2, 0.9))
def test_a_share_of_demand_may_be_let_go(instance: Instance, share: float) -> None:
    failures = [Failure(name, frozenset([name]), share=share) for name in instance.link_id]
    design = design_survivable(instance, failures, gap=1e-5)
    best = full_programme(instance, [set(), *({e} for e in range(len(instance.link_id)))], share)
    assert design.lower_bound - 1e-6 * max(1.0, best) <= best <= design.cost + 1e-6 * max(1.0, best)
    verify_design(instance, design)


@SLOW
@given(small_networks(), st.data())
def test_more_failures_are_never_cheaper(instance: Instance, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(instance.link_id), unique=True, max_size=4))
    extra = data.draw(st.sampled_from(instance.link_id))
    few = design_survivable(instance, [{name} for name in names], gap=1e-5)
    more = design_survivable(instance, [{name} for name in dict.fromkeys([*names, extra])], gap=1e-5)
    assert more.cost >= few.lower_bound - 1e-9


@SLOW
@given(small_networks())
def test_shared_restoration_never_costs_more_than_two_ways_each(instance: Instance) -> None:
    instance = dataclasses.replace(instance, link_installed=np.zeros(len(instance.link_id)))
    shared, pairs = (design_survivable(instance, protection=kind, gap=1e-5) for kind in ("restoration", "1+1"))
    assert shared.lower_bound <= pairs.cost + 1e-9
    assert pairs.gap <= 1e-6
    verify_design(instance, pairs)


@SLOW
@given(small_networks(), st.randoms(use_true_random=False))
def test_the_order_of_links_and_demands_does_not_matter(instance: Instance, random: Random) -> None:
    links, demands = list(range(len(instance.link_id))), list(range(len(instance.demand_id)))
    random.shuffle(links)
    random.shuffle(demands)
    turned = dataclasses.replace(
        instance,
        link_id=tuple(instance.link_id[i] for i in links),
        link_node=instance.link_node[links],
        link_unit_cost=instance.link_unit_cost[links],
        link_installed=instance.link_installed[links],
        demand_id=tuple(instance.demand_id[i] for i in demands),
        demand_node=instance.demand_node[demands],
        demand_value=instance.demand_value[demands],
    )
    first, second = design_survivable(instance), design_survivable(turned)
    assert first.cost == second.cost
    assert first.capacity.sort("link_id").equals(second.capacity.sort("link_id"))


@SLOW
@given(small_networks())
def test_whole_modules_cost_at_least_the_bound_and_carry_everything(instance: Instance) -> None:
    design = design_survivable(instance, gap=1e-3, modular=True)
    assert design.lower_bound <= design.cost + 1e-9
    assert design.modules is not None
    verify_design(instance, design)
    price = dict(zip(instance.link_id, instance.link_module_cost, strict=True))
    bought = sum(price[link][module] * count for link, module, count in design.modules.iter_rows())
    assert bought == pytest.approx(design.cost)


def test_a_module_that_was_not_bought_is_caught() -> None:
    design = design_survivable(RING, modular=True)
    verify_design(RING, design)
    assert design.modules is not None
    bad = dataclasses.replace(design, modules=design.modules.slice(1))
    with pytest.raises(DesignViolation, match="modules"):
        verify_design(RING, bad)
    with pytest.raises(DesignViolation, match="modules cost"):
        verify_design(RING, dataclasses.replace(design, cost=design.cost * 0.9, lower_bound=0.0))


def test_written_files_prove_cost_and_bound(tmp_path: Path) -> None:
    design = design_survivable(RING, gap=1e-6)
    (tmp_path / "instance.json").write_text(json.dumps(written(RING)), encoding="utf-8")
    (tmp_path / "design.json").write_text(json.dumps(design.as_dict()), encoding="utf-8")
    instance = json.loads((tmp_path / "instance.json").read_text(encoding="utf-8"))
    found = json.loads((tmp_path / "design.json").read_text(encoding="utf-8"))
    assert design_problems(instance, found) == []
    assert bound_problems(instance, found) == []


@SLOW
@given(small_networks())
def test_the_independent_verifier_agrees(instance: Instance) -> None:
    found = design_survivable(instance, gap=1e-4).as_dict()
    assert design_problems(written(instance), found) == []
    assert bound_problems(written(instance), found) == []


def test_the_written_proof_of_a_known_network_holds(shared_folder: Path) -> None:
    instance = sndlib(shared_folder / "validation" / "backbone" / "polska.txt")
    assert bound_problems(written(instance), design_survivable(instance).as_dict()) == []


def test_a_tampered_capacity_is_caught() -> None:
    design = design_survivable(RING, gap=1e-6)
    less = pl.when(pl.col("link_id") == "l2").then(pl.col("units") * 0.9).otherwise(pl.col("units"))
    bad = dataclasses.replace(design, capacity=design.capacity.with_columns(units=less))
    with pytest.raises(DesignViolation) as caught:
        verify_design(RING, bad)
    assert caught.value.failure in {"none", *RING.link_id}
    assert caught.value.demand in RING.demand_id
    assert caught.value.missing > 0.0
    assert design_problems(written(RING), bad.as_dict())


def test_tampered_flows_do_not_hide_or_make_a_fault() -> None:
    design = design_survivable(RING, gap=1e-6)
    assert design.routing is not None
    halved = dataclasses.replace(design.routing, flow_share=design.routing.flow_share * 0.5)
    verify_design(RING, dataclasses.replace(design, routing=halved))
    verify_design(RING, dataclasses.replace(design, routing=None))


@pytest.mark.parametrize("change", [{"right_side": 1.5}, {"multiplier": 1.5}])
def test_a_tampered_cut_is_caught(change: dict[str, float]) -> None:
    design = design_survivable(RING, gap=1e-6)
    (name, factor), first = next(iter(change.items())), design.cuts[0]
    cut = dataclasses.replace(first, **{name: getattr(first, name) * factor})
    bad = dataclasses.replace(design, cuts=(cut, *design.cuts[1:]))
    with pytest.raises(DesignViolation, match=r"cut|charge"):
        verify_design(RING, bad)
    assert bound_problems(written(RING), bad.as_dict())


def test_a_bound_beyond_its_cuts_is_caught() -> None:
    design = design_survivable(RING, gap=1e-6)
    bad = dataclasses.replace(design, lower_bound=design.lower_bound * 1.01)
    with pytest.raises(DesignViolation, match="prove"):
        verify_design(RING, bad)


def test_a_bound_of_pairs_beyond_their_price_is_caught() -> None:
    design = design_survivable(RING, protection="1+1")
    verify_design(RING, design)
    with pytest.raises(DesignViolation, match="cheapest pairs prove"):
        verify_design(RING, dataclasses.replace(design, lower_bound=design.lower_bound * 1.001))


@pytest.mark.parametrize("protection", ["restoration", "1+1"])
def test_a_modular_bound_beyond_its_proof_is_caught(protection: str) -> None:
    design = design_survivable(RING, protection=protection, modular=True)
    verify_design(RING, design)
    with pytest.raises(DesignViolation, match="prove"):
        verify_design(RING, dataclasses.replace(design, lower_bound=design.cost * 1.01))


def test_a_demand_that_is_cut_off_in_silence_is_caught() -> None:
    tree = network([(0, 1), (1, 2), (2, 0), (2, 3)], [1.0] * 4, [(0, 3, 2.0)])
    design = design_survivable(tree, unprotected="report")
    verify_design(tree, design)
    with pytest.raises(DesignViolation) as caught:
        verify_design(tree, dataclasses.replace(design, cut_off=()))
    assert (caught.value.failure, caught.value.demand, caught.value.missing) == ("l3", "d0", 2.0)


def test_a_share_of_one_may_be_written_as_a_whole_number() -> None:
    design = design_survivable(RING, failures=[Failure("all of it", frozenset([RING.link_id[0]]), share=1)])
    assert design.as_dict()["failures"][0]["share"] == 1.0


def test_a_ring_must_carry_everything_both_ways_round() -> None:
    design = design_survivable(network([(0, 1), (1, 2), (2, 0)], [1.0, 1.0, 1.0], [(0, 1, 6.0)]), gap=1e-6)
    assert design.capacity["units"].to_list() == pytest.approx([6.0, 6.0, 6.0])


def test_a_tree_beyond_the_ring_adds_its_own_price_only() -> None:
    ring = [(0, 1), (1, 2), (2, 0)]
    core = design_survivable(network(ring, [1.0] * 3, [(0, 1, 6.0)]), gap=1e-6)
    tree = network([*ring, (1, 3), (3, 4)], [1.0] * 3 + [10.0, 20.0], [(0, 4, 6.0)])
    design = design_survivable(tree, gap=1e-6, unprotected="report")
    assert design.cost == pytest.approx(core.cost + 6.0 * 30.0)
    assert design.cut_off == (("l3", "d0"), ("l4", "d0"))
    verify_design(tree, design)


def test_an_infeasible_target_names_failure_and_demand() -> None:
    path = network([(0, 1), (1, 2)], [1.0, 1.0], [(0, 2, 3.0), (0, 1, 1.0)])
    with pytest.raises(InputError) as caught:
        design_survivable(path)
    text = str(caught.value)
    assert len(caught.value.problems) == 3
    assert "'l1'" in text
    assert "'d0'" in text


def test_a_demand_without_any_way_is_an_error_even_when_cut_off_is_reported() -> None:
    apart = network([(0, 1), (2, 3)], [1.0, 1.0], [(0, 2, 3.0)])
    with pytest.raises(InputError, match="has no way"):
        design_survivable(apart, "none", unprotected="report")


def test_a_failed_node_takes_its_links_and_its_own_demands() -> None:
    square = network([(0, 1), (1, 2), (2, 3), (3, 0)], [1.0, 1.0, 5.0, 5.0], [(0, 2, 4.0), (0, 1, 2.0)])
    design = design_survivable(square, [Failure("node 1", nodes=frozenset(["n1"]))], gap=1e-6)
    assert design.capacity["units"].to_list() == pytest.approx([2.0, 0.0, 4.0, 4.0])
    verify_design(square, design)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InputError) as caught:
        design_survivable(RING, [Failure("a", frozenset(["x", "y"]), share=2.0), Failure("a", nodes=frozenset(["z"]))])
    assert len(caught.value.problems) == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"failures": "nodes"},
        {"protection": "2+1"},
        {"gap": 0.0},
        {"time_limit_s": -1.0},
        {"unprotected": "maybe"},
        {"failures": "none", "protection": "1+1"},
    ],
)
def test_options_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        design_survivable(RING, **wrong)


def test_numbers_that_cannot_be_are_refused_with_their_rows() -> None:
    bad = dataclasses.replace(RING, link_unit_cost=np.array([1.0, np.nan, -1.0, 4.0]))
    with pytest.raises(InputError) as caught:
        design_survivable(bad)
    assert [problem.row for problem in caught.value.problems] == [2, 3]


def test_no_demand_costs_nothing() -> None:
    idle = dataclasses.replace(RING, demand_value=np.zeros(2))
    design = design_survivable(idle)
    assert (design.cost, design.lower_bound, design.gap) == (0.0, 0.0, 0.0)
    verify_design(idle, design)


def test_parallel_links_protect_each_other() -> None:
    twin = network([(0, 1), (0, 1)], [1.0, 3.0], [(0, 1, 5.0)])
    design = design_survivable(twin, gap=1e-6)
    assert design.capacity["units"].to_list() == pytest.approx([5.0, 5.0])
    assert design_survivable(twin, protection="1+1").cost == pytest.approx(20.0)
