"""Check the input of the Steiner forest and bring it into one canonical, integer form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.graph import Rows, compressed_rows, parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

_ROWS_SHOWN = 20  # problems listed one by one; the rest are counted
_PER_MONEY = (1, 100)  # whole money and cents are exact where the data are
_FINER = 1000  # a bound loses up to a unit at each cut: make units small
_EXACT_UNITS = 1e-6  # values this near to a whole number of units are taken as exact
_TOTAL_LIMIT = 10**12  # units in the sum of all money: a unit is then below the noise of any cost
_BOUND_LIMIT = 1 << 61  # sums of prizes stay below this in int64


@dataclass(frozen=True, slots=True)
class RawInput:
    """What the caller gave, as arrays of one type each; a mandatory terminal has the prize inf."""

    n_nodes: int
    edge_node: NDArray[np.int64]
    edge_cost: NDArray[np.float64]
    terminal: NDArray[np.int64]
    source: NDArray[np.int64]
    prize: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Instance:
    """The part of the graph that the root can reach: node 0 is all sources taken as one.

    ``weight`` (m,) and ``prize`` (n,) are whole units, ``units_per_money`` to one; mandatory terminals carry a prize
    above the sum of all weights.  ``node_id`` (n,) and ``edge_id`` (m,) lead back to the input;
    ``lost`` lists terminals that no way joins to a source, ``lost_money`` their finite prizes.
    """

    rows: Rows
    weight: NDArray[np.int64]
    prize: NDArray[np.int64]
    is_mandatory: NDArray[np.bool_]
    node_id: NDArray[np.int64]
    edge_id: NDArray[np.int64]
    lost: NDArray[np.int64]
    lost_money: NDArray[np.int64]
    units_per_money: float

    @property
    def n_nodes(self) -> int:
        """Return the number of nodes, the root among them."""
        return int(self.prize.size)


def _row_problems(
    name: str, value: NDArray[np.generic], is_bad: NDArray[np.bool_], what: str, cure: str
) -> list[Problem]:
    """List the first bad rows of one argument and count the rest."""
    bad = np.flatnonzero(is_bad)
    rows = [Problem(f"{name} {value[i]} {what}", cure, row=int(i) + 1, column=name) for i in bad[:_ROWS_SHOWN]]
    if bad.size > _ROWS_SHOWN:
        rows.append(Problem(f"{bad.size - _ROWS_SHOWN} more rows of {name} are wrong: {what}", cure, column=name))
    return rows


def _array(
    name: str, value: ArrayLike, is_shape: Callable[[NDArray[np.generic]], bool], shape: str
) -> tuple[NDArray[np.float64] | None, list[Problem]]:
    """Return ``value`` as float64, or what is wrong with it."""
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        return None, [Problem(f"{name} is not numeric ({error})", f"give numbers of shape {shape}", column=name)]
    if array.size == 0:
        array = array.reshape((0, 2) if shape == "(m, 2)" else (0,))
    if not is_shape(array):
        return None, [Problem(f"{name} has shape {array.shape}", f"give shape {shape}", column=name)]
    return array, []


def _node_problems(name: str, node: NDArray[np.float64], n_nodes: int) -> list[Problem]:
    """List the values that are not node numbers."""
    flat = node[:, None] if node.ndim == 1 else node
    is_bad = ~((flat >= 0) & (flat < n_nodes) & (flat == np.floor(flat))).all(axis=1)
    return _row_problems(name, node, is_bad, f"is not a node 0 to {n_nodes - 1}", "number nodes from 0 to n_nodes - 1")


def checked(
    n_nodes: object,
    *,
    edge_node: ArrayLike,
    edge_cost: ArrayLike,
    terminal: ArrayLike,
    source: ArrayLike,
    prize: ArrayLike | None,
) -> RawInput:
    """Return the input as arrays, or raise :class:`InputError` with all that is wrong."""
    if isinstance(n_nodes, bool) or not isinstance(n_nodes, int | np.integer) or n_nodes < 1:
        raise InputError(Problem(f"n_nodes is {n_nodes!r}", "give the number of nodes, 1 or more"))
    pairs, problems = _array("edge_node", edge_node, lambda a: a.shape[1:] == (2,), "(m, 2)")
    columns: dict[str, NDArray[np.float64]] = {}
    for name, value in (("edge_cost", edge_cost), ("terminal", terminal), ("source", source), ("prize", prize)):
        if value is not None:
            array, wrong = _array(name, value, lambda a: a.ndim == 1, "(one value a row)")
            problems += wrong
            if array is not None:
                columns[name] = array
    raise_if_any(problems)
    assert pairs is not None  # noqa: S101 - raised above
    cost, ends, roots = columns["edge_cost"], columns["terminal"], columns["source"]
    worth = columns.get("prize", np.full(ends.size, math.inf))
    for name, node in (("edge_node", pairs), ("terminal", ends), ("source", roots)):
        problems += _node_problems(name, node, int(n_nodes))
    if roots.size == 0:
        problems.append(Problem("source is empty", "name at least one node that has fibre", column="source"))
    for name, size, other in (("edge_cost", cost.size, pairs.shape[0]), ("prize", worth.size, ends.size)):
        if size != other:
            problems.append(Problem(f"{name} has {size} rows, {other} are needed", "give one value a row", column=name))
    problems += _row_problems("edge_cost", cost, ~((cost >= 0) & np.isfinite(cost)), "is no cost", "give 0 or more")
    problems += _row_problems("prize", worth, ~(worth >= 0), "is no prize", "give 0 or more, inf where mandatory")
    _, first = np.unique(ends, return_index=True)
    is_again = np.ones(ends.size, np.bool_)
    is_again[first] = False
    problems += _row_problems("terminal", ends, is_again, "occurs twice", "sum the prizes and name the node once")
    raise_if_any(problems)
    return RawInput(int(n_nodes), pairs.astype(np.int64), cost, ends.astype(np.int64), roots.astype(np.int64), worth)


def _units_per_money(values: NDArray[np.float64]) -> float:
    """Return how many units one of money is: a thousand or a hundred thousand where the data are whole or cents."""
    total = float(values.sum())
    for per_money in _PER_MONEY:
        scaled = values * per_money
        if total * per_money * _FINER <= _TOTAL_LIMIT and np.all(np.abs(scaled - np.rint(scaled)) <= _EXACT_UNITS):
            return float(per_money * _FINER)
    return float(10.0 ** math.floor(math.log10(_TOTAL_LIMIT / total))) if total > 0 else 1.0


def in_units(values: NDArray[np.float64], per_money: float) -> NDArray[np.int64]:
    """Return whole units, rounded down so that a bound in units is a bound in money."""
    scaled = values * per_money
    near = np.rint(scaled)
    return np.where(np.abs(scaled - near) <= _EXACT_UNITS, near, np.floor(scaled)).astype(np.int64)


def canonical(raw: RawInput) -> Instance:
    """Merge sources, drop loops and dearer parallels, cut off what no source reaches, and number afresh.

    Nodes keep the order of their ids and edges go by their ends, so that the order in which edges
    and terminals were given leaves no trace.
    """
    is_source = np.zeros(raw.n_nodes, np.bool_)
    is_source[raw.source] = True
    number = np.where(is_source, 0, np.cumsum(~is_source))
    node_id = np.concatenate([raw.source[:1], np.flatnonzero(~is_source)])
    node_id[0] = raw.source.min()
    ends = np.sort(number[raw.edge_node], axis=1)
    order = np.lexsort((np.arange(raw.edge_cost.size), raw.edge_cost, ends[:, 1], ends[:, 0]))
    ends_sorted = ends[order]
    is_first = np.ones(order.size, np.bool_)
    is_first[1:] = (ends_sorted[1:] != ends_sorted[:-1]).any(axis=1)
    edge_id = order[is_first & (ends_sorted[:, 0] != ends_sorted[:, 1])]
    label = parts(node_id.size, ends[edge_id])
    is_near = label == label[0]
    renumber = np.cumsum(is_near) - 1
    edge_id = edge_id[is_near[ends[edge_id, 0]]]
    per_money = _units_per_money(np.concatenate([raw.edge_cost[edge_id], raw.prize[np.isfinite(raw.prize)]]))
    weight = in_units(raw.edge_cost[edge_id], per_money)
    edges = (weight, renumber[ends[edge_id]], edge_id)
    return _assembled(raw, per_money, edges, (number, is_near, renumber, node_id))


def _assembled(
    raw: RawInput,
    per_money: float,
    edges: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    naming: tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]],
) -> Instance:
    """Place the terminals on the numbered graph."""
    weight, ends, edge_id = edges
    number, is_near, renumber, node_id = naming
    n = int(is_near.sum())
    at = number[raw.terminal]
    is_here, is_must = is_near[at] & (at != 0), np.isinf(raw.prize)
    finite = in_units(np.where(is_must, 0.0, raw.prize), per_money)
    must_prize = int(weight.sum()) + 1
    if must_prize * max(1, int(is_must.sum())) + int(finite.sum()) > _BOUND_LIMIT:
        raise InputError(Problem("the sum of costs times mandatory terminals is too large", "split the graph"))
    prize, is_mandatory = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    prize[renumber[at[is_here]]] = np.where(is_must, must_prize, finite)[is_here]
    is_mandatory[renumber[at[is_here]]] = is_must[is_here]
    is_lost = ~is_near[at]
    lost = np.argsort(raw.terminal[is_lost], kind="stable")
    return Instance(
        rows=compressed_rows(n, ends),
        weight=weight,
        prize=prize,
        is_mandatory=is_mandatory,
        node_id=node_id[is_near],
        edge_id=edge_id,
        lost=raw.terminal[is_lost][lost],
        lost_money=np.where(is_must, 0, finite)[is_lost][lost],
        units_per_money=per_money,
    )
