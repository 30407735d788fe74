"""What to put at a site: a grid of designs simulated with the real controller, the least cost, and a proven bound.

Designs are panels, battery, generator and rules; all of them run through the same hours in one simulation, the best is
refined by finer steps around it.  The bound is a linear programme over the same hours with perfect foresight and sizes
of any fineness: no controller and no design can cost less.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem, TargetError, raise_if_any
from rahdari.methods.finance import capital_recovery_factor
from rahdari.methods.site_power import simulated
from rahdari.methods.site_power_input import (
    BATTERY_KINDS,
    CellHours,
    Controller,
    FeederHours,
    checked,
    controller_table,
    load_courses,
)
from rahdari.methods.site_sizing_bound import yearly_bound_usd
from rahdari.model.certificate import Certificate
from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

KG_CO2_PER_L = 2.68  # of diesel burnt: IPCC 2006, 74.1 kg/GJ at 36 MJ/l
KG_PER_TONNE = 1000.0
IDLE_L_PER_KWH, LOAD_L_PER_KWH = 0.08415, 0.246  # Skarstein and Uhlen 1989, as in the sites' table
PERCENT = 100.0
SLACK_FRAC = 1e-7  # of availability: what single precision leaves
#: Steps of the grid: hours of mean load in the battery, kWp per kW of mean load, generator over peak load.
BATTERY_H = (0.0, 1.0, 2.0, 4.0, 6.0, 9.0, 12.0, 18.0, 24.0, 36.0)
PV_PER_KW = (0.0, 1.0, 2.0, 3.0, 4.5, 6.0, 9.0)
GENERATOR_PER_PEAK = (0.0, 1.25, 2.0)  # a quarter above the peak is the least that is sold for it, assumed
FINER = (0.75, 0.85, 0.93, 1.0, 1.08, 1.2, 1.35)  # around the best of a round
N_ROUNDS = 2  # of refining
#: Rules that designs are tried with: the second starts early and charges, which saves running hours; the others keep a
#: reserve for outages and let the sun that the battery holds above it take the place of the grid by night.
RULES = (
    Controller(),
    Controller("cyclic", generator_start_soc_frac=0.4, generator_stop_soc_frac=0.8, generator_charge_soc_frac=0.8),
    Controller("sparing_half", grid_charge_soc_frac=0.5, battery_before_grid_soc_frac=0.5),
    Controller("sparing_most", grid_charge_soc_frac=0.75, battery_before_grid_soc_frac=0.75),
)
CYCLIC = RULES[1]


@dataclass(frozen=True, slots=True)
class PowerPrices:
    """Prices of 2026 in US dollars at 281.4 rupees; every one is an input.

    Diesel 336 PKR/l (March 2026), tariff 45.43 PKR/kWh (commercial, FY2026), panels 80 to 170 PKR/W installed (2026);
    batteries, generators, service, lives, interest and the grid's carbon are assumed: ask for quotes.
    """

    diesel_usd_per_l: float = 1.19
    tariff_usd_per_kwh: float = 0.161
    pv_usd_per_kwp: float = 440.0
    lithium_usd_per_kwh: float = 220.0
    lead_acid_usd_per_kwh: float = 120.0
    generator_usd: float = 3000.0
    generator_usd_per_kw: float = 350.0
    service_usd_per_h: float = 0.4
    pv_life_years: float = 20.0
    lithium_life_years: float = 10.0
    lead_acid_life_years: float = 5.0
    generator_life_years: float = 12.0
    interest_frac: float = 0.12
    grid_kg_co2_per_kwh: float = 0.45

    def yearly_frac(self, life_years: float) -> float:
        """Return the yearly payment on one unit of money spent on a thing of that life."""
        return capital_recovery_factor(self.interest_frac, life_years)


@dataclass(frozen=True, slots=True)
class Design:
    """What stands at a site."""

    pv_kwp: float
    battery_kwh: float
    battery_kind: str
    generator_kw: float
    controller_id: str


@dataclass(frozen=True, slots=True, eq=False)
class Sizing:
    """The least costly design that meets the target, and what proves it.

    ``figures`` are those of ``designs`` (all that were simulated) for this one; ``sensitivity`` holds the best design
    and cost under other prices.
    """

    design: Design
    figures: dict[str, float]
    designs: pl.DataFrame
    sensitivity: pl.DataFrame
    certificate: Certificate

    @property
    def cost(self) -> float:
        """Return the yearly cost, US dollars."""
        return self.certificate.cost

    @property
    def lower_bound(self) -> float:
        """Return the yearly cost, US dollars, below which no design and no controller can come."""
        return float(self.certificate.lower_bound or 0.0)


def _has_use(rule: Controller, pv: float, rated: float) -> bool:
    """Return whether rules say anything for a design: charging needs a generator, sparing the grid needs the sun."""
    return rule is RULES[0] or (rated > 0.0 if rule is CYCLIC else pv > 0.0)


def design_grid(load_kw: float, peak_ratio: float) -> pl.DataFrame:
    """Return the designs of the first round for a mean load and its peak over the mean."""
    rows = [
        (pv * load_kw, hours * load_kw, kind, rated * peak_ratio * load_kw, rule.controller_id)
        for hours, kind, pv, rated, rule in product(BATTERY_H, BATTERY_KINDS, PV_PER_KW, GENERATOR_PER_PEAK, RULES)
        if (hours > 0.0 or (kind == "lithium" and rule is RULES[0])) and _has_use(rule, pv, rated)
    ]
    return pl.DataFrame(rows, DESIGN_SCHEMA, orient="row")


DESIGN_SCHEMA = {
    "pv_kwp": pl.Float64(),
    "battery_kwh": pl.Float64(),
    "battery_kind": pl.String(),
    "generator_kw": pl.Float64(),
    "controller_id": pl.String(),
}


def finer_grid(best: Design) -> pl.DataFrame:
    """Return designs around one; what it does without stays out, and it stands among them."""
    generators = (0.85, 1.0) if best.generator_kw > 0.0 else (1.0,)
    rows = [
        (best.pv_kwp * pv, best.battery_kwh * battery, best.battery_kind, best.generator_kw * rated, best.controller_id)
        for pv, battery, rated in product(FINER, FINER, generators)
    ]
    return pl.DataFrame(rows, DESIGN_SCHEMA, orient="row").unique(maintain_order=True)


def costed(designs: pl.DataFrame, prices: PowerPrices) -> pl.DataFrame:
    """Return simulated designs with ``capex_usd``, ``cost_usd_per_year``, ``cost_usd_per_kwh`` and carbon.

    ``designs`` has the yearly ``fuel_l``, ``grid_kwh``, ``generator_h`` and ``served_kwh``.
    """
    battery = pl.col("battery_kwh") * pl.when(pl.col("battery_kind") == "lithium").then(
        prices.lithium_usd_per_kwh
    ).otherwise(prices.lead_acid_usd_per_kwh)
    battery_yearly = (
        pl.when(pl.col("battery_kind") == "lithium")
        .then(prices.yearly_frac(prices.lithium_life_years))
        .otherwise(prices.yearly_frac(prices.lead_acid_life_years))
    )
    pv = pl.col("pv_kwp") * prices.pv_usd_per_kwp
    has_generator = (pl.col("generator_kw") > 0.0).cast(pl.Float64())
    generator = has_generator * prices.generator_usd + pl.col("generator_kw") * prices.generator_usd_per_kw
    running = (
        pl.col("fuel_l") * prices.diesel_usd_per_l
        + pl.col("grid_kwh") * prices.tariff_usd_per_kwh
        + pl.col("generator_h") * prices.service_usd_per_h
    )
    carbon = pl.col("fuel_l") * KG_CO2_PER_L + pl.col("grid_kwh") * prices.grid_kg_co2_per_kwh
    return designs.with_columns(
        capex_usd=pv + battery + generator,
        running_usd_per_year=running,
        cost_usd_per_year=running + pv * prices.yearly_frac(prices.pv_life_years) + battery * battery_yearly
        + generator * prices.yearly_frac(prices.generator_life_years),
        co2_tonnes_per_year=carbon / KG_PER_TONNE,
    ).with_columns(
        cost_usd_per_kwh=pl.col("cost_usd_per_year") / pl.col("served_kwh").clip(lower_bound=1e-9)
    )  # fmt: skip


def simulated_designs(
    designs: pl.DataFrame, classes: pl.DataFrame, weather: CellHours, outages: FeederHours, n_workers: int = 1
) -> pl.DataFrame:
    """Return designs beside what a year of each at its class gives: yearly sums, availability and autonomy.

    ``designs`` has ``class_id``; ``classes`` has ``class_id``, ``weather_cell_id``, ``feeder_id``, ``load_kw``,
    ``load_class``.
    """
    table = designs.join(classes, on="class_id", how="left", maintain_order="left").with_row_index("number")
    width = len(str(table.height))
    sites = table.select(
        pl.col("number").cast(pl.String()).str.zfill(width).alias("site_id"), "weather_cell_id", "feeder_id",
        "controller_id", "load_kw", "load_class", "pv_kwp", "battery_kind", "generator_kw",
        pl.when(pl.col("battery_kwh") > 0.0).then(pl.col("battery_kwh")).alias("battery_kwh"),
    )  # fmt: skip
    inputs = checked(sites, weather, outages, controller_table(*RULES))
    found = simulated(inputs, n_workers=n_workers)
    yearly = HOURS_PER_YEAR / weather.pv_kwh_per_kwp.shape[1]
    depth = {kind: figures.depth_frac for kind, figures in BATTERY_KINDS.items()}
    usable = pl.col("battery_kwh") * pl.col("battery_kind").replace_strict(depth, return_dtype=pl.Float64())
    return table.drop("number").with_columns(
        availability_frac=found["availability_frac"],
        fuel_l=found["fuel_l"] * yearly,
        grid_kwh=found["grid_kwh"] * yearly,
        generator_h=found["generator_h"] * yearly,
        served_kwh=(found["load_kwh"] - found["unserved_kwh"]) * yearly,
        autonomy_h=usable / pl.col("load_kw"),
    )


def _best(designs: pl.DataFrame, target_frac: float) -> pl.DataFrame:
    """Return the row of the least yearly cost among those that meet the target, for each class; ties by the design."""
    order = ["class_id", "cost_usd_per_year", *DESIGN_SCHEMA]
    kept = designs.filter(pl.col("availability_frac") >= target_frac - SLACK_FRAC)
    return kept.sort(order).unique("class_id", keep="first", maintain_order=True)


def _design(row: dict[str, object]) -> Design:
    return Design(**{name: row[name] for name in DESIGN_SCHEMA})  # type: ignore[arg-type]  # by the schema above


def size_classes(
    classes: pl.DataFrame,
    weather: CellHours,
    outages: FeederHours,
    target_availability_pct: float = 99.95,
    *,
    prices: PowerPrices | None = None,
    n_workers: int = 1,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the best design of each class of sites, by ``class_id``, and all designs simulated with their cost.

    ``classes`` has ``class_id``, ``weather_cell_id``, ``feeder_id`` (empty without grid), ``load_kw``, ``load_class``.
    A class that no design can serve raises TargetError, all of them at once; faults raise InputError.
    """
    price = prices or PowerPrices()
    if not 0.0 < target_availability_pct <= PERCENT:
        cure = "give per cent, such as 99.95"
        raise InputError(Problem(f"a target of {target_availability_pct:g} per cent", cure, None, None, "target"))
    target = target_availability_pct / PERCENT
    table = classes.sort("class_id")
    load_problems = [
        Problem("a load that is not above zero", "give the mean load in kW", "classes", row + 1, "load_kw")
        for row in (~(table["load_kw"] > 0.0)).fill_null(value=True).arg_true().to_list()
    ]
    known = load_courses(None)
    load_problems += [
        Problem(f"load class '{name}' is unknown", f"use one of {', '.join(known)}", "classes", None, "load_class")
        for name in table["load_class"].unique().sort().to_list()
        if name not in known
    ]
    raise_if_any(load_problems)
    peak = {name: float(course.max()) for name, course in known.items()}

    def run(name: str, grid: pl.DataFrame) -> pl.DataFrame:
        return grid.with_columns(class_id=pl.lit(name))

    first = [run(row["class_id"], design_grid(row["load_kw"], peak[row["load_class"]])) for row in table.to_dicts()]
    found = costed(simulated_designs(pl.concat(first), table, weather, outages, n_workers), price)
    for _ in range(N_ROUNDS):
        best = _best(found, target)
        if best.is_empty():
            break
        finer = pl.concat([run(row["class_id"], finer_grid(_design(row))) for row in best.to_dicts()])
        more = costed(simulated_designs(finer, table, weather, outages, n_workers), price)
        found = pl.concat([found, more]).unique(["class_id", *DESIGN_SCHEMA], keep="first", maintain_order=True)
    best = _best(found, target)
    reached = found.group_by("class_id").agg(pl.col("availability_frac").max()).sort("class_id")
    short = reached.join(best.select("class_id"), on="class_id", how="anti", maintain_order="left")
    cure = "ask for less, or give more sun or grid"
    raise_if_any(
        [
            Problem(f"'{name}' reaches {PERCENT * most:.3f} of {target_availability_pct:g} per cent at most", cure)
            for name, most in short.rows()
        ],
        TargetError,
    )
    return best, found


