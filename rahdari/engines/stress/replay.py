"""Published failures against what the model would have said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from rahdari.engines.stress.events import first_prediction
from rahdari.methods.geo import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rahdari.engines.stress.events import Played
    from rahdari.engines.stress.params import StressParams
    from rahdari.methods.routing import FloatArray
    from rahdari.model import Tables

PCT = 100.0
GBPS_PER_TBPS = 1000.0
PEOPLE_PER_MILLION = 1e6
ASIDE = re.compile(r"[^a-z0-9]+")
PEOPLE_WORDS, SITE_WORDS = ("people", "user", "subscriber"), ("site", "tower")


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predicted loss in the unit of the publication, or ``None`` with the reason."""

    value: float | None
    note: str
    is_independent: bool = True


def reached_frac(lon_deg: FloatArray, lat_deg: FloatArray, hazards: pl.DataFrame) -> FloatArray:
    """Return (n,) the largest severity of the hazards that reach each point; 0 where none does."""
    severity: FloatArray = np.zeros(lon_deg.size)
    for row in hazards.sort("hazard_id").iter_rows(named=True):
        if row["lon_deg"] is None or row["lat_deg"] is None or row["radius_km"] is None:
            inside = np.ones(lon_deg.size, dtype=np.bool_)
        else:
            centre = np.array([row["lon_deg"]]), np.array([row["lat_deg"]])
            inside = nearest(lon_deg, lat_deg, *centre)[1] <= row["radius_km"]
        severity = np.maximum(severity, np.where(inside, row["severity_frac"], 0.0))
    return severity


def counts(unit: str, words: tuple[str, ...]) -> bool:
    """Return whether a unit counts one of the given things.

    >>> counts("million users", PEOPLE_WORDS), counts("provinces", PEOPLE_WORDS + SITE_WORDS)
    (True, False)
    """
    return any(word in unit.lower() for word in words)


def scaled(frac: float, total: float, unit: str) -> float | None:
    """Return a share of ``total`` in the unit of a publication, or ``None`` where the unit counts something else.

    >>> scaled(0.5, 200.0, "pct"), scaled(0.5, 200.0, "sites"), scaled(0.5, 200.0, "provinces")
    (50.0, 100.0, None)
    """
    text = unit.lower()
    if "pct" in text or "percent" in text or "%" in text:
        return frac * PCT
    if counts(text, PEOPLE_WORDS + SITE_WORDS):
        return frac * total / (PEOPLE_PER_MILLION if "million" in text else 1.0)
    return None


def as_prediction(frac: float, total: float, unit: str, note: str) -> Prediction:
    """Return the prediction in the unit of the publication, or the reason why it has none."""
    value = scaled(frac, total, unit)
    return Prediction(value, note if value is not None else f"the loss is published in {unit}, which no share gives")


def grid_failure(event: dict[str, object], tables: Tables, params: StressParams) -> Prediction:
    """Return the share of sites that go dark when the whole grid fails for the event's length."""
    sites = tables["sites"].filter(pl.col("kind") == "tower")
    if not sites.height:
        return Prediction(None, "the country has no sites")
    stated = event["duration_h"]
    hours = float(stated) if isinstance(stated, (int, float)) else params.grid_failure_h
    is_dark = pl.col("is_on_grid") & ~pl.col("has_generator") & (pl.col("battery_h") < hours)
    frac = float(sites.select(is_dark).to_series().sum()) / sites.height
    note = f"grid-fed sites without generator whose battery lasts less than {hours:g} h; generators are refuelled"
    return as_prediction(frac, sites.height, str(event["lost_unit"] or "pct"), note)


