"""The four tables of a simulation of site power, checked all at once, and as the arrays that the kernels take."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

import rahdari.schema
from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.kernels.site_power import GRID_PARTS
from rahdari.schema import schemas_in
from rahdari.schema.checks import conform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    FloatArray = NDArray[np.float64]
    SingleArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

SCHEMAS = schemas_in(Path(rahdari.schema.__file__).parent / "power")
REFERENCE_C = 25.0  # at which capacity and life of a battery are stated
MOST_ROWS = 5  # named of one fault
DAY_H = 24
FEEDERS_AT_ONCE = 512  # whose hours are held in double precision
#: Load of radio equipment over its mean through a day that follows traffic, local clock; assumed: quiet before dawn,
#: busiest at 21.  The mean is 1.
TRAFFIC = (0.62, 0.47, 0.38, 0.33, 0.32, 0.37, 0.50, 0.68, 0.86, 1.00, 1.09, 1.15,
           1.18, 1.17, 1.15, 1.16, 1.20, 1.27, 1.36, 1.46, 1.55, 1.61, 1.53, 1.59)  # fmt: skip
#: Load class -> share of its load that follows traffic; assumed from idle over full power of base stations.
TRAFFIC_FRAC = {"flat": 0.0, "2g": 0.15, "3g": 0.2, "4g": 0.3, "5g": 0.45}


@dataclass(frozen=True, slots=True)
class BatteryKind:
    """What holds for all batteries of a kind.

    Power is per kWh of size; ``fade_per_year_frac`` at 25 C doubles every 10 K; ``life_cycles_count`` full cycles cost
    a fifth of the capacity; ``cold_frac_per_k`` is held back per kelvin below 25 C.
    """

    depth_frac: float
    efficiency_frac: float
    charge_kw_per_kwh: float
    discharge_kw_per_kwh: float
    fade_per_year_frac: float
    life_cycles_count: float
    cold_frac_per_k: float


LOST_AT_END_FRAC = 0.2  # of capacity: where a battery's life is said to end, IEC 61427-1 and 62620
#: Usual figures of makers for telecom use, assumed; lead-acid is sealed.
BATTERY_KINDS = {
    "lithium": BatteryKind(0.9, 0.94, 0.5, 1.0, 0.02, 4000.0, 0.003),
    "lead_acid": BatteryKind(0.5, 0.80, 0.15, 0.3, 0.04, 1000.0, 0.006),
}


@dataclass(frozen=True, slots=True)
class Controller:
    """One set of rules as data: levels of charge at which sources start, stop and charge; one row of ``controller``.

    The defaults: sun first, the grid while it is there, then the battery to its depth, then the generator for the load.
    """

    controller_id: str = "default"
    grid_charge_soc_frac: float = 1.0
    battery_before_grid_soc_frac: float = 1.0
    generator_start_soc_frac: float = 0.0
    generator_stop_soc_frac: float = 0.0
    generator_charge_soc_frac: float = 0.0
    generator_min_load_frac: float = 0.0
    generator_run_h_per_day: float = 24.0
    refuel_order_frac: float = 0.25


def controller_table(*rules: Controller) -> pl.DataFrame:
    """Return sets of rules as a table; without any, the default."""
    return pl.DataFrame([asdict(rule) for rule in rules or (Controller(),)])


@dataclass(frozen=True, slots=True, eq=False)
class CellHours:
    """Sun and heat of (c,) weather cells, hour by hour: kWh per kWp and degrees Celsius, both (c, hours)."""

    cell_id: tuple[str, ...]
    pv_kwh_per_kwp: SingleArray
    temperature_c: SingleArray


@dataclass(frozen=True, slots=True, eq=False)
class FeederHours:
    """Grid of (f,) feeders hour by hour: ``parts`` (f, hours), the share of the hour with supply in 65,535ths."""

    feeder_id: tuple[str, ...]
    parts: NDArray[np.uint16]

    def of_feeders(self, feeder_id: Sequence[str]) -> FeederHours:
        """Return the same for some feeders, in the order of their names; one that is not there raises KeyError."""
        at = {name: row for row, name in enumerate(self.feeder_id)}
        kept = sorted(set(feeder_id))
        return FeederHours(tuple(kept), self.parts[[at[name] for name in kept]])

    def outage_h(self) -> FloatArray:
        """Return (f,) the hours without supply."""
        hours = self.parts.shape[1] - self.parts.sum(axis=1, dtype=np.uint64) / GRID_PARTS
        return np.asarray(hours, np.float64)


def _rows(mask: pl.Series, what: str, cure: str, file: str, column: str) -> list[Problem]:
    rows = mask.fill_null(value=False).arg_true().to_list()
    problems = [Problem(what, cure, file, row + 1, column) for row in rows[:MOST_ROWS]]
    if len(rows) > MOST_ROWS:
        problems.append(Problem(f"{what} (and {len(rows) - MOST_ROWS} more rows)", cure, file, None, column))
    return problems


def conformed(name: str, frame: pl.DataFrame, problems: list[Problem]) -> pl.DataFrame | None:
    """Return the table by its schema, or ``None`` after adding what is wrong to ``problems``."""
    try:
        return conform(frame, SCHEMAS[name])
    except InputError as error:
        problems += error.problems
        return None


def site_problems(sites: pl.DataFrame, courses: Mapping[str, ArrayLike]) -> list[Problem]:
    """Return what no site can have, by rows of the table as given."""
    faults: list[Problem] = []

    def check(column: str, wrong: pl.Expr, what: str, cure: str) -> None:
        if column in sites.columns and (column == "load_class" or sites[column].dtype.is_numeric()):
            faults.extend(_rows(sites.select(wrong).to_series(), what, cure, "sites", column))

    check("load_kw", pl.col("load_kw") == 0.0, "a load of zero", "remove the site or give its load")
    check("battery_kwh", pl.col("battery_kwh") == 0.0, "a battery of zero size", "leave it empty where there is none")
    for name in ("battery_depth_frac", "battery_efficiency_frac"):
        wrong = (pl.col(name) <= 0.0) | (pl.col(name) > 1.0)
        check(name, wrong, "a share that is not above 0 and at most 1", "give a share of one")
    for name in ("battery_first_frac", "start_failure_frac"):
        check(name, pl.col(name) > 1.0, "a share above 1", "give a share of one")
    check("theft_frac", pl.col("theft_frac") >= 1.0, "a share of 1 or more", "give a share below one")
    check("tank_l", pl.col("tank_l") == 0.0, "a tank of zero litres", "leave it empty where fuel never ends")
    known = ~pl.col("load_class").is_in(list(courses))
    check("load_class", known, "an unknown load class", f"use one of {', '.join(courses)}")
    return faults


def controller_problems(rules: pl.DataFrame) -> list[Problem]:
    """Return levels outside 0 to 1 and rules that would buy what the battery has just given."""
    faults: list[Problem] = []
    for name in rules.columns:
        if name.endswith("_frac") and rules[name].dtype.is_numeric():
            faults += _rows(rules[name] > 1.0, "a share above 1", "give a share of one", "controller", name)
    day = "generator_run_h_per_day"
    if day in rules.columns and rules[day].dtype.is_numeric():
        faults += _rows((rules[day] > DAY_H) | (rules[day] < 1.0), "hours outside 1 to 24", "give hours a day",
                        "controller", day)  # fmt: skip
    before, charge = "battery_before_grid_soc_frac", "grid_charge_soc_frac"
    if {before, charge} <= set(rules.columns) and rules[before].dtype.is_numeric() and rules[charge].dtype.is_numeric():
        cure = f"keep {charge} at or below {before}"
        faults += _rows(rules[charge] > rules[before], "the grid would charge what the battery spares it", cure,
                        "controller", charge)  # fmt: skip
    return faults


def cell_hours(weather: pl.DataFrame | CellHours, problems: list[Problem]) -> CellHours | None:
    """Return the weather as arrays, cells by name, or ``None`` after adding what is wrong to ``problems``."""
    if isinstance(weather, CellHours):
        shape = (len(weather.cell_id), weather.pv_kwh_per_kwp.shape[-1])
        if weather.pv_kwh_per_kwp.shape != shape or weather.temperature_c.shape != shape or 0 in shape:
            problems.append(Problem("arrays do not fit the cells", "give (cells, hours) of sun and heat", "weather"))
            return None
        bad = (
            ~np.isfinite(weather.pv_kwh_per_kwp) | (weather.pv_kwh_per_kwp < 0.0) | ~np.isfinite(weather.temperature_c)
        )
        if bad.any():
            cell = weather.cell_id[int(np.argmax(bad.any(axis=1)))]
            problems.append(Problem(f"sun or heat of '{cell}' is no number or negative", "correct it", "weather"))
            return None
        return weather
    frame = conformed("weather", weather, problems)
    if frame is None or not frame.height:
        nothing = Problem("there is no weather", "give a row for each cell and hour", "weather")
        problems += [] if frame is None else [nothing]
        return None
    counts = frame.group_by("weather_cell_id", maintain_order=True).agg(
        n=pl.len(), last=pl.col("at_h").max(), first=pl.col("at_h").min()
    )
    hours = int(counts["n"].max())  # type: ignore[arg-type]  # there are rows
    wrong = counts.filter((pl.col("n") != hours) | (pl.col("first") != 0) | (pl.col("last") != hours - 1))
    cure = f"give each cell one row for every hour from 0 to {hours - 1}"
    problems += [
        Problem(f"cell '{cell}' has {n} hours, from {first} to {last}", cure, "weather", None, "at_h")
        for cell, n, last, first in wrong.rows()[:MOST_ROWS]
    ]
    if wrong.height:
        return None
    sun, heat = (frame[name].to_numpy().astype(np.float32) for name in ("pv_kwh_per_kwp", "temperature_c"))
    return CellHours(tuple(counts["weather_cell_id"]), sun.reshape(-1, hours), heat.reshape(-1, hours))


def merged(
    feeder: IntArray, start_h: FloatArray, end_h: FloatArray, n_hours: int
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return outages sorted by feeder and start of which none overlap: what an earlier one covers is left out."""
    end_h = np.minimum(end_h, n_hours)
    order = np.lexsort((end_h, start_h, feeder))
    feeder, start_h, end_h = feeder[order], start_h[order], end_h[order]
    offset = feeder * (n_hours + 1.0)  # feeders stand one behind the other on one axis
    covered = np.concatenate([[-1.0], np.maximum.accumulate(end_h + offset)[:-1]]) - offset if feeder.size else end_h
    start_h = np.maximum(start_h, covered)
    kept = end_h > start_h
    return feeder[kept], start_h[kept], end_h[kept]


