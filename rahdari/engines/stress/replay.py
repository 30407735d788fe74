"""Published failures against what the engines would have said: one prediction an event, whoever makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from rahdari.engines.stress.events import first_prediction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rahdari.engines.stress.events import Played
    from rahdari.engines.stress.params import StressParams
    from rahdari.model import Tables

    PredictedBy = Literal["backbone", "replay_hours", "grid_share", "nothing"]

PCT = 100.0
SITE_WORDS = ("site", "tower")
#: What of ``backbone_replay`` is the loss itself; the other measures are what followed (rerouted, duration).
LOSS_MEASURES = ("lost", "isolated", "cut off")
NO_BACKBONE = "engine backbone replayed nothing in this plan"


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predicted loss with its band where it has one, who made it, and where it stands.

    ``value`` is ``base`` times ``unit_ratio``; ``None`` with the reason in ``note`` where nothing predicts the event.
    """

    by: PredictedBy
    value: float | None
    note: str
    low: float | None = None
    high: float | None = None
    unit: str | None = None
    unit_ratio: float = 1.0
    dark_frac: float | None = None
    measure: str | None = None
    named_event_id: str | None = None
    hour_h: int | None = None
    is_independent: bool = True


def scale_of(unit: str, n_sites: int) -> float | None:
    """Return by what a share of the sites is multiplied to be in the unit of a publication, or ``None``.

    >>> scale_of("pct", 200), scale_of("sites", 200), scale_of("provinces", 200)
    (100.0, 200.0, None)
    """
    text = unit.lower()
    if "pct" in text or "percent" in text or "%" in text:
        return PCT
    return float(n_sites) if any(word in text for word in SITE_WORDS) else None


def by_backbone(event: Mapping[str, Any], replay: pl.DataFrame) -> Prediction | None:
    """Return what engine backbone says of an event of cables or fibre, or ``None`` where it does not replay it."""
    own = replay.filter((pl.col("event_id") == event["event_id"]) & pl.col("measure").is_in(LOSS_MEASURES))
    if not own.height:
        return None
    row = own.sort("measure").row(0, named=True)
    ends = row["predicted_low_value"], row["predicted_high_value"]
    return Prediction(
        "backbone", row["predicted_value"], row["note"], *ends, unit=row["unit_text"], measure=row["measure"],
        is_independent=row["is_independent"],
    )  # fmt: skip


def by_the_hour(
    event: Mapping[str, Any], tables: Tables, played: Mapping[str, tuple[dict[str, Any], Played]]
) -> Prediction | None:
    """Return what the simulation by the hour says at the first report of an event, or None where it was not played."""
    unit = str(event["lost_unit"] or "")
    for named, own in played.values():
        if named["event_id"] != event["event_id"]:
            continue
        found = first_prediction(named, own, tables["event_reports"], unit)
        if found is None:
            return None
        ids = [name.strip() for name in named["hazard_ids"].split(";")]
        used = tables["hazards"].filter(pl.col("hazard_id").is_in(ids) & (pl.col("kind") != "grid_failure"))
        is_independent = event["source_id"] not in used["source_id"].to_list()
        note = f"simulated by the hour, see replay_hours; {named['inputs_note']}"
        low, middle, high = (value * found.unit_ratio for value in found.line)
        return Prediction(
            "replay_hours", middle, note, low, high, unit_ratio=found.unit_ratio, named_event_id=own.name,
            hour_h=found.hour_h, is_independent=is_independent,
        )  # fmt: skip
    return None


def by_grid_share(event: Mapping[str, Any], tables: Tables, params: StressParams) -> Prediction:
    """Return the share of sites that go dark when the whole grid fails for the event's length."""
    sites = tables["sites"].filter(pl.col("kind") == "tower")
    if not sites.height:
        return Prediction("nothing", None, "the country has no sites")
    stated, unit = event["duration_h"], str(event["lost_unit"] or "pct")
    hours = float(stated) if isinstance(stated, (int, float)) else params.grid_failure_h
    is_dark = pl.col("is_on_grid") & ~pl.col("has_generator") & (pl.col("battery_h") < hours)
    frac = float(sites.select(is_dark).to_series().sum()) / sites.height
    ratio = scale_of(unit, sites.height)
    if ratio is None:
        return Prediction("nothing", None, f"the loss is published in {unit}, which no share of the sites gives")
    note = f"grid-fed sites without generator whose battery lasts less than {hours:g} h; generators are refuelled"
    return Prediction("grid_share", frac * ratio, note, unit_ratio=ratio, dark_frac=frac)


def prediction_of(
    event: Mapping[str, Any], tables: Tables, params: StressParams,
    played: Mapping[str, tuple[dict[str, Any], Played]],
) -> Prediction:  # fmt: skip
    """Return the one prediction of an event: the backbone's for cables and fibre, else ours by the hour."""
    found = by_backbone(event, tables["backbone_replay"]) or by_the_hour(event, tables, played)
    if found is not None:
        return found
    if event["kind"] == "grid_failure":
        return by_grid_share(event, tables, params)
    unit = str(event["lost_unit"] or "no unit")
    note = f"nothing predicts a loss published in {unit}: engine backbone replays it not, no named event plays it"
    return Prediction("nothing", None, note if tables["backbone_replay"].height else f"{note}; {NO_BACKBONE}")


def replay_rows(
    tables: Tables, params: StressParams, played: Mapping[str, tuple[dict[str, Any], Played]]
) -> list[dict[str, object]]:
    """Return one row of ``event_replay`` for every event, compared or with the reason why not."""
    return [
        _row(event, prediction_of(event, tables, params, played))
        for event in tables["events"].sort("event_id").iter_rows(named=True)
    ]


def _row(event: Mapping[str, Any], made: Prediction) -> dict[str, object]:
    published = event["lost_value"] if event["lost_value"] is not None and event["lost_value"] > 0.0 else None
    silent = "not_modelled" if made.value is None else "no_published_loss"
    status = "replayed" if made.value is not None and published is not None else silent
    error = is_in_band = None
    if status == "replayed" and made.value is not None and published is not None:
        error = abs(made.value - published) / published
        if made.low is not None and made.high is not None:
            is_in_band = bool(made.low <= published <= made.high)
    return {
        **{name: event[name] for name in ("event_id", "at_utc", "kind", "what")},
        "status": status, "predicted_by": made.by, "measure": made.measure, "named_event_id": made.named_event_id,
        "hour_h": made.hour_h, "dark_frac": made.dark_frac, "unit_ratio": made.unit_ratio,
        "predicted_value": made.value, "predicted_low_value": made.low, "predicted_high_value": made.high,
        "published_value": event["lost_value"], "unit_text": event["lost_unit"] or made.unit, "error_frac": error,
        "is_in_band": is_in_band, "is_independent": made.is_independent, "note": made.note,
    }  # fmt: skip
