"""Site power against scalar references in double precision, closed forms and the laws of energy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rahdari.errors import InputError
from rahdari.methods.site_power import Detail, simulate
from rahdari.methods.site_power_input import BATTERY_KINDS, CellHours, Controller, FeederHours, load_courses
from rahdari.methods.site_power_input import controller_table as table_of
from rahdari.units import HOURS_PER_YEAR

YEAR_H = 8760
Hours = NDArray[np.float64]
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


def national(n: int, seed: int, n_hours: int = YEAR_H) -> tuple[pl.DataFrame, CellHours, FeederHours]:
    """Return sites of every kind on random feeders and cells."""
    random = np.random.Generator(np.random.Philox(seed))
    hour = np.arange(n_hours)
    sun = np.maximum(0.0, np.sin((hour % 24 - 6) / 12 * np.pi)) * random.uniform(0.2, 0.9, (6, n_hours))
    heat = 25.0 + 12.0 * np.sin(hour / YEAR_H * 2 * np.pi) + random.uniform(-15, 10, (6, 1))
    cells = CellHours(tuple(f"c{i}" for i in range(6)), sun.astype(np.float32), heat.astype(np.float32))
    down = random.random((9, n_hours)) < random.uniform(0.02, 0.7, (9, 1))
    part = np.where(down, random.choice([0.0, 0.0, 0.25, 0.7], (9, n_hours)), 1.0)
    feeders = FeederHours(tuple(f"f{i}" for i in range(9)), np.rint(part * 65535).astype(np.uint16))
    place = np.concatenate([np.arange(min(n, 9)), random.integers(0, 9, max(0, n - 9))])
    size = random.uniform(4.0, 60.0, n)
    sites = pl.DataFrame({
        "site_id": [f"s{i:05d}" for i in range(n)],
        "weather_cell_id": [f"c{i}" for i in random.integers(0, 6, n)],
        "feeder_id": [f"f{i}" for i in place],
        "controller_id": random.choice(["default", "cyclic", "sparing"], n),
        "load_kw": random.uniform(0.8, 5.0, n),
        "load_class": random.choice(["flat", "2g", "4g", "5g"], n),
        "pv_kwp": np.where(random.random(n) < 0.6, random.uniform(0.0, 12.0, n), 0.0),
        "battery_kwh": pl.Series(np.where(random.random(n) < 0.9, size, np.nan)).fill_nan(None),
        "battery_kind": random.choice(["lithium", "lead_acid"], n),
        "generator_kw": np.where(random.random(n) < 0.6, random.uniform(1.0, 15.0, n), 0.0),
        "tank_l": pl.Series(np.where(random.random(n) < 0.7, random.uniform(50, 500, n), np.nan)).fill_nan(None),
        "refuel_delay_h": random.choice([0.0, 12.0, 30.0, 72.0], n),
        "theft_frac": random.choice([0.0, 0.2], n),
        "start_failure_frac": random.choice([0.0, 0.05], n),
    })  # fmt: skip
    off_grid = pl.Series(np.arange(n) >= max(9, n - n // 10))
    return sites.with_columns(feeder_id=pl.when(off_grid).then(None).otherwise(pl.col("feeder_id"))), cells, feeders


RULES = table_of(
    Controller(),
    Controller("cyclic", generator_start_soc_frac=0.45, generator_stop_soc_frac=0.85, generator_charge_soc_frac=0.9,
               generator_min_load_frac=0.3, generator_run_h_per_day=14.0),
    Controller("sparing", grid_charge_soc_frac=0.6, battery_before_grid_soc_frac=0.7),
)  # fmt: skip


def row_of(site: dict[str, Any]) -> dict[str, Any]:
    """Return a site beside its rules, the kind's own figures where a cell is empty."""
    kind, size = BATTERY_KINDS[site["battery_kind"]], site["battery_kwh"] or 0.0
    rules = next(rule for rule in RULES.iter_rows(named=True) if rule["controller_id"] == site["controller_id"])
    own = {"size": size, "floor": 1.0 - kind.depth_frac, "kept": kind.efficiency_frac, "kind": kind,
           "charge": kind.charge_kw_per_kwh * size, "give": kind.discharge_kw_per_kwh * size}  # fmt: skip
    return {**site, **rules, **own, "idle": 0.08415 * site["generator_kw"]}


