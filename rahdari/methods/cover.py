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
    IntArray = NDArray[np.int64]

TIME_LIMIT_S = 5.0  # a hundred candidates take milliseconds; the bound stands wherever the search stops
_ROUNDING = 1e-6  # below the solver's feasibility tolerance


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


def least_cover(covers: BoolArray, name: str) -> Cover:
    """Return the fewest centres that cover every coverable point.

    ``covers`` (points, centres) says who covers whom.  Points with equal rows count once.  The answer is the integer
    programme's, or the greedy one where that is as small; the lower bound is the solver's, rounded up.
    """
    points = covers.any(axis=1)
    uncovered = np.flatnonzero(~points).astype(np.int64)
    chosen = greedy_cover(covers)
    rows = np.unique(covers[points], axis=0) if points.any() else covers[:0]
    bound = 0
    if rows.shape[0]:
        n_centres = covers.shape[1]
        result = milp(
            np.ones(n_centres),
            constraints=LinearConstraint(csr_array(rows.astype(np.float64)), lb=1.0),
            integrality=np.ones(n_centres),
            bounds=Bounds(0.0, 1.0),
            options={"time_limit": TIME_LIMIT_S},
        )
        dual = getattr(result, "mip_dual_bound", None)
        bound = max(1, math.ceil((dual if dual is not None else 0.0) - _ROUNDING))
        if result.x is not None:
            exact = np.flatnonzero(result.x > 0.5)  # noqa: PLR2004 - a rounded binary
            if exact.size < chosen.size and rows[:, exact].any(axis=1).all():
                chosen = exact.astype(np.int64)
    note = f"{uncovered.size} points lie beyond every candidate" if uncovered.size else "every point is covered"
    certificate = Certificate(name, float(chosen.size), float(bound), "centres", "integer programme (HiGHS)", note)
    return Cover(chosen, uncovered, certificate)
