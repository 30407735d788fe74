"""Availability of every place under hazards that come together, named events hour by hour, and what hardening buys."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.engines.stress.events import Played, hour_rows, played_events
from rahdari.engines.stress.graph import SERVICES, StressPlan, stress_plan
from rahdari.engines.stress.hazards import HOURS_PER_DAY, hazards_of
from rahdari.engines.stress.indicators import indicators_of
from rahdari.engines.stress.parts import parts_of, people_of
from rahdari.engines.stress.replay import NO_BACKBONE, replay_rows
from rahdari.engines.stress.revenue import REVENUE_NOTE, basis_table, hourly_revenue, loss_row, yearly_columns
from rahdari.engines.stress.worth import hardening_rows
from rahdari.methods.availability import series_availability_frac
from rahdari.methods.results import result_frame
from rahdari.methods.stress_runs import StressResult, run
from rahdari.model import EngineResult
from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rahdari.engines.stress.params import StressParams
    from rahdari.engines.stress.revenue import HourlyRevenue
    from rahdari.methods.hazard_sampling import Hazard
    from rahdari.methods.routing import FloatArray
    from rahdari.model import Context, Tables

TABLES = Path(__file__).parent / "tables"
RANGE_RUNS = 256  # at each end of cut rate and dark hours
TOGETHER_NOTE = "Hazards come together: floods with one another, and all sites of a supply zone with its feeder."
UNTUNED_NOTE = "The replay is not tuned: every event has its line, also those that the model misses."
CUTS_NOTE = "{n_cuts} events of cables and fibre are predicted by engine backbone; event_replay takes its rows."


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """What the runs gave: the result, and customer-hours lost at the low and high ends over those in the middle."""

    result: StressResult
    low_ratio: float
    high_ratio: float


def simulate(
    made: StressPlan, hazards: Sequence[Hazard], correlations: Mapping[tuple[str, str], float], *, tables: Tables,
    params: StressParams, ctx: Context,
) -> Simulated:  # fmt: skip
    """Return the runs of a plan, and runs at the ends of the cut rate and of the hours without grid."""
    n_runs = params.n_runs_full if ctx.detail == "full" else params.n_runs_quick
    options: dict[str, Any] = {"correlations": correlations, "map_function": ctx.map}
    result = run(
        made.network, hazards, n_runs, ctx.seed, **options,
        on_progress=lambda done, total: ctx.progress(done, total, "stress runs"),
    )  # fmt: skip
    lost = []
    ends = (
        (params.cuts_low_per_1000_km_per_year, 1.0 / params.power_uncertainty_ratio),
        (params.cuts_high_per_1000_km_per_year, params.power_uncertainty_ratio),
    )
    for rate, ratio in ends:
        own = params.model_copy(update={"cuts_per_1000_km_per_year": rate})
        hours = np.minimum(made.zone_outage_h_per_day * ratio, HOURS_PER_DAY)
        changed_plan = replace(made, zone_outage_h_per_day=hours)
        some, pairs = hazards_of(tables, changed_plan, own)
        found = run(
            changed_plan.network, some, min(RANGE_RUNS, n_runs), ctx.seed, correlations=pairs, map_function=ctx.map
        )
        lost.append(max(float(found.customer_h_per_year[0, 0]), np.finfo(np.float64).tiny))
    middle = max(float(result.customer_h_per_year[0, 0]), np.finfo(np.float64).tiny)
    return Simulated(result, min(lost[0] / middle, 1.0), max(lost[1] / middle, 1.0))


def availability_table(
    tables: Tables, params: StressParams, year: int, simulated: Simulated | None, revenue: HourlyRevenue
) -> pl.DataFrame:
    """Return ``availability``: one row a place, in place order.

    Without a network to simulate, the parts stand for it, as if they failed independently.
    """
    columns, parts = parts_of(tables, params, year)
    independent = series_availability_frac(*parts.values())
    last_mile = parts["last_mile_frac"]
    if simulated is None:
        others = [value for name, value in parts.items() if name != "last_mile_frac"]
        middle = low = high = series_availability_frac(*others)
    else:
        found = simulated.result
        middle, low, high = (ends[0] for ends in (found.availability_frac, found.low_frac, found.high_frac))
    available = middle * last_mile
    ends_h = tuple((1.0 - share * last_mile) * HOURS_PER_YEAR for share in (high, middle, low))
    data = {
        **columns, **parts, "independent_frac": independent, "simulated_frac": middle, "simulated_low_frac": low,
        "simulated_high_frac": high, "availability_frac": available,
        "outage_h_per_year": ends_h[1], **yearly_columns(people_of(tables), columns["is_served"], ends_h, revenue),
    }  # fmt: skip
    return result_frame(data, TABLES / "availability.csv")


def service_table(places: pl.Series, result: StressResult | None) -> pl.DataFrame:
    """Return ``service_availability``: one row a place and service; none without a network."""
    path = TABLES / "service_availability.csv"
    if result is None:
        return result_frame(None, path)
    n, k = places.len(), len(SERVICES)
    availability: FloatArray = result.availability_frac.T.reshape(-1)
    data = {
        "place_id": places.gather(np.repeat(np.arange(n), k)),
        "service_id": list(result.service_id) * n,
        "n_runs": np.full(n * k, result.n_runs),
        "availability_frac": availability,
        "low_frac": result.low_frac.T.reshape(-1),
        "high_frac": result.high_frac.T.reshape(-1),
        "outage_h_per_year": (1.0 - availability) * HOURS_PER_YEAR,
    }
    return result_frame(data, path)


def _notes(
    frame: pl.DataFrame, replay: pl.DataFrame, people: FloatArray, played: Mapping[str, Any], year: int
) -> list[str]:
    notes = [TOGETHER_NOTE, UNTUNED_NOTE, REVENUE_NOTE]
    notes += [f"{event['name']}: {event['inputs_note']}." for event, _ in played.values()]
    unserved = float(people[~frame["is_served"].to_numpy()].sum())
    if unserved > 0.0:
        notes.append(f"{unserved:,.0f} people have no access technology in {year} and are not counted as failing.")
    n_cuts = replay.filter(pl.col("predicted_by") == "backbone").height
    notes.append(CUTS_NOTE.format(n_cuts=n_cuts) if n_cuts else f"{NO_BACKBONE.capitalize()}; cuts stay uncompared.")
    n_silent = replay.filter(pl.col("status") != "replayed").height
    if n_silent:
        notes.append(f"{n_silent} of {replay.height} events cannot be compared; each line says why.")
    return notes


def stress(tables: Tables, params: StressParams, ctx: Context) -> EngineResult:
    """Return availability by place and service, events replayed by the hour, and what each hardening buys.

    Results are per place, per class of assets and in sums; nothing is named or ranked by the harm its loss would do.
    """
    year = ctx.year_base
    made = stress_plan(tables, params, year)
    played: dict[str, tuple[dict[str, Any], Played]] = {}
    simulated, worth = None, []
    if made is not None:
        hazards, correlations = hazards_of(tables, made, params)
        simulated = simulate(made, hazards, correlations, tables=tables, params=params, ctx=ctx)
        ctx.check_cancelled()
        played = played_events(tables, made, params, seed=ctx.seed)
        ctx.check_cancelled()
        worth = hardening_rows(tables, made, hazards, correlations, params=params, ctx=ctx)
    revenue = hourly_revenue(tables, params)
    frame = availability_table(tables, params, year, simulated, revenue)
    replay = result_frame(replay_rows(tables, params, played), TABLES / "event_replay.csv")
    reports = tables["event_reports"]
    hours = [row for event, own in played.values() for row in hour_rows(event, own, reports, revenue)]
    losses = [loss_row(event, own, revenue) for event, own in played.values()]
    people = people_of(tables)
    services = service_table(tables["places"].sort("place_id")["place_id"], simulated.result if simulated else None)
    made_tables = {
        "availability": frame, "event_replay": replay, "service_availability": services,
        "replay_hours": result_frame(hours, TABLES / "replay_hours.csv"),
        "hardening_value": result_frame(worth, TABLES / "hardening_value.csv"),
        "event_losses": result_frame(losses, TABLES / "event_losses.csv"),
        "revenue_basis": basis_table(tables, params),
    }  # fmt: skip
    ends = (simulated.low_ratio, simulated.high_ratio) if simulated else (1.0, 1.0)
    indicators = indicators_of(
        made_tables, people, params, year, ends=ends, result=simulated.result if simulated else None
    )
    return EngineResult(made_tables, indicators, (), tuple(_notes(frame, replay, people, played, year)))
