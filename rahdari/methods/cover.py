"""Choose the fewest centres that cover every point, with the proof that fewer cannot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from rahdari.model.certificate import Certificate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

NODE_LIMIT = 500  # branch-and-bound nodes of one round: a count, not a time, so that answers repeat
FIRST_ROWS_COUNT = 100  # points with the fewest centres, which the first round covers
ROWS_PER_ROUND_COUNT = 100  # points added in a round, again those with the fewest centres
_ROUNDING = 1e-6  # below the solver's feasibility tolerance
_HALF = 0.5  # a binary above it is chosen


@dataclass(frozen=True, slots=True)
class Cover:
    """Chosen centres in rising order, points that no centre covers, and the certificate in centres."""

    chosen: IntArray
    uncovered: IntArray
    certificate: Certificate


def greedy_cover(covers: BoolArray) -> IntArray:
    """Return centres that cover all coverable points of (points, centres), each the one that adds most.

    Ties go to the lower index; the number is within ln(points) + 1 of the least (Chvatal 1979).

    >>> greedy_cover(np.array([[True, False], [True, False], [False, True]])).tolist()
    [0, 1]
    """
    left = covers.any(axis=1)
    chosen: list[int] = []
    while left.any():
        best = int(np.argmax(covers[left].sum(axis=0)))
        chosen.append(best)
        left = left & ~covers[:, best]
    return np.sort(np.array(chosen, np.int64))


def _distinct_rows(covers: BoolArray) -> BoolArray:
    """Return the distinct rows, those with the fewest centres first; equal counts keep their bit order."""
    packed = np.unique(np.packbits(covers, axis=1), axis=0)
    rows = np.unpackbits(packed, axis=1, count=covers.shape[1]).astype(np.bool_)
    return np.asarray(rows[np.argsort(rows.sum(axis=1), kind="stable")])


def _solved(rows: BoolArray, cost: FloatArray) -> tuple[IntArray | None, int]:
    """Return the cheapest centres for these rows, or ``None`` where the search stopped, and a bound on their number.

    Costs are one and a share so small that all shares together stay below one: the whole part counts centres.
    """
    n_centres = rows.shape[1]
    result = milp(
        cost,
        constraints=LinearConstraint(csr_array(rows.astype(np.float64)), lb=1.0),
        integrality=np.ones(n_centres, np.int64),
        bounds=Bounds(0.0, 1.0),
        options={"node_limit": NODE_LIMIT, "mip_rel_gap": 0.0},
    )
    dual = getattr(result, "mip_dual_bound", None)
    bound = max(1, math.floor((dual if dual is not None else 0.0) + _ROUNDING))
    chosen = np.flatnonzero(result.x > _HALF).astype(np.int64) if result.status == 0 else None
    return chosen, bound


def least_cover(covers: BoolArray, name: str, weight: FloatArray | None = None) -> Cover:
    """Return the fewest centres that cover every coverable point; among equally few, those of the larger weight.

    ``covers`` (points, centres) says who covers whom; ``weight`` (centres,) is zero or more.  Integer programmes over
    a growing set of points: the answer for some points bounds the answer for all from below, and is that answer once
    it leaves none out.  Where a search stops at its limit, the greedy cover stands with the best bound so far.
    """
    points = covers.any(axis=1)
    uncovered = np.flatnonzero(~points).astype(np.int64)
    chosen, bound = greedy_cover(covers), 0
    n_centres = covers.shape[1]
    weight = np.ones(n_centres) if weight is None else weight
    penalty = 1.0 - weight / max(float(weight.max(initial=0.0)), _ROUNDING)
    cost = 1.0 + penalty / (n_centres + 1.0)
    rows = _distinct_rows(covers[points])
    is_active = np.arange(rows.shape[0]) < FIRST_ROWS_COUNT
    while rows.shape[0]:
        found, new_bound = _solved(rows[is_active], cost)
        bound = max(bound, new_bound)
        if found is None:
            break
        missed = np.flatnonzero(~rows[:, found].any(axis=1))
        if not missed.size:
            chosen = found
            break
        is_active[missed[:ROWS_PER_ROUND_COUNT]] = True
    note = f"{uncovered.size} points lie beyond every candidate" if uncovered.size else "every point is covered"
    certificate = Certificate(name, float(chosen.size), float(bound), "centres", "integer programmes (HiGHS)", note)
    return Cover(chosen, uncovered, certificate)
