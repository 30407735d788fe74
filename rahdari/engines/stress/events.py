"""Named events hour by hour: what the machine says beside what was reported, with a band over its own inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.engines.stress.hazards import (
    DAMAGING,
    Setting,
    damage_hazards,
    feeder_hazards,
    grid_hazard,
    people_of_region,
)
from rahdari.errors import InputError, Problem
from rahdari.methods.cascade import Crews, Hourly, changed, hourly
from rahdari.methods.fragility import fragility_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rahdari.engines.stress.graph import StressPlan
    from rahdari.engines.stress.params import StressParams
    from rahdari.engines.stress.revenue import HourlyRevenue
    from rahdari.methods.cascade import StressNetwork
    from rahdari.methods.hazard_sampling import Hazard
    from rahdari.methods.routing import FloatArray
    from rahdari.model import Tables

SETTINGS: tuple[Setting, ...] = ("low", "central", "high")
HOURLY_H = 48  # events up to this long are played every hour in a plan, longer ones every few hours
STEP_H = 6
BY_UNIT = {"n_sites_down": "site", "sites_down_frac": "pct", "people_out_frac": "region"}  # word in a report's unit
PCT = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """A named event: hours (t,), and (3, t) low, central and high sites down and people without service."""

    name: str
    hour_h: FloatArray
    sites_down: FloatArray
    people_without: FloatArray
    n_sites: float
    n_people: float
    scale_ratio: float

    def line(self, what: str) -> FloatArray:
        """Return (3, t) in the unit of a report."""
        return {
            "n_sites_down": self.sites_down * self.scale_ratio,
            "sites_down_frac": self.sites_down / max(self.n_sites, 1.0),
            "people_out_frac": self.people_without / max(self.n_people, 1.0),
        }[what]


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.split(";") if name.strip()]


@dataclass(frozen=True, slots=True)
class Ends:
    """What differs between the settings of a replay; low is little damage."""

    access_frac: float
    battery_ratio: float
    feeder_fail_frac: float


def ends_of(params: StressParams, setting: Setting) -> Ends:
    """Return the share of access, the ratio of battery hours and the chance of losing a feeder at a setting."""
    return {
        "low": Ends(params.access_low_frac, params.battery_high_ratio, params.feeder_fail_low_frac),
        "central": Ends(params.access_frac, 1.0, params.feeder_fail_frac),
        "high": Ends(params.access_high_frac, params.battery_low_ratio, params.feeder_fail_high_frac),
    }[setting]


def event_hazards(
    event: dict[str, Any], tables: Tables, made: StressPlan, params: StressParams, setting: Setting
) -> list[Hazard]:
    """Return the hazards of a named event at one setting; names that the plan does not know raise InputError."""
    rows = {row["hazard_id"]: row for row in tables["hazards"].iter_rows(named=True)}
    unknown = [name for name in _split(event["hazard_ids"]) if name not in rows]
    if unknown:
        what = f"{event['named_event_id']} names hazards that are not there: {', '.join(unknown)}"
        raise InputError(Problem(what, "add them to hazards.csv or correct the names", "named_events.csv"))
    curves = fragility_of(tables["fragility_curves"], tables["fragility_points"])
    ends = ends_of(params, setting)
    found: list[Hazard] = []
    for name in sorted(_split(event["hazard_ids"])):
        row = rows[name]
        length = row["duration_h"] if event["duration_h"] is None else event["duration_h"]
        if row["kind"] == "grid_failure" and made.network.n_zones:
            found.append(grid_hazard(made, params, row["rate_per_year"], length, 0.0))
        elif row["kind"] in DAMAGING:
            own = {**row, "duration_h": length}
            struck = {"struck_frac": event["struck_frac"], "access_frac": ends.access_frac}
            found += damage_hazards(own, made, curves, params, which=setting, strikes=event["strikes"], **struck)
            if event["strikes"] != "links":
                found += feeder_hazards(own, made, params, fail_frac=ends.feeder_fail_frac, **struck)
    return found


def _with_crews(made: StressPlan, hazards: Sequence[Hazard], n_crews: int | None) -> StressPlan:
    """Return the plan with the crews of the report in one pool, where it says how many."""
    if n_crews is None or not hazards:
        return made
    network = made.network
    pool = Crews(np.zeros(network.n_things, np.int64), np.array([n_crews]), network.crews.travel_h[:1])
    return replace(made, network=changed(network, crews=pool))


def event_network(
    event: dict[str, Any], tables: Tables, made: StressPlan, params: StressParams, setting: Setting
) -> tuple[StressNetwork, list[Hazard]] | None:
    """Return the network that an event strikes at one setting, and its hazards; None where it strikes nothing."""
    hazards = event_hazards(event, tables, made, params, setting)
    if not hazards:
        return None
    own = _with_crews(people_of_region(made, event["region"]), hazards, event["n_crews"])
    battery = own.network.battery_h * ends_of(params, setting).battery_ratio
    network = changed(own.network, battery_h=battery, services=own.network.services[:1])
    if not any(hazard.effect == "grid" for hazard in hazards):
        # Supply holds: the power of sites need not be followed.
        network = changed(network, zone=np.full(network.n_nodes, -1), n_zones=0)
    return network, hazards


def _one(
    event: dict[str, Any], tables: Tables, made: StressPlan, params: StressParams, *, setting: Setting,
    hour_h: FloatArray, seed: int, n_draws: int,
) -> Hourly | None:  # fmt: skip
    struck = event_network(event, tables, made, params, setting)
    return None if struck is None else hourly(*struck, hour_h, n_draws=n_draws, seed=seed)


def hours_of(event: dict[str, Any], reports: pl.DataFrame, *, every_hour: bool) -> FloatArray:
    """Return the hours played: all, or every few of a long event and those reported."""
    n_hours = int(event["n_hours"])
    if every_hour or n_hours <= HOURLY_H:
        return np.arange(n_hours, dtype=np.float64)
    reported = np.rint(reports["hour_h"].to_numpy().astype(np.float64))
    return np.unique(np.concatenate([np.arange(0, n_hours, STEP_H, dtype=np.float64), reported[reported < n_hours]]))


def play(
    event: dict[str, Any], tables: Tables, made: StressPlan, params: StressParams, *, seed: int,
    every_hour: bool = False, n_draws: int | None = None,
) -> Played | None:  # fmt: skip
    """Return a named event hour by hour, or None where its hazards strike nothing of the plan.

    The band holds nine draws of ten at the low, the central and the high setting of damage, access and batteries.
    """
    reports = tables["event_reports"].filter(pl.col("named_event_id") == event["named_event_id"])
    hour_h = hours_of(event, reports, every_hour=every_hour)
    draws = params.n_draws if n_draws is None else n_draws
    runs = [
        _one(event, tables, made, params, setting=setting, hour_h=hour_h, seed=seed, n_draws=draws)
        for setting in SETTINGS
    ]
    some = [run for run in runs if run is not None]
    middle = runs[SETTINGS.index("central")]
    if middle is None:
        return None

    def band(name: str) -> FloatArray:
        def of(run: Hourly, end: str) -> FloatArray:
            line = np.asarray(getattr(run, name + end), np.float64)
            return line if line.ndim == 1 else line[0]

        central = of(middle, "")
        low = np.minimum.reduce([central, *(of(run, "_low") for run in some)])
        return np.stack([low, central, np.maximum.reduce([central, *(of(run, "_high") for run in some)])])

    n_sites = float(made.network.is_site.sum())
    base = event["base_sites"]
    return Played(
        str(event["named_event_id"]), hour_h, band("n_sites_down"), band("people_out"), n_sites,
        float(people_of_region(made, event["region"]).network.people.sum()),
        1.0 if base is None else float(base) / max(n_sites, 1.0),
    )  # fmt: skip


def hour_rows(
    event: dict[str, Any], played: Played, reports: pl.DataFrame, revenue: HourlyRevenue
) -> list[dict[str, object]]:
    """Return rows of ``replay_hours``: one an hour, with the report of that hour where there is one."""
    said = {
        int(row["hour_h"] + 0.5): row
        for row in reports.filter(pl.col("named_event_id") == event["named_event_id"])
        .sort("report_id")
        .iter_rows(named=True)
    }
    rows: list[dict[str, object]] = []
    for t, hour in enumerate(played.hour_h.astype(np.int64).tolist()):
        report = said.get(hour)
        lines = played.line(report["what"])[:, t] if report else [None] * 3
        has_error = report is not None and report["value"] > 0.0
        low, middle, high = (None if value is None else float(value) for value in lines)
        error = abs(middle - report["value"]) / report["value"] if has_error and report and middle is not None else None
        rows.append({
            "named_event_id": played.name, "hour_h": hour, "n_sites": int(played.n_sites),
            "down_sites": played.sites_down[1, t], "down_low_sites": played.sites_down[0, t],
            "down_high_sites": played.sites_down[2, t],
            "down_frac": played.sites_down[1, t] / max(played.n_sites, 1.0),
            "without_people": played.people_without[1, t], "without_low_people": played.people_without[0, t],
            "without_high_people": played.people_without[2, t],
            "revenue_lost_usd_per_h": played.people_without[1, t] * revenue.usd_per_people_h,
            "what": report["what"] if report else None, "reported_value": report["value"] if report else None,
            "predicted_value": middle, "predicted_low_value": low, "predicted_high_value": high,
            "is_in_band": bool(low <= report["value"] <= high)
            if report and low is not None and high is not None
            else None,
            "has_error": has_error, "error_frac": error,
        })  # fmt: skip
    return rows


@dataclass(frozen=True, slots=True)
class FirstReport:
    """The hour of a named event's first report, the model's (low, central, high) there, and the scale to its unit."""

    hour_h: int
    line: tuple[float, float, float]
    unit_ratio: float


def first_prediction(event: dict[str, Any], played: Played, reports: pl.DataFrame, unit: str) -> FirstReport | None:
    """Return what the machine says at the first report of an event; None where its own row counts something else."""
    own = reports.filter(pl.col("named_event_id") == event["named_event_id"]).sort("hour_h", "report_id")
    if not own.height:
        return None
    row = own.row(0, named=True)
    if BY_UNIT[row["what"]] not in unit.lower():
        return None
    at = int(np.argmin(np.abs(played.hour_h - row["hour_h"])))
    low, middle, high = (float(value) for value in played.line(row["what"])[:, at])
    ratio = PCT if row["what"] == "sites_down_frac" else 1.0
    return FirstReport(int(played.hour_h[at]), (low, middle, high), ratio)


def played_events(
    tables: Tables, made: StressPlan, params: StressParams, *, seed: int
) -> dict[str, tuple[dict[str, Any], Played]]:
    """Return every named event that strikes something, by name."""
    found = {}
    for event in tables["named_events"].sort("named_event_id").iter_rows(named=True):
        played = play(event, tables, made, params, seed=seed)
        if played is not None:
            found[played.name] = (event, played)
    return found
