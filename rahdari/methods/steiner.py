"""Prize-collecting Steiner forest with a proof: which places to join to fibre, and along which ways."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import InputError, Problem
from rahdari.methods.graph import parts
from rahdari.methods.steiner_instance import canonical, checked
from rahdari.methods.steiner_search import search
from rahdari.model.certificate import Certificate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.steiner_instance import Instance, RawInput
    from rahdari.methods.steiner_search import Found

_METHOD = "dual ascent twice, strong pruning, corridor exchange"
_METHOD_TIMED = f"{_METHOD}, re-ascent and cut LP within the time given"
_NOTE_LOST = "{} mandatory terminals cannot be reached by any way; they count in neither cost nor bound"


@dataclass(frozen=True, slots=True)
class Cuts:
    """The proof of the bound: sets of nodes that must be entered or the terminal's prize be missed.

    Cut ``k`` is the node set ``member[start[k]:stop[k]]``; it holds node ``terminal[k]`` and no source,
    and earns ``amount[k]`` whole units of money.  The bound is the sum of amounts.  It holds because on
    every edge, in each direction, the amounts of the cuts that the edge enters sum to at most its cost,
    and the amounts of each terminal to at most its prize.  Cuts that grow out of one another share members.
    """

    amount: NDArray[np.int64]
    terminal: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    member: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SteinerForest:
    """The ways to build and what proves that they are nearly the cheapest.

    ``edge_index`` (k,): rows of ``edge_node`` that are built; ``unserved``: terminals left out;
    ``certificate``: cost (edges and missed prizes), proven lower bound and gap over the whole;
    ``edge_cost_total``: money spent on edges; ``edge_gap_frac``: the same gap over that spend alone,
    None where nothing is built; ``money_unit``: what one unit of the cuts' amounts is worth.
    """

    edge_index: NDArray[np.int64]
    unserved: NDArray[np.int64]
    certificate: Certificate
    edge_cost_total: float
    edge_gap_frac: float | None
    cuts: Cuts
    money_unit: float

    @property
    def fibre_gap_frac(self) -> float | None:
        """Return the gap over the money spent on edges (fibre), or ``None`` where nothing is built."""
        return self.edge_gap_frac


def _cuts(raw: RawInput, instance: Instance, found: Found) -> Cuts:
    """Name the recorded cuts by the caller's nodes, and add those of terminals out of all reach."""
    has_money = instance.lost_money > 0
    lost = instance.lost[has_money]
    label = parts(raw.n_nodes, raw.edge_node)
    by_part = np.argsort(label, kind="stable")
    begin = np.searchsorted(label[by_part], label[lost], side="left")
    end = np.searchsorted(label[by_part], label[lost], side="right")
    member = instance.node_id[found.member]
    offset = member.size
    return Cuts(
        amount=np.concatenate([found.amount, instance.lost_money[has_money]]),
        terminal=np.concatenate([instance.node_id[found.terminal], lost]),
        start=np.concatenate([found.start, begin + offset]),
        stop=np.concatenate([found.stop, end + offset]),
        member=np.concatenate([member, by_part]) if lost.size else member,
    )


def _forest(raw: RawInput, instance: Instance, found: Found, *, is_timed: bool) -> SteinerForest:
    """Turn what the search found into the caller's terms."""
    edge_index = np.sort(instance.edge_id[np.unique(found.into[found.into >= 0] >> 1)])
    is_served = np.zeros(raw.n_nodes, np.bool_)
    is_served[instance.node_id[found.is_kept]] = True
    is_served[raw.source] = True
    is_missed = ~is_served[raw.terminal]
    spend = math.fsum(raw.edge_cost[edge_index])
    missed = raw.prize[is_missed]
    cost = spend + math.fsum(missed[np.isfinite(missed)])
    cuts = _cuts(raw, instance, found)
    # Amounts are rounded down, cost is not: only the last bits of floats can make the bound the larger.
    bound = min(cost, int(cuts.amount.sum()) / instance.units_per_money)
    n_lost = int(np.isinf(missed).sum())
    certificate = Certificate(
        name="steiner_forest",
        cost=cost,
        lower_bound=bound,
        unit="money",
        method=_METHOD_TIMED if is_timed else _METHOD,
        note=_NOTE_LOST.format(n_lost) if n_lost else "",
    )
    return SteinerForest(
        edge_index=edge_index,
        unserved=np.sort(raw.terminal[is_missed]),
        certificate=certificate,
        edge_cost_total=spend,
        edge_gap_frac=(cost - bound) / spend if spend > 0 else None,
        cuts=cuts,
        money_unit=1.0 / instance.units_per_money,
    )


def steiner_forest(  # noqa: PLR0917 - the order of the arguments is the published interface
    n_nodes: int,
    edge_node: ArrayLike,
    edge_cost: ArrayLike,
    terminal: ArrayLike,
    source: ArrayLike,
    prize: ArrayLike | None = None,
    time_limit_s: float | None = None,
    *,
    seed: int = 0,
) -> SteinerForest:
    """Choose edges that join terminals to sources at the least edge cost plus prizes missed, with a bound.

    ``edge_node`` (m, 2) node numbers 0 to ``n_nodes`` - 1; ``edge_cost`` (m,) money, 0 or more;
    ``terminal`` (t,) nodes to join, each once; ``source`` (s,) nodes that have fibre, one or more;
    ``prize`` (t,) money that missing a terminal costs, inf where it must be joined, None where all must.
    Loops are dropped and of parallel edges the cheapest is taken.  Mandatory terminals that no way
    reaches come back in ``unserved``.  Without ``time_limit_s`` a fixed amount of work is done and the
    answer depends on nothing but the graph and ``seed``; with it the search goes on until the gap is
    closed or the time is over.  Money is counted in whole units, a thousandth of one or of a cent
    where the data are whole in these, else near a 10^-12 of the total.
    Raises :class:`rahdari.errors.InputError` with every bad row.

    >>> found = steiner_forest(4, [[0, 1], [1, 2], [1, 3]], [5.0, 2.0, 9.0], [2, 3], [0], prize=[8.0, 6.0])
    >>> found.edge_index.tolist(), found.unserved.tolist(), found.certificate.cost, found.certificate.gap_frac
    ([0, 1], [3], 13.0, 0.0)
    """
    start = time.monotonic()
    raw = checked(n_nodes, edge_node=edge_node, edge_cost=edge_cost, terminal=terminal, source=source, prize=prize)
    if time_limit_s is not None and not time_limit_s > 0:
        raise InputError(Problem(f"time_limit_s is {time_limit_s}", "give seconds above 0, or None"))
    instance = canonical(raw)
    deadline = None if time_limit_s is None else start + float(time_limit_s)
    found = search(instance, deadline, seed)
    return _forest(raw, instance, found, is_timed=time_limit_s is not None)
