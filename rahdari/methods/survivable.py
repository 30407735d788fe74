"""Capacity of least cost that survives every failure given, with the proof beside it.

The problem: links with a cost a unit, demands that may be split over any ways, and states of failure in each of which
a share of every demand must still find a way (restoration: each state may route anew).  A capacity serves a state
exactly if it keeps all metric inequalities (Iri 1971, Onaga and Kakusho 1971); those found prove the lower bound.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.methods.instance import as_instance
from rahdari.methods.survivable_blocks import as_core, cut_into_blocks
from rahdari.methods.survivable_build import Assembly
from rahdari.methods.survivable_model import Design, DesignViolation, Failure, MetricCut, Routing
from rahdari.methods.survivable_modular import as_modular, cheapest_unit, checked_modules
from rahdari.methods.survivable_order import as_given, in_order
from rahdari.methods.survivable_pairs import assemble_pairs
from rahdari.methods.survivable_scenarios import as_failures, checked_instance, resolve
from rahdari.methods.survivable_search import solve_core
from rahdari.methods.survivable_verify import verify_design
from rahdari.model.certificate import Certificate

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from rahdari.methods.instance import HoldsInstance, Instance
    from rahdari.methods.survivable_scenarios import States

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

__all__ = ["Design", "DesignViolation", "Failure", "MetricCut", "Routing", "design_survivable", "verify_design"]


MODULAR_FIRST_FRAC = 0.5  # of the time: for the continuous design that a modular one starts from


def design_survivable(
    instance: Instance | HoldsInstance,
    failures: str | Sequence[Failure | Collection[str] | tuple[Collection[str], float]] = "links",
    protection: str = "restoration",
    gap: float = 1e-3,
    time_limit_s: float | None = None,
    *,
    modular: bool = False,
    unprotected: str = "error",
) -> Design:
    """Return capacities of least cost that survive every failure.

    ``failures``: "links" (each link alone), "none", or a list of :class:`Failure`, of collections of link ids that
    fail together, or of pairs (link ids, share of each demand that must survive).  The state without failure carries
    everything.  ``protection``: "restoration" (every state routes anew) or "1+1" (each demand holds two link-disjoint
    ways; for single links only).  Stops at the relative ``gap`` between cost and lower bound, or at ``time_limit_s``
    with the gap reached by then.  ``modular`` buys whole modules.  ``unprotected``: what happens where a failure cuts
    a demand off, as the loss of any bridge does: "error", or "report" it in ``Design.cut_off`` and carry the rest.

    Raises InputError for unusable numbers, unknown ids, and targets that no capacity meets, with demand and failure.
    """
    _check_options(protection, gap, time_limit_s, unprotected)
    instance = as_instance(instance)
    deadline = None if time_limit_s is None else time.monotonic() + time_limit_s
    checked_instance(instance)
    if protection == "1+1" and failures != "links":
        raise InputError(Problem("1+1 protects against single links only", "give failures='links' or restoration"))
    given, instance = instance, in_order(instance)
    resolved = resolve(instance, as_failures(instance, failures), unprotected)
    if not modular:
        return as_given(given, design_continuous(instance, resolved, protection, gap, deadline))
    checked_modules(instance)
    unit = cheapest_unit(instance)
    now = time.monotonic()
    half = None if deadline is None else now + MODULAR_FIRST_FRAC * (deadline - now)
    continuous = design_continuous(unit, resolved, protection, gap, half)

    def redesign(grown: Instance) -> Design:
        return design_continuous(grown, resolved, protection, gap, deadline)

    return as_given(
        given, as_modular(unit, continuous, redesign if protection == "restoration" else None, gap, deadline)
    )


def _check_options(protection: str, gap: float, time_limit_s: float | None, unprotected: str) -> None:
    """Raise InputError for options that mean nothing."""
    if protection not in {"restoration", "1+1"}:
        raise InputError(Problem(f"protection {protection!r} is not known", "give 'restoration' or '1+1'"))
    if unprotected not in {"error", "report"}:
        raise InputError(Problem(f"unprotected {unprotected!r} is not known", "give 'error' or 'report'"))
    if not gap > 0.0:
        raise InputError(Problem(f"gap is {gap}", "give a number above zero"))
    if time_limit_s is not None and not time_limit_s > 0.0:
        raise InputError(Problem(f"time_limit_s is {time_limit_s}", "give seconds above zero"))


def capacity_table(instance: Instance, capacity: FloatArray) -> pl.DataFrame:
    """Return link_id, units and new_units of all links, in the instance's order."""
    return pl.DataFrame(
        {"link_id": instance.link_id, "units": capacity, "new_units": capacity - instance.link_installed},
        schema={"link_id": pl.String, "units": pl.Float64, "new_units": pl.Float64},
    )


def design_continuous(
    instance: Instance, states: States, protection: str, gap: float, deadline: float | None
) -> Design:
    """Return the continuous design, block by block."""
    if protection == "1+1":
        assembly, chains = assemble_pairs(instance, states)
        method = "cheapest disjoint pairs, bound by node potentials"
    else:
        assembly, chains = _assemble(instance, states, gap, deadline)
        method = "metric inequalities by the method of multipliers (HiGHS weighs them)"
    cost = float(instance.link_unit_cost @ (assembly.capacity - instance.link_installed))
    bound = min(cost, assembly.bound)
    note = f"{len(states.link) - 1} failures, {len(states.cut_off)} demands cut off, {len(assembly.cuts)} cuts"
    return Design(
        name=instance.name,
        protection=protection,
        failures=states.failures,
        capacity=capacity_table(instance, assembly.capacity),
        cost=cost,
        lower_bound=bound,
        certificate=Certificate(f"survivable capacity of {instance.name}", cost, bound, "cost", method, note),
        cuts=tuple(assembly.cuts),
        cut_off=states.cut_off,
        routing=assembly.routing(chains),
    )


def _assemble(
    instance: Instance, states: States, gap: float, deadline: float | None
) -> tuple[Assembly, tuple[IntArray, ...]]:
    """Return the capacities of restoration, and each demand's sections."""
    blocks, chains = cut_into_blocks(instance, states)
    assembly = Assembly.start(instance, states)
    left = sum(block.link.size for block in blocks if block.link.size > 1)
    # Blocks share the time that is left by their links; the largest comes last and has what the others spared.
    for block in sorted(blocks, key=lambda block: block.link.size):
        if block.link.size == 1:
            assembly.add_bridge(block)
            continue
        core = as_core(instance, block, states)
        now = time.monotonic()
        until = None if deadline is None else now + max(0.0, deadline - now) * block.link.size / left
        left -= block.link.size
        assembly.add_core(block, core, solve_core(core, gap, until))
    return assembly, chains
