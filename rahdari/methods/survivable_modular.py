"""Whole modules instead of continuous capacity: integer programmes over the metric cuts, rounded where they fall short.

The bound is the larger of the continuous one at each link's cheapest unit and the integer programme's over all cuts.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import highspy
import numpy as np
import polars as pl

from rahdari.errors import Problem, raise_if_any
from rahdari.model.certificate import Certificate

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from rahdari.methods.instance import Instance
    from rahdari.methods.survivable_model import Design

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

DEFAULT_MIP_S = 60.0  # the integer programme may take this long where no limit is given
PROGRAMME_FRAC = 0.5  # of the time left: the rest is for closing the programme's shortfall
ROUNDING = 1e-9  # share of a module that a need may exceed it without another being bought
SAFETY = 1e-9  # share by which the bound stays below what rounding could reach


def checked_modules(instance: Instance) -> None:
    """Raise InputError for every link without usable modules."""
    problems = []
    for i, name in enumerate(instance.link_id):
        size = instance.link_module_capacity[i] if i < len(instance.link_module_capacity) else np.zeros(0)
        if not len(size) or not (np.asarray(size) > 0.0).all():
            problems.append(Problem(f"link {name!r} has no modules of a capacity above zero", "add modules", row=i + 1))
    raise_if_any(problems)


def cheapest_unit(instance: Instance) -> Instance:
    """Return the instance with each link's unit at the price of its cheapest module: never dearer than modules."""
    unit = [
        float(np.min(np.asarray(cost) / np.asarray(size)))
        for size, cost in zip(instance.link_module_capacity, instance.link_module_cost, strict=True)
    ]
    return replace(instance, link_unit_cost=np.array(unit))


def _covered(size: FloatArray, cost: FloatArray, need: float) -> IntArray:
    """Return the cheapest counts of modules that hold ``need``, by whole multiples of each and one rest."""
    best, chosen = np.inf, np.zeros(len(size), dtype=np.int64)
    if need <= 0.0:
        return chosen
    order = np.argsort(cost / size, kind="stable")
    for main in order.tolist():
        for count in (int(np.floor(need / size[main])), int(np.ceil(need / size[main] - ROUNDING))):
            rest = need - count * size[main]
            counts = np.zeros(len(size), dtype=np.int64)
            counts[main] = count
            if rest > ROUNDING * size[main]:
                fit = np.ceil(rest / size - ROUNDING) * cost
                other = int(np.argmin(fit))
                counts[other] += int(np.ceil(rest / size[other] - ROUNDING))
            price = float(counts @ cost)
            if price < best:
                best, chosen = price, counts
    return chosen


def rounded_up(instance: Instance, need: FloatArray) -> list[IntArray]:
    """Return counts of modules a link that hold (m,) new capacities."""
    return [
        _covered(np.asarray(size, dtype=np.float64), np.asarray(cost, dtype=np.float64), float(units))
        for size, cost, units in zip(instance.link_module_capacity, instance.link_module_cost, need, strict=True)
    ]