def payback_years(best: pl.DataFrame, reference: pl.DataFrame) -> float:
    """Return the years in which what a design costs more than another is saved in running; infinite if it never is."""
    more = float(best["capex_usd"][0]) - float(reference["capex_usd"][0])
    saved = float(reference["running_usd_per_year"][0]) - float(best["running_usd_per_year"][0])
    if more <= 0.0:
        return 0.0 if saved >= 0.0 else float("inf")
    return more / saved if saved > 0.0 else float("inf")


CHANGED = {
    "diesel": ("diesel_usd_per_l",),
    "tariff": ("tariff_usd_per_kwh",),
    "pv": ("pv_usd_per_kwp",),
    "battery": ("lithium_usd_per_kwh", "lead_acid_usd_per_kwh"),
}
SHIFTS = (0.5, 0.8, 1.2, 1.5)  # of a price


def sensitivity_table(designs: pl.DataFrame, prices: PowerPrices, target_frac: float) -> pl.DataFrame:
    """Return the best of the simulated designs and its cost where one price at a time is another."""
    rows = []
    for name, fields in CHANGED.items():
        for shift in SHIFTS:
            other = replace(prices, **{field: getattr(prices, field) * shift for field in fields})
            best = _best(costed(designs, other), target_frac).row(0, named=True)
            kept = {key: best[key] for key in (*DESIGN_SCHEMA, "cost_usd_per_year", "cost_usd_per_kwh", "fuel_l")}
            rows.append({"price": name, "price_ratio": shift, **kept})
    return pl.DataFrame(rows)


