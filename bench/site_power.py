"""A year of many sites hour by hour on one core, basic and full, against numpy with a loop over hours.

The targets are 5e8 site-hours a second for the basic controller and 1e8 with tanks, theft, ageing and run limits.  Then
58,000 sites through the whole method from checked arrays, and the national programme of 21,000 sites by 6 options.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.kernels import site_power as basic
from rahdari.kernels import site_power_full as full
from rahdari.methods.hardening import hardening_programme
from rahdari.methods.outages import Shedding, feeder_outages
from rahdari.methods.site_power import basic_params, full_params, indexed, simulated
from rahdari.methods.site_power_input import CellHours, Controller, Inputs, checked

if TYPE_CHECKING:
    from collections.abc import Callable

N_SITES, N_CELLS, N_FEEDERS, HOURS = 58_000, 1_300, 10_000, 8_760
N_MEASURED, N_ROUNDS, N_NUMPY_HOURS = 8_192, 5, 400
WITH_GENERATOR = 0.58  # of the sites, as reported
BASIC_TARGET, FULL_TARGET = 5e8, 1e8


def national(n: int) -> Inputs:
    """Return sites over as many cells and feeders as the country has for them."""
    random = np.random.Generator(np.random.Philox(1))
    n_feeders, n_cells = max(1, n * N_FEEDERS // N_SITES), max(1, n * N_CELLS // N_SITES)
    hour = np.arange(HOURS)
    sun = np.maximum(0.0, np.sin((hour % 24 - 6) / 12 * np.pi))[None] * random.uniform(0.2, 0.9, (n_cells, 1))
    cells = CellHours(tuple(f"c{i:05d}" for i in range(n_cells)), sun.astype(np.float32),
                      np.full((n_cells, HOURS), 28.0, np.float32))  # fmt: skip
    feeder = np.concatenate([np.arange(n_feeders), random.integers(0, n_feeders, n - n_feeders)])
    names = [f"f{i:05d}" for i in range(n_feeders)]
    table = pl.DataFrame(
        {"feeder_id": names, "company_id": "a", "outage_h_per_day": np.resize([2.0, 6.0, 12.0], n_feeders)}
    )
    feeders = feeder_outages(table, Shedding(collapses_per_year=2.0))
    sites = pl.DataFrame({
        "site_id": [f"s{i:06d}" for i in range(n)],
        "weather_cell_id": [f"c{i:05d}" for i in feeder * n_cells // n_feeders],
        "feeder_id": [f"f{i:05d}" for i in feeder],
        "load_kw": random.uniform(1.0, 5.0, n), "load_class": random.choice(["flat", "2g", "4g", "5g"], n),
        "pv_kwp": random.uniform(0.0, 6.0, n), "battery_kwh": random.uniform(4.0, 40.0, n),
        "generator_kw": np.where(random.random(n) < WITH_GENERATOR, 12.0, 0.0), "tank_l": 200.0, "theft_frac": 0.1,
        "start_failure_frac": 0.02,
    })  # fmt: skip
    return checked(sites, cells, feeders, Controller(generator_stop_soc_frac=0.6, generator_charge_soc_frac=0.6))


def least_s(run: Callable[[], object]) -> float:
    """Return the least processor time of several calls."""
    best = float("inf")
    for _ in range(N_ROUNDS):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best


def kernel_calls(inputs: Inputs) -> tuple[Callable[[], object], Callable[[], object], int]:
    """Return the two kernels on one thread, and the sites that each runs."""
    course = np.ascontiguousarray(np.array(list(inputs.courses.values())).T, np.float32)
    at = indexed(inputs, basic.BLOCK)
    params = np.ascontiguousarray(basic_params(inputs.sites)[:, at.order])
    wide = np.ascontiguousarray(full_params(inputs.sites, 1)[:, at.order])
    n = at.order.size
    sun, one = inputs.cells.pv_kwh_per_kwp, np.ones_like(inputs.cells.temperature_c)
    first, second = np.zeros((basic.N_RESULTS, n)), np.zeros((full.N_RESULTS, n))
    where = (at.parts, at.cell, at.load_class, at.feeder)
    return (
        lambda: basic.simulate_blocks(sun, course, *where, params, 0, n // basic.BLOCK, first),
        lambda: full.simulate_blocks(sun, one, 0.0 * one, course, *where, wide, 0, n // full.BLOCK, second),
        n,
    )


def numpy_rate(inputs: Inputs) -> float:
    """Return site-hours a second of the same rules in numpy, a loop over hours."""
    at = indexed(inputs, 1)
    p = basic_params(inputs.sites)[:, at.order].astype(np.float64)
    course = np.array(list(inputs.courses.values())).T
    kept, size, stored = p[basic.KEPT], p[basic.SIZE_KWH], p[basic.FIRST_KWH].copy()
    dark = np.zeros(at.order.size)
    start = time.process_time()
    for t in range(N_NUMPY_HOURS):
        load = p[basic.LOAD_KW] * course[t % 24, at.load_class]
        net = load - inputs.cells.pv_kwh_per_kwp[at.cell, t] * p[basic.PV_KWP]
        need, off = np.maximum(net, 0.0), 1.0 - at.parts[at.feeder, t] / 65_535
        solar = np.minimum(np.minimum(np.maximum(-net, 0.0), p[basic.CHARGE_KW]), (size - stored) / kept)
        stored += solar * kept
        rest, able = need * off, p[basic.DISCHARGE_KW] * off
        early = np.minimum(np.minimum(rest, able), np.maximum(stored - p[basic.START_KWH], 0.0))
        stored -= early
        left = rest - early
        hours = off * left / (rest + 1e-12)
        room = np.maximum(p[basic.GENERATOR_TOP_KWH] - stored, 0.0) / kept
        made = np.minimum(p[basic.GENERATOR_KW] * hours, left + room)
        used = np.minimum(made, left)
        stored += (made - used) * kept
        left -= used
        late = np.minimum(np.minimum(left, able - early), np.maximum(stored - p[basic.FLOOR_KWH], 0.0))
        stored -= late
        dark += left - late
        bought = np.minimum((p[basic.CHARGE_KW] - solar) * (1.0 - off), np.maximum(size - stored, 0.0) / kept)
        stored += bought * kept
    return at.order.size * N_NUMPY_HOURS / (time.process_time() - start)


def programme_line() -> dict[str, object]:
    """Return the programme's seconds and gap."""
    random = np.random.Generator(np.random.Philox(3))
    n, k = 21_000, 6
    site, option = np.repeat(np.arange(n), k), np.tile(np.arange(k), n)
    table = pl.DataFrame({
        "site_id": [f"s{i:05d}" for i in site], "option_id": [f"o{i}" for i in option],
        "cost_usd": random.uniform(2_000.0, 6_000.0, n * k) * (1.0 + option),
        "gain_people_h_per_year": random.lognormal(8.0, 1.0, n)[site] * (1.0 - 0.6 ** (1.0 + option)),
    })  # fmt: skip
    start = time.process_time()
    found = hardening_programme(table, np.full(5, 8e6))
    spent = time.process_time() - start
    return {"bench": "site_power", "what": "programme of 21,000 sites by 6 options", "seconds": round(spent, 2),
            "asked_s": 2.0, "gap_frac": float(f"{found.gap_frac:.2g}")}  # fmt: skip


def main() -> None:
    """Print a line for each kernel, the whole country and the programme."""
    inputs = national(N_MEASURED)
    run_basic, run_full, n = kernel_calls(inputs)
    slow = numpy_rate(inputs)
    for name, run, target in (("basic", run_basic, BASIC_TARGET), ("full", run_full, FULL_TARGET)):
        rate = n * HOURS / least_s(run)
        print(json.dumps({
            "bench": "site_power", "what": name, "site_hours_per_s": float(f"{rate:.3g}"), "asked_per_s": target,
            "numpy_per_s": float(f"{slow:.3g}"), "ratio": round(rate / slow, 1), "is_within_target": rate >= target,
        }))  # fmt: skip
    country = national(N_SITES)
    start = time.perf_counter()
    simulated(country, n_workers=2)
    print(json.dumps({"bench": "site_power", "what": "58,000 sites a year, two threads, with the table",
                      "seconds": round(time.perf_counter() - start, 2), "asked_s": 1.0}))  # fmt: skip
    print(json.dumps(programme_line()))


if __name__ == "__main__":
    main()
