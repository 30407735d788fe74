"""Hazards from footprints and curves, and named events replayed hour by hour against what was reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import polars as pl

from rahdari.errors import InputError, Problem, raise_if_any
from rahdari.methods.cascade import REPLAY_DRAWS, hourly
from rahdari.methods.geo import great_circle_km
from rahdari.methods.hazard_sampling import Hazard, Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from rahdari.methods.cascade import Hourly, StressNetwork
    from rahdari.methods.fragility import Fragility, Which

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

What = Literal["n_sites_down", "n_sites_dark", "sites_down_frac", "people_out", "people_out_frac", "mbps_out"]
SCHEMA = {
    "event_id": pl.String, "hour_h": pl.Float64, "what": pl.String, "service_id": pl.String,
    "predicted_value": pl.Float64, "low_value": pl.Float64, "high_value": pl.Float64, "reported_value": pl.Float64,
    "error_frac": pl.Float64, "is_in_band": pl.Boolean, "source_id": pl.String,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """Where a hazard is felt at one return period: things (k,) and the intensity at each (k,), in its curve's unit."""

    return_period_years: float
    member: IntArray
    intensity_value: FloatArray


def circle_footprint(
    lon_deg: ArrayLike,
    lat_deg: ArrayLike,
    centre_deg: tuple[float, float],
    radius_km: float,
    *,
    peak_value: float,
    return_period_years: float,
    edge_frac: float = 0.0,
) -> Footprint:
    """Return the things within a circle; the intensity falls evenly from its peak to ``edge_frac`` of it at the edge.

    A circle that holds nothing, such as one outside the country, raises :class:`InputError`.
    """
    lon, lat = np.asarray(lon_deg, np.float64), np.asarray(lat_deg, np.float64)
    km = great_circle_km(lon, lat, np.full(lon.shape, centre_deg[0]), np.full(lat.shape, centre_deg[1]))
    member = np.flatnonzero(km <= radius_km)
    if not member.size:
        nearest = float(km.min()) if km.size else float("inf")
        where = f"{centre_deg[0]:g}, {centre_deg[1]:g}"
        what = f"the hazard at {where} reaches nothing: the nearest thing is {nearest:.0f} km off"
        raise InputError(Problem(what, "check longitude and latitude, or widen radius_km"))
    share = 1.0 - (1.0 - edge_frac) * km[member] / max(radius_km, np.finfo(np.float64).tiny)
    return Footprint(return_period_years, member, peak_value * share)


