"""The master programme: least cost of capacity that keeps all metric cuts found so far; its duals are the proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import highspy
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

SAFETY = 1e-9  # share by which a stated bound stays below what rounding could reach


@dataclass(frozen=True, slots=True)
class Cut:
    """Sum of ``weight`` times capacity on ``link`` is at least ``right_side``, by ``scenario`` of the core."""

    scenario: int
    link: IntArray
    weight: FloatArray
    right_side: float

    @classmethod
    def scaled(cls, scenario: int, weight: FloatArray, right_side: float) -> Cut | None:
        """Return the cut of (m,) weights as they are, without links of weight zero; ``None`` where it says nothing."""
        link = np.flatnonzero(weight)
        return cls(scenario, link, weight[link], right_side) if link.size and right_side > 0.0 else None


def summed(
    cuts: list[Cut], cost: FloatArray, installed: FloatArray, dual: FloatArray | None = None
) -> tuple[float, list[tuple[Cut, float]]]:
    """Return the bound that cuts prove with their (cuts,) multipliers, and both; 1 where no multipliers are given.

    Multipliers are scaled so that no link is charged more than its cost.
    """
    dual = np.ones(len(cuts)) if dual is None else dual
    charged, gain = np.zeros(len(cost)), 0.0
    used = [(cut, float(y)) for cut, y in zip(cuts, dual, strict=True) if y > 0.0]
    for cut, y in used:
        charged[cut.link] += y * cut.weight
        gain += y * (cut.right_side - float(cut.weight @ installed[cut.link]))
    over = charged > cost
    scale = float(np.min(cost[over] / charged[over], initial=1.0)) * (1.0 - SAFETY)
    return scale * gain, [(cut, scale * y) for cut, y in used]


class Master:
    """Cuts and the linear programme over them."""

    def __init__(self, cost: FloatArray, installed: FloatArray) -> None:
        """Start without cuts."""
        self.cost, self.installed = cost, installed
        self.cuts: list[Cut] = []
        self._idle: list[int] = []
        m = len(cost)
        self._model = highspy.Highs()  # type: ignore[no-untyped-call]  # the library's class has no annotations
        self._model.setOptionValue("output_flag", False)
        self._model.setOptionValue("threads", 1)
        none = np.zeros(0, dtype=np.int32)
        self._model.addCols(
            m, cost, np.zeros(m), np.full(m, highspy.kHighsInf), 0, np.zeros(m, dtype=np.int32), none, np.zeros(0)
        )

    def add(self, scenario: int, weight: FloatArray, right_side: float) -> None:
        """Add a cut with (m,) weights, scaled to a largest weight of one."""
        top = float(weight.max(initial=0.0))
        if top <= 0.0:
            return
        cut = Cut.scaled(scenario, weight / top, right_side / top)
        if cut is None:
            return
        self.cuts.append(cut)
        self._idle.append(0)
        self._model.addRow(
            cut.right_side - float(cut.weight @ self.installed[cut.link]),
            highspy.kHighsInf,
            len(cut.link),
            cut.link.astype(np.int32),
            cut.weight,
        )

    def solve(self, time_limit_s: float | None = None) -> FloatArray:
        """Return (m,) new capacities of the least cost that keeps all cuts, or what the time allowed.

        Multipliers of an unfinished run prove a bound too, a weaker one.
        """
        limit_s = highspy.kHighsInf if time_limit_s is None else self._model.getRunTime() + max(0.0, time_limit_s)
        self._model.setOptionValue("time_limit", limit_s)
        self._model.run()
        solution = self._model.getSolution()
        known = len(solution.row_dual) == len(self.cuts)
        self.dual = np.maximum(0.0, np.array(solution.row_dual)) if known else np.zeros(len(self.cuts))
        return np.array(solution.col_value)

    def proof(self) -> tuple[float, list[tuple[Cut, float]]]:
        """Return the bound that the last solution proves, and the cuts in it with their multipliers."""
        return summed(self.cuts, self.cost, self.installed, self.dual)

    def forget(self, patience: int) -> None:
        """Drop cuts that have not been binding for ``patience`` solutions."""
        self._idle = [0 if dual > 0.0 else idle + 1 for dual, idle in zip(self.dual, self._idle, strict=True)]
        dead = [i for i, idle in enumerate(self._idle) if idle >= patience]
        if dead:
            self._model.deleteRows(len(dead), np.array(dead, dtype=np.int32))
            gone = set(dead)
            self.cuts = [cut for i, cut in enumerate(self.cuts) if i not in gone]
            self._idle = [idle for i, idle in enumerate(self._idle) if i not in gone]
            self.dual = np.delete(self.dual, dead)