def feeder_parts(
    n_feeders: int, feeder: IntArray, start_h: FloatArray, length_h: FloatArray, n_hours: int
) -> NDArray[np.uint16]:
    """Return (feeders, hours) the share of each hour with supply, in 65,535ths; outages may overlap."""
    feeder, start, end = merged(feeder, start_h, start_h + length_h, n_hours)
    width = n_hours + 2
    parts = np.empty((n_feeders, n_hours), np.uint16)
    for low in range(0, n_feeders, FEEDERS_AT_ONCE):
        high = min(low + FEEDERS_AT_ONCE, n_feeders)
        rows = slice(*np.searchsorted(feeder, (low, high)))
        change = np.zeros((high - low) * width)
        for at, sign in ((start[rows], 1.0), (end[rows], -1.0)):
            # Supply falls or rises within an hour: its share there, and the rest from the next hour on.
            hour = np.minimum(at.astype(np.int64), n_hours)
            share = 1.0 - (at - hour)
            index = (feeder[rows] - low) * width + hour
            change += sign * np.bincount(index, share, change.size)
            change += sign * np.bincount(index + 1, 1.0 - share, change.size)
        dark = np.cumsum(change.reshape(high - low, width), axis=1)[:, :n_hours]
        parts[low:high] = np.rint((1.0 - np.clip(dark, 0.0, 1.0)) * GRID_PARTS)
    return parts