def comes_first(grid: Hours, t: int) -> bool:
    """Return whether the grid of an hour that has it in part is there before the outage."""
    before, after = (grid[t - 1] if t else 1.0), (grid[t + 1] if t + 1 < grid.size else 1.0)
    return bool(0.0 < grid[t] < 1.0 and before > after)


def basic_reference(site: dict[str, Any], sun: Hours, grid: Hours, course: Hours) -> dict[str, float]:
    """Return a year of one site by the rules as the documentation words them, one hour after another."""
    s = row_of(site)
    size, floor = s["size"], s["floor"] * s["size"]
    stored, out = size, dict.fromkeys(("unserved_kwh", "unserved_h", "grid_kwh", "generator_h", "fuel_l"), 0.0)
    out["battery_kwh"] = 0.0
    for t in range(len(sun)):
        load, g = s["load_kw"] * course[t % 24], grid[t]
        net = load - sun[t] * s["pv_kwp"]
        charge = 0.0
        if net < 0.0:
            charge = min(-net, s["charge"], (size - stored) / s["kept"])
            stored += charge * s["kept"]
        need = max(net, 0.0)
        bought = 0.0
        if comes_first(grid, t):
            bought = min(g * (s["charge"] - charge), max(0.0, s["grid_charge_soc_frac"] * size - stored) / s["kept"])
            stored += bought * s["kept"]
        rest, given = need * (1.0 - g), 0.0
        if rest > 0.0:
            give = s["give"] * (1.0 - g)
            first = min(rest, give, max(0.0, stored - max(s["generator_start_soc_frac"] * size, floor)))
            stored, left = stored - first, rest - first
            hours = (1.0 - g) * left / rest if s["generator_kw"] > 0.0 else 0.0
            room = max(0.0, s["generator_charge_soc_frac"] * size - stored) / s["kept"]
            made = min(s["generator_kw"] * hours, left + min((s["charge"] - charge) * (1.0 - g), room))
            used = min(made, left)
            stored += (made - used) * s["kept"]
            last = min(left - used, give - first, max(0.0, stored - floor))
            stored, left = stored - last, left - used - last
            given += first + last
            out["unserved_kwh"] += left
            out["unserved_h"] += left / load
            out["generator_h"] += hours
            out["fuel_l"] += s["idle"] * hours + 0.246 * made
        spare = min(g * min(need, s["give"]), max(0.0, stored - max(s["battery_before_grid_soc_frac"] * size, floor)))
        stored -= spare
        if not comes_first(grid, t):
            bought = min(g * (s["charge"] - charge), max(0.0, s["grid_charge_soc_frac"] * size - stored) / s["kept"])
            stored += bought * s["kept"]
        out["grid_kwh"] += g * need - spare + bought
        out["battery_kwh"] += given + spare
    return out | {"battery_last_frac": stored / size if size else 0.0}


