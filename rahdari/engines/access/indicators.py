"""Indicators of the access engine: reach of rates, fibre to homes and sites, the pace that targets ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rahdari.errors import Problem, TargetError, raise_if_any
from rahdari.methods.observations import as_count, as_share, latest, observations, pace_per_year
from rahdari.model import Indicator

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from rahdari.engines.access.params import AccessParams
    from rahdari.methods.observations import Target
    from rahdari.model import Context, Tables
    from rahdari.model.result import HowSure

RATES_MBPS = (20, 50, 100)


@dataclass(frozen=True, slots=True)
class Goals:
    """Targets of the programme as numbers; 0 where there is none.  Years are decimal."""

    passed_households: float
    site_fibre_frac: float
    due_at_year: float
    homes: Target | None
    sites: Target | None


def weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the value that half of the weight does not exceed; 0 without weight.

    >>> weighted_median(np.array([5.0, 1.0, 9.0]), np.array([1.0, 1.0, 3.0]))
    9.0
    """
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    if not len(total) or total[-1] <= 0.0:
        return 0.0
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])


def _rates(access: pl.DataFrame, year: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return rates and the people who can have them: homes passed get the fibre product, others the place's rate."""
    rows = access.filter(access["year"] == year)
    people = rows["n_people"].to_numpy().astype(np.float64)
    share = rows["n_households_passed"].to_numpy() / np.maximum(rows["n_households"].to_numpy(), 1)
    rate = rows["downlink_mbps"].to_numpy()
    with_fibre = np.maximum(rate, rows["product_mbps"].to_numpy())
    return np.concatenate([with_fibre, rate]), np.concatenate([people * share, people * (1.0 - share)])


def rate_indicators(access: pl.DataFrame, ctx: Context) -> list[Indicator]:
    """Return the share of people who can have 20, 50 and 100 Mbit/s, and the median, in both years."""
    found = []
    for year in (ctx.year_base, ctx.year_end):
        rate, people = _rates(access, year)
        total = max(float(people.sum()), 1.0)
        for limit in RATES_MBPS:
            share = float(people[rate >= limit * (1.0 - 1e-9)].sum()) / total
            name = f"People who can have {limit} Mbit/s at home"
            words = f"people whose busy-hour rate (fibre product where passed) is at least {limit} Mbit/s / people"
            found.append(Indicator(f"people_with_{limit}_mbps_frac", year, name, share, "frac", words, "modelled"))
        words = "median over people of the busy-hour rate of an active line (fibre product where passed)"
        median = weighted_median(rate, people)
        found.append(Indicator("median_downlink_mbps", year, "Median rate", median, "mbps", words, "modelled"))
        mean = float((rate * people).sum()) / total
        words = words.replace("median", "mean", 1)
        found.append(Indicator("mean_downlink_mbps", year, "Mean rate", mean, "mbps", words, "modelled"))
    return found


def fibre_indicators(
    tables: Tables,
    access: pl.DataFrame,
    planned_sites: pl.DataFrame,
    *,
    goals: Goals,
    params: AccessParams,
    ctx: Context,
) -> list[Indicator]:
    """Return homes passed and connected, the share of sites on fibre, and the pace that the targets ask for."""
    found = []
    sums = {}
    for year in (ctx.year_base, ctx.year_end):
        rows = access.filter(access["year"] == year)
        for kind in ("passed", "connected"):
            value = float(rows[f"n_households_{kind}"].sum())
            sums[kind, year] = value
            words = f"sum of access.n_households_{kind}"
            if year == ctx.year_base and kind == "passed":
                words += f"; today: published lines / take-up of {params.take_up_frac:g}, spread on towns"
            how: HowSure = "assumed" if year == ctx.year_base else "modelled"
            name = f"Households {kind} by fibre"
            ends = _published_ends(tables, value) if year == ctx.year_base else (None, None)
            found.append(
                Indicator(f"fibre_homes_{kind}_households", year, name, value, "households", words, how, *ends)
            )
    share = _site_indicators(tables, planned_sites, ctx, found)
    _pace_indicators(tables, goals, sums["passed", ctx.year_base], share, ctx=ctx, found=found)
    return found


def _published_ends(tables: Tables, value: float) -> tuple[float | None, float | None]:
    """Return the ends of ``value`` in proportion to those published for fibre lines, ``None`` where there are none."""
    lines = latest(tables, "ftth_subscribers")
    if lines is None or lines.value <= 0.0 or (lines.value_low is None and lines.value_high is None):
        return None, None
    low, high = lines.value_low or lines.value, lines.value_high or lines.value
    return value * low / lines.value, value * high / lines.value


def _site_indicators(
    tables: Tables, planned: pl.DataFrame, ctx: Context, found: list[Indicator]
) -> tuple[float, float]:
    """Append site counts and shares; return the sites in the last year and today's share on fibre."""
    towers = tables["sites"].filter(tables["sites"]["kind"] == "tower")
    n_now, fibre_now = float(towers.height), float(towers["is_fibre"].sum())
    n_end = n_now + float(planned["is_new"].sum())
    fibre_end = fibre_now + float(planned["is_fibre"].sum())
    for year, total, on_fibre in ((ctx.year_base, n_now, fibre_now), (ctx.year_end, n_end, fibre_end)):
        how: HowSure = "calibrated" if year == ctx.year_base else "modelled"
        share = on_fibre / max(total, 1.0)
        words = "towers joined by fibre / towers, planned and ordinary growth included"
        found.append(Indicator("fibre_sites_frac", year, "Cell sites on fibre", share, "frac", words, how))
        found.append(Indicator("cell_sites_count", year, "Cell sites", total, "count", "towers and planned_sites", how))
    return n_end, fibre_now / max(n_now, 1.0)


def _pace_indicators(
    tables: Tables,
    goals: Goals,
    passed_base: float,
    sites: tuple[float, float],
    *,
    ctx: Context,
    found: list[Indicator],
) -> None:
    """Append the yearly pace from the last observation to the due date, and that of the last observed year."""
    if goals.passed_households > 0.0:
        lines = latest(tables, "ftth_subscribers")
        start = lines.at_year if lines else float(ctx.year_base)
        pace = max(goals.passed_households - passed_base, 0.0) / max(goals.due_at_year - start, 1e-9)
        span = f"years from {start:.2f} to {goals.due_at_year:.2f}"
        words = f"({goals.passed_households:,.0f} - households passed today) / {span}"
        name = "Households to pass a year to reach the target"
        found.append(Indicator("required_households_per_year", ctx.year_end, name, pace, "per_year", words, "modelled"))
    if goals.site_fibre_frac <= 0.0:
        return
    total_end, share_now = sites
    series, counts = observations(tables, "fibre_to_site"), observations(tables, "cell_sites")
    start = series[-1].at_year if series else float(ctx.year_base)
    share = as_share(series[-1]) if series else share_now
    base = as_count(counts[-1]) if counts else float(tables["sites"].filter(tables["sites"]["kind"] == "tower").height)
    needed = goals.site_fibre_frac * total_end - share * base
    pace = max(needed, 0.0) / max(goals.due_at_year - start, 1e-9)
    words = f"({goals.site_fibre_frac:g} x sites at the due date - sites on fibre in {start:.1f}) / years left"
    name = "Sites to join by fibre a year to reach the target"
    found.append(Indicator("required_site_fibre_per_year", ctx.year_end, name, pace, "per_year", words, "modelled"))
    if len(series) > 1 and len(counts) > 1:
        before = as_share(series[-2]) * as_count(counts[-2])
        years = series[-1].at_year - series[-2].at_year
        observed = (share * base - before) / years
        words = "change of share x sites between the last two published years"
        name = "Sites joined by fibre a year, as observed"
        found.append(
            Indicator("observed_site_fibre_per_year", ctx.year_base, name, observed, "per_year", words, "measured")
        )
        if observed > 0.0:
            words = "required_site_fibre_per_year / observed_site_fibre_per_year"
            name = "Required over observed pace of fibre to sites"
            ratio = pace / observed
            found.append(
                Indicator("required_site_fibre_pace_ratio", ctx.year_end, name, ratio, "ratio", words, "modelled")
            )
    growth = pace_per_year(counts)
    if growth is not None:
        words = "change of the published number of sites over the last year"
        found.append(
            Indicator(
                "observed_sites_per_year",
                ctx.year_base,
                "New cell sites a year",
                growth,
                "per_year",
                words,
                "measured",
            )
        )


def target_notes(found: list[Indicator], goals: Goals, params: AccessParams, ctx: Context) -> list[str]:
    """Return a sentence for every target: met, or missed and by how much; raise where the scenario is strict."""
    pairs = (
        ("fibre_homes_passed_households", goals.passed_households, "households passed by fibre"),
        ("fibre_sites_frac", goals.site_fibre_frac, "share of cell sites on fibre"),
    )
    notes, problems = [], []
    for name, wanted, title in pairs:
        if wanted <= 0.0:
            continue
        value = next(item.value for item in found if item.indicator_id == name and item.year == ctx.year_end)
        digits = 3 if wanted <= 1.0 else 0
        text = f"{title}: {value:,.{digits}f} planned against a target of {wanted:,.{digits}f}"
        if value >= wanted * (1.0 - 1e-9):
            notes.append(f"Target met, {text}.")
        else:
            notes.append(f"Target missed, {text}: short by {wanted - value:,.{digits}f}.")
            cure = "lower the target, raise the budget or allow more ways and connectors"
            problems.append(Problem(f"{text}: short by {wanted - value:,.{digits}f}", cure))
    if params.is_target_strict or ctx.is_strict:
        raise_if_any(problems, TargetError)
    return notes
