"""Stories of many kinds on a network of their own: roots as an operator would name them, impact by brute force."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

import networkx as nx
import pytest

from rahdari.errors import InputError
from rahdari.operate.replay import replay_story

if TYPE_CHECKING:
    from pathlib import Path

LOS, GONE, HOUR = "LOS", "unreachable", 3600
LINKS = {
    "K1": ("X", "P", ["d1"]), "K2": ("P", "Q", ["d2"]), "K3": ("Q", "Y", ["d3"]), "K4": ("Y", "R", ["d4"]),
    "K5": ("R", "X", ["d5"]), "T1": ("T", "P", ["d6"]), "T2": ("T", "X", []), "H1": ("H", "Y", ["d7"]),
    "H2": ("H", "Y", ["d7", "d8"]), "B1": ("B", "Q", ["d9"]), "F1": ("F", "B", []), "M5": ("c5", "B", []),
    "M6": ("c6", "F", []), "M7": ("c7", "F", []),
}  # fmt: skip
CELLS = {"c1": "T", "c2": "T", "c3": "H", "c4": "H", "c5": "", "c6": "", "c7": "", "c8": "R"}
Row = tuple[float, str, str] | tuple[float, str, str, str]
Roots = list[tuple[str, str]]


def network(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  # any part of a network
    """Return a ring X-P-Q-Y-R with gateways X and Y; T on two ways, H on one duct, a chain Q-B-F; c5 to c7 by links."""
    return {
        "sites": list("XPQYRTHBF"), "gateways": ["X", "Y"],
        "cells": {
            name: {"customers": 2**i} | ({"parent": parent} if parent else {})
            for i, (name, parent) in enumerate(CELLS.items())
        },
        "links": {name: {"a": a, "b": b, "ducts": ducts} for name, (a, b, ducts) in LINKS.items()},
        **changes,
    }  # fmt: skip


def lost(*failed: str) -> list[str]:
    """Return the cells that the failure of nodes, links and ducts cuts off, by searching the whole graph."""
    graph = nx.Graph()
    graph.add_nodes_from([*"XPQYRTHBF", *CELLS])
    graph.add_edges_from((cell, parent) for cell, parent in CELLS.items() if parent)
    graph.add_edges_from(
        (a, b) for name, (a, b, ducts) in LINKS.items() if name not in failed and set(ducts).isdisjoint(failed)
    )
    graph.remove_nodes_from([name for name in failed if name in graph])
    served = {each for root in "XY" if root in graph for each in nx.node_connected_component(graph, root)}
    return [cell for cell in CELLS if cell not in served]


def alarms(rows: list[Row]) -> list[dict[str, Any]]:
    """Return rows as a story writes them."""
    return [
        {"seq": seq, "t": row[0], "object": row[1], "type": row[2], "severity": row[3] if len(row) > 3 else "critical",
         "source": "nms"} for seq, row in enumerate(rows, 1)
    ]  # fmt: skip


def told(tmp_path: Path, rows: list[Row], *, order: int = 0, **scenario: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return what the replay of a file with one scenario gives; ``order`` shuffles its alarms and doubles some."""
    every = alarms(rows)
    if order:
        chance = Random(order)  # noqa: S311  # no secret
        every += chance.sample(every, len(every) // 2)
        chance.shuffle(every)
    path = tmp_path / "story.json"
    path.write_text(json.dumps({"network": network(), "scenarios": [{"alarms": every, **scenario}]}), encoding="utf-8")
    return replay_story(path)


def later(rows: list[Row], by_s: float) -> list[Row]:
    """Return the same alarms at a later time."""
    return [(row[0] + by_s, *row[1:]) for row in rows]  # type: ignore[misc]  # a row stays a row


def cleared(rows: list[Row], at_s: float) -> list[Row]:
    """Return the clears of alarms."""
    return [(at_s, row[1], row[2], "cleared") for row in rows]


def gone(at_s: float, *names: str) -> list[Row]:
    """Return what a poll tells of things not reached."""
    return [(at_s, name, GONE) for name in names]


HUB: list[Row] = [(0, "H1:Y-port", LOS), (0.4, "H2:Y-port", LOS), *gone(2, "H", "c3", "c4")]
CHAIN: list[Row] = [(0, "B1:Q-port", LOS), *gone(4, "B", "F", "c5", "c6", "c7")]
TAIL: list[Row] = [(0, "F1:B-port", LOS), *gone(4, "F", "c6", "c7")]
KINDS: dict[str, tuple[list[Row], Roots, tuple[str, ...]]] = {
    "two faults at once": ([*HUB, *later(TAIL, 1)], [("d7", "duct"), ("F1", "link")], ("d7", "F1")),
    "a gateway dies": (
        [(0, "K3:Q-port", LOS), (0, "K4:R-port", LOS), *gone(1, "Y", "H", "c3", "c4")], [("Y", "node")], ("Y",),
    ),
    "two cuts of the ring, two hours apart": (
        [(0, "K2:P-port", LOS), (0.2, "K2:Q-port", LOS), (2 * HOUR, "K3:Y-port", LOS),
         *gone(2 * HOUR + 3, "Q", "B", "F", "c5", "c6", "c7")],
        [("K2", "link"), ("K3", "link")], ("K2", "K3"),
    ),
    "power, and the battery ends": (
        [(0, "B:rectifier", "mainsFail"), (3.8 * HOUR, "B:battery", "batteryLow"), *later(CHAIN, 4 * HOUR)],
        [("B:mains", "power")], ("B",),
    ),
    "power, then a digger within the hour": (
        [(0, "H:rectifier", "mainsFail"), *later(HUB, HOUR)], [("H:mains", "power"), ("d7", "duct")], ("d7",),
    ),
    "a digger, and then the mains": (
        [*HUB, (100, "B:rectifier", "mainsFail")], [("d7", "duct"), ("B:mains", "power")], ("d7",),
    ),
    "a hub with two ways dies and nobody polls it": (
        [(0, "T1:P-port", LOS), (0.1, "T2:X-port", LOS), *gone(4, "c1", "c2")], [("T", "node")], ("T",),
    ),
    "a site dies in silence, its cells tell": (gone(0, "c6", "c7"), [("F", "node")], ("F",)),
    "one cell dies": (gone(0, "c8"), [("c8", "node")], ("c8",)),
    "rain takes several microwave hops": (
        [(0, "M5:B-port", "linkDown"), (2, "M6:F-port", "linkDown"), (5, "T2", "linkDown"), *gone(6, "c5", "c6")],
        [("M5", "link"), ("M6", "link"), ("T2", "link")], ("M5", "M6", "T2"),
    ),
    "a duct tells of its cut and nobody else does": ([(0, "d7", "fibreCut")], [("d7", "duct")], ("d7",)),
    "a duct tells of its cut, the poll of what it took": (
        [(0, "d7", "fibreCut"), *gone(60, "H", "c3", "c4")], [("d7", "duct")], ("d7",),
    ),
    "water in a duct takes nothing": ([(0, "d7", "waterIngress")], [("d7", "duct")], ()),
    "one of two links comes back": (
        [*HUB, *cleared(HUB[:1], 600), *cleared(HUB[2:], 605)], [("d7", "duct")], ("H2",),
    ),
    "all comes back": ([*HUB, *cleared(HUB, 600)], [("d7", "duct")], ()),
    "a link flaps while another is cut": (
        [*HUB, *((10.0 * i + j, "T2", "linkDown", ("major", "cleared")[j // 5]) for i in range(10) for j in (0, 5))],
        [("d7", "duct"), ("T2", "link")], ("d7",),
    ),
    "a link flaps and then stays down": (
        [*((10.0 * i + j, "B1:Q-port", LOS, ("major", "cleared")[j // 5]) for i in range(10) for j in (0, 5)),
         *later(CHAIN, 100)],
        [("B1", "link")], ("B1",),
    ),
    "things nobody knows": ([(0, "?", "fan"), *HUB], [("?", "unknown"), ("d7", "duct")], ("d7",)),
}  # fmt: skip


@pytest.mark.parametrize("order", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_roots_and_customers_are_right_in_any_order_of_alarms(tmp_path: Path, kind: str, order: int) -> None:
    rows, roots, failed = KINDS[kind]
    got = told(tmp_path, rows, order=order)
    assert sorted((each["root"]["object"], each["root"]["kind"]) for each in got["incidents"]) == sorted(roots)
    assert got["cells_without_service"] == lost(*failed)
    assert got["customers_without_service"] == sum(2 ** list(CELLS).index(cell) for cell in lost(*failed))
    held = {cell for each in got["incidents"] for cell in each["cells_without_service"]}
    assert held == set(lost(*failed))
    raises = {seq for seq, row in enumerate(rows, 1) if len(row) == 3 or row[3] != "cleared"}
    assert {seq for each in got["incidents"] for seq in each["symptom_seqs"]} <= raises
    for each in got["incidents"]:
        named = any(rows[seq - 1][1] == each["root"]["object"] for seq in each["symptom_seqs"])
        assert named == (each["root"]["kind"] == "unknown")  # an alarm of the root itself is no symptom


def test_work_on_a_duct_accounts_for_what_hangs_on_it_and_for_no_other_fault(tmp_path: Path) -> None:
    work = {"object": "d9", "from_t": 0, "to_t": HOUR}
    got = told(tmp_path, [*later(CHAIN, 60), *later(HUB, 100)], maintenance=work)["incidents"]
    assert [(each["root"]["object"], bool(each["window"])) for each in got] == [("B1", True), ("d7", False)]
    assert [each["notifications_before_window_end"] for each in got if each["window"]] == [0]
    assert [len(each["notifications"]) for each in got] == [1, 1]
    quiet = told(tmp_path, [*later(CHAIN, 60), *later(cleared(CHAIN, 600), 0)], maintenance=work)["incidents"]
    assert [(each["notifications"], each["sla_minutes_excluded"]) for each in quiet] == [
        ([], {"from_t": 60.0, "to_t": 600.0})
    ]


def test_windows_that_follow_each_other_without_a_gap_are_one(tmp_path: Path) -> None:
    first, second = {"object": "F1", "from_t": 0, "to_t": 1800}, {"object": "F", "from_t": 1000, "to_t": HOUR}
    (one,) = told(tmp_path, later(TAIL, 60), maintenance=[second, first])["incidents"]
    assert [(each["at_s"], each["what"]) for each in one["notifications"]] == [(HUB[0][0] + HOUR, "overrun")]
    apart = {**second, "from_t": 2000}
    (one,) = told(tmp_path, later(TAIL, 60), maintenance=[first, apart])["incidents"]
    assert one["notifications"][0]["at_s"] == 1800


@pytest.mark.parametrize("word", ["CRITICAL", "Major", "P1", "warn"])
@pytest.mark.parametrize("clear", ["Cleared", "CLEAR", "ok"])
def test_severities_are_read_in_any_case_and_what_ends_an_alarm_by_its_usual_names(
    tmp_path: Path, word: str, clear: str
) -> None:
    loud: list[Row] = [(*row[:3], word) for row in HUB]  # type: ignore[misc]  # a row stays a row
    (one,) = told(tmp_path, loud)["incidents"]
    assert (one["root"]["object"], one["is_open"]) == ("d7", True)
    (one,) = told(tmp_path, [*loud, *((600.0, row[1], row[2], clear) for row in HUB)])["incidents"]
    assert (one["is_open"], one["symptom_seqs"], one["cells_without_service"]) == (False, [1, 2, 3, 4, 5], [])


def test_other_ways_to_write_a_network_are_the_same_network(tmp_path: Path) -> None:
    plain = network()
    other = network(
        sites=[{"id": name, "battery_minutes": 240} for name in "XPQYRTHBF"],
        gateways={"X": {}, "Y": {}},
        cells=[{"id": name, **row} for name, row in plain["cells"].items()],
        links=[{"id": name, "from": a, "to": b} for name, (a, b, _) in LINKS.items()],
        ducts={duct: {"links": [name for name, row in LINKS.items() if duct in row[2]]}
               for duct in ("d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9")},
    )  # fmt: skip
    rows: list[Row] = [*HUB, (5.0, "B:rectifier", "mainsFail")]
    path, found = tmp_path / "story.json", []
    for made in (plain, other):
        path.write_text(json.dumps({"network": made, "alarms": alarms(rows)}), encoding="utf-8")
        found.append(replay_story(path))
    assert found[0]["incidents"][0] == found[1]["incidents"][0]
    (power,) = [each for each in found[1]["incidents"] if each["root"]["kind"] == "power"]
    assert [(step["at_s"], step["is_assumed"]) for step in power["forecast"]] == [(5.0 + 4 * HOUR, False)]


def test_all_stories_of_a_file_and_each_alone_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "stories.json"
    named = [{"id": f"s{i}", "alarms": alarms(rows)} for i, (rows, _, _) in enumerate(KINDS.values())]
    path.write_text(json.dumps({"network": network(), "scenarios": named}), encoding="utf-8")
    every = replay_story(path)
    assert [each["id"] for each in every["scenarios"]] == [each["id"] for each in named]
    for each in every["scenarios"]:
        assert replay_story(path, each["id"]) == each
        own = [{key: value for key, value in one.items() if key != "scenario"} for one in every["incidents"]
               if one["scenario"] == each["id"]]  # fmt: skip
        assert own == each["incidents"]
    path.write_text(
        json.dumps({"network": network(), "scenarios": {each["id"]: each for each in named}}), encoding="utf-8"
    )
    assert replay_story(path) == every


@pytest.mark.parametrize(
    "changes",
    [
        {"alarms": [{"t": None, "object": "H", "type": LOS}]}, {"alarms": [{"t": True, "object": "H", "type": LOS}]},
        {"alarms": [{"t": "soon", "object": "H", "type": LOS}]}, {"maintenance": {"from_t": 0}}, {"maintenance": 7},
        {"maintenance": {"object": "H", "to_t": "soon"}},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "story.json"
    path.write_text(json.dumps({"network": network(), **changes}), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        replay_story(path)
    assert caught.value.problems[0].row == 1


@pytest.mark.parametrize("scenario", [{}, {"alarms": None}, {"alarms": [], "expect": None, "maintenance": None}])
def test_a_story_without_alarms_has_no_incidents(tmp_path: Path, scenario: dict[str, Any]) -> None:
    path = tmp_path / "story.json"
    path.write_text(json.dumps({"network": network(), "scenarios": [scenario]}), encoding="utf-8")
    assert replay_story(path)["incidents"] == []


def test_times_may_be_dates(tmp_path: Path) -> None:
    path = tmp_path / "story.json"
    rows = [{**row, "t": f"2026-01-01T05:00:{i:02d}+05:00"} for i, row in enumerate(alarms(HUB))]
    path.write_text(json.dumps({"network": network(), "alarms": rows}), encoding="utf-8")
    (one,) = replay_story(path)["incidents"]
    assert (one["root"]["object"], one["opened_s"]) == ("d7", 1_767_225_600.0)