def damage_hazard(
    hazard_id: str,
    kind: str,
    footprints: Sequence[Footprint],
    class_name: Sequence[str],
    asset_class: IntArray,
    *,
    curves: Fragility,
    curve_hazard: str | None = None,
    which: Which = "central",
    within_h: float = 0.0,
    access_h: float = 0.0,
) -> Hazard:
    """Return a damage hazard of footprints by return period and of fragility curves.

    ``asset_class`` (n_things,) numbers ``class_name``; ``curve_hazard`` is the name of the hazard in the curves, else
    ``kind``.  A hazard that no curve of any class knows raises :class:`InputError`.
    """
    named = curve_hazard or kind
    if not any(curves.of(name, named) for name in class_name):
        known = ", ".join(sorted({curve.hazard for curve in curves.curves}))
        raise InputError(
            Problem(f"{hazard_id}: no curve for {named} and any of {', '.join(class_name)}", f"use {known}")
        )
    levels = []
    for print_ in sorted(footprints, key=lambda one: one.return_period_years):
        chance = np.zeros(print_.member.size)
        worse = np.zeros((print_.member.size, 3))
        own = asset_class[print_.member]
        for number, name in enumerate(class_name):
            some = own == number
            chance[some], worse[some] = curves.damage(name, named, print_.intensity_value[some], which)
        levels.append(Level(1.0 / print_.return_period_years, print_.member, chance, worse))
    hours, sigma = curves.repair(class_name, named)
    return Hazard(
        hazard_id, kind, "damage", tuple(levels), within_h=within_h, access_h=access_h, repair_h=hours,
        repair_sigma_ratio=sigma,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """What was published about one hour of an event; ``value`` in the unit that ``what`` says."""

    hour_h: float
    what: What
    value: float
    source_id: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class NamedEvent:
    """An event that happened: its hazards, the level of each, the hours played and what was reported.

    ``base_sites`` is the number of sites that reports count against, where it is not the network's own: predicted
    counts are scaled to it.
    """

    event_id: str
    hazards: tuple[Hazard, ...]
    n_hours: int
    reports: tuple[Report, ...]
    strength: dict[str, int] | None = None
    base_sites: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """An event hour by hour, and a table of what was predicted beside what was reported."""

    series: Hourly
    table: pl.DataFrame

    @property
    def median_error_frac(self) -> float | None:
        """Return the median miss over what was reported, None where nothing can be compared."""
        value = self.table["error_frac"].drop_nulls().median()
        return float(value) if isinstance(value, int | float) else None


def event_problems(event: NamedEvent) -> list[Problem]:
    """Return all that is wrong with an event: no hours, unknown measures, reports outside its hours."""
    problems = []
    if event.n_hours < 1:
        problems.append(Problem(f"{event.event_id} plays {event.n_hours} hours", "give one or more"))
    for number, report in enumerate(event.reports, start=1):
        if report.what not in get_args(What):
            cure = f"use one of {', '.join(get_args(What))}"
            problems.append(Problem(f"{event.event_id}: unknown measure {report.what!r}", cure, row=number))
        if not 0.0 <= report.hour_h < event.n_hours:
            what = f"{event.event_id}: a report at hour {report.hour_h:g} of {event.n_hours}"
            problems.append(Problem(what, "play more hours or correct the report", row=number))
        if not report.value >= 0.0:
            problems.append(Problem(f"{event.event_id}: a report of {report.value:g}", "give zero or more", row=number))
    return problems


def replay(
    network: StressNetwork, event: NamedEvent, *, service: int = 0, n_draws: int = REPLAY_DRAWS, seed: int = 1
) -> Replay:
    """Return an event hour by hour with a band of 90 % of the draws, and every report beside the prediction.

    Nothing is fitted to reports.  Between whole hours the nearest is taken.  A report of zero has no relative error.
    """
    raise_if_any(event_problems(event))
    hours = np.arange(event.n_hours, dtype=np.float64)
    series = hourly(network, event.hazards, hours, strength=event.strength, n_draws=n_draws, seed=seed)
    n_sites = max(float(network.is_site.sum()), 1.0)
    scale = 1.0 if event.base_sites is None else event.base_sites / n_sites
    people = max(float(network.people.sum()), 1.0)
    dark = series.n_sites_dark
    lines: dict[str, tuple[FloatArray, FloatArray, FloatArray]] = {
        "n_sites_down": (
            series.n_sites_down * scale, series.n_sites_down_low * scale, series.n_sites_down_high * scale,
        ),
        "n_sites_dark": (dark * scale, dark * scale, dark * scale),
        "sites_down_frac": (
            series.n_sites_down / n_sites, series.n_sites_down_low / n_sites, series.n_sites_down_high / n_sites,
        ),
        "people_out": (series.people_out[service], series.people_out_low[service], series.people_out_high[service]),
        "people_out_frac": (
            series.people_out[service] / people, series.people_out_low[service] / people,
            series.people_out_high[service] / people,
        ),
        "mbps_out": (series.mbps_out[service],) * 3,
    }  # fmt: skip
    rows = []
    for report in sorted(event.reports, key=lambda one: (one.hour_h, one.what)):
        at = min(round(report.hour_h), event.n_hours - 1)
        predicted, low, high = (float(line[at]) for line in lines[report.what])
        error = abs(predicted - report.value) / report.value if report.value > 0.0 else None
        rows.append({
            "event_id": event.event_id, "hour_h": report.hour_h, "what": report.what,
            "service_id": series.service_id[service], "predicted_value": predicted, "low_value": low,
            "high_value": high, "reported_value": report.value, "error_frac": error,
            "is_in_band": low <= report.value <= high, "source_id": report.source_id or None,
        })  # fmt: skip
    return Replay(series, pl.DataFrame(rows, schema=SCHEMA))
