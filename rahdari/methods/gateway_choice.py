"""Where gateways should stand: most people served by so many, or the fewest that serve everyone, each with its proof.

A gateway serves a place when the two share a satellite for at least a stated share of the time; see
:func:`rahdari.methods.bent_pipe.common_frac`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from rahdari.errors import Problem, raise_if_any
from rahdari.methods.cover import least_cover
from rahdari.model.certificate import Certificate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    BoolArray = NDArray[np.bool_]
    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

NODE_LIMIT = 2_000  # branch-and-bound nodes: a count, not a time, so that answers repeat
SERVED_FRAC = 0.99  # share of the moments with a common satellite that counts as served
_HALF = 0.5  # a binary above it is chosen
_SAFETY = 1e-7  # relative; far above the solver's tolerance on sums of weights scaled to 1


@dataclass(frozen=True, slots=True, eq=False)
class GatewayChoice:
    """Chosen candidates in rising order, and the (p,) places that they and the gateways already there serve.

    ``gain`` (k,) is what each chosen one adds in the order of greed, ``order`` (k,) that order; ``cured_weight`` the
    weight of the places newly served, ``bound_weight`` the most that any as many candidates could.  The certificate
    counts the weight left unserved.
    """

    chosen: IntArray
    order: IntArray
    gain: FloatArray
    is_served: BoolArray
    cured_weight: float
    bound_weight: float
    certificate: Certificate


def _checked(
    shares: ArrayLike, weight: ArrayLike | None, served_by_now: ArrayLike | None, least_frac: float
) -> tuple[BoolArray, FloatArray, BoolArray]:
    share = np.asarray(shares, np.float64)
    n = share.shape[0] if share.ndim else 0
    worth = np.ones(n) if weight is None else np.asarray(weight, np.float64)
    now = np.zeros(n, np.bool_) if served_by_now is None else np.asarray(served_by_now, np.bool_)
    problems = []
    if share.ndim != 2:  # noqa: PLR2004  # places by candidates
        problems.append(Problem(f"shares of shape {share.shape}", "give one row a place and one column a candidate"))
    if worth.shape != (n,) or now.shape != (n,):
        problems.append(Problem("weights or places served by now do not fit the shares", "give one value a place"))
    if not (np.isfinite(worth) & (worth >= 0.0)).all():
        problems.append(Problem("a weight is missing or below 0", "give people or households", column="weight"))
    if not ((share >= 0.0) & (share <= 1.0)).all():
        problems.append(Problem("a share is missing or beyond 0 to 1", "give shares of the time", column="shares"))
    if not 0.0 < least_frac <= 1.0:
        problems.append(Problem(f"served from {least_frac:g} of the time", "give above 0 to 1", column="least_frac"))
    raise_if_any(problems)
    return np.asarray(share >= least_frac), worth, now


def _patterns(covers: BoolArray, weight: FloatArray) -> tuple[BoolArray, FloatArray]:
    """Return the distinct rows that some candidate covers, and the weight of each: like places are one."""
    packed, inverse = np.unique(np.packbits(covers, axis=1), axis=0, return_inverse=True)
    rows = np.unpackbits(packed, axis=1, count=covers.shape[1]).astype(np.bool_)
    total = np.bincount(inverse.reshape(-1), weight, rows.shape[0])
    keep = rows.any(axis=1) & (total > 0.0)
    return rows[keep], total[keep].astype(np.float64)


def greedy(rows: BoolArray, weight: FloatArray, n_gateways: int) -> tuple[IntArray, FloatArray]:
    """Return candidates one by one, each the one that adds most, and what each adds; ties go to the lower.

    At least 63 % of the most that as many can cover (Nemhauser, Wolsey and Fisher 1978).

    >>> greedy(np.array([[True, False], [True, True], [False, True]]), np.array([1.0, 1.0, 5.0]), 1)[0].tolist()
    [1]
    """
    left, order, gains = weight.copy(), [], []
    for _ in range(min(n_gateways, rows.shape[1])):
        gain = left @ rows
        best = int(np.argmax(gain)) if gain.size else 0
        if not gain.size or gain[best] <= 0.0:
            break
        order.append(best)
        gains.append(float(gain[best]))
        left[rows[:, best]] = 0.0
    return np.array(order, np.int64), np.array(gains)


def _programme(rows: BoolArray, weight: FloatArray, n_gateways: int) -> tuple[IntArray | None, float]:
    """Return the best candidates where the search finds some, and a bound on the weight of any as many.

    Maximum coverage: a pattern is covered at most as far as the candidates that cover it are open.
    """
    n_rows, n = rows.shape
    scale = float(weight.sum())
    place, candidate = np.nonzero(rows)
    entries = np.concatenate([np.ones(n_rows), -np.ones(place.size), np.ones(n)])
    row = np.concatenate([np.arange(n_rows), place, np.full(n, n_rows)])
    column = np.concatenate([np.arange(n_rows), candidate + n_rows, np.arange(n) + n_rows])
    matrix = coo_array((entries, (row, column)), shape=(n_rows + 1, n_rows + n)).tocsr()
    upper = np.concatenate([np.zeros(n_rows), [float(n_gateways)]])
    solve: Any = milp  # its stubs know dense matrices only
    found = solve(
        np.concatenate([-weight / scale, np.zeros(n)]),
        constraints=LinearConstraint(matrix, -np.inf, upper),
        integrality=np.concatenate([np.zeros(n_rows), np.ones(n)]),
        bounds=Bounds(0.0, 1.0),
        options={"node_limit": NODE_LIMIT, "mip_rel_gap": 0.0},
    )
    dual = getattr(found, "mip_dual_bound", None)
    bound = scale if dual is None else min(scale, -float(dual) * scale * (1.0 + _SAFETY))
    chosen = None if found.x is None else np.flatnonzero(found.x[n_rows:] > _HALF).astype(np.int64)
    return chosen, bound


def best_gateways(
    shares: ArrayLike,
    n_gateways: int = 1,
    *,
    weight: ArrayLike | None = None,
    served_by_now: ArrayLike | None = None,
    least_frac: float = SERVED_FRAC,
) -> GatewayChoice:
    """Return the candidates with which most of the unserved weight is served, and a bound on what any could.

    ``shares`` (p, candidates) of the time with a common satellite; ``weight`` (p,) people, by default places count
    alike; ``served_by_now`` (p,) places with a gateway already.  Greedy first, then an integer programme (HiGHS) up to
    a fixed number of nodes; the better answer stands with the best bound.  Raises :class:`InputError`.
    """
    covers, worth, now = _checked(shares, weight, served_by_now, least_frac)
    if n_gateways < 0:
        raise_if_any([Problem(f"{n_gateways} gateways", "give 0 or more", column="n_gateways")])
    rows, total = _patterns(covers & ~now[:, None], worth)
    order, gain = greedy(rows, total, n_gateways)
    bound, method = float(gain.sum()), "greedy"
    if rows.shape[0] and n_gateways > 1:
        found, bound = _programme(rows, total, n_gateways)
        method = "greedy and an integer programme (HiGHS)"
        if found is not None and total[rows[:, found].any(axis=1)].sum() > gain.sum() * (1.0 + _SAFETY):
            order, gain = _in_order(rows, total, found)
    served = now | (covers[:, order].any(axis=1) if order.size else False)
    cured, open_weight = float(worth[served & ~now].sum()), float(worth[~now].sum())
    bound = max(bound, cured)
    note = f"{order.size} of {covers.shape[1]} candidates; served means a common satellite {least_frac:.2%} of the time"
    certificate = Certificate(
        "gateways", open_weight - cured, max(0.0, open_weight - bound), "weight unserved", method, note
    )
    return GatewayChoice(np.sort(order), order, gain, served, cured, bound, certificate)


def _in_order(rows: BoolArray, weight: FloatArray, chosen: IntArray) -> tuple[IntArray, FloatArray]:
    """Return given candidates in the order of greed among themselves, and what each adds."""
    order, gain = greedy(rows[:, chosen], weight, chosen.size)
    return chosen[order], gain


def fewest_gateways(
    shares: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    served_by_now: ArrayLike | None = None,
    least_frac: float = SERVED_FRAC,
) -> GatewayChoice:
    """Return the fewest candidates that serve every place that can be served; arguments as for :func:`best_gateways`.

    The certificate counts gateways; places that no candidate serves stay unserved and are named in its note.
    """
    covers, worth, now = _checked(shares, weight, served_by_now, least_frac)
    left = np.flatnonzero(~now)
    found = least_cover(covers[left], "fewest_gateways")
    rows, total = _patterns(covers[left], worth[left])
    order, gain = _in_order(rows, total, found.chosen)
    # A candidate that only covers places without weight adds nothing in greed but is needed all the same.
    idle = np.setdiff1d(found.chosen, order)
    order, gain = np.concatenate([order, idle]), np.concatenate([gain, np.zeros(idle.size)])
    served = now | (covers[:, order].any(axis=1) if order.size else False)
    cured = float(worth[served & ~now].sum())
    return GatewayChoice(found.chosen, order, gain, served, cured, cured, found.certificate)
