"""Re-check a Steiner forest and its bound from the input alone; shares no code with the solver."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rahdari.methods.steiner import Cuts, SteinerForest

UNIT_SLACK = 1e-5  # units by which rounding a cost to whole units may miss it


def tree_problems(  # noqa: PLR0917 - takes what the solver takes
    n_nodes: int,
    edge_node: np.ndarray,
    edge_cost: np.ndarray,
    terminal: np.ndarray,
    source: np.ndarray,
    prize: np.ndarray | None,
    found: SteinerForest,
) -> list[str]:
    """Say what is wrong with the tree: cycles, loose ends, terminals missed unsaid, a wrong cost."""
    wrong = []
    group = list(range(n_nodes))

    def top(x: int) -> int:
        while group[x] != x:
            group[x] = group[group[x]]
            x = group[x]
        return x

    for node in source:
        group[top(int(node))] = top(int(source[0]))
    for a, b in np.asarray(edge_node).reshape(-1, 2)[found.edge_index]:
        first, second = top(int(a)), top(int(b))
        if first == second:
            wrong.append(f"edge {a}-{b} closes a cycle")
        group[first] = second
    root = top(int(source[0]))
    wrong += [f"edge {e} hangs loose" for e in found.edge_index if top(int(np.asarray(edge_node)[e][0])) != root]
    missed = [int(t) for t in terminal if top(int(t)) != root]
    if sorted(missed) != found.unserved.tolist():
        wrong.append(f"unserved says {found.unserved.tolist()}, the edges say {sorted(missed)}")
    lost = 0.0
    if prize is not None:
        worth = dict(zip(map(int, terminal), map(float, prize), strict=True))
        lost = math.fsum(worth[t] for t in missed if math.isfinite(worth[t]))
    cost = math.fsum(float(edge_cost[e]) for e in found.edge_index) + lost
    if not math.isclose(cost, found.certificate.cost, rel_tol=1e-12, abs_tol=1e-9):
        wrong.append(f"cost is {cost}, not {found.certificate.cost}")
    return wrong


def _entered(n_nodes: int, edge_node: np.ndarray, cuts: Cuts) -> np.ndarray:
    """Return the units charged to each edge in each direction (m, 2): column 1 enters the second node.

    Cuts that share a start hold one another, so that a node at place i of the members is in just
    those cuts of the start that are longer than i.
    """
    charged = np.zeros((len(edge_node), 2), np.int64)
    starts, group = np.unique(cuts.start, return_inverse=True)
    length = np.zeros(starts.size, np.int64)
    np.maximum.at(length, group, cuts.stop - cuts.start)
    base = np.concatenate([[0], np.cumsum(length)])
    # held[base[g] + i]: units of the cuts of group g that hold the member at place i.
    ended = np.zeros(base[-1] + 1, np.int64)
    np.add.at(ended, base[group] + (cuts.stop - cuts.start) - 1, cuts.amount)
    tail_sum = np.cumsum(ended[:-1][::-1])[::-1]
    after = np.append(tail_sum, 0)[base[1:]]
    owner = np.repeat(np.arange(starts.size), length)
    held = tail_sum - after[owner]
    node = cuts.member[np.arange(base[-1]) - base[owner] + starts[owner]]
    key = owner * np.int64(n_nodes) + node
    order = np.argsort(key, kind="stable")
    key, held, owner, node = key[order], held[order], owner[order], node[order]
    assert (np.diff(key) > 0).all(), "a member occurs twice in one set"
    for column in (0, 1):
        by_head = np.argsort(edge_node[:, column], kind="stable")
        first = np.searchsorted(edge_node[by_head, column], node, side="left")
        count = np.searchsorted(edge_node[by_head, column], node, side="right") - first
        row = np.repeat(np.arange(node.size), count)
        edge = by_head[np.arange(row.size) - np.repeat(np.cumsum(count) - count, count) + first[row]]
        other = owner[row] * np.int64(n_nodes) + edge_node[edge, 1 - column]
        place = np.minimum(np.searchsorted(key, other), key.size - 1)
        inside = np.where(key[place] == other, held[place], 0)
        np.add.at(charged[:, column], edge, np.maximum(0, held[row] - inside))
    return charged


def bound_problems(  # noqa: PLR0917 - takes what the solver takes
    n_nodes: int,
    edge_node: np.ndarray,
    edge_cost: np.ndarray,
    terminal: np.ndarray,
    source: np.ndarray,
    prize: np.ndarray | None,
    found: SteinerForest,
) -> list[str]:
    """Say what is wrong with the proof: a cut with a source, an overcharged edge or prize, a wrong sum."""
    wrong, cuts = [], found.cuts
    edge_node = np.asarray(edge_node, np.int64).reshape(-1, 2)
    if cuts.amount.size:
        if (cuts.amount < 0).any():
            wrong.append("an amount is negative")
        is_root = np.isin(cuts.member, source)
        roots_before = np.concatenate([[0], np.cumsum(is_root)])
        if (roots_before[cuts.stop] > roots_before[cuts.start]).any():
            wrong.append("a cut holds a source")
        if (cuts.stop <= cuts.start).any() or (cuts.member[cuts.start] != cuts.terminal).any():
            odd = np.flatnonzero((cuts.stop <= cuts.start) | (cuts.member[cuts.start] != cuts.terminal))
            missing = [k for k in odd if cuts.terminal[k] not in cuts.member[cuts.start[k] : cuts.stop[k]]]
            wrong += [f"cut {k} does not hold its terminal" for k in missing]
        charged = _entered(n_nodes, edge_node, cuts)
        is_over = charged.max(axis=1, initial=0) > np.asarray(edge_cost) / found.money_unit + UNIT_SLACK
        wrong += [f"edge {e} is charged above its cost" for e in np.flatnonzero(is_over)]
        if not np.isin(cuts.terminal, terminal).all():
            wrong.append("a cut is of no terminal")
        if prize is not None:
            claimed = np.zeros(n_nodes, np.int64)
            np.add.at(claimed, cuts.terminal, cuts.amount)
            is_over = claimed[terminal] > np.asarray(prize) / found.money_unit + UNIT_SLACK
            wrong += [f"terminal {t} claims above its prize" for t in np.asarray(terminal)[is_over]]
    total = int(cuts.amount.sum()) * found.money_unit
    stated = found.certificate.lower_bound
    if stated is None or stated > total * (1 + 1e-12) + 1e-9:
        wrong.append(f"the cuts prove {total}, the certificate says {stated}")
    return wrong