def size_site(
    load_kw: float,
    weather: pl.DataFrame | CellHours,
    outages: pl.DataFrame | FeederHours,
    target_availability_pct: float = 99.95,
    *,
    load_class: str = "flat",
    prices: PowerPrices | None = None,
    is_bounded: bool = True,
) -> Sizing:
    """Return the least costly design of one site for a share of hours served, with a proven lower bound on its cost.

    ``weather`` holds one cell and ``outages`` one feeder at most (none: the grid never fails), as
    :func:`rahdari.methods.site_power.simulate` takes them.  ``figures``: ``availability_frac``, ``capex_usd``,
    ``cost_usd_per_year``, ``cost_usd_per_kwh``, ``fuel_l``, ``grid_kwh``, ``generator_h`` and ``co2_tonnes_per_year``
    a year, ``autonomy_h``, and ``payback_years`` against the best design without panels.  ``is_bounded`` false leaves
    the linear programme out (seconds for a year).  A target out of reach raises TargetError.
    """
    price = prices or PowerPrices()
    probe = {"site_id": ["site"], "load_kw": [float(load_kw)], "load_class": [load_class]}
    names = _names(weather, outages)
    probe |= {"weather_cell_id": [names[0]], "feeder_id": [names[1]]}
    inputs = checked(pl.DataFrame(probe), weather, outages, Controller())
    classes = inputs.sites.select(
        pl.col("site_id").alias("class_id"), "weather_cell_id", "feeder_id", "load_kw", "load_class"
    )
    best, designs = size_classes(classes, inputs.cells, inputs.feeders, target_availability_pct, prices=price)
    target = target_availability_pct / PERCENT
    cost = float(best["cost_usd_per_year"][0])
    bound = None
    if is_bounded:
        n_hours = inputs.cells.pv_kwh_per_kwp.shape[1]
        load = load_kw * np.resize(inputs.courses[load_class], n_hours)
        grid = inputs.feeders.parts[0] / 65_535 if inputs.feeders.feeder_id else np.ones(n_hours)
        most_kw = float(designs["generator_kw"].to_numpy().max())
        bound = yearly_bound_usd(load, inputs.cells.pv_kwh_per_kwp[0], grid, target, _rates(price, most_kw))
    plain = _best(designs.filter(pl.col("pv_kwp") == 0.0), target)
    row = best.row(0, named=True)
    keys = ("availability_frac", "capex_usd", "cost_usd_per_year", "cost_usd_per_kwh", "fuel_l", "grid_kwh",
            "generator_h", "co2_tonnes_per_year", "autonomy_h")  # fmt: skip
    figures = {key: float(row[key]) for key in keys}
    figures["payback_years"] = payback_years(best, plain) if plain.height else 0.0
    certificate = Certificate(
        "site_sizing", cost, bound, "usd_per_year", "linear programme over all hours with perfect foresight",
        "sizes of any fineness, any controller; losses of generators at part load left out",
    )  # fmt: skip
    return Sizing(_design(row), figures, designs, sensitivity_table(designs, price, target), certificate)