def outage_problems(outages: pl.DataFrame, n_hours: int | None) -> list[Problem]:
    """Return outages that lie outside the hours of the weather or last longer."""
    faults: list[Problem] = []
    if n_hours is not None and {"start_h", "length_h"} <= set(outages.columns):
        start, length = (outages[name].cast(pl.Float64(), strict=False) for name in ("start_h", "length_h"))
        what = f"an outage longer than the {n_hours} hours of weather"
        faults += _rows(length > n_hours, what, "cut it, or give weather for as long", "outages", "length_h")
        what = f"an outage that starts outside hours 0 to {n_hours}"
        faults += _rows((start >= n_hours) | (start < 0.0), what, "count hours from the first", "outages", "start_h")
    return faults


def feeder_hours(
    outages: pl.DataFrame | FeederHours, n_hours: int | None, problems: list[Problem]
) -> FeederHours | None:
    """Return the grid of each feeder as an array, or ``None`` after adding what is wrong to ``problems``."""
    if isinstance(outages, FeederHours):
        n = outages.parts.shape[-1]
        if outages.parts.shape != (len(outages.feeder_id), n) or (n_hours is not None and n != n_hours):
            cure = f"give (feeders, hours) with {n_hours} hours, as the weather has"
            problems.append(Problem("arrays do not fit the feeders or the weather", cure, "outages"))
            return None
        return outages
    frame = conformed("outages", outages, problems)
    problems += outage_problems(outages, n_hours)
    if frame is None or n_hours is None:
        return None
    names = frame["feeder_id"].unique().sort()
    at = frame["feeder_id"].replace_strict(names, np.arange(names.len()), return_dtype=pl.Int64()).to_numpy()
    parts = feeder_parts(names.len(), at, frame["start_h"].to_numpy(), frame["length_h"].to_numpy(), n_hours)
    return FeederHours(tuple(names), parts)


