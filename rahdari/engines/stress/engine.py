"""Availability of every place as a product of independent parts, and the replay of real events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rahdari.engines.stress.replay import replay_rows
from rahdari.methods.availability import fibre_availability_frac, series_availability_frac
from rahdari.methods.geo import nearest
from rahdari.methods.results import result_frame
from rahdari.model import EngineResult, Indicator
from rahdari.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from rahdari.engines.stress.params import StressParams
    from rahdari.methods.routing import FloatArray
    from rahdari.model import Context, Tables

TABLES = Path(__file__).parent / "tables"
ELSEWHERE_KINDS = ("cut", "cable_cut", "grid_failure")  # hazards whose effect the fibre and power terms already hold
PARTS = ("power_frac", "last_mile_frac", "backhaul_frac", "core_frac", "hazard_frac")
INDEPENDENT = "Parts fail independently in the simple model: common causes make the truth worse."


def hazard_availability_frac(lon_deg: FloatArray, lat_deg: FloatArray, hazards: pl.DataFrame) -> FloatArray:
    """Return (n,) availability after the hazards that reach each point, each independent of the others."""
    frac: FloatArray = np.ones(lon_deg.size)
    for row in hazards.filter(~pl.col("kind").is_in(ELSEWHERE_KINDS)).sort("hazard_id").iter_rows(named=True):
        lost = min(1.0, row["rate_per_year"] * row["duration_h"] * row["severity_frac"] / HOURS_PER_YEAR)
        if row["lon_deg"] is None or row["lat_deg"] is None or row["radius_km"] is None:
            frac = frac * (1.0 - lost)
        else:
            centre = np.array([row["lon_deg"]]), np.array([row["lat_deg"]])
            frac = np.where(nearest(lon_deg, lat_deg, *centre)[1] <= row["radius_km"], frac * (1.0 - lost), frac)
    return frac


def core_distance_km(places: pl.DataFrame, route_ratio: float) -> FloatArray:
    """Return (n,) fibre kilometres from each place to the nearest city, or to the largest place without one."""
    cities = places.filter(pl.col("kind") == "city")
    if not cities.height:
        cities = places.sort("n_people", "place_id", descending=[True, False]).head(1)
    points = [frame[name].to_numpy() for frame in (places, cities) for name in ("lon_deg", "lat_deg")]
    return nearest(points[0], points[1], points[2], points[3])[1] * route_ratio


def core_availability_frac(routes: pl.DataFrame) -> float:
    """Return the mean availability of routes between cities with their second ways; of all routes without such."""
    between = routes.filter(pl.col("kind") == "city_pair")
    chosen = between if between.height else routes
    return float(np.mean(chosen.sort("route_id")["pair_availability_frac"].to_numpy())) if chosen.height else 1.0


def availability_table(tables: Tables, params: StressParams, year: int) -> pl.DataFrame:
    """Return ``availability``: one row a place, in place order."""
    places = tables["places"].sort("place_id")
    access = tables["access"].filter(pl.col("year") == year).select("place_id", "technology", "availability_frac")
    power = tables["place_power"].select("place_id", pl.col("availability_frac").alias("power_frac"))
    frame = places.select("place_id").join(access, on="place_id", how="left", maintain_order="left")
    frame = frame.join(power, on="place_id", how="left", maintain_order="left")
    is_served = (frame["technology"].fill_null("none") != "none").to_numpy()
    core_km = core_distance_km(places, params.route_ratio)
    core = core_availability_frac(tables["routes"])
    power_frac = frame["power_frac"].fill_null(1.0).to_numpy()
    # Access states its availability with power included; power has its own factor here.
    line_frac = frame["availability_frac"].fill_null(0.0).to_numpy() / np.where(power_frac > 0.0, power_frac, 1.0)
    parts: dict[str, FloatArray] = {
        "power_frac": power_frac,
        "last_mile_frac": np.where(is_served & (power_frac > 0.0), np.minimum(1.0, line_frac), 0.0),
        "backhaul_frac": fibre_availability_frac(core_km, params.cuts_per_1000_km_per_year, params.repair_h),
        "core_frac": np.full(places.height, core),
        "hazard_frac": hazard_availability_frac(
            places["lon_deg"].to_numpy(), places["lat_deg"].to_numpy(), tables["hazards"]
        ),
    }
    available = series_availability_frac(*(parts[name] for name in PARTS))
    columns = {
        "place_id": places["place_id"],
        "year": np.full(places.height, year),
        "is_served": is_served,
        "core_km": core_km,
        **parts,
        "availability_frac": available,
        "outage_h_per_year": (1.0 - available) * HOURS_PER_YEAR,
    }
    return result_frame(columns, TABLES / "availability.csv")


def _mean_outage_h(
    frame: pl.DataFrame, people: FloatArray, rate: float, power_ratio: float, params: StressParams
) -> float:
    """Return the people-weighted outage of served places at another cut rate and other dark hours, hours a year."""
    backhaul = fibre_availability_frac(frame["core_km"].to_numpy(), rate, params.repair_h)
    power = np.maximum(0.0, 1.0 - (1.0 - frame["power_frac"].to_numpy()) * power_ratio)
    others = [frame[name].to_numpy() for name in PARTS if name not in {"backhaul_frac", "power_frac"}]
    weight = people * frame["is_served"].to_numpy()
    outage_h = (1.0 - series_availability_frac(backhaul, power, *others)) * HOURS_PER_YEAR
    return float(weight @ outage_h / weight.sum()) if weight.sum() > 0.0 else 0.0


def indicators_of(
    frame: pl.DataFrame, replay: pl.DataFrame, people: FloatArray, params: StressParams, year: int
) -> tuple[Indicator, ...]:
    """Return sums over people and the miss of the replay; nothing is named or ranked."""
    served = frame["is_served"].to_numpy()
    long_outage = served & (frame["outage_h_per_year"].to_numpy() > params.long_outage_h_per_year)
    ends = (
        (params.cuts_per_1000_km_per_year, 1.0),
        (params.cuts_low_per_1000_km_per_year, 1.0 / params.power_uncertainty_ratio),
        (params.cuts_high_per_1000_km_per_year, params.power_uncertainty_ratio),
    )
    mean_h, low_h, high_h = (_mean_outage_h(frame, people, rate, ratio, params) for rate, ratio in ends)
    n_long = float(people[long_outage].sum())
    limit = f"{params.long_outage_h_per_year:g}"
    made = [
        Indicator(
            "mean_outage_h_per_year", year, "Hours without service, mean over people served", mean_h, "h_per_year",
            "people-weighted mean of availability.outage_h_per_year; range from the cut rate and the dark hours",
            "modelled", low_h, high_h,
        ),
        Indicator(
            f"people_over_{limit}h_outage_people", year, f"People with more than {limit} hours without service a year",
            n_long, "people", "sum of places.n_people where availability.outage_h_per_year is above", "modelled",
        ),
    ]  # fmt: skip
    errors = replay.filter("is_independent")["error_frac"].drop_nulls()
    made.append(
        Indicator(
            "replay_events_count", year, "Published failures that the model could be held against", float(errors.len()),
            "count", "rows of event_replay with status replayed whose inputs are independent of the event", "measured",
        )
    )  # fmt: skip
    if errors.len():
        made.append(
            Indicator(
                "replay_median_error_frac", year, "Median miss of the replay", float(np.median(errors.to_numpy())),
                "frac", "median of event_replay.error_frac over the same rows; range from best to worst", "modelled",
                float(np.min(errors.to_numpy())), float(np.max(errors.to_numpy())),
            )
        )  # fmt: skip
    return tuple(made)


def stress(tables: Tables, params: StressParams, ctx: Context) -> EngineResult:
    """Return ``availability`` of every place and ``event_replay`` of every published event.

    Results are per place and in sums; no cut set or worst pair is computed.
    """
    year = ctx.year_base
    frame = availability_table(tables, params, year)
    ctx.check_cancelled()
    replay = result_frame(replay_rows(tables, params), TABLES / "event_replay.csv")
    people = tables["places"].sort("place_id")["n_people"].to_numpy().astype(np.float64)
    unserved = float(people[~frame["is_served"].to_numpy()].sum())
    notes = [INDEPENDENT, "The replay is not tuned: every event has its line, also those that the model misses."]
    if unserved > 0.0:
        notes.append(f"{unserved:,.0f} people have no access technology in {year} and are not counted as failing.")
    n_silent = replay.filter(pl.col("status") != "replayed").height
    if n_silent:
        notes.append(f"{n_silent} of {replay.height} events cannot be compared; each line says why.")
    indicators = indicators_of(frame, replay, people, params, year)
    return EngineResult({"availability": frame, "event_replay": replay}, indicators, (), tuple(notes))
