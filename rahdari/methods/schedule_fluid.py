"""The linear programme over classes of packages that gives the prices of crews, money and material.

Packages of a district and kind form a class, and classes are built in any amounts month by month within crews, money
and material.  Its prices only guide: the bound is proved package by package (:mod:`rahdari.methods.schedule_ascent`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np
from scipy.sparse import coo_array

from rahdari.methods.schedule_ascent import Prices
from rahdari.methods.schedule_case import MILLI

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rahdari.methods.schedule_case import Case
    from rahdari.methods.schedule_model import Packages

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]
    Entries = list[tuple[IntArray, IntArray, FloatArray]]

MOST_BUCKETS = 72  # of time: six years of months
TINY = 1e-12
#: An interior point near the optimum is enough for prices; measured on a nation's programme without presolve, a third
#: of the time of a full solution.
SOLVER = {
    "output_flag": False, "threads": 1, "solver": "ipm", "run_crossover": "off", "presolve": "off",
    "ipm_optimality_tolerance": 1e-3,
}  # fmt: skip


def classes_of(case: Case, packages: Packages, most: int) -> IntArray:
    """Return (movable,) the class of each package: itself where there are few, else district and kind.

    Where these are too many, kind and the pool that it asks most of, or that pool alone.  What room is left cuts
    classes by value for work.
    """
    n = case.movable.size
    if n <= most:
        return np.arange(n)
    share = case.demand / np.maximum((case.demand * case.duration[:, None]).sum(axis=0), 1)
    main = share.argmax(axis=1)
    rows = [(packages.district[i], packages.kind[i], int(main[i])) for i in case.movable.tolist()]
    choices: list[list[Any]] = [[row[:2] for row in rows], [row[1:] for row in rows], [row[2] for row in rows], [0] * n]
    keys = next(keys for keys in choices if len(set(keys)) <= most)
    number = {key: i for i, key in enumerate(sorted(set(keys)))}
    group = np.array([number[key] for key in keys], np.int64)
    work = (case.duration[:, None] * case.demand).sum(axis=1)[case.movable]
    order = np.lexsort((case.value[case.movable] / np.maximum(work, 1), group))
    first = np.searchsorted(group[order], np.arange(len(number) + 1))
    slices = max(1, most // len(number))
    result = np.empty(n, np.int64)
    for g in range(len(number)):
        members = order[first[g] : first[g + 1]]
        result[members] = g * slices + np.arange(members.size) * min(slices, members.size) // members.size
    return np.asarray(np.unique(result, return_inverse=True)[1], np.int64)


def _mean(values: NDArray[Any], group: IntArray, count: FloatArray) -> FloatArray:
    """Return (classes, …) means of (n, …) values."""
    flat = np.asarray(values, np.float64).reshape(len(values), -1)
    summed = [np.bincount(group, flat[:, j], minlength=count.size) / count for j in range(flat.shape[1])]
    return np.stack(summed, axis=1) if summed else np.zeros((count.size, 0))


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """A class started in a bucket of time: class and bucket (columns,), the middle of the start, means of classes."""

    group: IntArray
    bucket: IntArray
    middle: FloatArray
    duration: FloatArray
    work: FloatArray
    money: FloatArray
    use: FloatArray
    at: IntArray
    size: int


def _columns(case: Case, group: IntArray, count: FloatArray) -> tuple[_Columns, FloatArray]:
    """Return the columns and their costs."""
    size = -(-case.horizon // MOST_BUCKETS)
    at = np.arange(-(-case.horizon // size)) * size
    rows = case.movable
    value, duration = (_mean(part[rows], group, count)[:, 0] for part in (case.value, case.duration))
    work = _mean(case.demand[rows] * case.duration[rows, None] / MILLI, group, count)
    head = np.full(count.size, case.horizon)
    np.minimum.at(head, group, case.head[rows])
    opens = case.opens[case.window[rows]][np.unique(group, return_index=True)[1]]
    ends = np.minimum(at + size, case.horizon)
    fits = (opens[:, at] < ends) & (ends > head[:, None]) & (at + np.floor(duration)[:, None] <= case.horizon)
    g, b = np.nonzero(fits)
    middle = np.asarray(at[b] + (size - 1) / 2.0, np.float64)
    cost = value[g] * (np.minimum(middle + duration[g], case.horizon) - case.horizon)
    money, use = (_mean(part[rows], group, count) for part in (case.cost, case.use))
    return _Columns(g, b, middle, duration, work, money, use, at, size), cost


def _crew_entries(columns: _Columns, row: int) -> Entries:
    """Return the rows of crews: work spreads evenly over the buckets that it touches."""
    entries: Entries = []
    length, n = columns.duration[columns.group], columns.at.size
    steps = int(np.ceil((columns.duration.max(initial=1.0) + columns.size) / columns.size)) + 1
    for step in range(steps):
        low = (columns.bucket + step) * columns.size
        end = np.minimum(columns.middle + length, low + columns.size)
        share = np.clip(end - np.maximum(columns.middle, low), 0.0, None) / np.maximum(length, TINY)
        for k in range(columns.work.shape[1]):
            held = share * columns.work[columns.group, k]
            at = np.flatnonzero((held > 0.0) & (columns.bucket + step < n))
            entries.append((row + k * n + columns.bucket[at] + step, at, held[at]))
    return entries


def _money_entries(columns: _Columns, case: Case, row: int) -> Entries:
    year = case.year[columns.at[columns.bucket]]
    price = columns.money[columns.group, np.maximum(year, 0)] if case.left.size else np.zeros(year.size)
    entries: Entries = []
    for y in range(case.left.size):
        share = np.where(year >= 0, case.chain[y, year] * price, 0.0)
        at = np.flatnonzero(share > 0.0)
        entries.append((np.full(at.size, row + y), at, share[at]))
    return entries


def _stock_entries(columns: _Columns, row: int) -> Entries:
    """Return the rows of material: what a bucket draws and leaves to the next is what came and what was left to it.

    What is left are columns of their own, after those of the packages.
    """
    entries: Entries = []
    n, n_packages = columns.at.size, columns.group.size
    for m in range(columns.use.shape[1]):
        units = columns.use[columns.group, m]
        at = np.flatnonzero(units > 0.0)
        left = n_packages + m * n + np.arange(n)
        rows = row + m * n + np.arange(n)
        entries += [(row + m * n + columns.bucket[at], at, units[at]), (rows, left, np.ones(n))]
        entries.append((rows[1:], left[:-1], -np.ones(n - 1)))
    return entries


def _duals(matrix: Any, cost: FloatArray, right: FloatArray) -> FloatArray:  # noqa: ANN401  # sparse
    """Return (rows,) prices of zero or more; an interior solution will do, as the bound does not rest on it."""
    model: Any = highspy.Highs()  # type: ignore[no-untyped-call]  # the library's class has no annotations
    for name, setting in SOLVER.items():
        model.setOptionValue(name, setting)
    m, n = matrix.shape
    lp: Any = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = n, m
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, np.zeros(n), np.full(n, highspy.kHighsInf)
    lp.row_lower_, lp.row_upper_ = np.full(m, -highspy.kHighsInf), right
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = matrix.data
    model.passModel(lp)
    model.run()
    solution = model.getSolution()
    dual = -np.array(solution.row_dual) if solution.dual_valid else np.zeros(m)
    return np.maximum(np.where(np.isfinite(dual), dual, 0.0), 0.0)


def fluid_prices(case: Case, packages: Packages, most_variables: int) -> tuple[Prices, int, int]:
    """Return the prices of the linear programme over classes, and its numbers of classes and of variables."""
    k, years, n_materials = case.free.shape[1], case.left.size, case.use.shape[1]
    none = Prices(np.zeros(case.free.shape), np.zeros(years), np.zeros(case.stock.shape), np.zeros(case.after.size))
    if not case.movable.size:
        return none, 0, 0
    size = -(-case.horizon // MOST_BUCKETS)
    group = classes_of(case, packages, max(1, most_variables // -(-case.horizon // size)))
    count = np.bincount(group).astype(np.float64)
    columns, cost = _columns(case, group, count)
    n, first = columns.at.size, count.size
    if not cost.size:
        return none, first, 0
    entries: Entries = [(columns.group, np.arange(columns.group.size), np.ones(columns.group.size))]
    entries += _crew_entries(columns, first) + _money_entries(columns, case, first + k * n)
    entries += _stock_entries(columns, first + k * n + years)
    ends = np.minimum(columns.at + size, case.horizon) - 1
    crews = np.add.reduceat(case.free / MILLI, columns.at, axis=0).T.ravel()
    come = np.maximum(np.diff(case.stock[:, ends], axis=1, prepend=0.0), 0.0)
    right = np.concatenate([count, crews, case.left, come.ravel()])
    cost = np.concatenate([cost, np.zeros(n_materials * n)])
    row, column, share = (np.concatenate(part) for part in zip(*entries, strict=True))
    dual = _duals(coo_array((share, (row, column)), (right.size, cost.size)).tocsr(), cost, right)
    spread = np.repeat(dual[first : first + k * n].reshape(k, n).T, size, axis=0)[: case.horizon]
    stock = np.zeros((n_materials, case.horizon))
    drawn = np.concatenate([dual[first + k * n + years :].reshape(n_materials, n), np.zeros((n_materials, 1))], axis=1)
    stock[:, ends] = np.maximum(-np.diff(drawn, axis=1), 0.0)
    left = dual[first + k * n : first + k * n + years]
    return Prices(np.ascontiguousarray(spread), left, stock, none.link), first, cost.size
