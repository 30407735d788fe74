"""Which sites to build first: as much demand served as k sites can, with a proven bound on what any k sites can.

Every candidate reaches some places and carries no more than its capacity; a place's demand may be shared.  The bound is
the Lagrangian dual of "no place is served beyond its demand", improved by subgradient steps; it equals the bound of the
linear relaxation in the limit.  The choice is greedy, repaired from the dual's own ranking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from rahdari.errors import Problem, raise_if_any
from rahdari.kernels.site_choice import knapsacks, pick_greedily
from rahdari.model.certificate import Certificate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

N_STEPS = 300  # subgradient steps: a count, not a time, so that answers repeat
RANK_EVERY = 25  # steps between two rankings tried as choices
WIDTHS = (1.0, 1.1, 1.3, 1.6)  # candidates allowed over sites to choose, by rank; wider is nearer to plain greed
PATIENCE = 10  # steps without a better bound before the step is halved


@dataclass(frozen=True, slots=True, eq=False)
class SiteChoice:
    """Chosen candidates in rising order, demand served at each place (places,), and the certificate.

    The certificate counts demand left unserved: its cost, and the least that any choice of as many sites leaves.
    """

    chosen: IntArray
    served: FloatArray
    upper_bound: float
    certificate: Certificate


def _checked(reach: csr_array, demand: FloatArray, capacity: FloatArray, n_sites: int) -> None:
    problems = []
    if reach.shape != (capacity.size, demand.size):
        what = f"a reach of {reach.shape} for {capacity.size} candidates and {demand.size} places"
        problems.append(Problem(what, "give one row a candidate and one column a place"))
    if not (np.isfinite(demand).all() and (demand >= 0.0).all()):
        problems.append(Problem("a demand is missing or below 0", "give 0 or more", column="demand"))
    if np.isnan(capacity).any() or (capacity < 0.0).any():
        problems.append(Problem("a capacity is missing or below 0", "give 0 or more, or infinity", column="capacity"))
    if n_sites < 0:
        problems.append(Problem(f"{n_sites} sites", "give 0 or more"))
    raise_if_any(problems)


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """The problem: edges of candidates to places, what places want, what candidates can, how many may be chosen."""

    start: IntArray
    place: IntArray
    demand: FloatArray
    capacity: FloatArray
    n_sites: int


def dual_bound(problem: Choices, target: float, n_steps: int = N_STEPS) -> tuple[float, list[FloatArray]]:
    """Return an upper bound on the demand that so many candidates can serve, and worths of candidates along the way.

    Valid whatever the prices: prices between 0 and 1 charge places for being served, candidates take what pays, and
    the best ``n_sites`` of them are kept.  ``target`` (a known choice) sets the length of steps only.
    """
    demand, capacity = problem.demand, problem.capacity
    price, best, scale, stale = np.zeros(demand.size), np.inf, 1.0, 0
    worth, taken = np.zeros(capacity.size), np.zeros(problem.place.size)
    row = np.repeat(np.arange(capacity.size), np.diff(problem.start))
    rankings: list[FloatArray] = []
    for step in range(n_steps):
        knapsacks(problem.start, problem.place, 1.0 - price, demand, capacity, worth, taken)
        kept = np.argsort(-worth, kind="stable")[: problem.n_sites]
        bound = float(price @ demand + worth[kept].sum())
        stale = 0 if bound < best else stale + 1
        best = min(best, bound)
        if stale == PATIENCE:
            scale, stale = 0.5 * scale, 0
        if step % RANK_EVERY == RANK_EVERY - 1:
            rankings.append(worth.copy())
        is_kept = np.zeros(capacity.size, np.bool_)
        is_kept[kept] = True
        excess = np.bincount(problem.place, np.where(is_kept[row], taken, 0.0), demand.size) - demand
        length = float(excess @ excess)
        if length == 0.0 or best <= target:
            break
        price = np.clip(price + scale * (bound - target) / length * excess, 0.0, 1.0)
    return min(best, float(demand.sum())), rankings


def _greedy(problem: Choices, candidates: IntArray) -> tuple[IntArray, FloatArray]:
    """Return candidates, each the one that serves most of what is left, in rising order, and the demand served."""
    left, chosen = problem.demand.copy(), np.zeros(min(problem.n_sites, candidates.size), np.int64)
    if chosen.size:
        pick_greedily(problem.start, problem.place, left, problem.capacity, candidates, chosen.size, chosen)
    return np.sort(chosen), problem.demand - left


def choose_sites(
    reach: csr_array,
    demand: ArrayLike,
    capacity: ArrayLike,
    n_sites: int,
    *,
    name: str = "city_sites",
    unit: str = "mbps",
) -> SiteChoice:
    """Return ``n_sites`` candidates that serve much of the demand, with a bound on what any as many could serve.

    ``reach`` (candidates, places) is sparse: a stored entry says that the candidate reaches the place.  ``demand``
    (places,) and ``capacity`` (candidates,; infinity for pure coverage) are in the same unit.  Ties go to the lower
    index, so the answer does not hang on chance.
    """
    want, can = np.asarray(demand, np.float64), np.asarray(capacity, np.float64)
    edges = csr_array(reach)
    edges.sum_duplicates()
    _checked(edges, want, can, n_sites)
    start, place = edges.indptr.astype(np.int64), edges.indices.astype(np.int64)
    problem = Choices(start, place, want.copy(), can.copy(), min(n_sites, can.size))
    chosen, served = _greedy(problem, np.arange(can.size))
    bound, rankings = dual_bound(problem, float(served.sum()))
    for worth in rankings:
        order = np.argsort(-worth, kind="stable")
        for width in WIDTHS:
            picked, reached = _greedy(problem, order[: int(width * problem.n_sites)].copy())
            if reached.sum() > served.sum():
                chosen, served = picked, reached
    bound = max(bound, float(served.sum()))
    certificate = Certificate(
        name,
        -float(served.sum()),  # least is best: what is served counts below zero
        -bound,
        unit,
        "greedy choice; Lagrangian dual bound",
        f"served counts below zero: {float(served.sum()):.6g} of at most {bound:.6g} that {n_sites} sites can serve",
    )
    return SiteChoice(chosen, served, bound, certificate)