def _names(weather: pl.DataFrame | CellHours, outages: pl.DataFrame | FeederHours) -> tuple[str, str]:
    """Return the one cell and the one feeder; more of either raise InputError."""
    cells = weather.cell_id if isinstance(weather, CellHours) else tuple(_distinct(weather, "weather_cell_id"))
    feeders = outages.feeder_id if isinstance(outages, FeederHours) else tuple(_distinct(outages, "feeder_id"))
    problems = []
    if len(cells) != 1:
        problems.append(Problem(f"{len(cells)} weather cells for one site", "give the hours of one cell", "weather"))
    if len(feeders) > 1:
        problems.append(Problem(f"{len(feeders)} feeders for one site", "give the outages of one feeder", "outages"))
    raise_if_any(problems)
    return cells[0], feeders[0] if feeders else "feeder"


def _distinct(frame: pl.DataFrame, name: str) -> list[str]:
    """Return the values of a column; one that is absent is left for the check of the table to name."""
    return [str(value) for value in frame[name].unique().sort()] if name in frame.columns else ["?"]


def _rates(prices: PowerPrices, most_kw: float) -> dict[str, float]:
    """Return the yearly cost of a unit of each thing as the bound takes it: the better of both batteries, each way."""
    batteries = {
        "lithium": prices.lithium_usd_per_kwh * prices.yearly_frac(prices.lithium_life_years),
        "lead_acid": prices.lead_acid_usd_per_kwh * prices.yearly_frac(prices.lead_acid_life_years),
    }
    fuel = (IDLE_L_PER_KWH + LOAD_L_PER_KWH) * prices.diesel_usd_per_l
    return {
        "pv": prices.pv_usd_per_kwp * prices.yearly_frac(prices.pv_life_years),
        "battery": min(cost / BATTERY_KINDS[kind].depth_frac for kind, cost in batteries.items()),
        "generator": prices.generator_usd_per_kw * prices.yearly_frac(prices.generator_life_years),
        "generator_fixed": prices.generator_usd * prices.yearly_frac(prices.generator_life_years),
        "fuel": fuel + prices.service_usd_per_h / max(most_kw, 1e-9),
        "grid": prices.tariff_usd_per_kwh,
        "kept": max(figures.efficiency_frac for figures in BATTERY_KINDS.values()),
        "charge": max(figures.charge_kw_per_kwh / figures.depth_frac for figures in BATTERY_KINDS.values()),
    }
