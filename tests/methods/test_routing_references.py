"""Shortest ways and disjoint pairs against independently computed totals of published networks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rahdari.methods.routing import Arcs, disjoint_pair, distances_km, two_way_arcs

if TYPE_CHECKING:
    from pathlib import Path

LINK = re.compile(r"^\s*\S+ \( (\S+) (\S+) \) \S+ \S+ \S+ \S+ \( (\S+) (\S+)")
DEMAND = re.compile(r"^\s*\S+ \( (\S+) (\S+) \) \S+ (\S+)")
#: Network: demand times shortest way, and demand times cheapest pair of ways that share no link.
TOTALS = {
    "polska": (30275.7, 77418.6),
    "nobel-germany": (221276.0, 567428.0),
    "nobel-eu": (1396544.0, 3665590.0),
}


def section(text: str, name: str) -> list[str]:
    return text.split(f"\n{name} (", 1)[1].split("\n)", 1)[0].splitlines()


def network(path: Path) -> tuple[Arcs, list[tuple[int, int, float]]]:
    text = path.read_text(encoding="utf-8")
    links = [found.groups() for line in section(text, "LINKS") if (found := LINK.match(line))]
    number = {name: index for index, name in enumerate(sorted({name for link in links for name in link[:2]}))}
    ends = np.array([[number[name] for name in link[:2]] for link in links])
    # The cost of a link is that of its first module over the module's capacity.
    cost = np.array([float(link[3]) / float(link[2]) for link in links])
    demands = [found.groups() for line in section(text, "DEMANDS") if (found := DEMAND.match(line))]
    return two_way_arcs(len(number), ends[:, 0], ends[:, 1], cost), [
        (number[source], number[target], float(value)) for source, target, value in demands
    ]


@pytest.mark.shared
@pytest.mark.parametrize("name", TOTALS)
def test_totals_over_all_demands_equal_the_reference(shared_folder: Path, name: str) -> None:
    arcs, demands = network(shared_folder / "validation" / "backbone" / f"{name}.txt")
    nominal, one_plus_one = TOTALS[name]
    cost = distances_km(arcs, np.arange(arcs.n_nodes))
    assert sum(value * cost[source, target] for source, target, value in demands) == pytest.approx(nominal, rel=1e-5)
    pairs = [(value, disjoint_pair(arcs, source, target)) for source, target, value in demands]
    total = sum(value * pair.cost_km for value, pair in pairs if pair is not None)
    bound = sum(value * pair.lower_bound_km for value, pair in pairs if pair is not None)
    assert all(pair is not None for _, pair in pairs)
    assert total == pytest.approx(one_plus_one, rel=1e-5)
    assert bound == pytest.approx(total, rel=1e-9)