def full_reference(  # noqa: PLR0915, PLR0917  # a plain reference is one list of steps
    site: dict[str, Any], turn: float, sun: Hours, heat: Hours, grid: Hours, course: Hours
) -> dict[str, float]:
    """Return the same with a tank, trips, theft, failures, run limits, least load, ageing and cold."""
    s = row_of(site)
    rated, give_kwh, health = s["generator_kw"], s["kind"].life_cycles_count * s["size"], 1.0
    endless = s["tank_l"] is None
    volume = 1e12 if endless else s["tank_l"]
    tank, wait, budget, running, repair = volume, None, s["generator_run_h_per_day"], False, 0.0
    names = ("unserved_kwh", "unserved_h", "grid_kwh", "generator_h", "fuel_l", "trips_count", "failures_count",
             "starts_count", "battery_kwh", "bought")  # fmt: skip
    stored, out = s["size"], dict.fromkeys(names, 0.0)
    for t in range(len(sun)):
        load, g, size = s["load_kw"] * course[t % 24], grid[t], s["size"] * health
        stored = min(stored, size)
        net, off = load - sun[t] * s["pv_kwp"], 1.0 - g
        charge = min(max(-net, 0.0), s["charge"], (size - stored) / s["kept"])
        stored += charge * s["kept"]
        floor = size * min(1.0, s["floor"] + s["kind"].cold_frac_per_k * max(25.0 - heat[t], 0.0))
        need = max(net, 0.0)
        bought = 0.0
        if comes_first(grid, t):
            bought = min(g * (s["charge"] - charge), max(0.0, s["grid_charge_soc_frac"] * size - stored) / s["kept"])
            stored += bought * s["kept"]
        rest, give, power = need * off, s["give"] * off, (s["charge"] - charge) * off
        start = max(s["generator_start_soc_frac"] * size, floor)
        first = 0.0 if running else min(rest, give, max(0.0, stored - start))
        stored, left = stored - first, rest - first
        asked = off if running else (off * left / rest if rest > 1e-9 else 0.0)
        hours = min(asked, tank / (s["idle"] + 0.246 * rated), budget) if rated and repair <= 0.0 else 0.0
        failed = False
        if hours > 1e-9 and not running:
            out["starts_count"] += 1
            turn = (turn + GOLDEN) % 1.0
            failed = turn < s["start_failure_frac"]
        if failed:
            out["failures_count"] += 1
            hours = 0.0
        room = min(power, max(0.0, s["generator_charge_soc_frac"] * size - stored) / s["kept"])
        wanted = min(rated * hours, left + room)
        made, used = max(wanted, s["generator_min_load_frac"] * rated * hours), min(wanted, left)
        stored += (wanted - used) * s["kept"]
        last = min(left - used, give - first, max(0.0, stored - floor))
        stored, left = stored - last, left - used - last
        spare = min(g * min(need, s["give"]), max(0.0, stored - max(s["battery_before_grid_soc_frac"] * size, floor)))
        stored -= spare
        if not comes_first(grid, t):
            bought = min(g * (s["charge"] - charge), max(0.0, s["grid_charge_soc_frac"] * size - stored) / s["kept"])
            stored += bought * s["kept"]
        fuel = s["idle"] * hours + 0.246 * made
        tank -= fuel
        if wait is not None:
            wait -= 1.0
        elif rated and not endless and tank <= s["refuel_order_frac"] * volume:
            wait = s["refuel_delay_h"]
        if wait is not None and wait <= 0.0:
            out["bought"] += volume - tank
            out["trips_count"] += 1
            tank, wait = tank + (volume - tank) * (1.0 - s["theft_frac"]), None
        budget = min(budget - hours + s["generator_run_h_per_day"] / 24, s["generator_run_h_per_day"])
        running = hours > 1e-9 and stored < size * s["generator_stop_soc_frac"]
        repair = s["repair_h"] if failed else max(repair - 1.0, 0.0)
        given = spare + first + last
        fade = s["kind"].fade_per_year_frac / HOURS_PER_YEAR * 2.0 ** ((heat[t] - 25.0) / 10.0)
        health = max(0.0, health - fade - (0.2 * given / give_kwh if give_kwh else 0.0))
        used = {"unserved_kwh": left, "unserved_h": left / load, "generator_h": hours, "fuel_l": fuel}
        for name, value in (used | {"grid_kwh": g * need - spare + bought, "battery_kwh": given}).items():
            out[name] += value
    return out | {"battery_health_frac": health, "battery_last_frac": stored / s["size"] if s["size"] else 0.0}


def grid_of(site: dict[str, Any], feeders: FeederHours) -> Hours:
    if site["feeder_id"] is None:
        return np.zeros(feeders.parts.shape[1])
    return np.asarray(feeders.parts[feeders.feeder_id.index(site["feeder_id"])] / 65535)


def assert_agrees(found: dict[str, Any], wanted: dict[str, float]) -> None:
    for name, value in wanted.items():
        if name in found:
            assert found[name] == pytest.approx(value, rel=1e-4, abs=2e-3), (found["site_id"], name)


def test_single_precision_follows_a_scalar_reference_in_double_precision_to_1e_4() -> None:
    sites, cells, feeders = national(60, 1)
    result = simulate(sites, cells, feeders, RULES)
    courses = load_courses(None)
    for site, found in zip(sites.iter_rows(named=True), result.iter_rows(named=True), strict=True):
        sun = cells.pv_kwh_per_kwp[cells.cell_id.index(site["weather_cell_id"])].astype(float)
        wanted = basic_reference(site, sun, grid_of(site, feeders), courses[site["load_class"]])
        assert_agrees(found, wanted)