def join_problems(
    sites: pl.DataFrame, cells: CellHours | None, feeders: FeederHours | None, rules: pl.DataFrame | None
) -> list[Problem]:
    """Return names that lead nowhere: cells and rules of sites that are not there, feeders without sites."""
    faults: list[Problem] = []
    if cells is not None:
        bad = ~sites["weather_cell_id"].is_in(list(cells.cell_id))
        faults += _rows(bad, "no such weather cell", "add its hours or correct the name", "sites", "weather_cell_id")
    if rules is not None:
        bad = ~sites["controller_id"].is_in(rules["controller_id"].to_list())
        faults += _rows(bad, "no such rules", "add a row to controller or correct the name", "sites", "controller_id")
    if feeders is not None:
        used = set(sites["feeder_id"].drop_nulls())
        lost = [name for name in feeders.feeder_id if name not in used]
        cure = "correct the name, or keep only feeders with sites"
        faults += [
            Problem(f"feeder '{name}' has no site", cure, "outages", None, "feeder_id") for name in lost[:MOST_ROWS]
        ]
        if len(lost) > MOST_ROWS:
            what = f"{len(lost) - MOST_ROWS} more feeders have no site"
            faults.append(Problem(what, cure, "outages", None, "feeder_id"))
    return faults


def load_courses(own: Mapping[str, ArrayLike] | None) -> dict[str, FloatArray]:
    """Return the 24 hours of each load class, each of mean 1; ``own`` adds to them or replaces some."""
    traffic = np.asarray(TRAFFIC)
    traffic /= traffic.mean()
    courses = {name: 1.0 + share * (traffic - 1.0) for name, share in TRAFFIC_FRAC.items()}
    faults = []
    for name, values in (own or {}).items():
        course = np.asarray(values, np.float64)
        if course.shape != (DAY_H,) or not np.isfinite(course).all() or (course < 0.0).any() or course.sum() <= 0.0:
            faults.append(Problem(f"course '{name}' is not 24 numbers of zero or more", "give one for each hour"))
            continue
        courses[name] = course / course.mean()
    raise_if_any(faults)
    return courses


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Checked inputs: sites in the order of their names, with every empty cell filled where it means a default."""

    sites: pl.DataFrame
    cells: CellHours
    feeders: FeederHours
    courses: dict[str, FloatArray]


def _filled(sites: pl.DataFrame, rules: pl.DataFrame) -> pl.DataFrame:
    """Return the sites beside their rules, with the battery kind's own figures where a cell is empty."""

    def own(field: str) -> pl.Expr:
        values = {kind: getattr(figures, field) for kind, figures in BATTERY_KINDS.items()}
        return pl.col("battery_kind").replace_strict(values, return_dtype=pl.Float64())

    size = pl.col("battery_kwh").fill_null(0.0)
    return sites.join(rules, on="controller_id", how="left", maintain_order="left").with_columns(
        size.alias("battery_kwh"),
        pl.col("battery_depth_frac").fill_null(own("depth_frac")),
        pl.col("battery_efficiency_frac").fill_null(own("efficiency_frac")),
        pl.col("battery_charge_kw").fill_null(own("charge_kw_per_kwh") * size),
        pl.col("battery_discharge_kw").fill_null(own("discharge_kw_per_kwh") * size),
        tank_l=pl.col("tank_l").fill_null(np.inf),
    )


def checked(
    sites: pl.DataFrame,
    weather: pl.DataFrame | CellHours,
    outages: pl.DataFrame | FeederHours,
    controller: pl.DataFrame | Controller,
    courses: Mapping[str, ArrayLike] | None = None,
) -> Inputs:
    """Return the four tables ready to simulate; every fault of all of them is raised as one InputError."""
    problems: list[Problem] = []
    known = load_courses(courses)
    rules = controller_table(controller) if isinstance(controller, Controller) else controller
    problems += site_problems(sites, known) + controller_problems(rules)
    table, ruled = conformed("sites", sites, problems), conformed("controller", rules, problems)
    cells = cell_hours(weather, problems)
    n_hours = None if cells is None else cells.pv_kwh_per_kwp.shape[1]
    feeders = feeder_hours(outages, n_hours, problems)
    if table is not None:
        problems += join_problems(table, cells, feeders, ruled)
    raise_if_any(problems)
    if table is None or ruled is None or cells is None or feeders is None:  # pragma: no cover  # raised above
        raise InputError(problems)
    return Inputs(_filled(table, ruled), cells, feeders, known)
