"""A year of many sites on sun, grid, battery and generator, hour by hour, as a table of results.

Within an hour everything happens at an even pace: the grid is there for its share of the hour, and a generator runs for
the share that the battery leaves to it.  Losses of a battery are all taken when it charges, so its energy counts as
what it can give.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem
from rahdari.kernels import site_power as basic
from rahdari.kernels import site_power_full as full
from rahdari.kernels.site_power import GRID_PARTS
from rahdari.methods.site_power_input import (
    BATTERY_KINDS,
    DAY_H,
    LOST_AT_END_FRAC,
    REFERENCE_C,
    CellHours,
    Controller,
    FeederHours,
    Inputs,
    checked,
)
from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    IndexArray = NDArray[np.int32]

Detail = Literal["basic", "full"]
DETAILS = ("basic", "full")
AGEING_DOUBLES_K = 10.0  # rise that halves a battery's calendar life: the usual rule from Arrhenius' law, IEEE 1188
ENDLESS_L = 1e12  # a tank that never runs dry
TASKS_PER_WORKER = 4  # pieces of work, so that no thread waits long for the last one


@dataclass(frozen=True, slots=True, eq=False)
class Indexed:
    """Sites in the order of cell, feeder and name (``order``), filled up to whole blocks by the last one."""

    order: NDArray[np.int64]
    cell: IndexArray
    feeder: IndexArray
    load_class: IndexArray
    parts: NDArray[np.uint16]


def _numbers(names: pl.Series, known: list[str]) -> NDArray[np.int32]:
    """Return the place of each name among ``known``; an empty one gets the place behind the last."""
    return names.replace_strict(
        pl.Series(known, dtype=pl.String()), np.arange(len(known), dtype=np.int32), default=len(known),
        return_dtype=pl.Int32(),
    ).to_numpy()  # fmt: skip


def indexed(inputs: Inputs, block: int) -> Indexed:
    """Return where each site finds its sun, grid and course, in whole blocks.

    Two feeders stand behind the last: one always up, for feeders without outages, and one always down, for no feeder.
    """
    sites, feeders = inputs.sites, inputs.feeders
    n_hours = inputs.cells.pv_kwh_per_kwp.shape[1]
    cell = _numbers(sites["weather_cell_id"], list(inputs.cells.cell_id))
    is_off_grid = sites["feeder_id"].is_null().to_numpy()
    feeder = _numbers(sites["feeder_id"], list(feeders.feeder_id)) + is_off_grid.astype(np.int32)
    course = _numbers(sites["load_class"], list(inputs.courses))
    order = np.lexsort((np.arange(sites.height), feeder, cell))
    padded = np.concatenate([order, np.full(-order.size % block, order[-1] if order.size else 0)]).astype(np.int64)
    ends = np.array([[GRID_PARTS], [0]], np.uint16)
    parts = np.concatenate([feeders.parts, np.broadcast_to(ends, (2, n_hours))])
    return Indexed(padded, cell[padded], feeder[padded], course[padded], parts)


def basic_params(sites: pl.DataFrame) -> NDArray[np.float32]:
    """Return the basic kernel's parameters (N_PARAMS, sites)."""
    column = {name: sites[name].to_numpy() for name in sites.columns if sites[name].dtype.is_numeric()}
    size, depth = column["battery_kwh"], column["battery_depth_frac"]
    floor = size * (1.0 - depth)
    p = np.zeros((basic.N_PARAMS, sites.height), np.float32)
    p[basic.PV_KWP], p[basic.LOAD_KW], p[basic.SIZE_KWH] = column["pv_kwp"], column["load_kw"], size
    p[basic.FLOOR_KWH] = floor
    p[basic.CHARGE_KW], p[basic.DISCHARGE_KW] = column["battery_charge_kw"], column["battery_discharge_kw"]
    p[basic.KEPT] = column["battery_efficiency_frac"]
    p[basic.PER_KEPT] = 1.0 / column["battery_efficiency_frac"]
    p[basic.GENERATOR_KW] = column["generator_kw"]
    p[basic.START_KWH] = np.maximum(column["generator_start_soc_frac"] * size, floor)
    p[basic.GENERATOR_TOP_KWH] = column["generator_charge_soc_frac"] * size
    p[basic.GRID_TOP_KWH] = column["grid_charge_soc_frac"] * size
    p[basic.BEFORE_GRID_KWH] = np.maximum(column["battery_before_grid_soc_frac"] * size, floor)
    p[basic.FIRST_KWH] = column["battery_first_frac"] * size
    return p