def cable_cut(event: dict[str, object], tables: Tables, params: StressParams) -> Prediction:
    """Return the traffic lost with the sea cables that the event names."""
    # What follows the first semicolon tells of the cables that took over, not of those that were cut.
    text = ASIDE.sub("", str(event["what"]).lower().split(";")[0])
    cables = tables["cables"].filter(pl.col("kind") == "subsea").sort("cable_id")
    named = [
        row
        for row in cables.iter_rows(named=True)
        if ASIDE.sub("", row["name"].lower()) in text and row["active_tbps"] is not None
    ]
    if not named:
        return Prediction(None, "the publication names no cable whose active capacity is known")
    lost_gbps = sum(row["active_tbps"] for row in named) * GBPS_PER_TBPS * params.cable_use_frac
    unit = str(event["lost_unit"] or "gbps").lower()
    if "bps" not in unit:
        return Prediction(None, "the loss is not published as traffic")
    value = lost_gbps / GBPS_PER_TBPS if "tbps" in unit else lost_gbps
    note = f"active capacity of {len(named)} named cable(s) times the share in use, {params.cable_use_frac:g}"
    return Prediction(value, note)


def flood(event: dict[str, object], tables: Tables, _params: StressParams) -> Prediction:
    """Return the share of sites, or the number of people, that the flood hazards would strike all at once."""
    hazards = tables["hazards"].filter(pl.col("kind") == "flood")
    unit = str(event["lost_unit"] or "pct")
    by_people = counts(unit, PEOPLE_WORDS)
    table = tables["places"] if by_people else tables["sites"].filter(pl.col("kind") == "tower")
    if not hazards.height or not table.height:
        return Prediction(None, "no flood hazard or no exposed asset is known")
    table = table.sort("place_id" if by_people else "site_id")
    weight = table["n_people"].to_numpy().astype(np.float64) if by_people else np.ones(table.height)
    severity = reached_frac(table["lon_deg"].to_numpy(), table["lat_deg"].to_numpy(), hazards)
    frac = float(weight @ severity) / float(weight.sum())
    made = as_prediction(frac, float(weight.sum()), unit, f"all {hazards.height} flood hazards at once")
    if event["source_id"] not in hazards["source_id"].to_list():
        return made
    note = f"{made.note}; they were drawn from the report of this event, so agreement proves nothing"
    return Prediction(made.value, note, is_independent=False)


MODELS = {"grid_failure": grid_failure, "cable_cut": cable_cut, "flood": flood}


def by_the_hour(
    event: Mapping[str, Any], tables: Tables, played: Mapping[str, tuple[dict[str, Any], Played]]
) -> Prediction | None:
    """Return what the simulation by the hour says at the first report of an event, or None where it was not played."""
    for named, own in played.values():
        if named["event_id"] != event["event_id"]:
            continue
        value = first_prediction(named, own, tables["event_reports"], str(event["lost_unit"] or ""))
        if value is None:
            return None
        ids = [name.strip() for name in named["hazard_ids"].split(";")]
        used = tables["hazards"].filter(pl.col("hazard_id").is_in(ids) & (pl.col("kind") != "grid_failure"))
        is_independent = event["source_id"] not in used["source_id"].to_list()
        note = f"simulated by the hour, see replay_hours; {named['inputs_note']}"
        return Prediction(value, note, is_independent)
    return None


def replay_rows(
    tables: Tables, params: StressParams, played: Mapping[str, tuple[dict[str, Any], Played]]
) -> list[dict[str, object]]:
    """Return one row of ``event_replay`` for every event, compared or with the reason why not."""
    rows = []
    for event in tables["events"].sort("event_id").iter_rows(named=True):
        model = MODELS.get(event["kind"])
        made = by_the_hour(event, tables, played) or (
            model(event, tables, params) if model else Prediction(None, "the model has no such failure")
        )
        published = event["lost_value"]
        if made.value is None:
            status = "not_modelled"
        elif published is None or published <= 0.0:
            status = "no_published_loss"
        else:
            status = "replayed"
        error = abs(made.value - published) / published if status == "replayed" and made.value is not None else None
        rows.append(
            {
                **{name: event[name] for name in ("event_id", "at_utc", "kind", "what")},
                "status": status,
                "predicted_value": made.value,
                "published_value": published,
                "unit_text": event["lost_unit"],
                "error_frac": error,
                "is_independent": made.is_independent,
                "note": made.note,
            }
        )
    return rows