def test_the_full_model_follows_its_scalar_reference_to_1e_4() -> None:
    sites, cells, feeders = national(60, 2)
    sites = sites.with_columns(repair_h=6.0)
    result = simulate(sites, cells, feeders, RULES, detail="full", seed=5)
    turns = np.random.Generator(np.random.Philox(5)).random(sites.height)
    courses = load_courses(None)
    for row, (site, found) in enumerate(zip(sites.iter_rows(named=True), result.iter_rows(named=True), strict=True)):
        cell = cells.cell_id.index(site["weather_cell_id"])
        wanted = full_reference(site, turns[row], cells.pv_kwh_per_kwp[cell].astype(float),
                                cells.temperature_c[cell].astype(float), grid_of(site, feeders),
                                courses[site["load_class"]])  # fmt: skip
        assert_agrees(found, wanted)
        if site["tank_l"] is not None and site["generator_kw"] > 0.0:
            assert found["fuel_bought_l"] == pytest.approx(wanted["bought"], rel=1e-4, abs=1e-3)


def test_without_wear_and_with_endless_fuel_both_details_agree() -> None:
    sites, cells, feeders = national(300, 3)
    mild = CellHours(cells.cell_id, cells.pv_kwh_per_kwp, np.full_like(cells.temperature_c, -273.0))
    plain = sites.with_columns(tank_l=None, start_failure_frac=0.0, battery_kwh=None, controller_id=pl.lit("default"))
    basic, full = (simulate(plain, mild, feeders, RULES, detail=detail) for detail in ("basic", "full"))
    for name in ("unserved_kwh", "grid_kwh", "generator_h", "fuel_l", "availability_frac"):
        np.testing.assert_allclose(basic[name], full[name], rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("detail", ["basic", "full"])
def test_results_depend_neither_on_row_order_nor_on_workers_nor_on_what_else_is_simulated(detail: Detail) -> None:
    sites, cells, feeders = national(700, 4, 600)
    whole = simulate(sites, cells, feeders, RULES, detail=detail)
    mixed = sites[np.random.Generator(np.random.Philox(1)).permutation(700).tolist()]
    assert simulate(mixed, cells, feeders, RULES[::-1], detail=detail, n_workers=3).equals(whole)
    if detail == "basic":
        some = sites[100:140]
        kept = feeders.of_feeders(some["feeder_id"].drop_nulls().to_list())
        assert simulate(some, cells, kept, RULES).equals(whole[100:140])


def one(
    n_hours: int, outages: list[tuple[float, float]], **site: list[float] | list[str]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    sites = pl.DataFrame({"site_id": ["a"], "weather_cell_id": ["c"], "feeder_id": ["f"], "load_kw": [2.0], **site})
    weather = pl.DataFrame({"weather_cell_id": "c", "at_h": np.arange(n_hours), "pv_kwh_per_kwp": np.zeros(n_hours)})
    starts, lengths = zip(*outages, strict=True)
    return sites, weather, pl.DataFrame({"feeder_id": "f", "start_h": starts, "length_h": lengths})


def test_an_outage_beyond_the_battery_is_dark_for_the_difference() -> None:
    tables = one(100, [(10.25, 9.5)], battery_kwh=[10.0], battery_depth_frac=[0.8])
    row = simulate(*tables, Controller()).row(0, named=True)
    assert row["unserved_h"] == pytest.approx(9.5 - 8.0 / 2.0, rel=1e-4)
    assert row["battery_kwh"] == pytest.approx(8.0, rel=1e-4)
    assert row["battery_last_frac"] == pytest.approx(1.0)
    assert row["grid_kwh"] == pytest.approx(2.0 * 90.5 + 8.0 / 0.94, rel=1e-4)


def test_a_generator_burns_by_its_fuel_curve() -> None:
    tables = one(100, [(10.0, 20.0)], generator_kw=[8.0])
    row = simulate(*tables, Controller()).row(0, named=True)
    assert (row["unserved_h"], row["generator_h"]) == (0.0, pytest.approx(20.0))
    assert row["fuel_l"] == pytest.approx(20.0 * (0.08415 * 8.0 + 0.246 * 2.0), rel=1e-5)


def test_a_tank_without_a_trip_lasts_as_long_as_its_litres() -> None:
    tables = one(200, [(0.0, 200.0)], generator_kw=[2.0], tank_l=[33.015], refuel_delay_h=[1000.0])
    row = simulate(*tables, Controller(), detail="full").row(0, named=True)
    assert row["generator_h"] == pytest.approx(33.015 / (2.0 * (0.08415 + 0.246)), rel=1e-6)
    assert row["unserved_h"] == pytest.approx(150.0, rel=1e-6)


def test_theft_raises_the_bill_and_not_the_fuel_burnt() -> None:
    rows = []
    for theft in (0.0, 0.25):
        tables = one(
            2000, [(0.0, 2000.0)], generator_kw=[4.0], tank_l=[100.0], refuel_delay_h=[0.0], theft_frac=[theft]
        )
        rows.append(simulate(*tables, Controller(), detail="full").row(0, named=True))
    honest, robbed = rows
    assert robbed["fuel_l"] == pytest.approx(honest["fuel_l"])
    in_tank = robbed["fuel_l"] + robbed["tank_last_l"] - 100.0
    assert robbed["fuel_bought_l"] * 0.75 == pytest.approx(in_tank)
    assert robbed["trips_count"] > honest["trips_count"]


def test_starts_fail_as_often_as_stated() -> None:
    outages = [(24.0 * day + 10.0, 3.0) for day in range(365)]
    tables = one(YEAR_H, outages, generator_kw=[4.0], start_failure_frac=[0.1], repair_h=[12.0])
    row = simulate(*tables, Controller(generator_stop_soc_frac=1.0), detail="full").row(0, named=True)
    assert row["failures_count"] / row["starts_count"] == pytest.approx(0.1, abs=0.005)


def test_a_battery_in_heat_ages_by_the_ten_degree_rule() -> None:
    health = []
    for heat in (25.0, 35.0):
        sites, weather, outages = one(YEAR_H, [(0.0, 0.0)], battery_kwh=[20.0], battery_kind=["lead_acid"])
        table = simulate(sites, weather.with_columns(temperature_c=heat), outages, Controller(), detail="full")
        health.append(1.0 - table["battery_health_frac"][0])
    assert health[0] == pytest.approx(0.04 * YEAR_H / HOURS_PER_YEAR, rel=1e-6)
    assert health[1] == pytest.approx(2.0 * health[0], rel=1e-6)


def test_poisson_outages_leave_dark_what_the_closed_form_says() -> None:
    """Exponential outages of mean 2 h, rare enough that the battery is full again: exp(-autonomy / mean) is dark."""
    random = np.random.Generator(np.random.Philox(8))
    n_feeders, mean_h, autonomy_h = 400, 2.0, 3.0
    gaps = random.exponential(150.0, (n_feeders, 60)) + 24.0
    lengths = random.exponential(mean_h, (n_feeders, 60))
    starts = np.cumsum(gaps + lengths, axis=1) - lengths
    inside = starts < YEAR_H - 24
    name = np.char.add("f", np.broadcast_to(np.arange(n_feeders)[:, None], inside.shape)[inside].astype(str))
    outages = pl.DataFrame(
        {"feeder_id": name, "start_h": starts[inside], "length_h": np.minimum(lengths[inside], 24.0)}
    )
    feeders = outages["feeder_id"].unique()
    sites = pl.DataFrame({"site_id": feeders, "weather_cell_id": "c", "feeder_id": feeders, "load_kw": 1.0,
                          "battery_kwh": autonomy_h, "battery_depth_frac": 1.0})  # fmt: skip
    cells = CellHours(("c",), np.zeros((1, YEAR_H), np.float32), np.full((1, YEAR_H), 25.0, np.float32))
    dark = float(simulate(sites, cells, outages, Controller())["unserved_h"].to_numpy().sum())
    count = int(inside.sum())
    expected = count * mean_h * math.exp(-autonomy_h / mean_h)
    # The dark part of one outage has the second moment 2 mean^2 exp(-a / mean); four standard errors.
    spread = math.sqrt(count * 2.0 * mean_h**2 * math.exp(-autonomy_h / mean_h))
    assert abs(dark - expected) < 4.0 * spread


@settings(max_examples=25)
@given(st.integers(0, 2**31), st.floats(1.1, 3.0))
def test_a_larger_battery_never_leaves_more_dark(seed: int, times: float) -> None:
    sites, cells, feeders = national(40, seed, 24 * 20)
    sites = sites.with_columns(controller_id=pl.lit("default"))
    larger = sites.with_columns(pl.col("battery_kwh") * times)
    before, after = (simulate(table, cells, feeders, RULES)["unserved_kwh"].to_numpy() for table in (sites, larger))
    assert (after <= before * (1.0 + 1e-5) + 1e-3).all()


@settings(max_examples=15)
@given(st.integers(0, 2**31))
def test_energy_served_comes_from_somewhere(seed: int) -> None:
    sites, cells, feeders = national(50, seed, 24 * 30)
    row = simulate(sites, cells, feeders, RULES)
    n = {name: row[name].to_numpy() for name in row.columns[1:]}
    served = n["load_kwh"] - n["unserved_kwh"]
    battery = sites["battery_kwh"].fill_null(0.0).to_numpy()
    sources = n["pv_kwh"] + n["grid_kwh"] + n["generator_kwh"] + battery
    assert (served <= sources * (1.0 + 1e-5) + 1e-3).all()
    available = (
        sites["pv_kwp"].to_numpy()
        * cells.pv_kwh_per_kwp.sum(axis=1)[[cells.cell_id.index(name) for name in sites["weather_cell_id"]]]
    )
    assert (n["pv_kwh"] <= available * (1.0 + 1e-4) + 1e-2).all()


def test_overlapping_outages_count_once() -> None:
    tables = one(48, [(3.0, 4.0), (5.0, 1.0), (6.5, 2.0)])
    assert simulate(*tables, Controller())["unserved_h"][0] == pytest.approx(5.5, rel=1e-4)


def test_a_feeder_without_outages_is_up_and_a_site_without_a_feeder_is_off_grid() -> None:
    sites, weather, outages = one(48, [(3.0, 4.0)])
    more = pl.DataFrame({"site_id": ["b", "d"], "weather_cell_id": "c", "feeder_id": ["quiet", None], "load_kw": 2.0})
    result = simulate(pl.concat([sites, more]), weather, outages, Controller())
    assert result["unserved_h"].to_list() == pytest.approx([4.0, 0.0, 48.0])


@pytest.mark.parametrize("detail", ["basic", "full"])
def test_no_outages_and_no_sites_are_answered_too(detail: Detail) -> None:
    sites, weather, outages = one(48, [(3.0, 4.0)])
    assert simulate(sites, weather, outages.clear(), Controller(), detail=detail)["unserved_h"].to_list() == [0.0]
    assert simulate(sites.clear(), weather, outages.clear(), Controller(), detail=detail).height == 0


def test_all_faults_of_all_tables_are_told_at_once() -> None:
    sites, weather, outages = one(48, [(3.0, 4.0), (60.0, 2.0), (5.0, 9000.0)], battery_kwh=[0.0])
    sites = pl.concat([sites, sites.with_columns(site_id=pl.lit("b"), load_kw=-1.0, weather_cell_id=pl.lit("?"))])
    lost = pl.DataFrame({"feeder_id": ["nobody"], "start_h": [1.0], "length_h": [1.0]})
    rules = table_of(Controller(grid_charge_soc_frac=0.9, battery_before_grid_soc_frac=0.5))
    with pytest.raises(InputError) as caught:
        simulate(sites, weather, pl.concat([outages, lost]), rules)
    text = str(caught.value)
    for said in ("battery of zero size", "value is negative", "longer than the 48 hours", "starts outside",
                 "the battery spares it"):  # fmt: skip
        assert said in text
    assert all(problem.cure for problem in caught.value.problems)


def test_names_that_lead_nowhere_are_told_at_once() -> None:
    sites, weather, outages = one(48, [(3.0, 4.0)])
    sites = sites.with_columns(weather_cell_id=pl.lit("?"), feeder_id=pl.lit("g"), controller_id=pl.lit("x"))
    with pytest.raises(InputError) as caught:
        simulate(sites, weather, outages, Controller())
    assert {problem.column for problem in caught.value.problems} == {"weather_cell_id", "feeder_id", "controller_id"}


def test_weather_with_a_gap_is_refused() -> None:
    sites, weather, outages = one(48, [(3.0, 4.0)])
    with pytest.raises(InputError, match="has 47 hours"):
        simulate(sites, weather.filter(pl.col("at_h") != 7), outages, Controller())


def test_the_page_publishes_the_four_tables_as_they_are() -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "power.md").read_text(encoding="utf-8")
    files = sorted((root / "rahdari" / "schema" / "power").glob("*.csv"))
    assert [path.stem for path in files] == ["controller", "outages", "sites", "weather"]
    for path in files:
        assert f"### {path.stem}\n\n```\n{path.read_text(encoding='utf-8')}```\n" in page