def full_params(sites: pl.DataFrame, seed: int) -> FloatArray:
    """Return the full kernel's parameters (N_PARAMS, sites); sites in the order of their names."""
    column = {name: sites[name].to_numpy() for name in sites.columns if sites[name].dtype.is_numeric()}

    def kind(field: str) -> FloatArray:
        values = {name: getattr(figures, field) for name, figures in BATTERY_KINDS.items()}
        return sites["battery_kind"].replace_strict(values, return_dtype=pl.Float64()).to_numpy()

    rated = column["generator_kw"]
    tank = np.minimum(column["tank_l"], ENDLESS_L)
    is_endless = column["tank_l"] >= ENDLESS_L
    cycles_kwh = np.maximum(kind("life_cycles_count") * column["battery_kwh"], np.finfo(np.float64).tiny)
    p = np.zeros((full.N_PARAMS, sites.height))
    direct = {
        full.PV_KWP: "pv_kwp", full.LOAD_KW: "load_kw", full.SIZE_KWH: "battery_kwh",
        full.CHARGE_KW: "battery_charge_kw", full.DISCHARGE_KW: "battery_discharge_kw",
        full.KEPT: "battery_efficiency_frac", full.GENERATOR_KW: "generator_kw",
        full.START_FRAC: "generator_start_soc_frac", full.GENERATOR_TOP_FRAC: "generator_charge_soc_frac",
        full.GRID_TOP_FRAC: "grid_charge_soc_frac", full.BEFORE_GRID_FRAC: "battery_before_grid_soc_frac",
        full.FIRST_FRAC: "battery_first_frac", full.STOP_FRAC: "generator_stop_soc_frac",
        full.L_PER_KWH: "fuel_load_l_per_kwh", full.DELAY_H: "refuel_delay_h",
        full.RUN_H_PER_DAY: "generator_run_h_per_day", full.FAIL_FRAC: "start_failure_frac", full.REPAIR_H: "repair_h",
    }  # fmt: skip
    for row, name in direct.items():
        p[row] = column[name]
    p[full.FLOOR_FRAC] = 1.0 - column["battery_depth_frac"]
    p[full.PER_KEPT] = 1.0 / column["battery_efficiency_frac"]
    p[full.MIN_LOAD_KW] = column["generator_min_load_frac"] * rated
    p[full.IDLE_L] = column["fuel_idle_l_per_kwh"] * rated
    p[full.TANK_L] = p[full.FIRST_L] = tank
    # No trip is ever ordered where fuel never ends or there is nothing to feed.
    p[full.ORDER_L] = np.where(is_endless | (rated <= 0.0), full.NONE_H, column["refuel_order_frac"] * tank)
    p[full.TANK_KEPT] = 1.0 - column["theft_frac"]
    p[full.COLD_PER_K] = kind("cold_frac_per_k")
    p[full.FADE_PER_H] = kind("fade_per_year_frac") / HOURS_PER_YEAR
    p[full.FADE_PER_KWH] = LOST_AT_END_FRAC / cycles_kwh
    p[full.FIRST_TURN] = np.random.Generator(np.random.Philox(seed)).random(sites.height)
    return p


def _over_blocks(run: Callable[[int, int], None], n_blocks: int, n_workers: int) -> None:
    """Call ``run`` over pieces of the blocks, on threads where there are workers for them."""
    if n_workers == 1:
        run(0, n_blocks)
        return
    edges = np.unique(np.linspace(0, n_blocks, n_workers * TASKS_PER_WORKER + 1, dtype=np.int64)).tolist()
    with ThreadPoolExecutor(n_workers) as pool:
        for task in [pool.submit(run, first, stop) for first, stop in pairwise(edges)]:
            task.result()


