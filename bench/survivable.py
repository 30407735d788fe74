"""Capacity that survives failures: our design beside a plain cutting plane in one run, and a nation; checked anew.

``--quick`` leaves the nation out.  Asked: nobel-germany to 0.01 % in 2 s, the size of germany50 to 0.1 % in 60 s (aim
10 s), a nation of 2,000 nodes and 500 scenarios to 1 % in 600 s.  The plain cutting plane weighs metric inequalities
found by one linear programme a failure, without stabilisation, and is cut off after ``PLAIN_LIMIT_S``; then the ratio
is a lower bound.  nobel-germany is read where the shared folder is, else a planar network of its size is made.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import highspy
import numpy as np
from survivable_instance import national, planar

from rahdari.methods.survivable import Design, design_survivable, verify_design
from rahdari.sources.networks.files import load_instance

if TYPE_CHECKING:
    from rahdari.methods.instance import Instance

SHARED = Path(__file__).parents[2] / "shared" / "validation" / "backbone"
PLAIN_LIMIT_S = 60.0
NATION_LIMIT_S = 600.0
SEEDS = (1, 2, 3)
ENOUGH = 1e-7  # share of the capacity that a cut must miss


class Oracle:
    """The linear programme of one state: least overflow of all links; its duals are a metric."""

    def __init__(self, instance: Instance, failed: int | None) -> None:
        """Build flows by source on arcs, and one overflow a link."""
        m, n = len(instance.link_id), len(instance.node_id)
        sources = np.unique(instance.demand_node[:, 0])
        arcs = [(e, *pair) for e, (a, b) in enumerate(instance.link_node.tolist()) for pair in ((a, b), (b, a))]
        balance = np.zeros((sources.size, n))
        place = np.searchsorted(sources, instance.demand_node[:, 0])
        np.add.at(balance, (place, instance.demand_node[:, 1]), instance.demand_value)
        np.add.at(balance, (place, instance.demand_node[:, 0]), -instance.demand_value)
        self.model, none = quiet(), np.zeros(0, dtype=np.int32)
        for value in balance.ravel().tolist():
            self.model.addRow(value, value, 0, none, np.zeros(0))
        for _ in range(m):
            self.model.addRow(-highspy.kHighsInf, 0.0, 0, none, np.zeros(0))
        self.first = balance.size
        for k in range(sources.size):
            for e, a, b in arcs:
                if e != failed:
                    rows = np.array([k * n + a, k * n + b, self.first + e], dtype=np.int32)
                    self.model.addCol(0.0, 0.0, highspy.kHighsInf, 3, rows, np.array([-1.0, 1.0, 1.0]))
        for e in range(m):
            row = np.array([self.first + e], dtype=np.int32)
            self.model.addCol(1.0, 0.0, highspy.kHighsInf, 1, row, np.array([-1.0]))
        self.m = m

    def metric(self, capacity: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Return the overflow and the metric of all links, and the right side of the metric's cut."""
        for e, units in enumerate(capacity.tolist()):
            self.model.changeRowBounds(self.first + e, -highspy.kHighsInf, units)
        self.model.run()
        found = self.model.getSolution()
        weight = np.maximum(0.0, -np.array(found.row_dual)[self.first :])
        overflow = np.array(found.col_value)[-self.m :]
        return overflow, weight, float(overflow.sum() + weight @ capacity)


def quiet() -> highspy.Highs:
    """Return a solver that says nothing and uses one thread."""
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.setOptionValue("threads", 1)
    return model


def plain(instance: Instance, gap: float) -> tuple[float, float]:
    """Return the seconds and the gap of a plain cutting plane for single links, cut off after ``PLAIN_LIMIT_S``."""
    start = time.perf_counter()
    m, cost = len(instance.link_id), instance.link_unit_cost
    master, none = quiet(), np.zeros(0, dtype=np.int32)
    master.addCols(
        m, cost, np.zeros(m), np.full(m, highspy.kHighsInf), 0, np.zeros(m, dtype=np.int32), none, np.zeros(0)
    )
    oracles: list[Oracle] = []
    states = [None, *range(m)]
    upper, reached, capacity = np.inf, 1.0, np.zeros(m)
    while reached > gap:
        top = np.zeros(m)
        for s, failed in enumerate(states):
            if s == len(oracles):
                oracles.append(Oracle(instance, failed))
            overflow, weight, right = oracles[s].metric(capacity)
            top = np.maximum(top, overflow)
            if right - weight @ capacity > ENOUGH * max(right, 1.0):
                master.addRow(right, highspy.kHighsInf, m, np.arange(m, dtype=np.int32), weight)
            if time.perf_counter() - start > PLAIN_LIMIT_S:
                return time.perf_counter() - start, reached
        upper = min(upper, float(cost @ (capacity + top)))
        reached = 1.0 - float(cost @ capacity) / upper
        master.run()
        capacity = np.array(master.getSolution().col_value)
    return time.perf_counter() - start, reached


def ours(instance: Instance, gap: float, **how: object) -> tuple[Design, dict[str, object]]:
    """Return our design and what it took; a design that breaks a promise ends the bench."""
    wall, cpu = time.perf_counter(), time.process_time()
    design = design_survivable(instance, gap=gap, **how)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    start = time.perf_counter()
    verify_design(instance, design)
    line: dict[str, object] = {"bench": "survivable", "network": instance.name, "n_nodes": len(instance.node_id)}
    line |= {"n_links": len(instance.link_id), "n_demands": len(instance.demand_id)}
    line |= {"n_scenarios": len(design.failures), "gap_asked": gap, "gap": round(design.gap, 7)}
    line |= {"ours_s": round(wall, 2), "ours_cpu_s": round(cpu, 2), "verify_s": round(time.perf_counter() - start, 2)}
    return design, line


def beside_plain(instance: Instance, gap: float, target_s: float) -> None:
    """Print our time beside the plain cutting plane's."""
    _, line = ours(instance, gap)
    plain_s, plain_gap = plain(instance, gap)
    line |= {"target_s": target_s, "plain_s": round(plain_s, 2), "plain_gap": round(plain_gap, 5)}
    seconds = line["ours_s"]
    assert isinstance(seconds, float)
    line |= {"ratio": round(plain_s / max(seconds, 0.01), 1), "is_ratio_a_lower_bound": plain_gap > gap}
    print(json.dumps(line), flush=True)


def main() -> None:
    """Run from small to large."""
    start = time.perf_counter()
    design_survivable(planar(9, 6, 9, 6))
    print(json.dumps({"bench": "survivable", "network": "first call", "ours_s": round(time.perf_counter() - start, 2)}))
    path = SHARED / "nobel-germany.txt"
    beside_plain(load_instance(path) if path.is_file() else planar(1, 17, 26, 121), 1e-4, 2.0)
    path = SHARED / "nobel-eu.txt"
    beside_plain(load_instance(path) if path.is_file() else planar(1, 28, 41, 378), 1e-4, 10.0)
    for seed in SEEDS:
        if seed == SEEDS[0]:
            beside_plain(planar(seed), 1e-3, 10.0)
        else:
            print(json.dumps(ours(planar(seed), 1e-3)[1] | {"target_s": 10.0}), flush=True)
    if "--quick" in sys.argv[1:]:
        return
    nation = national()
    how: dict[str, object] = {"failures": nation.failures, "unprotected": "report", "time_limit_s": NATION_LIMIT_S}
    print(json.dumps(ours(nation.instance, 1e-2, **how)[1] | {"target_s": NATION_LIMIT_S}))


if __name__ == "__main__":
    main()