def _integer_bound(instance: Instance, design: Design, deadline: float, gap: float) -> tuple[float, FloatArray]:
    """Return the bound of the integer programme over a design's cuts, and the (m,) capacities it chose."""
    number = {name: i for i, name in enumerate(instance.link_id)}
    size = [np.asarray(part, dtype=np.float64) for part in instance.link_module_capacity]
    first = np.concatenate([[0], np.cumsum([len(part) for part in size])]).astype(np.int64)
    flat, cost = np.concatenate(size), np.concatenate([np.asarray(part) for part in instance.link_module_cost])
    model = highspy.Highs()  # type: ignore[no-untyped-call]  # the library's class has no annotations
    model.setOptionValue("output_flag", False)
    model.setOptionValue("threads", 1)
    model.setOptionValue("mip_rel_gap", gap)
    model.setOptionValue("time_limit", max(1.0, deadline - time.monotonic()))
    n, none = flat.size, np.zeros(0, dtype=np.int32)
    model.addCols(
        n, cost, np.zeros(n), np.full(n, highspy.kHighsInf), 0, np.zeros(n, dtype=np.int32), none, np.zeros(0)
    )
    model.changeColsIntegrality(
        n, np.arange(n, dtype=np.int32), np.full(n, int(highspy.HighsVarType.kInteger), dtype=np.uint8)
    )
    for cut in design.cuts:
        links = np.array([number[name] for name in cut.weight], dtype=np.int64)
        weight = np.array(list(cut.weight.values()))
        columns = np.concatenate([np.arange(first[i], first[i + 1]) for i in links])
        values = np.repeat(weight, first[links + 1] - first[links]) * flat[columns]
        right = cut.right_side - float(weight @ instance.link_installed[links])
        model.addRow(right * (1.0 - SAFETY), highspy.kHighsInf, columns.size, columns.astype(np.int32), values)
    model.run()
    counts = np.round(np.array(model.getSolution().col_value)) if model.getSolution().value_valid else np.zeros(n)
    return float(model.getInfo().mip_dual_bound), np.add.reduceat(counts * flat, first[:-1])


def as_modular(
    instance: Instance,
    continuous: Design,
    redesign: Callable[[Instance], Design] | None,
    gap: float,
    deadline: float | None,
) -> Design:
    """Return the modular design made from a continuous one at the cheapest units.

    ``redesign`` designs an instance whose installed capacity grew by the integer programme's choice: what it adds
    closes the programme's shortfall.  ``None`` leaves that out (1+1, where no cuts are known).
    """
    now = time.monotonic()
    until = now + (DEFAULT_MIP_S if deadline is None else PROGRAMME_FRAC * (deadline - now))
    units = continuous.capacity["units"].to_numpy()
    candidates = [rounded_up(instance, units - instance.link_installed)]
    routings = [continuous.routing]
    bound = continuous.lower_bound
    if redesign is not None and continuous.cuts:
        proven, chosen = _integer_bound(instance, continuous, until, gap)
        bound = max(bound, proven * (1.0 - SAFETY)) if np.isfinite(proven) else bound
        grown = redesign(replace(instance, link_installed=instance.link_installed + chosen))
        need = grown.capacity["units"].to_numpy() - instance.link_installed
        candidates.append(rounded_up(instance, need))
        routings.append(grown.routing)
    costs = [
        sum(float(count @ np.asarray(cost)) for count, cost in zip(counts, instance.link_module_cost, strict=True))
        for counts in candidates
    ]
    best = int(np.argmin(costs))
    # Rounded up, the capacity still holds the flows that it was rounded from.
    shown = replace(continuous, routing=routings[best])
    return _modular_design(instance, shown, candidates[best], costs[best], bound)


def _modular_design(
    instance: Instance, continuous: Design, counts: list[IntArray], cost: float, bound: float
) -> Design:
    """Return the design that buys ``counts`` of modules."""
    new = np.array(
        [float(count @ np.asarray(size)) for count, size in zip(counts, instance.link_module_capacity, strict=True)]
    )
    rows = [
        (instance.link_id[i], j, int(count))
        for i, link_counts in enumerate(counts)
        for j, count in enumerate(link_counts.tolist())
        if count
    ]
    modules = pl.DataFrame(rows, schema={"link_id": pl.String, "module": pl.Int64, "count": pl.Int64}, orient="row")
    table = pl.DataFrame({"link_id": instance.link_id, "units": instance.link_installed + new, "new_units": new})
    bound = min(cost, bound)
    return replace(
        continuous,
        capacity=table,
        cost=cost,
        lower_bound=bound,
        modules=modules,
        certificate=Certificate(
            f"modular capacity of {instance.name}", cost, bound, "cost", "integer programme over metric cuts (HiGHS)"
        ),
    )