def _unpadded(results: FloatArray, at: Indexed, n: int) -> FloatArray:
    """Return (rows, n) results in the order of the sites."""
    back = np.empty((results.shape[0], n))
    back[:, at.order[:n]] = results[:, :n]
    return back


def run_basic(inputs: Inputs, n_workers: int = 1) -> FloatArray:
    """Return the basic kernel's results (N_RESULTS, sites)."""
    at = indexed(inputs, basic.BLOCK)
    params = np.ascontiguousarray(basic_params(inputs.sites)[:, at.order])
    course = np.ascontiguousarray(np.array(list(inputs.courses.values())).T, np.float32)
    results = np.zeros((basic.N_RESULTS, at.order.size))
    sun = np.ascontiguousarray(inputs.cells.pv_kwh_per_kwp, np.float32)

    def run(first: int, stop: int) -> None:
        basic.simulate_blocks(sun, course, at.parts, at.cell, at.load_class, at.feeder, params, first, stop, results)

    _over_blocks(run, at.order.size // basic.BLOCK, n_workers)
    return _unpadded(results, at, inputs.sites.height)


def run_full(inputs: Inputs, seed: int = 1, n_workers: int = 1) -> FloatArray:
    """Return the full kernel's results (N_RESULTS, sites)."""
    at = indexed(inputs, full.BLOCK)
    params = np.ascontiguousarray(full_params(inputs.sites, seed)[:, at.order])
    course = np.ascontiguousarray(np.array(list(inputs.courses.values())).T, np.float32)
    results = np.zeros((full.N_RESULTS, at.order.size))
    heat = np.asarray(inputs.cells.temperature_c, np.float32)
    warmth = np.exp2((heat - np.float32(REFERENCE_C)) / np.float32(AGEING_DOUBLES_K)).astype(np.float32)
    cold = np.maximum(np.float32(REFERENCE_C) - heat, np.float32(0.0))
    sun = np.ascontiguousarray(inputs.cells.pv_kwh_per_kwp, np.float32)

    def run(first: int, stop: int) -> None:
        full.simulate_blocks(
            sun, warmth, cold, course, at.parts, at.cell, at.load_class, at.feeder, params, first, stop, results
        )

    _over_blocks(run, at.order.size // full.BLOCK, n_workers)
    return _unpadded(results, at, inputs.sites.height)


def load_kwh(inputs: Inputs) -> FloatArray:
    """Return (sites,) the energy asked for over all hours."""
    n_hours = inputs.cells.pv_kwh_per_kwp.shape[1]
    names = list(inputs.courses)
    hours = np.array([np.resize(course, n_hours).sum() for course in inputs.courses.values()])
    return np.asarray(inputs.sites["load_kw"].to_numpy() * hours[_numbers(inputs.sites["load_class"], names)])


def results_table(inputs: Inputs, basics: FloatArray, fuel_l: FloatArray) -> pl.DataFrame:
    """Return the table that both details share, from results in the basic kernel's rows."""
    sites, n_hours = inputs.sites, inputs.cells.pv_kwh_per_kwp.shape[1]
    size, kept = sites["battery_kwh"].to_numpy(), sites["battery_efficiency_frac"].to_numpy()
    last, unserved, dark_h, grid, hours, made, given = basics
    asked = load_kwh(inputs)
    # Energy that the battery took is what it gave and gained, before losses; sun is what remains of the balance.
    charged = (given + last - sites["battery_first_frac"].to_numpy() * size) / kept
    sun = asked - unserved - given + charged - grid - made
    some = np.maximum(size, np.finfo(np.float64).tiny)
    return sites.select("site_id").with_columns(
        availability_frac=pl.Series(1.0 - dark_h / n_hours),
        unserved_kwh=pl.Series(unserved),
        unserved_h=pl.Series(dark_h),
        load_kwh=pl.Series(asked),
        pv_kwh=pl.Series(np.maximum(sun, 0.0)),
        grid_kwh=pl.Series(grid),
        generator_kwh=pl.Series(made),
        generator_h=pl.Series(hours),
        fuel_l=pl.Series(fuel_l),
        battery_kwh=pl.Series(given),
        battery_cycles_count=pl.Series(np.where(size > 0.0, given / some, 0.0)),
        battery_last_frac=pl.Series(np.where(size > 0.0, last / some, 0.0)),
    )


def simulated(inputs: Inputs, detail: Detail = "basic", seed: int = 1, n_workers: int = 1) -> pl.DataFrame:
    """Return :func:`simulate`'s table for inputs that are checked."""
    sites = inputs.sites
    if detail == "basic":
        found = run_basic(inputs, n_workers)
        found[basic.GENERATOR_H, sites["generator_kw"].to_numpy() <= 0.0] = 0.0
        idle = sites["fuel_idle_l_per_kwh"].to_numpy() * sites["generator_kw"].to_numpy()
        fuel = idle * found[basic.GENERATOR_H] + sites["fuel_load_l_per_kwh"].to_numpy() * found[basic.GENERATOR_KWH]
        return results_table(inputs, found, fuel)
    all_rows = run_full(inputs, seed, n_workers)
    shared = all_rows[[full.LAST_KWH, full.UNSERVED_KWH, full.UNSERVED_H, full.GRID_KWH, full.GENERATOR_H,
                       full.GENERATOR_KWH, full.BATTERY_KWH]]  # fmt: skip
    has_tank = sites["tank_l"].is_finite().to_numpy() & (sites["generator_kw"].to_numpy() > 0.0)
    # Fuel that never ends is bought as it burns.
    bought = np.where(has_tank, all_rows[full.BOUGHT_L], all_rows[full.FUEL_L])
    return results_table(inputs, shared, all_rows[full.FUEL_L]).drop("pv_kwh").with_columns(
        battery_health_frac=pl.Series(all_rows[full.HEALTH]),
        fuel_bought_l=pl.Series(bought),
        fuel_stolen_l=pl.Series(np.where(has_tank, bought * sites["theft_frac"].to_numpy(), 0.0)),
        tank_last_l=pl.Series(np.where(has_tank, all_rows[full.LAST_L], 0.0)),
        trips_count=pl.Series(all_rows[full.TRIPS]),
        starts_count=pl.Series(all_rows[full.STARTS]),
        failures_count=pl.Series(all_rows[full.FAILURES]),
    )  # fmt: skip


def simulate(
    sites: pl.DataFrame,
    weather: pl.DataFrame | CellHours,
    outages: pl.DataFrame | FeederHours,
    controller: pl.DataFrame | Controller,
    *,
    detail: Detail = "basic",
    courses: Mapping[str, ArrayLike] | None = None,
    seed: int = 1,
    n_workers: int = 1,
) -> pl.DataFrame:
    """Return one row a site, in the order of names, of what a run through the hours of ``weather`` gives.

    The columns of the four tables are in ``rahdari/schema/power``; ``weather`` and ``outages`` may be arrays
    (:class:`CellHours`, :class:`FeederHours`), ``controller`` a :class:`Controller` for all sites.  Columns of the
    result: ``availability_frac`` (share of hours served), ``unserved_kwh`` and ``unserved_h``, ``load_kwh``, ``pv_kwh``
    used (not in full detail, where a generator may waste), ``grid_kwh``, ``generator_kwh``, ``generator_h``,
    ``fuel_l``, ``battery_kwh`` given, ``battery_cycles_count`` of full size, ``battery_last_frac``.  ``detail`` "full"
    adds tanks, trips, theft, starts that fail, limits of running, least load, ageing and cold, with the columns
    ``battery_health_frac``, ``fuel_bought_l``, ``fuel_stolen_l``, ``tank_last_l``, ``trips_count``, ``starts_count``,
    ``failures_count``.  ``courses`` adds load classes of 24 hours; ``seed`` moves which starts fail; ``n_workers``
    threads do not change a result.  Every fault of all tables is raised as one InputError.
    """
    if detail not in DETAILS:
        raise InputError(Problem(f"detail '{detail}' is unknown", f"use one of {', '.join(DETAILS)}"))
    return simulated(checked(sites, weather, outages, controller, courses), detail, seed, n_workers)


__all__ = ["DAY_H", "CellHours", "Controller", "FeederHours", "simulate", "simulated"]
